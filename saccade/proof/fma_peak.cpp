#include "saccade/proof/fma_peak.h"

#include <algorithm>
#include <chrono>

#include "saccade/base/parallel.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/proof/fma_peak.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace saccade::proof::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Multiply-adds of twelve vectors, as many as hide the latency and still stay in registers. Returns what keeps the
/// compiler from leaving them out.
template <class D>
HWY_INLINE float MultiplyAdd(D d, Index times) {
  const auto factor = hn::Set(d, 0.999F);
  const auto term = hn::Set(d, 0.001F);
  // Each starts elsewhere: the compiler would do equal ones only once.
  auto a = hn::Set(d, 0.01F), b = hn::Set(d, 0.02F), c = hn::Set(d, 0.03F), e = hn::Set(d, 0.04F);
  auto f = hn::Set(d, 0.05F), g = hn::Set(d, 0.06F), h = hn::Set(d, 0.07F), i = hn::Set(d, 0.08F);
  auto j = hn::Set(d, 0.09F), k = hn::Set(d, 0.10F), l = hn::Set(d, 0.11F), m = hn::Set(d, 0.12F);
  for (Index n = 0; n < times; ++n) {
    a = hn::MulAdd(a, factor, term);
    b = hn::MulAdd(b, factor, term);
    c = hn::MulAdd(c, factor, term);
    e = hn::MulAdd(e, factor, term);
    f = hn::MulAdd(f, factor, term);
    g = hn::MulAdd(g, factor, term);
    h = hn::MulAdd(h, factor, term);
    i = hn::MulAdd(i, factor, term);
    j = hn::MulAdd(j, factor, term);
    k = hn::MulAdd(k, factor, term);
    l = hn::MulAdd(l, factor, term);
    m = hn::MulAdd(m, factor, term);
  }
  const auto left = hn::Add(hn::Add(hn::Add(a, b), hn::Add(c, e)), hn::Add(f, g));
  const auto right = hn::Add(hn::Add(hn::Add(h, i), hn::Add(j, k)), hn::Add(l, m));
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(left, right)));
}

float MultiplyAddWidest(Index times) { return MultiplyAdd(hn::ScalableTag<float>(), times); }
float MultiplyAdd256(Index times) { return MultiplyAdd(hn::CappedTag<float, 8>(), times); }
Index LanesWidest() { return static_cast<Index>(hn::Lanes(hn::ScalableTag<float>())); }
Index Lanes256() { return static_cast<Index>(hn::Lanes(hn::CappedTag<float, 8>())); }

}  // namespace saccade::proof::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::proof {
namespace {

HWY_EXPORT(MultiplyAddWidest);
HWY_EXPORT(MultiplyAdd256);
HWY_EXPORT(LanesWidest);
HWY_EXPORT(Lanes256);

constexpr Index kVectors = 12;
constexpr Index kTimes = 200'000;  // of twelve vectors: about a millisecond
constexpr int kRounds = 30;

/// GFLOP/s of one round on every thread.
template <class Work>
double time_round(Index lanes, Work work) {
  using Clock = std::chrono::steady_clock;
  const Index threads = thread_count();
  const auto start = Clock::now();
  parallel_for(threads, [&](Index) { [[maybe_unused]] volatile float sink = work(kTimes); });
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return 2.0 * static_cast<double>(threads * kTimes * kVectors * lanes) / seconds / 1e9;
}

}  // namespace

double measure_fma_peak() {
  const auto widest = [](Index times) { return HWY_DYNAMIC_DISPATCH(MultiplyAddWidest)(times); };
  const auto narrower = [](Index times) { return HWY_DYNAMIC_DISPATCH(MultiplyAdd256)(times); };
  const Index lanes_widest = HWY_DYNAMIC_DISPATCH(LanesWidest)();
  const Index lanes_narrower = HWY_DYNAMIC_DISPATCH(Lanes256)();
  double best = 0.0;
  for (int round = 0; round < kRounds; ++round) {
    best = std::max({best, time_round(lanes_widest, widest), time_round(lanes_narrower, narrower)});
  }
  return best;
}

Index vector_floats() { return HWY_DYNAMIC_DISPATCH(LanesWidest)(); }

}  // namespace saccade::proof
#endif
