#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "saccade/base/integer.h"
#include "saccade/tensor/preprocessing.h"
#include "saccade/tensor/tensor.h"

namespace saccade::data {

/// One labelled image.
struct Sample {
  Tensor image;      ///< [height, width, channels], uint8 or float32 in 0..255.
  Index label = 0;   ///< 0 <= label < class_names().size()
  std::string name;  ///< "mnist/train #17", or the image's file.
};

/// Labelled images of one shape, numbered 0 .. size()-1. Immutable; every member may be called from several threads at
/// once. Members that take an image's number throw ValueError when it is out of range.
class Dataset {
 public:
  virtual ~Dataset() = default;

  virtual std::string name() const = 0;     ///< "mnist/train"
  virtual Index size() const noexcept = 0;  ///< How many images.
  virtual Shape image_shape() const = 0;    ///< [height, width, channels]
  virtual const std::vector<std::string>& class_names() const noexcept = 0;

  /// The class of image i; where images have targets, the number of its largest one (the first of equals).
  virtual Index label(Index i) const = 0;
  /// Whether images count for differently much in the loss, and what image i counts for: 1 where they do not.
  virtual bool has_weights() const noexcept { return false; }
  virtual float weight(Index i) const;
  /// Whether images have several numbers each as their target, one a class name: several labels (1 for each, else 0), or
  /// measures. Writes that of image i to `out` of class_names().size() values (ValueError otherwise); of a mere label 1 at
  /// the label and 0 elsewhere.
  virtual bool has_targets() const noexcept { return false; }
  virtual void target(Index i, std::span<float> out) const;
  /// What to call image i in a message, without reading it.
  virtual std::string sample_name(Index i) const;
  virtual Sample get(Index i) const = 0;

  /// Writes image i as floats, preprocessed, to `out` of image_shape().elements() values (ValueError otherwise; ShapeError
  /// when the image itself has another shape). This goes through get(); a dataset that holds its pixels saves the copy.
  virtual void read(Index i, const Preprocessing& preprocessing, std::span<float> out) const;

 protected:
  Dataset() = default;
  Dataset(const Dataset&) = default;
  Dataset& operator=(const Dataset&) = default;
  void require_image(Index i) const;             ///< Throws ValueError unless 0 <= i < size().
  void require_output(std::size_t count) const;  ///< Throws ValueError unless count is that of an image.
  void require_target(std::size_t count) const;  ///< Throws ValueError unless count is that of the class names.
};

using DatasetPtr = std::shared_ptr<const Dataset>;

/// A training set and the test set that goes with it: auto [train, test] = data::mnist(folder);
struct TrainTest {
  DatasetPtr train;
  DatasetPtr test;
};

/// Images held in memory.
class InMemory final : public Dataset {
 public:
  /// images: [n, height, width, channels] uint8 or float32; one label an image. Throws ShapeError for another rank, an empty
  /// image or another number of labels, ValueError for no classes or a label outside 0 .. classes-1 (naming the first).
  InMemory(std::string name, Tensor images, std::vector<std::int32_t> labels, std::vector<std::string> class_names);

  std::string name() const override { return name_; }
  Index size() const noexcept override { return isize(labels_.size()); }
  Shape image_shape() const override { return images_.shape().without_batch(); }
  const std::vector<std::string>& class_names() const noexcept override { return class_names_; }
  Index label(Index i) const override;
  Sample get(Index i) const override;
  void read(Index i, const Preprocessing& preprocessing, std::span<float> out) const override;

  const Tensor& images() const noexcept { return images_; }
  std::span<const std::int32_t> labels() const noexcept { return labels_; }

 private:
  std::string name_;
  Tensor images_;
  std::vector<std::int32_t> labels_;
  std::vector<std::string> class_names_;
};

/// Chosen images of another dataset, in the order given; an image may be chosen more than once.
class Subset final : public Dataset {
 public:
  /// Throws ValueError for no dataset, or an index outside it (naming the first).
  Subset(DatasetPtr dataset, std::vector<Index> indices, std::string name);

  std::string name() const override { return name_; }
  Index size() const noexcept override { return isize(indices_.size()); }
  Shape image_shape() const override { return dataset_->image_shape(); }
  const std::vector<std::string>& class_names() const noexcept override { return dataset_->class_names(); }
  Index label(Index i) const override;
  bool has_weights() const noexcept override { return dataset_->has_weights(); }
  float weight(Index i) const override;
  bool has_targets() const noexcept override { return dataset_->has_targets(); }
  void target(Index i, std::span<float> out) const override;
  std::string sample_name(Index i) const override;
  Sample get(Index i) const override;
  void read(Index i, const Preprocessing& preprocessing, std::span<float> out) const override;

  /// The numbers the images have in the dataset they come from.
  std::span<const Index> indices() const noexcept { return indices_; }

 private:
  Index source(Index i) const;

  DatasetPtr dataset_;
  std::vector<Index> indices_;
  std::string name_;
};

/// The first n images. Throws ValueError unless 0 <= n <= size.
DatasetPtr take(const DatasetPtr& dataset, Index n);

struct Split {
  DatasetPtr train;
  DatasetPtr validation;
};

/// Sets a share of the images aside for validation: round(fraction * size) of them, and of each class the same share to
/// within one image (largest remainder; ties to the lower class). Which ones is drawn from Stream(seed, 0, class, "split");
/// both parts keep the dataset's order. Throws ValueError unless 0 < fraction < 1 leaves an image on both sides.
Split split(const DatasetPtr& dataset, double fraction, std::uint64_t seed);

/// One dataset after the other. Throws ValueError for none or other class names, ShapeError for another image shape.
DatasetPtr concat(std::vector<DatasetPtr> datasets);

/// The dataset with weights[i] for image i (Keras: sample_weight), instead of those it has. Throws ValueError for another number
/// of them than there are images, and for one that is negative or not finite (naming the first).
DatasetPtr with_weights(DatasetPtr dataset, std::vector<float> weights);
/// The dataset with targets [n, outputs] for its images, one name an output. Throws ValueError for another number of them, and
/// for one that is not finite (naming the first).
DatasetPtr with_targets(DatasetPtr dataset, std::vector<float> targets, std::vector<std::string> names);

}  // namespace saccade::data
