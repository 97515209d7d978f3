#include "saccade/kernels/conv_pool2d/conv_pool2d.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "saccade/kernels/conv_pool2d/reference.h"
#include "saccade/kernels/testing_internal.h"

namespace saccade::kernels {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Values = std::vector<float>;

struct Gradients {
  Values src, weight, bias;
};

class ConvPool2DImplementations : public testing::TestWithParam<ConvPool2DImplementation> {
 protected:
  ConvPool2DImplementations() : kernel_(GetParam().make(problem_)) {}

  Values forward(const Values& src, const Values& weight, const Values& bias) {
    Values dst(usize(problem_.dst_elements()));
    kernel_->forward(
        {.src = src, .weight = weight, .bias = bias, .dst = dst, .saved = saved_.bytes(), .scratch = scratch_.bytes()});
    return dst;
  }

  // Writes those of g that are not empty.
  Gradients backward(const Values& src, const Values& weight, const Values& grad_dst, Gradients g) {
    kernel_->backward({.src = src,
                       .weight = weight,
                       .grad_dst = grad_dst,
                       .grad_src = g.src,
                       .grad_weight = g.weight,
                       .grad_bias = g.bias,
                       .saved = saved_.bytes(),
                       .scratch = scratch_.bytes()});
    return g;
  }

