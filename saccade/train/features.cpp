#include "saccade/train/features.h"

#include <fmt/format.h>

#include <algorithm>

#include "saccade/base/error.h"
#include "saccade/data/loader.h"
#include "saccade/nn/plan.h"
#include "saccade/train/interrupted.h"

namespace saccade {

FeatureSet::FeatureSet(data::DatasetPtr images, Tensor features)
    : images_(std::move(images)), features_(std::move(features)) {
  if (!images_) {
    throw ValueError({.where = "features",
                      .expected = "the images that they are of",
                      .got = "a null pointer",
                      .fix = "use compute_features"});
  }
  if (features_.shape().rank() >= 2 && features_.shape()[0] == images_->size()) return;
  throw ShapeError({.where = fmt::format("features of {}", images_->name()),
                    .expected = fmt::format("a row for each of {} images", images_->size()),
                    .got = features_.shape().to_string(),
                    .fix = "use compute_features"});
}

std::span<const float> FeatureSet::of(Index i) const {
  require_image(i);
  const std::size_t count = usize(image_shape().elements());
  return features_.floats().subspan(usize(i) * count, count);
}

data::Sample FeatureSet::get(Index i) const {
  data::Sample sample{.image = Tensor(image_shape()), .label = label(i), .name = sample_name(i)};
  std::ranges::copy(of(i), sample.image.floats().begin());
  return sample;
}

void FeatureSet::read(Index i, const Preprocessing& /*preprocessing*/, std::span<float> out) const {
  require_output(out.size());
  std::ranges::copy(of(i), out.begin());
}

std::optional<Index> feature_bytes(const Model& net, std::size_t node, Index images) noexcept {
  const auto elements = checked_multiply(images, net.nodes()[node].shape.elements());
  return elements ? checked_multiply(*elements, isize(sizeof(float))) : std::nullopt;
}

std::shared_ptr<const FeatureSet> compute_features(Model& net, const data::DatasetPtr& images, std::size_t node,
                                                   const FeatureOptions& options) {
  if (images->image_shape() != net.input_shape()) {
    throw ShapeError({.where = fmt::format("network '{}' on {}", net.name(), images->name()),
                      .expected = fmt::format("images of shape {}", net.input_shape().to_string()),
                      .got = images->image_shape().to_string(),
                      .fix = "choose a network for these images, or resize them"});
  }
  data::Loader loader(images, {.batch_size = options.batch_size,
                               .shuffle = false,
                               .workers = options.workers,
                               .max_queue_size = options.max_queue_size,
                               .preprocessing = net.preprocessing});
  const Index rows = options.batch_size;
  Plan plan(net, rows, PlanMode::constant, {.last = node});
  Tensor features(net.nodes()[node].shape.with_batch(images->size()));
  std::vector<float> filled_up(usize(rows * net.input_shape().elements()));
  data::Batch batch;
  Index done = 0;
  loader.start(0);
  while (loader.next(batch)) {
    std::span<const float> input = batch.images.floats();
    if (batch.rows() < rows) {
      std::ranges::copy(input, filled_up.begin());
      input = filled_up;
    }
    const std::size_t each = usize(net.nodes()[node].shape.elements());
    const std::span<const float> output = plan.forward(input).first(usize(batch.rows()) * each);
    std::ranges::copy(output, features.floats().subspan(usize(done) * each).begin());
    done += batch.rows();
    if (options.progress) options.progress(done, images->size());
    if (options.stop && options.stop()) throw InterruptedError();
  }
  return std::make_shared<FeatureSet>(images, std::move(features));
}

}  // namespace saccade
