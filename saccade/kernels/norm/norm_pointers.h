#pragma once

namespace saccade::kernels {

/// Coefficients of channels, as the loops of batch normalisation see them (batch_statistics.h has the formulas).
struct NormPointers {
  const float *mean, *factor, *offset;
};
struct NormGradientPointers {
  const float *mean, *factor, *tilt, *shift;
};

}  // namespace saccade::kernels