  // Two windows; a filter of a pixel and the one to its right.
  ConvPool2DProblem problem_{.ih = 2, .iw = 5, .oc = 1, .kw = 2, .activation = Activation::relu};
  std::unique_ptr<ConvPool2DKernel> kernel_;
  TestMemory saved_{kernel_->saved_bytes()}, scratch_{kernel_->scratch_bytes()};
};

TEST_P(ConvPool2DImplementations, ComputeWhatIsWorkedOutByHand) {
  const Values src{1, 2, 3, 4, 5,  //
                   6, 7, 8, 9, -9};
  const Values weight{1, -2};
  // Between: [1-4, 2-6, 3-8, 4-10] + 9 = [6 5 4 3], [6-14, 7-16, 8-18, 9+18] + 9 = [1 0 -1 36].
  EXPECT_THAT(forward(src, weight, {9}), ElementsAre(6, 36));
  const Gradients g = backward(src, weight, {10, 100}, {Values(10), Values(2), Values(1)});
  EXPECT_THAT(g.src, ElementsAre(10, -20, 0, 0, 0, 0, 0, 0, 100, -200));
  EXPECT_THAT(g.weight, ElementsAre(10 * 1 + 100 * 9, 10 * 2 + 100 * -9));
  EXPECT_THAT(g.bias, ElementsAre(110));
}

TEST_P(ConvPool2DImplementations, GiveTheGradientToTheFirstMaximumAndNoneWhereReluIsZero) {
  const Values src{2, 2, 2, -1, -1,  //
                   2, 2, 2, -1, -1};
  const Values weight{1, 0};
  EXPECT_THAT(forward(src, weight, {0}), ElementsAre(2, 2));
  EXPECT_THAT(backward(src, weight, {3, 5}, {Values(10), Values(2), Values(1)}).src,
              ElementsAre(3, 0, 5, 0, 0, 0, 0, 0, 0, 0));
  EXPECT_THAT(forward(src, weight, {-2}), ElementsAre(0, 0));
  const Gradients dead = backward(src, weight, {3, 5}, {Values(10, 7), Values(2, 7), Values(1, 7)});
  EXPECT_THAT(dead.src, testing::Each(0));
  EXPECT_THAT(dead.weight, ElementsAre(0, 0));
  EXPECT_THAT(dead.bias, ElementsAre(0));
}

TEST_P(ConvPool2DImplementations, LeaveOutWhatIsNotWanted) {
  const Values src(10, 1), weight{1, 1};
  forward(src, weight, {0});
  const Gradients data = backward(src, weight, {1, 1}, {Values(10), {}, {}});
  EXPECT_THAT(data.src, ElementsAre(1, 1, 1, 1, 0, 0, 0, 0, 0, 0));
  const Gradients weights = backward(src, weight, {1, 1}, {{}, Values(2), {}});
  EXPECT_THAT(weights.src, IsEmpty());
  EXPECT_THAT(weights.weight, ElementsAre(2, 2));
}

TEST_P(ConvPool2DImplementations, LetNaNThrough) {
  for (const float value : forward(Values(10, 1), {kNaN, 1}, {0})) EXPECT_TRUE(std::isnan(value));
}

std::vector<ConvPool2DImplementation> all_but_winograd() {
  std::vector<ConvPool2DImplementation> list;
  for (const auto& implementation : conv_pool2d_implementations()) {
    if (implementation.name != "winograd") list.push_back(implementation);
  }
  return list;
}

// Winograd's filters are larger.
INSTANTIATE_TEST_SUITE_P(List, ConvPool2DImplementations, testing::ValuesIn(all_but_winograd()),
                         [](const auto& test) { return std::string(test.param.name); });

class ConvPool2DByWinograd : public testing::TestWithParam<ConvPool2DProblem> {};

TEST_P(ConvPool2DByWinograd, HasTheErrorsThatAreDocumented) {
  const ConvPool2DProblem& p = GetParam();
  const Values src = draw(p.src_elements(), true, 1.0, 0);
  const Values weight = draw(p.weight_elements(), false, std::sqrt(2.0 / static_cast<double>(p.kh * p.kw * p.ic)), 1);
  Values dst(usize(p.dst_elements()));
  const auto choice = choose(conv_pool2d_implementations(), p, "winograd");
  ASSERT_NE(choice.kernel, nullptr) << choice.explanation.declined[0].reason;
  TestMemory scratch(choice.kernel->scratch_bytes());
  choice.kernel->forward({.src = src, .weight = weight, .dst = dst, .scratch = scratch.bytes()});
  std::vector<double> between(usize(p.pool().src_elements())), exact(dst.size());
  reference::conv_pool2d_forward<double>(p, doubles(src).data(), doubles(weight).data(), nullptr, between.data(),
                                         exact.data());
  const Error error = error_of(dst, exact);
  EXPECT_LT(error.rms, 2e-6);
  EXPECT_LT(error.largest, 4e-5);
}

TEST_P(ConvPool2DByWinograd, KeepsWeightsThatStay) {
  ConvPool2DProblem p = GetParam();
  const Values src = draw(p.src_elements(), true, 1.0, 0), weight = draw(p.weight_elements(), false, 0.1, 1);
  const Values other_weight(weight.size(), kNaN);
  for (const char* name : {"winograd", "simd"}) {
    std::vector<Values> results;
    for (const bool constant : {false, true}) {
      p.constant_weight = constant;
      const auto kernel = choose(conv_pool2d_implementations(), p, name).kernel;
      for (const Values* given : {&weight, constant ? &other_weight : &weight}) {
        TestMemory scratch(kernel->scratch_bytes());
        results.emplace_back(usize(p.dst_elements()));
        kernel->forward({.src = src, .weight = *given, .dst = results.back(), .scratch = scratch.bytes()});
      }
    }
    for (const Values& result : results) EXPECT_EQ(result, results[0]) << name;
  }
}

TEST_P(ConvPool2DByWinograd, LeavesExactSumsToOthers) {
  set_exact_convolutions(true);
  const auto choice = choose(conv_pool2d_implementations(), GetParam());
  set_exact_convolutions(false);
  EXPECT_EQ(choice.explanation.name, "simd");
  EXPECT_EQ(choice.explanation.declined[0].reason, "exact convolutions are asked for");
}

// LeNet-5's two layers, by vectors of windows and of channels, and one with many numbers in a sum.
INSTANTIATE_TEST_SUITE_P(
    Shapes, ConvPool2DByWinograd,
    testing::Values(
        ConvPool2DProblem{.n = 8, .ih = 32, .iw = 32, .oc = 6, .kh = 5, .kw = 5, .bias = false, .training = false},
        ConvPool2DProblem{
            .n = 8, .ih = 14, .iw = 14, .ic = 6, .oc = 16, .kh = 5, .kw = 5, .bias = false, .training = false},
        ConvPool2DProblem{
            .n = 2, .ih = 14, .iw = 14, .ic = 16, .oc = 32, .kh = 5, .kw = 5, .bias = false, .training = false}),
    [](const auto& test) { return test.param.id(); });

}  // namespace
}  // namespace saccade::kernels
