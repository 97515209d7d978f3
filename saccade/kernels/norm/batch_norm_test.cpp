#include "saccade/kernels/norm/batch_norm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "saccade/kernels/testing_internal.h"

namespace saccade::kernels {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::FloatEq;
using testing::FloatNear;
using testing::Pointwise;

/// Everything a layer has; forward() and backward() of one implementation.
struct Layer {
  BatchNormProblem problem;
  std::unique_ptr<BatchNormKernel> kernel;
  std::vector<float> gamma, beta, moving_mean, moving_variance, dst, grad_src, grad_gamma, grad_beta;
  TestMemory saved, scratch;

  Layer(const BatchNormImplementation& implementation, const BatchNormProblem& given)
      : problem(given),
        kernel(implementation.make(given)),
        gamma(usize(given.c), 1.0F),
        beta(usize(given.c), 0.0F),
        moving_mean(usize(given.c), 0.0F),
        moving_variance(usize(given.c), 1.0F),
        dst(usize(given.rows * given.c)),
        grad_src(usize(given.rows * given.c)),
        grad_gamma(usize(given.c)),
        grad_beta(usize(given.c)),
        saved(kernel->saved_bytes()),
        scratch(kernel->scratch_bytes()) {}

  BatchNormBuffers buffers(const std::vector<float>& src) {
    return {.src = src,
            .gamma = gamma,
            .beta = beta,
            .moving_mean = moving_mean,
            .moving_variance = moving_variance,
            .dst = dst,
            .saved = saved.bytes(),
            .scratch = scratch.bytes()};
  }
  void forward(const std::vector<float>& src) { kernel->forward(buffers(src)); }
  void backward(const std::vector<float>& src, const std::vector<float>& grad_dst) {
    BatchNormBuffers b = buffers(src);
    b.grad_dst = grad_dst;
    b.grad_src = grad_src;
    b.grad_gamma = grad_gamma;
    b.grad_beta = grad_beta;
    kernel->backward(b);
  }
};

template <class Check>
void for_each_implementation(const BatchNormProblem& problem, const Check& check) {
  for (const BatchNormImplementation& implementation : batch_norm_implementations()) {
    SCOPED_TRACE(std::string(implementation.name));
    if (!implementation.decline(problem).empty()) continue;
    check(Layer(implementation, problem));
  }
}

TEST(BatchNorm, KerasWorkedValues) {
  // x = [[1, 2], [3, 6]]: population variance 1 and 4.
  for_each_implementation({.rows = 2, .c = 2}, [](Layer layer) {
    layer.forward({1.0F, 2.0F, 3.0F, 6.0F});
    EXPECT_THAT(layer.dst, Pointwise(FloatNear(1e-7F), {-0.9995004F, -0.9998750F, 0.9995004F, 0.9998750F}));
    EXPECT_THAT(layer.moving_mean, Pointwise(FloatNear(1e-7F), {0.02F, 0.04F}));
    EXPECT_THAT(layer.moving_variance, Pointwise(FloatEq(), {1.0F, 1.03F}));
  });
}

TEST(BatchNorm, GammaBetaAndOptions) {
  for_each_implementation({.rows = 2, .c = 2, .epsilon = 3.0F, .momentum = 0.5F}, [](Layer layer) {
    layer.gamma = {2.0F, -4.0F};
    layer.beta = {1.0F, 0.5F};
    layer.forward({1.0F, 2.0F, 3.0F, 4.0F});  // deviations of 1, over sqrt(1 + 3)
    EXPECT_THAT(layer.dst, ElementsAre(0.0F, 2.5F, 2.0F, -1.5F));
    EXPECT_THAT(layer.moving_mean, ElementsAre(1.0F, 1.5F));
    EXPECT_THAT(layer.moving_variance, ElementsAre(1.0F, 1.0F));
  });
}

TEST(BatchNorm, FrozenUsesTheMovingStatisticsAndLeavesThem) {
  for_each_implementation({.rows = 2, .c = 2, .epsilon = 0.0F, .training = false}, [](Layer layer) {
    layer.moving_mean = {1.0F, 2.0F};
    layer.moving_variance = {4.0F, 16.0F};
    layer.gamma = {2.0F, 8.0F};
    layer.forward({1.0F, 2.0F, 3.0F, 6.0F});
    EXPECT_THAT(layer.dst, ElementsAre(0.0F, 0.0F, 2.0F, 8.0F));
    EXPECT_THAT(layer.moving_mean, ElementsAre(1.0F, 2.0F));
    EXPECT_THAT(layer.moving_variance, ElementsAre(4.0F, 16.0F));

    layer.backward({1.0F, 2.0F, 3.0F, 6.0F}, {1.0F, 1.0F, 3.0F, 5.0F});
    EXPECT_THAT(layer.grad_src, ElementsAre(1.0F, 2.0F, 3.0F, 10.0F));
    EXPECT_THAT(layer.grad_gamma, ElementsAre(3.0F, 5.0F));
    EXPECT_THAT(layer.grad_beta, ElementsAre(4.0F, 6.0F));
  });
}

TEST(BatchNorm, OneDnnLeavesTrainingToOthers) {
  const auto only = [](bool training) {
    return choose(batch_norm_implementations(), {.rows = 20, .c = 16, .training = training}, "onednn").explanation;
  };
  EXPECT_EQ(only(false).name, "onednn");
  EXPECT_EQ(only(true).declined.at(0).reason,
            "oneDNN adds up the statistics of the batch in float, the contract in double");
}

TEST(BatchNorm, LargeMeanKeepsItsDigits) {
  // 4096 +- 1: the squares of such floats would cancel to nothing.
  const BatchNormProblem problem{.rows = 1000, .c = 3, .epsilon = 0.0F};
  std::vector<float> src(3000);
  for (std::size_t i = 0; i < src.size(); ++i) src[i] = 4096.0F + (i / 3 % 2 == 0 ? 1.0F : -1.0F);
  for_each_implementation(problem, [&](Layer layer) {
    layer.forward(src);
    for (std::size_t i = 0; i < src.size(); ++i) EXPECT_EQ(layer.dst[i], src[i] - 4096.0F);
    EXPECT_THAT(layer.moving_variance, Each(FloatEq(1.0F)));
  });
}

TEST(BatchNorm, ConstantChannel) {
  // No deviation: epsilon alone stands under the root, and rounding must not make the variance negative.
  for (const float value : {0.1F, 1e6F, -12345.678F}) {
    for_each_implementation({.rows = 777, .c = 5}, [&](Layer layer) {
      layer.forward(std::vector<float>(777 * 5, value));
      EXPECT_THAT(layer.dst, Each(0.0F));
      EXPECT_THAT(layer.moving_variance, Each(FloatEq(0.99F)));
    });
  }
}

TEST(BatchNorm, OneRow) {
  for_each_implementation({.rows = 1, .c = 2}, [](Layer layer) {
    layer.beta = {5.0F, -6.0F};
    layer.forward({3.0F, 100.0F});
    EXPECT_THAT(layer.dst, ElementsAre(5.0F, -6.0F));
    layer.backward({3.0F, 100.0F}, {1.0F, 2.0F});
    EXPECT_THAT(layer.grad_src, Each(FloatNear(0.0F, 1e-5F)));
    EXPECT_THAT(layer.grad_beta, ElementsAre(1.0F, 2.0F));
  });
}

TEST(BatchNorm, NaNStaysInItsChannel) {
  for_each_implementation({.rows = 20, .c = 3}, [](Layer layer) {
    std::vector<float> src(60);
    for (std::size_t i = 0; i < src.size(); ++i) src[i] = static_cast<float>(i);
    src[31] = std::numeric_limits<float>::quiet_NaN();
    layer.forward(src);
    for (std::size_t i = 0; i < src.size(); ++i) EXPECT_EQ(std::isnan(layer.dst[i]), i % 3 == 1) << i;
    EXPECT_TRUE(std::isnan(layer.moving_variance[1]));
    EXPECT_FALSE(std::isnan(layer.moving_variance[0]));
  });
}

TEST(BatchNorm, WhatFollowsGivesTheSameBits) {
  for (const Index c : {3, 16, 70}) {
    for (const Activation activation : {Activation::linear, Activation::relu, Activation::relu6}) {
      for (const bool residual : {false, true}) {
        for (const bool training : {true, false}) {
          BatchNormProblem problem{.rows = 200, .c = c, .training = training, .residual = residual};
          problem.activation = activation;
          const std::size_t count = usize(problem.rows * c);
          std::vector<float> src(count), shortcut(count), grad_dst(count);
          for (std::size_t i = 0; i < count; ++i) {
            src[i] = std::sin(static_cast<float>(i)) * 3.0F;
            shortcut[i] = std::cos(static_cast<float>(7 * i)) * 4.0F;
            grad_dst[i] = std::sin(static_cast<float>(5 * i));
          }
          src[count / 2] = std::numeric_limits<float>::quiet_NaN();
          const BatchNormImplementation& implementation = batch_norm_implementations().front();
          Layer joined(implementation, problem);
          Layer alone(implementation, {.rows = problem.rows, .c = c, .training = training});
          joined.gamma = alone.gamma = std::vector<float>(usize(c), 2.5F);
          joined.beta = alone.beta = std::vector<float>(usize(c), 0.3F);
          const auto function = [&](Pass pass) {
            const ActivationProblem of{.pass = pass, .activation = activation, .elements = isize(count)};
            return choose(activation_implementations(), of).kernel;
          };

          alone.forward(src);
          std::vector<float> dst = alone.dst;
          for (std::size_t i = 0; residual && i < count; ++i) dst[i] += shortcut[i];
          function(Pass::forward)->run({.src = dst, .dst = dst});
          BatchNormBuffers b = joined.buffers(src);
          if (residual) b.shortcut = shortcut;
          joined.kernel->forward(b);
          const auto same = [](const std::vector<float>& a, const std::vector<float>& other) {
            // Which of two NaNs an addition keeps depends on the order of its operands, that is on the compiler.
            return std::ranges::equal(a, other, [](float x, float y) {
              return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y) ||
                     (std::isnan(x) && std::isnan(y));
            });
          };
          EXPECT_TRUE(same(joined.dst, dst));

          std::vector<float> grad(count), grad_shortcut(count, 9.0F);
          function(Pass::backward_data)->run({.grad_dst = grad_dst, .dst_in = dst, .grad_src = grad});
          alone.backward(src, grad);
          b.dst_in = dst;
          b.grad_dst = grad_dst;
          b.grad_src = joined.grad_src;
          if (residual) b.grad_shortcut = grad_shortcut;
          b.grad_gamma = joined.grad_gamma;
          b.grad_beta = joined.grad_beta;
          joined.kernel->backward(b);
          EXPECT_TRUE(same(joined.grad_src, alone.grad_src));
          EXPECT_TRUE(same(joined.grad_gamma, alone.grad_gamma));
          EXPECT_TRUE(same(joined.grad_beta, alone.grad_beta));
          EXPECT_TRUE(!residual || same(grad_shortcut, grad));

          // In place.
          std::vector<float> place = grad_dst;
          b.grad_dst = place;
          if (residual) {
            b.grad_shortcut = place;
          } else {
            b.grad_src = place;
          }
          joined.grad_src.assign(count, 9.0F);
          joined.kernel->backward(b);
          EXPECT_TRUE(same(place, residual ? grad : alone.grad_src));
          EXPECT_TRUE(!residual || same(joined.grad_src, alone.grad_src));
        }
      }
    }
  }
}

