#include "saccade/train/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "saccade/base/error.h"
#include "saccade/kernels/softmax/softmax.h"
#include "saccade/nn/plan.h"
#include "saccade/train/evaluate_internal.h"
#include "saccade/train/interrupted.h"
#include "saccade/train/mixing.h"

namespace saccade {
namespace {

Tensor softmax_of(const Tensor& outputs) {
  const Index classes = outputs.shape()[-1];
  Tensor result(outputs.shape());
  const auto choice = choose(kernels::softmax_implementations(),
                             kernels::SoftmaxProblem{.rows = outputs.elements() / classes, .classes = classes});
  choice.kernel->run({.src = outputs.floats(), .dst = result.floats()});
  return result;
}

/// The probability of the largest of `scores`.
float top_probability(const Loss& loss, std::span<const float> scores) {
  const float largest = *std::ranges::max_element(scores);
  if (loss.kind() != Loss::Kind::softmax_cross_entropy) return largest;
  double sum = 0.0;
  for (const float score : scores) sum += std::exp(static_cast<double>(score) - static_cast<double>(largest));
  return static_cast<float>(1.0 / sum);
}

/// What a network makes of a batch, as the mean over some views of each image.
class MeanOfViews {
 public:
  MeanOfViews(std::span<const internal::View> views, const Shape& image) : views_(views), image_(image) {}

  /// Valid until the next call, or the plan's next forward().
  std::span<const float> run(Plan& plan, std::span<const float> batch) {
    if (views_.size() == 1) return plan.forward(batch);
    shown_.resize(batch.size());
    mean_.clear();
    for (const internal::View& view : views_) {
      internal::show(view, image_, batch, shown_);
      const std::span<const float> output = plan.forward(shown_);
      mean_.resize(output.size());
      for (std::size_t i = 0; i < output.size(); ++i) mean_[i] += view.weight * output[i];
    }
    return mean_;
  }

 private:
  std::span<const internal::View> views_;
  Shape image_;
  std::vector<float> shown_, mean_;
};

}  // namespace

void check_fit(const Model& net, const data::Dataset& dataset) {
  const std::string where = fmt::format("network '{}' on {}", net.name(), dataset.name());
  if (dataset.image_shape() != net.input_shape()) {
    throw ShapeError({.where = where,
                      .expected = fmt::format("images of shape {}", net.input_shape().to_string()),
                      .got = dataset.image_shape().to_string(),
                      .fix = "choose a network for these images, or resize them"});
  }
  const Index classes = isize(dataset.class_names().size());
  if (net.output_shape().rank() != 1 || net.output_shape()[0] != classes) {
    throw ShapeError({.where = where,
                      .expected = fmt::format("one output a class, [{}]", classes),
                      .got = net.output_shape().to_string(),
                      .fix = fmt::format("give the last layer {} units", classes)});
  }
}

Evaluation evaluate(Model& net, const data::DatasetPtr& dataset, const EvaluateOptions& options) {
  check_fit(net, *dataset);
  return internal::evaluate_from(net, 0, dataset, options);
}

Evaluation internal::evaluate_from(Model& net, std::size_t first, const data::DatasetPtr& dataset,
                                   const EvaluateOptions& options) {
  options.loss.check(net);
  data::Loader loader(dataset, {.batch_size = options.batch_size,
                                .shuffle = false,
                                .workers = options.workers,
                                .max_queue_size = options.max_queue_size,
                                .preprocessing = first == 0 ? net.preprocessing : Preprocessing::none(),
                                .transform = options.transform});
  const Index classes = net.output_shape()[0];
  struct Ready {
    Plan plan;
    LossOperation loss;
  };
  std::map<Index, Ready> ready;  // by batch size: the last batch may be smaller
  Evaluation result{.classes = classes, .predictions = {}};
  result.predictions.reserve(usize(dataset->size()));
  double loss_sum = 0.0;
  Index correct = 0;
  MeanOfViews views(internal::views_of(options.test_time_augmentation), dataset->image_shape());
  data::Batch batch;
  loader.start(0);
  while (loader.next(batch)) {
    auto found = ready.find(batch.rows());
    if (found == ready.end()) {
      found = ready
                  .emplace(batch.rows(), Ready{Plan(net, batch.rows(), PlanMode::constant, {.first = first}),
                                               LossOperation(options.loss, batch.rows(), classes)})
                  .first;
    }
    Ready& now = found->second;
    const std::span<const float> output = views.run(now.plan, batch.images.floats());
    loss_sum += now.loss.run(output, targets_of(batch), {});
    for (Index row = 0; row < batch.rows(); ++row) {
      const std::span<const float> scores = output.subspan(usize(row * classes), usize(classes));
      const Index label = batch.labels[usize(row)];
      const Prediction prediction{.index = batch.indices[usize(row)],
                                  .label = label,
                                  .predicted = argmax(scores),
                                  .probability = top_probability(options.loss, scores),
                                  .loss = now.loss.row_loss()[usize(row)],
                                  .weight = batch.weights.empty() ? 1.0F : batch.weights[usize(row)],
                                  .rank = rank_of(scores, label)};
      correct += prediction.predicted == label ? 1 : 0;
      result.predictions.push_back(prediction);
    }
    if (options.progress) options.progress(isize(result.predictions.size()), dataset->size());
    if (options.stop && options.stop()) throw InterruptedError();
  }
  result.loss = loss_sum / static_cast<double>(dataset->size());
  result.accuracy = static_cast<double>(correct) / static_cast<double>(dataset->size());
  return result;
}

Tensor predict(Model& net, const Tensor& images, const PredictOptions& options) {
  if (images.shape().rank() == 0 || images.shape().without_batch() != net.input_shape()) {
    throw ShapeError({.where = fmt::format("network '{}'", net.name()),
                      .expected = fmt::format("images [n, ...] of shape {}", net.input_shape().to_string()),
                      .got = images.shape().to_string(),
                      .fix = "resize them, and put a batch axis in front"});
  }
  const Index count = images.shape()[0];
  Tensor result(net.output_shape().with_batch(count));
  const Index image = net.input_shape().elements();
  const Index out = net.output_shape().elements();
  std::vector<float> prepared;
  std::optional<Plan> plan;
  for (Index first = 0; first < count; first += options.batch_size) {
    const Index rows = std::min(options.batch_size, count - first);
    if (!plan || plan->batch() != rows) plan.emplace(net, rows, PlanMode::constant);
    prepared.resize(usize(rows * image));
    if (images.dtype() == DType::uint8) {
      net.preprocessing.apply(images.uint8s().subspan(usize(first * image), prepared.size()), prepared);
    } else {
      std::ranges::copy(images.floats().subspan(usize(first * image), prepared.size()), prepared.begin());
    }
    std::ranges::copy(plan->forward(prepared), result.floats().subspan(usize(first * out)).begin());
  }
  return result;
}

Tensor probabilities(const Model& net, const Tensor& outputs) {
  return net.ends_in_softmax() ? outputs : softmax_of(outputs);
}

}  // namespace saccade
