#include "saccade/nn/loss.h"

#include <gmock/gmock.h>

#include <cmath>
#include <vector>

#include "saccade/nn/dense.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/testing_internal.h"

namespace saccade {
namespace {

using testing::HasSubstr;

TEST(Loss, WorkedValues) {
  const std::vector<float> p{0.7F, 0.2F, 0.1F};
  const std::vector<std::int32_t> label{0};
  LossOperation plain(CrossEntropy{}, 1, 3);
  EXPECT_NEAR(plain.run(p, {.labels = label}, {}), 0.3566749, 1e-6);
  LossOperation smoothed(CrossEntropy{{.label_smoothing = 0.1F}}, 1, 3);
  EXPECT_NEAR(smoothed.run(p, {.labels = label}, {}), 0.4632974, 1e-6);
  const std::vector<float> logits{std::log(0.7F), std::log(0.2F), std::log(0.1F)};
  LossOperation from_logits(SoftmaxCrossEntropy{}, 1, 3);
  EXPECT_NEAR(from_logits.run(logits, {.labels = label}, {}), 0.3566749, 1e-6);
}

TEST(Loss, OneHotAndSparseLabelsAgree) {
  const std::vector<float> logits{1, 2, 3, 0.5F, -1, 0};
  const std::vector<std::int32_t> labels{2, 0};
  const std::vector<float> one_hot{0, 0, 1, 1, 0, 0};
  LossOperation loss(SoftmaxCrossEntropy{}, 2, 3);
  std::vector<float> sparse_grad(6), dense_grad(6);
  const double sparse = loss.run(logits, {.labels = labels}, sparse_grad);
  const double dense = loss.run(logits, {.dense = one_hot}, dense_grad);
  EXPECT_NEAR(sparse, dense, 1e-6);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(sparse_grad[i], dense_grad[i], 1e-7F);
}

TEST(Loss, TheGradientIsOfTheMean) {
  const std::vector<float> y{1, 2, 3, 4};
  const std::vector<float> t{0, 2, 5, 4};
  LossOperation loss(MeanSquaredError{}, 2, 2);
  std::vector<float> grad(4);
  EXPECT_DOUBLE_EQ(loss.run(y, {.dense = t}, grad), 0.5 + 2.0);
  EXPECT_THAT(grad, testing::ElementsAre(0.5F, 0, -1, 0));
}

TEST(Loss, ClassWeightsDivideByTheNumberOfImages) {
  const std::vector<float> logits{0, 0, 0, 0};
  const std::vector<std::int32_t> labels{0, 1};
  LossOperation loss(SoftmaxCrossEntropy{{.class_weight = {1, 3}}}, 2, 2);
  EXPECT_NEAR(loss.run(logits, {.labels = labels}, {}) / 2, std::log(2.0) * (1 + 3) / 2, 1e-6);
}

TEST(Loss, RefusesWhatDoesNotFit) {
  LossOperation loss(SoftmaxCrossEntropy{}, 2, 3);
  const std::vector<float> logits(6);
  EXPECT_THAT(message_of<ValueError>([&] {
                loss.run(logits, {.labels = std::vector<std::int32_t>{0, 3}}, {});
              }),
              HasSubstr("label of image 1 of the batch: expected 0 to 2, got 3"));
  EXPECT_THAT(message_of<ShapeError>([&] { loss.run(logits, {.labels = std::vector<std::int32_t>{0}}, {}); }),
              HasSubstr("targets of 2 images"));
  EXPECT_THAT(message_of<ValueError>([] { CrossEntropy{{.label_smoothing = 1.0F}}; }), HasSubstr("label_smoothing"));
  EXPECT_THAT(message_of<ValueError>([] { CrossEntropy{{.class_weight = {1, -1}}}; }), HasSubstr("class_weight"));
  const Model soft = Sequential("s", {Input{{4}}, Dense{{.units = 2, .activation = softmax}}});
  const Model plain = Sequential("p", {Input{{4}}, Dense{{.units = 2}}});
  EXPECT_THAT(message_of<ValueError>([&] { SoftmaxCrossEntropy{}.check(soft); }),
              HasSubstr("softmax, which this loss applies itself"));
  EXPECT_THAT(message_of<ValueError>([&] { CrossEntropy{}.check(plain); }),
              HasSubstr("a network that ends in softmax"));
  EXPECT_THAT(message_of<ValueError>([&] { SoftmaxCrossEntropy{{.class_weight = {1}}}.check(plain); }),
              HasSubstr("2 class weights"));
  EXPECT_THAT(message_of<ShapeError>([&] {
                SoftmaxCrossEntropy{}.check(Sequential("m", {Input{{4, 4, 1}}, MaxPool2D{}}));
              }),
              HasSubstr("one row of classes"));
}

}  // namespace
}  // namespace saccade
