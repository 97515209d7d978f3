#pragma once

namespace saccade::proof {

/// The floating-point operations that this machine's cores can do in a second at most, in GFLOP/s: fused multiply-adds on
/// registers alone, on thread_count() threads, the best of several short rounds and of the vector widths at hand. What a
/// kernel reaches is told as a share of it, so that figures of different machines and days compare.
double measure_fma_peak();

}  // namespace saccade::proof
