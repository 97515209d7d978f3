#include "saccade/kernels/pool2d/pool2d.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <numeric>
#include <vector>

#include "saccade/kernels/testing_internal.h"

namespace saccade::kernels {
namespace {

using testing::Each;
using testing::ElementsAre;
using Values = std::vector<float>;

Values count_from_one(Index elements) {
  Values values(usize(elements));
  std::iota(values.begin(), values.end(), 1.0F);
  return values;
}

struct Pooled {
  Values dst, grad_src;
};

/// Both passes by one implementation; empty when it declines. Without grad_dst all its elements are 1.
Pooled pool(const Pool2DImplementation& implementation, const Pool2DProblem& p, const Values& src,
            Values grad_dst = {}) {
  if (!implementation.decline(p).empty()) return {};
  grad_dst.resize(usize(p.dst_elements()), 1.0F);
  const auto kernel = implementation.make(p);
  std::vector<std::byte> memory(usize(kernel->saved_bytes() + kernel->scratch_bytes()) + 192);
  void* saved = memory.data();
  std::size_t room = memory.size();
  std::align(64, 1, saved, room);
  auto* const first = static_cast<std::byte*>(saved);
  Pooled pooled{Values(usize(p.dst_elements())), Values(usize(p.src_elements()))};
  const Pool2DBuffers buffers{.src = src,
                              .grad_dst = grad_dst,
                              .dst = pooled.dst,
                              .grad_src = pooled.grad_src,
                              .saved = {first, usize(kernel->saved_bytes())},
                              .scratch = {first + round_up(kernel->saved_bytes(), 64), usize(kernel->scratch_bytes())}};
  kernel->forward(buffers);
  kernel->backward(buffers);
  return pooled;
}

Pool2DProblem square(PoolKind kind, Index in, Index k, Index stride, bool same) {
  Pool2DProblem p{.kind = kind, .ih = in, .iw = in, .kh = k, .kw = k, .sh = stride, .sw = stride};
  if (same) p.ph = p.pw = same_pads(in, k, stride, 1);
  return p;
}

class Pool2DImplementations : public testing::TestWithParam<Pool2DImplementation> {
 protected:
  /// z = 1..25 as 5x5.
  Values dst(PoolKind kind, Index k, Index stride, bool same) {
    return pool(GetParam(), square(kind, 5, k, stride, same), count_from_one(25)).dst;
  }
};

TEST_P(Pool2DImplementations, TakeTheMaximum) {
  EXPECT_THAT(dst(PoolKind::max, 2, 2, true), ElementsAre(7, 9, 10, 17, 19, 20, 22, 24, 25));
  EXPECT_THAT(dst(PoolKind::max, 2, 2, false), ElementsAre(7, 9, 17, 19));
  EXPECT_THAT(dst(PoolKind::max, 5, 5, false), ElementsAre(25));
}

TEST_P(Pool2DImplementations, DivideByTheRealPixels) {
  EXPECT_THAT(dst(PoolKind::average, 2, 2, true), ElementsAre(4, 6, 7.5F, 14, 16, 17.5F, 21.5F, 23.5F, 25));
  EXPECT_THAT(dst(PoolKind::average, 3, 2, true), ElementsAre(4, 5.5F, 7, 11.5F, 13, 14.5F, 19, 20.5F, 22));
  EXPECT_THAT(dst(PoolKind::average, 3, 2, false), ElementsAre(7, 9, 17, 19));
  EXPECT_THAT(dst(PoolKind::average, 5, 5, false), ElementsAre(13));
}

TEST_P(Pool2DImplementations, NeverLetPaddingWin) {
  const Pooled pooled = pool(GetParam(), square(PoolKind::max, 2, 3, 1, true), Values(4, -1.0F));
  EXPECT_THAT(pooled.dst, Each(-1.0F));
}

TEST_P(Pool2DImplementations, GiveTheGradientToTheFirstMaximum) {
  EXPECT_THAT(pool(GetParam(), square(PoolKind::max, 2, 2, 2, false), {3, 3, 3, 3}, {5}).grad_src,
              ElementsAre(5, 0, 0, 0));
  EXPECT_THAT(pool(GetParam(), square(PoolKind::max, 2, 2, 2, false), {1, 2, 3, 3}, {5}).grad_src,
              ElementsAre(0, 0, 5, 0));
}

TEST_P(Pool2DImplementations, AddUpGradientsOfOverlappingWindows) {
  // The middle wins all four windows, or has a quarter of each.
  const Values src{0, 0, 0, 0, 9, 0, 0, 0, 0};
  EXPECT_THAT(pool(GetParam(), square(PoolKind::max, 3, 2, 1, false), src, {1, 2, 3, 4}).grad_src,
              ElementsAre(0, 0, 0, 0, 10, 0, 0, 0, 0));
  EXPECT_THAT(pool(GetParam(), square(PoolKind::average, 3, 2, 1, false), src, {4, 8, 12, 16}).grad_src,
              ElementsAre(1, 3, 2, 4, 10, 6, 3, 7, 4));
}

TEST_P(Pool2DImplementations, GivePixelsOutsideEveryWindowNoGradient) {
  EXPECT_THAT(pool(GetParam(), square(PoolKind::max, 3, 2, 2, false), count_from_one(9)).grad_src,
              ElementsAre(0, 0, 0, 0, 1, 0, 0, 0, 0));
  EXPECT_THAT(pool(GetParam(), square(PoolKind::average, 3, 1, 2, false), count_from_one(9)).grad_src,
              ElementsAre(1, 0, 1, 0, 0, 0, 1, 0, 1));
}

TEST_P(Pool2DImplementations, GiveWindowsWithoutRealPixelsZero) {
  Pool2DProblem p = square(PoolKind::max, 2, 1, 1, false);
  p.ph = {1, 0};
  for (const PoolKind kind : {PoolKind::max, PoolKind::average}) {
    p.kind = kind;
    const Pooled pooled = pool(GetParam(), p, {-1, -2, -3, -4});
    if (pooled.dst.empty()) continue;  // declined
    EXPECT_THAT(pooled.dst, ElementsAre(0, 0, -1, -2, -3, -4));
    EXPECT_THAT(pooled.grad_src, ElementsAre(1, 1, 1, 1));
  }
}

INSTANTIATE_TEST_SUITE_P(List, Pool2DImplementations, testing::ValuesIn(pool2d_implementations()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Pool2D, KnowsInfinityAndManyPixels) {
  // What oneDNN does not promise, the vector implementation and the reference do.
  for (const char* name : {"simd", "reference"}) {
    SCOPED_TRACE(name);
    for (const Pool2DImplementation& implementation : pool2d_implementations()) {
      if (implementation.name != name) continue;
      EXPECT_THAT(pool(implementation, square(PoolKind::max, 2, 2, 2, false), Values(4, -kInfinity)).dst,
                  ElementsAre(-kInfinity));
      Values src(20 * 20, 0.0F);
      src[399] = 1.0F;
      const Pooled pooled = pool(implementation, square(PoolKind::max, 20, 20, 20, false), src, {7});
      EXPECT_THAT(pooled.dst, ElementsAre(1));
      EXPECT_EQ(pooled.grad_src[399], 7.0F);
      EXPECT_EQ(std::accumulate(pooled.grad_src.begin(), pooled.grad_src.end(), 0.0F), 7.0F);
    }
  }
}

TEST(Pool2D, DeclinesWithAReason) {
  const auto reason = [](std::string_view name, const Pool2DProblem& p) {
    for (const Pool2DImplementation& implementation : pool2d_implementations()) {
      if (implementation.name == name) return implementation.decline(p);
    }
    return std::string("not in the list");
  };
  EXPECT_EQ(reason("onednn", square(PoolKind::max, 28, 28, 28, false)), "the window has more than 256 pixels");
  EXPECT_EQ(reason("simd", square(PoolKind::max, 300, 300, 300, false)), "the window has more than 65536 pixels");
  Pool2DProblem p = square(PoolKind::max, 4, 2, 2, false);
  p.ph = {2, 0};
  EXPECT_EQ(reason("onednn", p), "a window may lie wholly in the padding");
  EXPECT_EQ(reason("simd", p), "");
}

TEST(Pool2D, IdTellsTheWholeProblem) {
  Pool2DProblem p = square(PoolKind::average, 5, 3, 2, true);
  EXPECT_EQ(p.id(), "n1ih5iw5c1kh3kw3sh2sw2pt1pb1pl1pr1_average");
  p.kind = PoolKind::max;
  EXPECT_EQ(p.id(), "n1ih5iw5c1kh3kw3sh2sw2pt1pb1pl1pr1_max");
}

}  // namespace
}  // namespace saccade::kernels
