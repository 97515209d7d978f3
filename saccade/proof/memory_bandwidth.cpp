#include "saccade/proof/memory_bandwidth.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "saccade/base/parallel.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/proof/memory_bandwidth.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace saccade::proof::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// count is a multiple of the lanes, and a is aligned to vectors.
void Triad(float* a, const float* b, const float* c, Index count) {
  const hn::ScalableTag<float> d;
  const auto factor = hn::Set(d, 0.5F);
  for (Index i = 0; i < count; i += static_cast<Index>(hn::Lanes(d))) {
    hn::Stream(hn::MulAdd(factor, hn::LoadU(d, c + i), hn::LoadU(d, b + i)), d, a + i);
  }
  hwy::FlushStream();
}

}  // namespace saccade::proof::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::proof {
namespace {

HWY_EXPORT(Triad);

constexpr Index kFloats = Index{1} << 24;  // 64 MB
constexpr Index kPiece = Index{1} << 18;
constexpr int kRounds = 15;

}  // namespace

double measure_memory_bandwidth() {
  using Clock = std::chrono::steady_clock;
  constexpr std::align_val_t kAlignment{128};
  const auto allocate = [&] {
    const auto release = [](float* memory) { ::operator delete(memory, kAlignment); };
    return std::unique_ptr<float, decltype(release)>(
        static_cast<float*>(::operator new(sizeof(float) * kFloats, kAlignment)), release);
  };
  const auto a = allocate(), b = allocate(), c = allocate();
  parallel_ranges(kFloats, kPiece, [&](Index begin, Index end) {
    for (float* array : {a.get(), b.get(), c.get()}) std::fill(array + begin, array + end, 1.0F);
  });
  double best = 0.0;
  for (int round = 0; round < kRounds; ++round) {
    const auto start = Clock::now();
    parallel_ranges(kFloats, kPiece, [&](Index begin, Index end) {
      HWY_DYNAMIC_DISPATCH(Triad)(a.get() + begin, b.get() + begin, c.get() + begin, end - begin);
    });
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    best = std::max(best, 3.0 * sizeof(float) * static_cast<double>(kFloats) / seconds / 1e9);
  }
  return best;
}

}  // namespace saccade::proof
#endif
