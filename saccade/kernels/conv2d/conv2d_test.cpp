#include "saccade/kernels/conv2d/conv2d.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <string_view>
#include <vector>

namespace saccade::kernels {
namespace {

using testing::ElementsAre;
using Values = std::vector<float>;

Values count_from_one(Index elements) {
  Values values(usize(elements));
  std::iota(values.begin(), values.end(), 1.0F);
  return values;
}

/// The forward pass by one implementation; empty when it declines.
Values forward(const Conv2DImplementation& implementation, const Conv2DProblem& p, const Values& src,
               const Values& weight, const Values& bias = {}) {
  if (!implementation.decline(p).empty()) return {};
  const auto kernel = implementation.make(p);
  std::vector<std::byte> memory(usize(kernel->scratch_bytes()) + 64);
  void* scratch = memory.data();
  std::size_t room = memory.size();
  std::align(64, usize(kernel->scratch_bytes()), scratch, room);
  Values dst(usize(p.dst_elements()));
  kernel->run({.src = src,
               .weight = weight,
               .bias = bias,
               .dst = dst,
               .scratch = {static_cast<std::byte*>(scratch), usize(kernel->scratch_bytes())}});
  return dst;
}

const Conv2DImplementation& implementation(std::string_view name) {
  return *std::ranges::find(conv2d_implementations(), name, &Conv2DImplementation::name);
}

/// x = 1..16 as 4x4x1, w = 1..9 as 3x3x1x1.
Conv2DProblem four_by_four(Index stride, bool same) {
  Conv2DProblem p{.ih = 4, .iw = 4, .kh = 3, .kw = 3, .sh = stride, .sw = stride, .bias = false};
  if (same) p.ph = p.pw = same_pads(4, 3, stride, 1);
  return p;
}

class Conv2DImplementations : public testing::TestWithParam<Conv2DImplementation> {
 protected:
  Values run(const Conv2DProblem& p) { return forward(GetParam(), p, count_from_one(16), count_from_one(9)); }
};

TEST_P(Conv2DImplementations, DoNotFlipTheFilter) {
  EXPECT_THAT(run(four_by_four(1, false)), ElementsAre(348, 393, 528, 573));
  EXPECT_THAT(run(four_by_four(2, false)), ElementsAre(348));
  EXPECT_THAT(run(four_by_four(1, true)),
              ElementsAre(111, 178, 217, 145, 231, 348, 393, 252, 363, 528, 573, 360, 197, 274, 295, 175));
}

TEST_P(Conv2DImplementations, PutTheOddPixelOfSameAtBottomAndRight) {
  EXPECT_THAT(run(four_by_four(2, true)), ElementsAre(348, 252, 274, 175));
}

TEST_P(Conv2DImplementations, ReadFiltersAsHwio) {
  const Conv2DProblem p{.ih = 4, .iw = 4, .oc = 2, .kh = 2, .kw = 2, .bias = false};
  const Values dst = forward(GetParam(), p, count_from_one(16), count_from_one(8));
  EXPECT_THAT(Values(dst.begin(), dst.begin() + 2), ElementsAre(74, 88));
}

TEST_P(Conv2DImplementations, AddTheBiasBeforeTheActivation) {
  Conv2DProblem p{.ih = 1, .iw = 4, .oc = 2, .activation = Activation::relu};
  EXPECT_THAT(forward(GetParam(), p, {1, -1, 2, -2}, {1, -1}, {-1.5F, 0.5F}),
              ElementsAre(0, 0, 0, 1.5F, 0.5F, 0, 0, 2.5F));
  p.activation = Activation::relu6;
  EXPECT_THAT(forward(GetParam(), p, {1, 3, 5, 7}, {1, -1}, {0.5F, 4.0F}),
              ElementsAre(1.5F, 3, 3.5F, 1, 5.5F, 0, 6, 0));
  p.activation = Activation::leaky_relu;
  EXPECT_THAT(forward(GetParam(), p, {1, -1, 2, -2}, {1, 1}, {0, 1}), ElementsAre(1, 2, -0.2F, 0, 2, 3, -0.4F, -0.2F));
}

TEST_P(Conv2DImplementations, KeepGroupsApart) {
  const Conv2DProblem p{.ih = 1, .iw = 1, .ic = 4, .oc = 4, .groups = 2, .bias = false};
  // weight[i, o]: filters 0 and 1 see channels 0 and 1, filters 2 and 3 see channels 2 and 3.
  EXPECT_THAT(forward(GetParam(), p, {1, 10, 100, 1000}, {1, 2, 3, 4, 5, 6, 7, 8}), ElementsAre(51, 62, 7300, 8400));
}

// All but those that take one kind of filter alone, or have no forward pass.
INSTANTIATE_TEST_SUITE_P(List, Conv2DImplementations,
                         testing::Values(implementation("onednn"), implementation("reference")),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Conv2D, NeverLosesNotANumber) {
  const auto expect_kept = [](const Conv2DProblem& p, const Values& src, const Values& weight) {
    for (const Conv2DImplementation& implementation : conv2d_implementations()) {
      const Values dst = forward(implementation, p, src, weight);
      EXPECT_TRUE(dst.empty() || std::isnan(dst[0])) << implementation.name << " " << p.id();
    }
  };
  for (const Activation activation : {Activation::linear, Activation::relu, Activation::relu6, Activation::tanh}) {
    const Conv2DProblem p{.ih = 1, .iw = 1, .oc = 8, .bias = false, .activation = activation};
    const Values weight{NAN, 1, 1, 1, 1, 1, 1, 1};
    expect_kept(p, {1}, weight);
    Conv2DProblem depthwise{.ih = 1, .iw = 3, .ic = 16, .oc = 16, .kw = 3, .groups = 16, .bias = false};
    depthwise.activation = activation;
    Values src(3 * 16, 1.0F);
    src[16] = NAN;
    expect_kept(depthwise, src, src);
  }
}

TEST(Conv2D, DeclinesWithAReason) {
  const Conv2DImplementation &onednn = implementation("onednn"), &dense = implementation("dense");
  Conv2DProblem p{.ih = 8, .iw = 8};
  EXPECT_EQ(onednn.decline(p), "");
  p.activation = Activation::softmax;
  EXPECT_EQ(onednn.decline(p), "softmax is a kernel of its own");
  p.n = 0;
  EXPECT_EQ(onednn.decline(p), "there is nothing to compute");
  const Conv2DProblem whole{.ih = 3, .iw = 2, .kh = 3, .kw = 2};
  EXPECT_EQ(dense.decline(whole), "");
  Conv2DProblem padded = whole;
  padded.ph = {0, 1};
  EXPECT_EQ(dense.decline(padded), "the window is not the whole image");
}

TEST(Conv2D, IdTellsTheWholeProblem) {
  Conv2DProblem p{.n = 2, .ih = 5, .iw = 6, .ic = 3, .oc = 4, .kh = 3, .kw = 2, .sh = 2, .sw = 1, .ph = {0, 1}};
  EXPECT_EQ(p.id(), "n2ih5iw6ic3oc4kh3kw2sh2sw1dh1dw1pt0pb1pl0pr0g1");
  p.bias = false;
  p.activation = Activation::leaky_relu;
  EXPECT_EQ(p.id(), "n2ih5iw6ic3oc4kh3kw2sh2sw1dh1dw1pt0pb1pl0pr0g1_nobias_leaky_relu");
}

}  // namespace
}  // namespace saccade::kernels
