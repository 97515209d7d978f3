#include "saccade/kernels/softmax/softmax.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "saccade/kernels/testing_internal.h"

namespace saccade::kernels {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::FloatEq;
using testing::Pointwise;

/// Calls check(softmax of one row) with every implementation.
template <class Check>
void for_each_implementation(const Check& check) {
  for (const SoftmaxImplementation& implementation : softmax_implementations()) {
    SCOPED_TRACE(std::string(implementation.name));
    if (!implementation.decline({}).empty()) continue;
    check([&](std::vector<float> row) {
      implementation.make({.classes = isize(row.size())})->run({.src = row, .dst = row});
      return row;
    });
  }
}

TEST(Softmax, WorkedValues) {
  for_each_implementation([](const auto& softmax) {
    EXPECT_THAT(softmax({1.0F, 2.0F, 3.0F}), Pointwise(FloatEq(), {0.09003057F, 0.24472847F, 0.66524096F}));
    EXPECT_THAT(softmax({7.0F}), ElementsAre(1.0F));
    EXPECT_THAT(softmax(std::vector<float>(20, -3.0F)), Each(FloatEq(0.05F)));
  });
}

TEST(Softmax, LargeLogitsStayFinite) {
  for_each_implementation([](const auto& softmax) {
    EXPECT_THAT(softmax({1e4F, 1e4F, -1e4F}), ElementsAre(0.5F, 0.5F, 0.0F));
    EXPECT_THAT(softmax({-1e30F, -1e30F}), ElementsAre(0.5F, 0.5F));
    EXPECT_THAT(softmax({3e38F, -3e38F}), ElementsAre(1.0F, 0.0F));
    EXPECT_THAT(softmax({0.0F, -kInfinity}), ElementsAre(1.0F, 0.0F));
  });
}

TEST(Softmax, WhatHasNoAnswerIsNaN) {
  for_each_implementation([](const auto& softmax) {
    for (const float value : softmax({1.0F, kNaN, 2.0F})) EXPECT_TRUE(std::isnan(value));
    for (const float value : softmax({1.0F, kInfinity})) EXPECT_TRUE(std::isnan(value));
    for (const float value : softmax({-kInfinity, -kInfinity})) EXPECT_TRUE(std::isnan(value));
  });
}

TEST(Softmax, OneRowDoesNotDisturbAnother) {
  for (const SoftmaxImplementation& implementation : softmax_implementations()) {
    SCOPED_TRACE(std::string(implementation.name));
    if (!implementation.decline({.rows = 3, .classes = 3}).empty()) continue;
    const std::vector<float> src{1.0F, 2.0F, 3.0F, kNaN, 0.0F, 0.0F, 1e4F, -1e4F, 0.0F};
    std::vector<float> dst(9), in_place = src;
    implementation.make({.rows = 3, .classes = 3})->run({.src = src, .dst = dst});
    EXPECT_NEAR(std::accumulate(dst.begin(), dst.begin() + 3, 0.0F), 1.0F, 1e-6F);
    EXPECT_TRUE(std::isnan(dst[3]) && std::isnan(dst[5]));
    EXPECT_THAT(std::vector<float>(dst.begin() + 6, dst.end()), ElementsAre(1.0F, 0.0F, 0.0F));
    implementation.make({.rows = 3, .classes = 3})->run({.src = in_place, .dst = in_place});
    for (const std::size_t i : {0U, 1U, 2U, 6U, 7U, 8U}) EXPECT_EQ(in_place[i], dst[i]);
  }
}

TEST(Softmax, GradientInPlace) {
  for (const SoftmaxImplementation& implementation : softmax_implementations()) {
    SCOPED_TRACE(std::string(implementation.name));
    const std::vector<float> dst{0.25F, 0.25F, 0.5F};
    std::vector<float> grad{4.0F, 8.0F, 2.0F};
    implementation.make({.pass = Pass::backward_data, .classes = 3})
        ->run({.grad_dst = grad, .dst_in = dst, .grad_src = grad});
    EXPECT_THAT(grad, ElementsAre(0.0F, 1.0F, -1.0F));
  }
}

TEST(Softmax, OneDnnComputesTheGradientOnly) {
  const auto only = [](Pass pass) {
    return choose(softmax_implementations(), {.pass = pass, .rows = 3, .classes = 10}, "onednn").explanation;
  };
  EXPECT_EQ(only(Pass::backward_data).name, "onednn");
  EXPECT_EQ(only(Pass::forward).declined.at(0).reason,
            "oneDNN leaves 0 beside a NaN or an infinity, where the whole row has no answer");
}

}  // namespace
}  // namespace saccade::kernels
