#include "saccade/train/transfer_advice.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

#include "saccade/base/error.h"
#include "saccade/base/random.h"
#include "saccade/data/loader.h"
#include "saccade/nn/blocks.h"
#include "saccade/nn/frozen_cuts.h"
#include "saccade/nn/plan.h"
#include "saccade/train/interrupted.h"
#include "saccade/train/ridge.h"

namespace saccade {
namespace {

constexpr Index kFew = 100, kVeryMany = 500;  // images a class
constexpr Index kFields = 8;                  // a side, of the images themselves

bool has_weight(const Model& net, std::size_t node) {
  return std::ranges::any_of(net.nodes()[node].parameters,
                             [&](std::size_t i) { return net.parameters()[i].name.ends_with(".weight"); });
}

std::size_t head_of(const Model& net) {
  for (std::size_t i = net.nodes().size(); i-- > 0;) {
    if (has_weight(net, i)) return i;
  }
  throw ValueError({.where = fmt::format("network '{}'", net.name()),
                    .expected = "layers with weights",
                    .got = "none",
                    .fix = "choose another network"});
}

/// The nodes to look at: the images, what each block ends with, and what the last layer reads.
std::vector<std::size_t> depths_of(const Model& net) {
  const std::vector<std::size_t> narrow = narrow_nodes(net.graph()), blocks = blocks_of(net.graph());
  std::vector<std::size_t> depths{0};
  const auto add_before = [&](std::size_t node) {
    const auto after = std::ranges::lower_bound(narrow, node);
    if (after != narrow.begin() && *(after - 1) > depths.back()) depths.push_back(*(after - 1));
  };
  for (std::size_t block = 1; block < blocks.size(); ++block) add_before(blocks[block]);
  add_before(head_of(net));
  return depths;
}

/// Averages an image [h, w, c] over fields x fields parts of its area, or over all of it.
void pool(std::span<const float> image, const Shape& shape, Index fields, std::span<float> out) {
  if (shape.rank() != 3) {
    std::ranges::copy(image, out.begin());
    return;
  }
  const Index height = shape[0], width = shape[1], channels = shape[2];
  std::ranges::fill(out, 0.0F);
  std::vector<float> count(usize(fields * fields));
  for (Index y = 0; y < height; ++y) {
    for (Index x = 0; x < width; ++x) {
      const auto field = usize(y * fields / height * fields + x * fields / width);
      ++count[field];
      for (Index c = 0; c < channels; ++c) {
        out[field * usize(channels) + usize(c)] += image[usize((y * width + x) * channels + c)];
      }
    }
  }
  for (std::size_t i = 0; i < out.size(); ++i) out[i] /= std::max(count[i / usize(channels)], 1.0F);
}

/// A depth, and the features there of all images looked at.
struct Level {
  std::size_t node = 0;
  Index fields = 1;
  Tensor features;
  std::optional<Plan> plan;  ///< From the level before; none for the images.
};

std::vector<Level> make_levels(Model& net, Index images, Index batch) {
  std::vector<Level> levels;
  for (const std::size_t node : depths_of(net)) {
    const Shape& shape = net.nodes()[node].shape;
    Level level{.node = node, .fields = node == 0 && shape.rank() == 3 ? kFields : 1, .features = {}, .plan = {}};
    const Index dimensions = shape.rank() == 3 ? level.fields * level.fields * shape[2] : shape.elements();
    level.features = Tensor({images, dimensions});
    if (!levels.empty()) level.plan.emplace(net, batch, PlanMode::constant, PlanPart{levels.back().node, node});
    levels.push_back(std::move(level));
  }
  return levels;
}

std::vector<Level> features_at_depths(Model& net, const data::DatasetPtr& images,
                                      const TransferAdviceOptions& options) {
  data::Loader loader(images, {.batch_size = options.batch_size,
                               .shuffle = false,
                               .workers = options.workers,
                               .preprocessing = net.preprocessing});
  std::vector<Level> levels = make_levels(net, images->size(), options.batch_size);
  std::vector<float> filled_up(usize(options.batch_size * net.input_shape().elements()));
  data::Batch batch;
  Index done = 0;
  loader.start(0);
  while (loader.next(batch)) {
    std::ranges::copy(batch.images.floats(), filled_up.begin());
    std::span<const float> values = filled_up;
    for (Level& level : levels) {
      if (level.plan) values = level.plan->forward(values);
      const Shape& shape = net.nodes()[level.node].shape;
      const std::size_t each = usize(shape.elements()), dimensions = usize(level.features.shape()[1]);
      for (Index row = 0; row < batch.rows(); ++row) {
        pool(values.subspan(usize(row) * each, each), shape, level.fields,
             level.features.floats().subspan(usize(done + row) * dimensions, dimensions));
      }
    }
    done += batch.rows();
    if (options.progress) options.progress(done, images->size());
    if (options.stop && options.stop()) throw InterruptedError();
  }
  return levels;
}

/// Of each class the same share, drawn by seed.
data::DatasetPtr choose(const data::DatasetPtr& images, Index most, std::uint64_t seed) {
  if (images->size() <= most) return images;
  const double share = static_cast<double>(most) / static_cast<double>(images->size());
  return data::split(images, share, seed).validation;
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100.0 * share); }

void count_images(const data::Dataset& images, TransferAdvice& advice) {
  std::vector<Index> counts(images.class_names().size());
  for (Index i = 0; i < images.size(); ++i) ++counts[usize(images.label(i))];
  const auto [fewest, most] = std::ranges::minmax_element(counts);
  advice.images = images.size();
  advice.classes = isize(counts.size());
  advice.fewest = *fewest;
  advice.most = *most;
  advice.smallest_class = images.class_names()[usize(fewest - counts.begin())];
  advice.majority = static_cast<double>(*most) / static_cast<double>(images.size());
}

/// The first layer with weights behind a node.
std::string layer_behind(const Model& net, std::size_t node) {
  for (std::size_t i = node + 1; i < net.nodes().size(); ++i) {
    if (has_weight(net, i)) return net.nodes()[i].name;
  }
  return net.nodes().back().name;
}

void decide(const Model& net, const std::vector<Level>& levels, TransferAdvice& advice) {
  const auto best = std::ranges::max_element(advice.probes, {}, &Probe::accuracy);
  const double margin = 2.0 * advice.standard_error;
  const Probe &pixels = advice.probes.front(), &deepest = advice.probes.back();
  const Index each = advice.images / advice.classes;
  const std::string amount = fmt::format("{} images of {} classes, {} a class on average, fewest of '{}': {}",
                                         advice.images, advice.classes, each, advice.smallest_class, advice.fewest);
  const std::string gentle = "--train-all --learning-rate 1e-4 --lr-decay-per-block 0.5 --warmup-epochs 1";
  const auto conclude = [&](Training training, std::string options, std::vector<std::string> reasons) {
    advice.training = training;
    advice.options = std::move(options);
    advice.reasons = {amount};
    advice.reasons.insert(advice.reasons.end(), reasons.begin(), reasons.end());
  };
  const std::string of_pixels =
      fmt::format("a linear classifier gets {} from the images themselves", percent(pixels.accuracy));
  if (best->accuracy - pixels.accuracy <= margin) {
    const std::string no_use = fmt::format(
        "{} and no more than {} from any layer: these images are far from what the "
        "network has learned",
        of_pixels, percent(best->accuracy));
    if (each >= kFew) {
      conclude(Training::scratch, "", {no_use, "there are enough images to learn features of their own"});
    } else {
      conclude(Training::all, gentle,
               {no_use,
                "there are too few images to begin anew: its first layers are a better "
                "start than none"});
    }
    return;
  }
  if (best->accuracy - deepest.accuracy > margin) {
    const std::string layer = layer_behind(net, levels[usize(best - advice.probes.begin())].node);
    const std::string earlier = fmt::format(
        "{}, {} from '{}' and only {} from what the last layer reads: later layers have learned things that "
        "are not on these images",
        of_pixels, percent(best->accuracy), best->layer, percent(deepest.accuracy));
    if (each >= kVeryMany) {
      conclude(Training::all, gentle, {earlier, "there are enough images to train all layers"});
    } else {
      conclude(Training::from_layer, "--train-from " + layer,
               {earlier, fmt::format("layers from '{}' on have to learn anew", layer)});
    }
    return;
  }
  const std::string near = fmt::format(
      "{}, and {} from what the last layer reads: these images are near to what the "
      "network has learned",
      of_pixels, percent(deepest.accuracy));
  if (each >= kVeryMany) {
    conclude(Training::all, gentle,
             {near, fmt::format("{} images a class are enough to adapt all layers, after the last "
                                "one or gently",
                                each)});
  } else if (each >= kFew) {
    const std::vector<std::size_t> blocks = blocks_of(net.graph());
    const std::size_t before = blocks.size() < 2 ? 0 : blocks[blocks.size() - 2];
    conclude(Training::last_block,
             fmt::format("--train-from {} --lr-decay-per-block 0.3", layer_behind(net, before == 0 ? 0 : before - 1)),
             {near, fmt::format("{} images a class are enough to adapt the last block of layers", each)});
  } else {
    conclude(Training::last_layer, "--train-last 1",
             {near, fmt::format("with {} images a class more layers would learn these images by heart", each)});
  }
}

}  // namespace

