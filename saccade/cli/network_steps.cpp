#include "saccade/cli/network_steps.h"

#include <fmt/format.h>

#include <cmath>

#include "saccade/base/error.h"
#include "saccade/base/random.h"
#include "saccade/train/metrics.h"

namespace saccade::cli {
namespace {

/// Batches of images and of labels. They have no common divisor, so that an image keeps getting other labels: a network
/// that knows its images by heart has vanishing gradients, and arithmetic on the smallest floats is slow.
constexpr Index kImageBatches = 8;
constexpr Index kLabelBatches = 61;

}  // namespace

SyntheticBatches::SyntheticBatches(const Shape& image, Index batch, Index classes, std::uint64_t seed)
    : image_elements_(usize(batch * image.elements())),
      batch_(usize(batch)),
      images_(Shape{kImageBatches * batch, image.elements()}),
      labels_(usize(kLabelBatches * batch)) {
  Stream pixels(seed, 0, 0, slot_of("bench.images"));
  for (float& pixel : images_.floats()) pixel = pixels.uniform();
  Stream drawn(seed, 0, 0, slot_of("bench.labels"));
  for (std::int32_t& label : labels_)
    label = static_cast<std::int32_t>(drawn.below(static_cast<std::uint32_t>(classes)));
}

std::span<const float> SyntheticBatches::images(std::size_t step) const {
  const std::span<const float> all = images_.floats();
  return all.subspan(step % usize(kImageBatches) * image_elements_, image_elements_);
}

std::span<const std::int32_t> SyntheticBatches::labels(std::size_t step) const {
  return std::span(labels_).subspan(step % usize(kLabelBatches) * batch_, batch_);
}

NetworkSteps::NetworkSteps(Model& net, Index batch, std::uint64_t seed)
    : net_(net),
      batch_(batch),
      seed_(seed),
      classes_(net.output_shape().elements()),
      batches_(net.input_shape(), batch, classes_, seed),
      loss_(SoftmaxCrossEntropy{}, batch, classes_) {}

void NetworkSteps::prepare_training() {
  training_.emplace(net_, batch_, PlanMode::training);
  for (Parameter& parameter : net_.parameters()) parameters_.push_back(&parameter);
  adam_.bind(parameters_);
}

void NetworkSteps::train() {
  if (!training_) prepare_training();
  const std::span<const std::int32_t> labels = batches_.labels(step_);
  const std::span<const float> output =
      training_->forward(batches_.images(step_), {.seed = seed_, .step = static_cast<std::uint32_t>(step_)});
  for (std::size_t row = 0; row < labels.size(); ++row) {
    correct_ += argmax(output.subspan(row * usize(classes_), usize(classes_))) == labels[row] ? 1 : 0;
  }
  require_finite(loss_.run(output, {.labels = labels}, training_->output_grad()));
  training_->backward(adam_.begin_step());
  add_l2(parameters_);
  adam_.step();
  ++step_;
}

std::span<const float> NetworkSteps::infer() {
  if (!inference_) inference_.emplace(net_, batch_, PlanMode::constant);
  return inference_->forward(batches_.images(step_++));
}

void NetworkSteps::require_finite(double loss) const {
  if (std::isfinite(loss)) return;
  throw ValueError({.where = fmt::format("bench {}: loss of step {}", net_.name(), step_ + 1),
                    .expected = "a finite number",
                    .got = fmt::format("{}", loss),
                    .fix = "choose another --seed"});
}

}  // namespace saccade::cli
