#include "saccade/kernels/dense/dense.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

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

INSTANTIATE_TEST_SUITE_P(List, DenseImplementations, testing::ValuesIn(dense_implementations()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Dense, DeclinesWithAReason) {
  const DenseImplementation& onednn = dense_implementations().front();
  EXPECT_EQ(onednn.decline({.m = 0, .k = 3, .u = 2}), "there is nothing to compute");
  EXPECT_EQ(onednn.decline({.activation = Activation::softmax}), "softmax is a kernel of its own");
}

TEST(Dense, IdTellsTheWholeProblem) {
  EXPECT_EQ((DenseProblem{.m = 128, .k = 784, .u = 1200}).id(), "m128k784u1200");
  EXPECT_EQ((DenseProblem{.m = 1, .k = 2, .u = 3, .bias = false, .activation = Activation::relu}).id(),
            "m1k2u3_nobias_relu");
}

}  // namespace
}  // namespace saccade::kernels
