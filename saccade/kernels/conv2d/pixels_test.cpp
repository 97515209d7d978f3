#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "saccade/base/parallel.h"
#include "saccade/base/random.h"
#include "saccade/kernels/conv2d/conv2d.h"
#include "saccade/kernels/conv2d/pixels_simd.h"
#include "saccade/kernels/simd/simd.h"

// After simd.h, which says what is built.
#include <hwy/highway.h>

namespace saccade::kernels {
namespace {

using Values = std::vector<float>;

Values integers(Index count, std::uint64_t seed) {
  Values values(usize(count));
  Stream stream(seed, 0, 0, 0);
  for (float& value : values) value = static_cast<float>(stream.below(9)) - 4.0F;
  return values;
}

struct Operands {
  explicit Operands(const Conv2DProblem& p)
      : src(integers(p.src_elements(), 1)), weight(integers(p.weight_elements(), 2)), bias(integers(p.oc, 3)) {}
  Values src, weight, bias;
};

Values run(Conv2DKernel& kernel, const Conv2DProblem& p, const Operands& o) {
  Values dst(usize(p.dst_elements()), NAN);
  const std::span<const float> bias = p.bias ? std::span<const float>(o.bias) : std::span<const float>();
  kernel.run({.src = o.src, .weight = o.weight, .bias = bias, .dst = dst});
  return dst;
}

Values reference(const Conv2DProblem& p, const Operands& o) {
  return run(*conv2d_implementations().back().make(p), p, o);
}

// Channels around a block and around a vector, pixels around a tile, cut and not: with every instruction set that this processor
// has, and any number of threads.
TEST(Pixels, GiveTheSumsOfTheDefinition) {
  const Conv2DProblem problems[] = {
      {.ih = 7, .iw = 7, .ic = 5, .oc = 16},           {.ic = 40, .oc = 100},
      {.n = 2, .ih = 3, .iw = 5, .ic = 7, .oc = 33},   {.n = 3, .ih = 8, .iw = 8, .ic = 4, .oc = 160},
      {.ih = 7, .iw = 7, .ic = 3, .oc = 49},           {.n = 70, .iw = 2, .ic = 4, .oc = 64},
      {.n = 9, .ih = 8, .iw = 8, .ic = 300, .oc = 31},
  };
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    for (Conv2DProblem p : problems) {
      p.constant_weight = true;
      for (const Activation activation : {Activation::linear, Activation::relu, Activation::relu6}) {
        p.activation = activation;
        p.bias = activation != Activation::relu;
        SCOPED_TRACE(p.id() + " " + hwy::TargetName(target));
        ASSERT_EQ(simd::decline_pixels(p), "");
        const Operands operands(p);
        const Values expected = reference(p, operands);
        for (const int threads : {1, 2, 3}) {
          set_thread_count(threads);
          EXPECT_EQ(run(*simd::make_pixels(p), p, operands), expected) << threads;
        }
      }
    }
  }
  set_thread_count(2);
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

TEST(Pixels, KeepTheFirstWeight) {
  const Conv2DProblem p{.ih = 3, .iw = 3, .ic = 6, .oc = 50, .constant_weight = true};
  Operands operands(p);
  const auto kernel = simd::make_pixels(p);
  const Values first = run(*kernel, p, operands);
  std::ranges::fill(operands.weight, 0.0F);
  EXPECT_EQ(run(*kernel, p, operands), first);
}

TEST(Pixels, KeepNotANumber) {
  for (const Activation activation : {Activation::linear, Activation::relu, Activation::relu6}) {
    const Conv2DProblem p{.ih = 3, .iw = 3, .ic = 6, .oc = 50, .activation = activation, .constant_weight = true};
    Operands operands(p);
    operands.src[4 * 6 + 1] = std::numeric_limits<float>::quiet_NaN();
    const Values dst = run(*simd::make_pixels(p), p, operands);
    for (Index i = 0; i < 9 * 50; ++i) EXPECT_EQ(std::isnan(dst[usize(i)]), i / 50 == 4) << i;
  }
}

TEST(Pixels, DeclineWithAReason) {
  const Conv2DProblem good{.ih = 8, .iw = 8, .ic = 3, .oc = 16, .constant_weight = true};
  EXPECT_EQ(simd::decline_pixels(good), "");
  const auto reason = [&](auto&& change) {
    Conv2DProblem p = good;
    change(p);
    return simd::decline_pixels(p);
  };
  EXPECT_EQ(reason([](Conv2DProblem& p) { p.n = 0; }), "there is nothing to compute");
  EXPECT_EQ(reason([](Conv2DProblem& p) { p.ic = p.groups = 16; }), "it is grouped");
  EXPECT_EQ(reason([](Conv2DProblem& p) { p.kw = 2; }), "the filter is not 1 x 1, with stride 1");
  EXPECT_EQ(reason([](Conv2DProblem& p) { p.sh = 2; }), "the filter is not 1 x 1, with stride 1");
  EXPECT_EQ(reason([](Conv2DProblem& p) { p.ph.after = 1; }), "the filter is not 1 x 1, with stride 1");
  EXPECT_EQ(reason([](Conv2DProblem& p) { p.pass = Pass::backward_data; }), "it is for forward passes alone");
  EXPECT_EQ(reason([](Conv2DProblem& p) { p.constant_weight = false; }), "the weights may change");
  EXPECT_EQ(reason([](Conv2DProblem& p) { p.iw = 9; }), "the image has more than 64 pixels");
  EXPECT_EQ(reason([](Conv2DProblem& p) { p.activation = Activation::tanh; }),
            "its activation is not linear, relu or relu6");
  EXPECT_EQ(reason([](Conv2DProblem& p) { p.oc = 15; }), "there are fewer channels than fill a vector");
}

}  // namespace
}  // namespace saccade::kernels
