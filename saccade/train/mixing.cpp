#include "saccade/train/mixing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "saccade/base/error.h"
#include "saccade/base/random.h"

namespace saccade {
namespace {

/// The logarithm of a Gamma(alpha, 1) number, by Marsaglia and Tsang, "A simple method for generating gamma variables", 2000.
/// Below alpha = 0.01 the number itself is mostly smaller than the smallest double.
double draw_log_gamma(Stream& stream, double alpha) {
  if (alpha < 1.0) {
    const double log_power = std::log(1.0 - stream.uniform_double()) / alpha;
    return draw_log_gamma(stream, alpha + 1.0) + log_power;
  }
  const double d = alpha - 1.0 / 3.0, c = 1.0 / std::sqrt(9.0 * d);
  for (;;) {
    const double x = stream.normal(), root = 1.0 + c * x;
    if (root <= 0.0) continue;
    const double v = root * root * root;
    if (std::log(1.0 - stream.uniform_double()) < 0.5 * x * x + d - d * v + d * std::log(v)) return std::log(d * v);
  }
}

double draw_beta(Stream& stream, double alpha) {
  const double a = draw_log_gamma(stream, alpha), b = draw_log_gamma(stream, alpha);
  return 1.0 / (1.0 + std::exp(b - a));
}

void blend(std::span<float> a, std::span<float> b, float t) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    const float x = a[i], y = b[i];
    a[i] = t * x + (1.0F - t) * y;
    b[i] = t * y + (1.0F - t) * x;
  }
}

struct Rectangle {
  Index top, left, bottom, right;
};

/// A box of about (1-t) of the picture.
Rectangle draw_box(Stream& stream, const Shape& hwc, double t) {
  const double side = std::sqrt(1.0 - t);
  const auto range = [&](Index extent) {
    const Index length = static_cast<Index>(side * static_cast<double>(extent));
    const Index middle = static_cast<Index>(stream.below(static_cast<std::uint32_t>(extent)));
    const Index first = middle - length / 2;
    return std::pair(std::clamp(first, Index{0}, extent), std::clamp(first + length, Index{0}, extent));
  };
  const auto [top, bottom] = range(hwc[0]);
  const auto [left, right] = range(hwc[1]);
  return {top, left, bottom, right};
}

void exchange(std::span<float> a, std::span<float> b, const Shape& hwc, const Rectangle& box) {
  const Index count = (box.right - box.left) * hwc[2];
  for (Index row = box.top; row < box.bottom; ++row) {
    const Index first = (row * hwc[1] + box.left) * hwc[2];
    std::swap_ranges(a.data() + first, a.data() + first + count, b.data() + first);
  }
}

void require_alpha(double alpha, std::string_view name) {
  if (alpha >= 0.0 && std::isfinite(alpha)) return;
  throw ValueError({.where = fmt::format("fit: {}", name),
                    .expected = "an alpha of zero or more",
                    .got = fmt::format("{}", alpha),
                    .fix = "0 is off; 0.2 is usual for mixup, 1 for cutmix"});
}

}  // namespace

Targets targets_of(const data::Batch& batch) {
  if (batch.targets.empty()) return {.labels = batch.labels, .sample_weight = batch.weights};
  return {.dense = batch.targets, .sample_weight = batch.weights};
}

Mixer::Mixer(const MixingOptions& options, Index classes, std::uint64_t seed)
    : options_(options), classes_(classes), seed_(seed) {
  require_alpha(options.mixup, "mixup");
  require_alpha(options.cutmix, "cutmix");
}

void Mixer::require_targets(const data::Batch& batch) const {
  if (!batch.targets.empty()) {
    if (isize(batch.targets.size()) == batch.rows() * classes_) return;
    throw ShapeError({.where = "fit: targets",
                      .expected = fmt::format("{} an image, one an output", classes_),
                      .got = fmt::format("{} for {} images", batch.targets.size(), batch.rows()),
                      .fix = "give the network as many outputs as there are names of targets"});
  }
  for (const std::int32_t label : batch.labels) {
    if (label >= 0 && label < classes_) continue;
    throw ValueError({.where = "fit: label",
                      .expected = fmt::format("0 to {}", classes_ - 1),
                      .got = fmt::format("{}", label),
                      .fix = "give the network as many outputs as there are classes"});
  }
}

Targets Mixer::mix(data::Batch& batch) {
  if (!is_on()) return targets_of(batch);
  Stream stream(seed_, static_cast<std::uint32_t>(batch.epoch), static_cast<std::uint64_t>(batch.number),
                slot_of("mix"));
  const bool cuts = options_.cutmix > 0.0 && (options_.mixup == 0.0 || stream.uniform_double() < 0.5);
  double t = draw_beta(stream, cuts ? options_.cutmix : options_.mixup);
  const Shape hwc = batch.images.shape().without_batch();
  Rectangle box{};
  if (cuts) {
    box = draw_box(stream, hwc, t);
    const double cut = static_cast<double>((box.bottom - box.top) * (box.right - box.left));
    t = 1.0 - cut / static_cast<double>(hwc[0] * hwc[1]);
  }
  const Index rows = batch.rows();
  const std::size_t count = usize(hwc.elements());
  const auto image = [&](Index row) { return batch.images.floats().subspan(usize(row) * count, count); };
  require_targets(batch);
  dense_.assign(usize(rows * classes_), 0.0F);
  const auto add_target = [&](Index row, Index of, double share) {
    float* const to = dense_.data() + row * classes_;
    if (batch.targets.empty()) {
      to[batch.labels[usize(of)]] += static_cast<float>(share);
      return;
    }
    for (Index c = 0; c < classes_; ++c) to[c] += static_cast<float>(share) * batch.targets[usize(of * classes_ + c)];
  };
  std::vector<float>& weights = batch.weights;
  for (Index i = 0; i < rows; ++i) {
    const Index j = rows - 1 - i;
    if (i < j && cuts) exchange(image(i), image(j), hwc, box);
    if (i < j && !cuts) blend(image(i), image(j), static_cast<float>(t));
    if (i < j && !weights.empty()) blend({&weights[usize(i)], 1}, {&weights[usize(j)], 1}, static_cast<float>(t));
    add_target(i, i, t);
    add_target(i, j, 1.0 - t);
  }
  return {.dense = dense_, .sample_weight = weights};
}

}  // namespace saccade
