#include "saccade/kernels/bias/bias.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "saccade/kernels/testing_internal.h"

namespace saccade::kernels {
namespace {

using testing::ElementsAre;

void run(const BiasImplementation& implementation, const BiasProblem& problem, BiasBuffers buffers) {
  ASSERT_EQ(implementation.decline(problem), "");
  const std::unique_ptr<BiasKernel> kernel = implementation.make(problem);
  TestMemory scratch(kernel->scratch_bytes());
  buffers.scratch = scratch.bytes();
  kernel->run(buffers);
}

TEST(Bias, WorkedValues) {
  const std::vector<float> src{1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F}, bias{10.0F, 20.0F, 30.0F};
  for (const BiasImplementation& implementation : bias_implementations()) {
    SCOPED_TRACE(std::string(implementation.name));
    std::vector<float> dst(6), grad_bias(3), in_place = src;
    run(implementation, {.rows = 2, .c = 3}, {.src = src, .bias = bias, .dst = dst});
    EXPECT_THAT(dst, ElementsAre(11.0F, 22.0F, 33.0F, 14.0F, 25.0F, 36.0F));
    run(implementation, {.rows = 2, .c = 3}, {.src = in_place, .bias = bias, .dst = in_place});
    EXPECT_EQ(in_place, dst);
    const BiasProblem backward{.pass = Pass::backward_weights, .rows = 2, .c = 3};
    if (!implementation.decline(backward).empty()) continue;
    run(implementation, backward, {.grad_dst = src, .grad_bias = grad_bias});
    EXPECT_THAT(grad_bias, ElementsAre(5.0F, 7.0F, 9.0F));
  }
}

TEST(Bias, LongSumsKeepTheirDigits) {
  // 2^24 + 1 is no float: a sum kept in float would stop growing there.
  const BiasProblem problem{.pass = Pass::backward_weights, .rows = 1001, .c = 1};
  std::vector<float> grad_dst(1001, 1.0F), grad_bias(1);
  grad_dst[0] = 0x1p24F;
  for (const BiasImplementation& implementation : bias_implementations()) {
    SCOPED_TRACE(std::string(implementation.name));
    if (!implementation.decline(problem).empty()) continue;
    run(implementation, problem, {.grad_dst = grad_dst, .grad_bias = grad_bias});
    EXPECT_EQ(grad_bias[0], 0x1p24F + 1000.0F);
  }
}

TEST(Bias, OneDnnLeavesTheSumToOthers) {
  const auto only = [](Pass pass) {
    return choose(bias_implementations(), {.pass = pass, .rows = 3, .c = 2}, "onednn").explanation;
  };
  EXPECT_EQ(only(Pass::forward).name, "onednn");
  EXPECT_EQ(only(Pass::backward_weights).declined.at(0).reason,
            "oneDNN adds up the gradient in float, the contract in double");
}

}  // namespace
}  // namespace saccade::kernels
