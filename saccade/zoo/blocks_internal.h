#pragma once
#include <string>

#include "saccade/nn/layer.h"
#include "saccade/nn/options.h"

namespace saccade::zoo {

/// A convolution without bias (normalisation would take it away again), batch normalisation, and an activation unless it
/// is linear. Layers `conv` and `norm`.
struct ConvNorm {
  std::string conv, norm;
  Index filters = 0;
  Index kernel = 3;
  Index stride = 1;
  Padding padding = same;
  Activation activation = relu;
  float momentum = 0.9F;  ///< PyTorch's 0.1 is 0.9 here, as Keras has it.
  float epsilon = 1e-5F;  ///< PyTorch's.
};
Node conv_norm(const Node& x, const ConvNorm& options);
/// The same with a depthwise convolution; `filters` is not read.
Node depthwise_norm(const Node& x, const ConvNorm& options);

/// So many pixels on every side, as PyTorch's padding=.
inline Padding all_sides(Index pixels) { return pads(pixels, pixels, pixels, pixels); }

/// The nearest multiple of 8 that is no more than a tenth below `channels`: how mobile networks round their widths.
/// Source: tensorflow/models, mobilenet's make_divisible.
Index multiple_of_8(double channels);

}  // namespace saccade::zoo