TEST(BatchNorm, GradientsThatNobodyWants) {
  const std::vector<float> src{1.0F, 2.0F, 3.0F, 6.0F}, grad_dst{1.0F, -1.0F, 2.0F, 0.5F};
  for (const bool training : {true, false}) {
    for_each_implementation({.rows = 2, .c = 2, .training = training}, [&](Layer layer) {
      layer.forward(src);
      layer.backward(src, grad_dst);
      const std::vector<float> grad_src = layer.grad_src, grad_gamma = layer.grad_gamma, grad_beta = layer.grad_beta;
      BatchNormBuffers b = layer.buffers(src);
      b.grad_dst = grad_dst;
      layer.grad_src.assign(4, 9.0F);
      b.grad_src = layer.grad_src;
      layer.kernel->backward(b);
      EXPECT_EQ(layer.grad_src, grad_src);
      b.grad_src = {};
      b.grad_gamma = layer.grad_gamma;
      b.grad_beta = layer.grad_beta;
      layer.grad_gamma.assign(2, 9.0F);
      layer.grad_beta.assign(2, 9.0F);
      layer.kernel->backward(b);
      EXPECT_EQ(layer.grad_gamma, grad_gamma);
      EXPECT_EQ(layer.grad_beta, grad_beta);

      // In place.
      std::vector<float> grad = grad_dst;
      BatchNormBuffers in_place = layer.buffers(src);
      in_place.grad_dst = grad;
      in_place.grad_src = grad;
      layer.kernel->backward(in_place);
      EXPECT_EQ(grad, grad_src);
    });
  }
}

}  // namespace
}  // namespace saccade::kernels