std::string_view name_of(Training training) noexcept {
  switch (training) {
    case Training::last_layer:
      return "the last layer";
    case Training::last_block:
      return "the last block of layers";
    case Training::from_layer:
      return "from the layer at which its features fit best";
    case Training::all:
      return "all layers, gently";
    case Training::scratch:
      return "a new network";
  }
  return "";
}

TransferAdvice transfer_advice(Model& net, const data::DatasetPtr& images, const TransferAdviceOptions& options) {
  if (images->image_shape() != net.input_shape()) {
    throw ShapeError({.where = fmt::format("network '{}' on {}", net.name(), images->name()),
                      .expected = fmt::format("images of shape {}", net.input_shape().to_string()),
                      .got = images->image_shape().to_string(),
                      .fix = "choose a network for these images, or resize them"});
  }
  TransferAdvice advice;
  count_images(*images, advice);
  if (advice.classes < 2 || advice.images < 20 || options.most_images < 20) {
    throw ValueError(
        {.where = fmt::format("advice on {}", images->name()),
         .expected = "at least two classes and 20 images",
         .got = fmt::format("{} classes, {} images", advice.classes, std::min(advice.images, options.most_images)),
         .fix = "collect some more"});
  }
  const data::DatasetPtr chosen = choose(images, options.most_images, options.seed);
  advice.looked_at = chosen->size();
  std::vector<std::int32_t> labels;
  for (Index i = 0; i < chosen->size(); ++i) labels.push_back(static_cast<std::int32_t>(chosen->label(i)));
  const std::vector<Level> levels = features_at_depths(net, chosen, options);
  for (const Level& level : levels) {
    Index layers = 0;
    for (std::size_t i = 0; i <= level.node; ++i) layers += has_weight(net, i) ? 1 : 0;
    advice.probes.push_back({.layer = net.nodes()[level.node].name,
                             .layers = layers,
                             .dimensions = level.features.shape()[1],
                             .accuracy = leave_one_out(level.features, labels, advice.classes).accuracy});
  }
  const double best = std::ranges::max(advice.probes, {}, &Probe::accuracy).accuracy;
  // At least that of one image in the class.
  const double spread = std::max(best * (1.0 - best), 1.0 / static_cast<double>(advice.looked_at));
  advice.standard_error = std::sqrt(spread / static_cast<double>(advice.looked_at));
  decide(net, levels, advice);
  return advice;
}

std::string to_json(const TransferAdvice& advice) {
  nlohmann::ordered_json probes = nlohmann::ordered_json::array();
  for (const Probe& probe : advice.probes) {
    probes.push_back({{"layer", probe.layer},
                      {"layers", probe.layers},
                      {"dimensions", probe.dimensions},
                      {"accuracy", probe.accuracy}});
  }
  const nlohmann::ordered_json json{{"images", advice.images},
                                    {"classes", advice.classes},
                                    {"fewest", advice.fewest},
                                    {"most", advice.most},
                                    {"smallest_class", advice.smallest_class},
                                    {"looked_at", advice.looked_at},
                                    {"majority", advice.majority},
                                    {"standard_error", advice.standard_error},
                                    {"probes", probes},
                                    {"train", name_of(advice.training)},
                                    {"options", advice.options},
                                    {"reasons", advice.reasons}};
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace saccade
