#include "saccade/kernels/loss/loss.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "saccade/kernels/testing_internal.h"

namespace saccade::kernels {
namespace {

using Kind = LossProblem::Kind;
using testing::ElementsAre;
using testing::FloatEq;
using testing::FloatNear;
using testing::Pointwise;

struct LossResult {
  std::vector<float> loss, grad;
};

LossResult run(const LossImplementation& implementation, const LossProblem& problem, LossBuffers buffers) {
  LossResult result{std::vector<float>(usize(problem.rows), 9.0F),
                    std::vector<float>(usize(problem.rows * problem.classes), 9.0F)};
  buffers.row_loss = result.loss;
  buffers.grad = result.grad;
  implementation.make(problem)->run(buffers);
  return result;
}

/// Calls check(implementation) for those that take the problem.
template <class Check>
void for_each_implementation(const LossProblem& problem, const Check& check) {
  for (const LossImplementation& implementation : loss_implementations()) {
    if (!implementation.decline(problem).empty()) continue;
    SCOPED_TRACE(std::string(implementation.name));
    check(implementation);
  }
}

// keras_semantics: p = (.7, .2, .1), class 0.
const std::vector<float> kProbabilities{0.7F, 0.2F, 0.1F};
const std::vector<std::int32_t> kClass0{0};

TEST(Loss, KerasWorkedValues) {
  LossProblem problem{.kind = Kind::cross_entropy, .rows = 1, .classes = 3};
  for_each_implementation(problem, [&](const LossImplementation& implementation) {
    EXPECT_THAT(run(implementation, problem, {.prediction = kProbabilities, .labels = kClass0}).loss,
                ElementsAre(FloatNear(0.3566749F, 1e-7F)));
    LossProblem smooth = problem;
    smooth.label_smoothing = 0.1F;
    EXPECT_THAT(run(implementation, smooth, {.prediction = kProbabilities, .labels = kClass0}).loss,
                ElementsAre(FloatNear(0.4632974F, 1e-7F)));
    // Probabilities that do not add up to 1 are made to.
    const std::vector<float> doubled{1.4F, 0.4F, 0.2F};
    EXPECT_THAT(run(implementation, problem, {.prediction = doubled, .labels = kClass0}).loss,
                ElementsAre(FloatNear(0.3566749F, 1e-7F)));
  });
  // The same from logits: softmax(log p) = p, and the gradient is p - t.
  problem.kind = Kind::softmax_cross_entropy;
  const std::vector<float> logits{std::log(0.7F) + 5.0F, std::log(0.2F) + 5.0F, std::log(0.1F) + 5.0F};
  for_each_implementation(problem, [&](const LossImplementation& implementation) {
    const LossResult plain = run(implementation, problem, {.prediction = logits, .labels = kClass0});
    EXPECT_THAT(plain.loss, ElementsAre(FloatNear(0.3566749F, 1e-6F)));
    EXPECT_THAT(plain.grad, Pointwise(FloatNear(1e-6F), {-0.3F, 0.2F, 0.1F}));
    LossProblem smooth = problem;
    smooth.label_smoothing = 0.1F;
    const LossResult smoothed = run(implementation, smooth, {.prediction = logits, .labels = kClass0});
    EXPECT_THAT(smoothed.loss, ElementsAre(FloatNear(0.4632974F, 1e-6F)));
    EXPECT_THAT(smoothed.grad, Pointwise(FloatNear(1e-6F), {0.7F - 2.8F / 3, 0.2F - 0.1F / 3, 0.1F - 0.1F / 3}));
  });
}

TEST(Loss, ClipOfProbabilities) {
  const LossProblem problem{.kind = Kind::cross_entropy, .rows = 2, .classes = 2};
  const std::vector<float> prediction{0.0F, 1.0F, 1.0F, 0.0F};
  const std::vector<std::int32_t> labels{0, 0};
  for_each_implementation(problem, [&](const LossImplementation& implementation) {
    const LossResult result = run(implementation, problem, {.prediction = prediction, .labels = labels});
    EXPECT_THAT(result.loss, Pointwise(FloatNear(1e-5F), {16.118096F, 1e-7F}));  // -log(1e-7), -log(1 - 1e-7)
    EXPECT_THAT(result.grad, ElementsAre(0.0F, 0.0F, 0.0F, 0.0F));
  });
}

TEST(Loss, MeanSquaredError) {
  const LossProblem problem{.kind = Kind::mean_squared_error, .rows = 2, .classes = 2};
  const std::vector<float> prediction{1.0F, 3.0F, 0.5F, -1.0F}, targets{0.0F, 1.0F, 0.5F, 1.0F};
  const std::vector<std::int32_t> labels{1, 0};
  for_each_implementation(problem, [&](const LossImplementation& implementation) {
    const LossResult dense =
        run(implementation, problem, {.prediction = prediction, .targets = targets, .scale = 0.5F});
    EXPECT_THAT(dense.loss, ElementsAre(2.5F, 2.0F));
    EXPECT_THAT(dense.grad, ElementsAre(0.5F, 1.0F, 0.0F, -1.0F));
    const LossResult sparse = run(implementation, problem, {.prediction = prediction, .labels = labels});
    EXPECT_THAT(sparse.loss, ElementsAre(2.5F, 0.625F));
    EXPECT_THAT(sparse.grad, ElementsAre(1.0F, 2.0F, -0.5F, -1.0F));
  });
}

TEST(Loss, Weights) {
  const LossProblem problem{.rows = 2, .classes = 2};
  const std::vector<float> logits{0.0F, 0.0F, 0.0F, 0.0F}, sample_weight{3.0F, 0.5F}, class_weight{1.0F, 10.0F};
  const std::vector<std::int32_t> labels{0, 1};
  const std::vector<float> targets{0.6F, 0.4F, 0.1F, 0.9F};  // their largest are the labels
  for_each_implementation(problem, [&](const LossImplementation& implementation) {
    const float half = std::log(2.0F);
    const LossBuffers buffers{
        .prediction = logits, .labels = labels, .sample_weight = sample_weight, .class_weight = class_weight};
    const LossResult sparse = run(implementation, problem, buffers);
    EXPECT_THAT(sparse.loss, Pointwise(FloatEq(), {3.0F * half, 5.0F * half}));
    EXPECT_THAT(sparse.grad, ElementsAre(-1.5F, 1.5F, 2.5F, -2.5F));
    LossBuffers dense = buffers;
    dense.labels = {};
    dense.targets = targets;
    EXPECT_THAT(run(implementation, problem, dense).loss, Pointwise(FloatEq(), {3.0F * half, 5.0F * half}));
  });
}

TEST(Loss, LogitsBeyondExp) {
  const LossProblem problem{.rows = 3, .classes = 3};
  const std::vector<float> logits{1e4F, 0.0F, -1e4F, 1e4F, 0.0F, -1e4F, -1e30F, -1e30F, -1e30F};
  const std::vector<std::int32_t> labels{0, 2, 1};
  for_each_implementation(problem, [&](const LossImplementation& implementation) {
    const LossResult result = run(implementation, problem, {.prediction = logits, .labels = labels});
    EXPECT_THAT(result.loss, Pointwise(FloatEq(), {0.0F, 2e4F, std::log(3.0F)}));
    EXPECT_THAT(std::vector<float>(result.grad.begin(), result.grad.begin() + 6),
                ElementsAre(0.0F, 0.0F, 0.0F, 1.0F, 0.0F, -1.0F));
  });
}

TEST(Loss, SureOfItselfIsNotRoundedToZero) {
  // log(1 + e^-20) and its gradient are far below the rounding of 1.
  const LossProblem problem{.rows = 1, .classes = 2};
  const std::vector<float> logits{20.0F, 0.0F};
  for_each_implementation(problem, [&](const LossImplementation& implementation) {
    const LossResult result = run(implementation, problem, {.prediction = logits, .labels = kClass0});
    EXPECT_NEAR(result.loss[0], 2.0611536e-9F, 1e-15F);
    EXPECT_NEAR(result.grad[0], -2.0611536e-9F, 1e-15F);
    EXPECT_NEAR(result.grad[1], 2.0611536e-9F, 1e-15F);
  });
}

TEST(Loss, MinusInfinityIsAnImpossibleClass) {
  const LossProblem problem{.rows = 2, .classes = 3};
  const std::vector<float> logits{0.0F, 0.0F, -kInfinity, 0.0F, 0.0F, -kInfinity};
  const std::vector<std::int32_t> labels{0, 2};
  const std::vector<float> targets{1.0F, 0.0F, 0.0F, 0.0F, 0.0F, 1.0F};
  for_each_implementation(problem, [&](const LossImplementation& implementation) {
    for (const bool dense : {false, true}) {
      LossBuffers buffers{.prediction = logits};
      if (dense) {
        buffers.targets = targets;
      } else {
        buffers.labels = labels;
      }
      const LossResult result = run(implementation, problem, buffers);
      EXPECT_THAT(result.loss, Pointwise(FloatEq(), {std::log(2.0F), kInfinity}));
      EXPECT_THAT(result.grad, ElementsAre(-0.5F, 0.5F, 0.0F, 0.5F, 0.5F, -1.0F));
    }
  });
}

TEST(Loss, NaNShowsInItsOwnRowOnly) {
  const LossProblem problem{.rows = 2, .classes = 3};
  const std::vector<float> logits{0.0F, kNaN, 0.0F, 0.0F, 0.0F, 0.0F};
  const std::vector<std::int32_t> labels{0, 0};
  for_each_implementation(problem, [&](const LossImplementation& implementation) {
    const LossResult result = run(implementation, problem, {.prediction = logits, .labels = labels});
    EXPECT_TRUE(std::isnan(result.loss[0]));
    EXPECT_FLOAT_EQ(result.loss[1], std::log(3.0F));
    for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(std::isnan(result.grad[i]));
    EXPECT_THAT(std::accumulate(result.grad.begin() + 3, result.grad.end(), 0.0F), FloatNear(0.0F, 1e-6F));
  });
}

TEST(Loss, GradientInPlaceOrNotAtAll) {
  LossProblem problem{.rows = 5, .classes = 19, .label_smoothing = 0.1F};
  std::vector<float> prediction(95);
  for (std::size_t i = 0; i < prediction.size(); ++i) prediction[i] = 1.5F + std::sin(static_cast<float>(i));
  const std::vector<std::int32_t> labels{0, 18, 7, 16, 3};
  for (const Kind kind : {Kind::softmax_cross_entropy, Kind::cross_entropy, Kind::mean_squared_error}) {
    problem.kind = kind;
    for_each_implementation(problem, [&](const LossImplementation& implementation) {
      const LossResult apart = run(implementation, problem, {.prediction = prediction, .labels = labels});
      std::vector<float> loss(5), in_place = prediction;
      implementation.make(problem)->run({.prediction = prediction, .labels = labels, .row_loss = loss});
      EXPECT_EQ(loss, apart.loss);
      implementation.make(problem)->run({.prediction = in_place, .labels = labels, .row_loss = loss, .grad = in_place});
      EXPECT_EQ(loss, apart.loss);
      EXPECT_EQ(in_place, apart.grad);
    });
  }
}

TEST(Loss, Names) {
  EXPECT_EQ((LossProblem{.rows = 128, .classes = 10}.id()), "r128c10_softmax_cross_entropy");
  EXPECT_EQ((LossProblem{.kind = Kind::cross_entropy, .rows = 2, .classes = 3, .label_smoothing = 0.1F}.id()),
            "r2c3s0.1_cross_entropy");
  const LossProblem other{.kind = Kind::mean_squared_error};
  EXPECT_EQ(choose(loss_implementations(), other, "simd").explanation.declined.at(0).reason,
            "only softmax cross-entropy is vectorised");
}

}  // namespace
}  // namespace saccade::kernels
