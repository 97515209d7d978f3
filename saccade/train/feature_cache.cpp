#include <algorithm>
#include <chrono>
#include <limits>

#include "saccade/nn/frozen_cuts.h"
#include "saccade/train/feature_cache_internal.h"
#include "saccade/train/features.h"

namespace saccade::internal {
namespace {

/// Layers with weights among the nodes up to `last`.
Index weighted_layers(const Model& net, std::size_t last) {
  const auto has_weight = [&](const GraphNode& node) {
    return std::ranges::any_of(node.parameters,
                               [&](std::size_t i) { return net.parameters()[i].name.ends_with(".weight"); });
  };
  return std::ranges::count_if(net.nodes().first(last + 1), has_weight);
}

bool same_each_epoch(const FitOptions& options) {
  return !options.transform && options.mixing.mixup == 0.0 && options.mixing.cutmix == 0.0;
}

}  // namespace

Shown features_or_images(Model& net, const Shown& images, const FitOptions& options,
                         const std::function<void(const FeatureInfo&)>& report) {
  if (!options.feature_cache.enabled || !same_each_epoch(options)) return images;
  const std::vector<std::size_t> cuts = frozen_cuts(net);
  if (cuts.empty()) return images;
  const Index count = images.train->size() + (images.validation ? images.validation->size() : 0);
  const auto bytes_at = [&](std::size_t cut) {
    return feature_bytes(net, cut, count).value_or(std::numeric_limits<Index>::max());
  };
  const auto fits = [&](std::size_t cut) { return bytes_at(cut) <= options.feature_cache.max_bytes; };
  const auto deepest = std::find_if(cuts.rbegin(), cuts.rend(), fits);
  const std::size_t cut = deepest == cuts.rend() ? cuts.back() : *deepest;
  FeatureInfo info{.all_images = count,
                   .layers = weighted_layers(net, cut),
                   .all_layers = weighted_layers(net, net.nodes().size() - 1),
                   .bytes = bytes_at(cut),
                   .max_bytes = options.feature_cache.max_bytes};
  if (deepest == cuts.rend()) {
    report(info);
    return images;
  }

  const auto start = std::chrono::steady_clock::now();
  const auto compute = [&](const data::DatasetPtr& of) -> data::DatasetPtr {
    const Index before = info.images;
    return compute_features(net, of, cut,
                            {.batch_size = options.batch_size,
                             .workers = options.workers,
                             .max_queue_size = options.max_queue_size,
                             .stop = [&options] { return options.stop && options.stop(); },
                             .progress =
                                 [&](Index done, Index) {
                                   info.images = before + done;
                                   info.seconds =
                                       std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
                                   report(info);
                                 }});
  };
  Shown shown{.first = cut, .train = compute(images.train)};
  if (images.validation) shown.validation = compute(images.validation);
  return shown;
}

}  // namespace saccade::internal
