#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "saccade/data/dataset.h"
#include "saccade/nn/model.h"

namespace saccade {

/// What a network makes of the images of a data set at one of its nodes, held in memory. Stands where the images stood: with
/// their labels, weights, targets and names, but the features as float "images" that no preprocessing changes.
class FeatureSet final : public data::Dataset {
 public:
  /// features: float32 [images->size(), ...]. Throws ValueError for no images, ShapeError for another number of them.
  FeatureSet(data::DatasetPtr images, Tensor features);

  std::string name() const override { return images_->name(); }
  Index size() const noexcept override { return images_->size(); }
  Shape image_shape() const override { return features_.shape().without_batch(); }  ///< Of one image's features.
  const std::vector<std::string>& class_names() const noexcept override { return images_->class_names(); }
  Index label(Index i) const override { return images_->label(i); }
  bool has_weights() const noexcept override { return images_->has_weights(); }
  float weight(Index i) const override { return images_->weight(i); }
  bool has_targets() const noexcept override { return images_->has_targets(); }
  void target(Index i, std::span<float> out) const override { images_->target(i, out); }
  std::string sample_name(Index i) const override { return images_->sample_name(i); }
  data::Sample get(Index i) const override;
  void read(Index i, const Preprocessing& preprocessing, std::span<float> out) const override;

  const Tensor& features() const noexcept { return features_; }  ///< [n, ...]

 private:
  std::span<const float> of(Index i) const;

  data::DatasetPtr images_;
  Tensor features_;
};

struct FeatureOptions {
  Index batch_size = 32;
  int workers = 1;  ///< Threads that read images ahead.
  Index max_queue_size = 10;
  std::function<bool()> stop{};                  ///< Asked after each batch; true ends early with an InterruptedError.
  std::function<void(Index, Index)> progress{};  ///< Told (images done, all) after each batch.
};

/// The output of node `node` (a position in Model::nodes()) for every image, in order, preprocessed as the network wants and
/// in inference mode. One in each batch of batch_size: the last batch is filled up, so that an image's features do not
/// depend on how many there are. Throws ValueError for a node that the network does not have, ShapeError for images of
/// another shape.
std::shared_ptr<const FeatureSet> compute_features(Model& net, const data::DatasetPtr& images, std::size_t node,
                                                   const FeatureOptions& options = {});

/// Memory for the features of so many images at a node, in bytes; none when that is no number.
std::optional<Index> feature_bytes(const Model& net, std::size_t node, Index images) noexcept;

}  // namespace saccade
