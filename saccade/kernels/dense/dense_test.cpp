#include "saccade/kernels/dense/dense.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include "saccade/base/parallel.h"
#include "saccade/kernels/dense/blocks_internal.h"
#include "saccade/kernels/update/update.h"

namespace saccade::kernels {
namespace {

using testing::ElementsAre;
using Values = std::vector<float>;

class DenseImplementations : public testing::TestWithParam<DenseImplementation> {};

// src [2, 3], weight [3, 2].
const Values kSrc{1, 2, 3, 4, 5, 6};
const Values kWeight{1, -1, 0, 2, 3, 1};

TEST_P(DenseImplementations, ComputeAllThreePasses) {
  const Values bias{10, 20}, grad_dst{1, 2, 3, 4};
  Values dst(4), grad_src(6), grad_weight(6), grad_bias(2);
  const DenseBuffers buffers{.src = kSrc,
                             .weight = kWeight,
                             .bias = bias,
                             .grad_dst = grad_dst,
                             .dst = dst,
                             .grad_src = grad_src,
                             .grad_weight = grad_weight,
                             .grad_bias = grad_bias};
  for (const Pass pass : {Pass::forward, Pass::backward_data, Pass::backward_weights}) {
    const DenseProblem p{.pass = pass, .m = 2, .k = 3, .u = 2};
    ASSERT_EQ(GetParam().decline(p), "");
    const auto kernel = GetParam().make(p);
    ASSERT_EQ(kernel->scratch_bytes(), 0);
    kernel->run(buffers);
  }
  EXPECT_THAT(dst, ElementsAre(20, 26, 32, 32));
  EXPECT_THAT(grad_src, ElementsAre(-1, 4, 5, -1, 8, 13));
  EXPECT_THAT(grad_weight, ElementsAre(13, 18, 17, 24, 21, 30));
  EXPECT_THAT(grad_bias, ElementsAre(4, 6));
}

TEST_P(DenseImplementations, ActivateAfterTheBias) {
  const DenseProblem p{.m = 1, .k = 1, .u = 4, .activation = Activation::relu};
  const Values src{2}, weight{1, -1, 1, NAN}, bias{-3, 3, 1, 0};
  Values dst(4);
  GetParam().make(p)->run({.src = src, .weight = weight, .bias = bias, .dst = dst});
  EXPECT_THAT(Values(dst.begin(), dst.begin() + 3), ElementsAre(0, 1, 3));
  EXPECT_TRUE(std::isnan(dst[3]));
}

INSTANTIATE_TEST_SUITE_P(List, DenseImplementations, testing::ValuesIn(dense_implementations().last(2)),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Dense, DeclinesWithAReason) {
  const DenseImplementation& blocks = dense_implementations()[0];
  EXPECT_EQ(blocks.decline({.pass = Pass::backward_weights, .m = 64, .k = 96, .u = 96}),
            "the gradient of the weights is oneDNN's");
  EXPECT_EQ(blocks.decline({.m = 16, .k = 96, .u = 96}), "there are too few rows");
  EXPECT_EQ(blocks.decline({.m = 200, .k = 96, .u = 96}), "there are so many rows that oneDNN's copies pay");
  EXPECT_EQ(blocks.decline({.m = 64, .k = 16, .u = 96}), "there are too few inputs");
  EXPECT_EQ(blocks.decline({.pass = Pass::backward_data, .m = 64, .k = 96, .u = 16}), "there are too few units");
  EXPECT_EQ(blocks.decline({.m = 64, .k = 96, .u = 96}), decline_blocks());
  const DenseImplementation& onednn = dense_implementations()[1];
  EXPECT_EQ(onednn.decline({.m = 0, .k = 3, .u = 2}), "there is nothing to compute");
  EXPECT_EQ(onednn.decline({.activation = Activation::softmax}), "softmax is a kernel of its own");
}

// Blocks, tasks and the batch whole and with remainders, and any number of threads: plain gradient descent shows the
// gradient, and Adam that slots and decay belong to their element.
TEST(Dense, UpdatesTheWeightAsItsGradientWould) {
  if (!decline_blocks().empty()) GTEST_SKIP() << decline_blocks();
  const int threads = thread_count();
  for (const UpdateRule rule : {UpdateRule::sgd, UpdateRule::adam}) {
    for (const auto& [m, k, u] :
         {std::tuple{1, 64, 64}, {16, 100, 77}, {128, 333, 200}, {130, 65, 6000}, {40, 100, 3}}) {
      const DenseProblem p{.pass = Pass::backward_weights, .m = m, .k = k, .u = u};
      const auto values = [](Index count, Index step) {
        Values result(usize(count));
        for (Index i = 0; i < count; ++i) result[usize(i)] = static_cast<float>(i * step % 17 - 8);
        return result;
      };
      const Values src = values(p.m * p.k, 5), grad_dst = values(p.m * p.u, 7);
      Values weight = values(p.k * p.u, 3), first = values(p.k * p.u, 2), second(weight.size(), 1.0F);
      Values expected = weight, expected_first = first, expected_second = second;
      Values grad(weight.size()), grad_bias(usize(p.u)), expected_bias(usize(p.u));
      dense_implementations().back().make(p)->run(
          {.src = src, .grad_dst = grad_dst, .grad_weight = grad, .grad_bias = expected_bias});
      const UpdateNumbers numbers{.rate = 0.5F, .one_minus_beta_1 = 0.5F, .one_minus_beta_2 = 0.25F, .epsilon = 1.0F};
      const UpdateSlice whole{.weight = expected.data(),
                              .grad = grad.data(),
                              .slots = {expected_first.data(), expected_second.data()},
                              .elements = p.k * p.u,
                              .decay = 0.25F};
      update_implementations().back().make({rule})->run({.slices = {&whole, 1}, .numbers = numbers});
      WeightUpdate update{.rule = rule, .numbers = numbers, .whole = whole};
      update.whole.weight = weight.data();
      update.whole.slots = {first.data(), second.data()};
      const Values start[] = {weight, first, second};
      for (const int count : {1, 2, 3}) {
        set_thread_count(count);
        std::ranges::copy(start[0], weight.begin());
        std::ranges::copy(start[1], first.begin());
        std::ranges::copy(start[2], second.begin());
        std::ranges::fill(grad, NAN);
        ASSERT_EQ(dense_update_implementations()[0].decline(p), "");
        const auto kernel = dense_update_implementations()[0].make(p);
        ASSERT_EQ(kernel->scratch_bytes(), 0);
        kernel->run({.src = src, .grad_dst = grad_dst, .grad_weight = grad, .grad_bias = grad_bias, .update = &update});
        EXPECT_EQ(weight, expected) << p.id();
        EXPECT_EQ(first, expected_first) << p.id();
        EXPECT_EQ(second, expected_second) << p.id();
        EXPECT_EQ(grad_bias, expected_bias) << p.id();
      }
    }
  }
  set_thread_count(threads);
}

TEST(Dense, IdTellsTheWholeProblem) {
  EXPECT_EQ((DenseProblem{.m = 128, .k = 784, .u = 1200}).id(), "m128k784u1200");
  EXPECT_EQ((DenseProblem{.m = 1, .k = 2, .u = 3, .bias = false, .activation = Activation::relu}).id(),
            "m1k2u3_nobias_relu");
}

}  // namespace
}  // namespace saccade::kernels
