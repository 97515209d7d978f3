#include "saccade/nn/loss.h"

#include <fmt/format.h>

#include <cmath>

#include "saccade/base/error.h"
#include "saccade/nn/checks.h"

namespace saccade {
Loss::Loss(Kind kind, CrossEntropyOptions options) : kind_(kind), options_(std::move(options)) {
  checks::in_range("loss", "label_smoothing", options_.label_smoothing, 0.0F, 1.0F);
  for (const float weight : options_.class_weight) {
    if (std::isfinite(weight) && weight >= 0.0F) continue;
    throw ValueError({.where = "loss: class_weight",
                      .expected = "finite numbers of zero or more",
                      .got = fmt::format("{}", weight),
                      .fix = "a class twice as important has weight 2"});
  }
}

SoftmaxCrossEntropy::SoftmaxCrossEntropy(CrossEntropyOptions options)
    : Loss(Kind::softmax_cross_entropy, std::move(options)) {}
CrossEntropy::CrossEntropy(CrossEntropyOptions options) : Loss(Kind::cross_entropy, std::move(options)) {}
MeanSquaredError::MeanSquaredError() : Loss(Kind::mean_squared_error, {}) {}

std::string_view Loss::name() const noexcept {
  switch (kind_) {
    case Kind::softmax_cross_entropy:
      return "softmax_cross_entropy";
    case Kind::cross_entropy:
      return "cross_entropy";
    case Kind::mean_squared_error:
      return "mean_squared_error";
  }
  return "";
}

void Loss::check(const Model& model) const {
  const std::string where = fmt::format("loss {} of network '{}'", name(), model.name());
  if (model.output_shape().rank() != 1) {
    throw ShapeError({.where = where,
                      .expected = "a network that ends in one row of classes",
                      .got = model.output_shape().to_string(),
                      .fix = "end it with Flatten or a global pooling and Dense"});
  }
  const Index classes = model.output_shape()[0];
  const std::vector<float>& weights = options_.class_weight;
  if (!weights.empty() && isize(weights.size()) != classes) {
    throw ValueError({.where = where,
                      .expected = fmt::format("{} class weights", classes),
                      .got = std::to_string(weights.size()),
                      .fix = "give one a class"});
  }
  if (kind_ == Kind::softmax_cross_entropy && model.ends_in_softmax()) {
    throw ValueError({.where = where,
                      .expected = "a last layer without activation",
                      .got = "softmax, which this loss applies itself",
                      .fix = "drop the last softmax, or use CrossEntropy"});
  }
  if (kind_ == Kind::cross_entropy && !model.ends_in_softmax()) {
    throw ValueError({.where = where,
                      .expected = "a network that ends in softmax",
                      .got = "a last layer that makes no probabilities",
                      .fix = "use SoftmaxCrossEntropy, or end with softmax"});
  }
}

LossOperation::LossOperation(const Loss& loss, Index batch, Index classes)
    : batch_(batch), classes_(classes), class_weight_(loss.options().class_weight), row_loss_(usize(batch)) {
  choice_ = choose(
      kernels::loss_implementations(),
      kernels::LossProblem{
          .kind = loss.kind(), .rows = batch, .classes = classes, .label_smoothing = loss.options().label_smoothing});
}

double LossOperation::run(std::span<const float> prediction, const Targets& targets, std::span<float> grad) {
  for (std::size_t i = 0; i < targets.labels.size(); ++i) {
    if (targets.labels[i] >= 0 && targets.labels[i] < classes_) continue;
    throw ValueError({.where = fmt::format("label of image {} of the batch", i),
                      .expected = fmt::format("0 to {}", classes_ - 1),
                      .got = std::to_string(targets.labels[i]),
                      .fix = "the network's last layer needs one output a class"});
  }
  const std::size_t given = targets.labels.empty() ? targets.dense.size() / usize(classes_) : targets.labels.size();
  if (isize(given) != batch_) {
    throw ShapeError({.where = "loss",
                      .expected = fmt::format("targets of {} images", batch_),
                      .got = std::to_string(given),
                      .fix = "pass one target an image"});
  }
  choice_.kernel->run({.prediction = prediction,
                       .labels = targets.labels,
                       .targets = targets.dense,
                       .sample_weight = targets.sample_weight,
                       .class_weight = class_weight_,
                       .scale = 1.0F / static_cast<float>(batch_),
                       .row_loss = row_loss_,
                       .grad = grad});
  double sum = 0.0;
  for (const float loss : row_loss_) sum += static_cast<double>(loss);
  return sum;
}

}  // namespace saccade
