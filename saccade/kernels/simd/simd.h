#pragma once
#include "saccade/base/integer.h"

// A source with vector code includes this before any header of Highway: it says which instruction sets are built.
// Every x86-64 processor since 2009 has SSE4.2; below it Highway has one-lane emulation only, which we neither want nor
// can compile with GCC 12.2 (its bug 106322).
#if defined(__x86_64__) && !defined(HWY_BASELINE_TARGETS)
#define HWY_BASELINE_TARGETS HWY_SSE4
#endif
// Vectors of a length known to the compiler: NEON on ARM.
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#endif

/// Our own vector implementations, "simd" in the lists: Highway compiles each source for several instruction sets
/// (SSE4, AVX2 and AVX-512, or NEON) and picks one when the program runs.
namespace saccade::kernels::simd {

/// Floats of the widest vector (AVX-512); every other divides it.
inline constexpr Index kMostLanes = 16;

/// Elements that one task of a parallel loop handles: 64 KiB of floats, which stay in the second-level cache, and whose
/// work outweighs the cost of handing them out.
inline constexpr Index kGrain = 16384;

/// Rows of `columns` elements that make up about kGrain elements.
constexpr Index rows_per_task(Index columns) noexcept { return columns >= kGrain ? 1 : ceil_divide(kGrain, columns); }

}  // namespace saccade::kernels::simd
