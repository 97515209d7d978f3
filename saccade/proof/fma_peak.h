#pragma once

#include "saccade/base/integer.h"

namespace saccade::proof {

/// The floating-point operations that this machine's cores can do in a second at most, in GFLOP/s: fused multiply-adds on
/// registers alone, on thread_count() threads, the best of several short rounds and of the vector widths at hand. What a
/// kernel reaches is told as a share of it, so that figures of different machines and days compare.
double measure_fma_peak();

/// Floats in this processor's widest vector: 8 with AVX2, 16 with AVX-512.
Index vector_floats();

}  // namespace saccade::proof
