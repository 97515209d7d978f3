#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "saccade/augment/image_data_generator.h"
#include "saccade/data/dataset.h"
#include "saccade/data/image_folder.h"
#include "saccade/data/image_table.h"
#include "saccade/data/loader.h"

namespace saccade::data {

/// Where a flow's randomness comes from.
enum class RandomMode : std::uint8_t {
  addressed,  ///< Each picture from Stream(seed, epoch, index, "augment"): nothing depends on workers or on other options.
  numpy,      ///< NumPy's generator, drawn as by calling next() on Keras's iterator: the same parameters, bit for bit.
  numpy_sequence,  ///< As by asking Keras's iterator for batches 0, 1, ... and on_epoch_end(): another order from epoch 1 on.
};

/// Everything about the pictures of an epoch that is random, as a Loader wants it.
struct Augmentation {
  Transform transform;
  Plan plan;  ///< Empty for RandomMode::addressed.
};

struct AugmentationOptions {
  RandomMode random = RandomMode::addressed;
  std::uint64_t seed = 0;  ///< Of the NumPy modes; an addressed picture takes the Loader's.
  /// Of addressed pictures with horizontal_flip: instead of a coin each time, half of the pictures are mirrored in even epochs,
  /// the other half in odd ones, so that no two epochs in a row show the same side. Source: Jordan 2024, "94% on CIFAR-10 in
  /// 3.29 seconds on a single GPU".
  bool alternating_flip = false;
  bool shuffle = true;    ///< Of the NumPy modes.
  Index size = 0;         ///< Of the NumPy modes: how many pictures the dataset has,
  Index batch_size = 32;  ///< in batches of how many,
  Shape shape = {};       ///< and of which shape.
};

/// A generator's pictures for FitOptions::transform and LoaderOptions: drawn, applied, standardised. In the NumPy modes the
/// parameters of an epoch are drawn in order before its first batch, so that any number of workers gives the same pictures;
/// transform and plan then belong together, and to one Loader: the transform throws ValueError for an epoch that the plan has
/// not seen. Throws ValueError for no generator, and for channels_first: datasets keep channels last.
Augmentation augmentation(std::shared_ptr<const ImageDataGenerator> generator, const AugmentationOptions& options = {});

/// What fit(generator.fit) needs to know of a dataset: its pictures as stored, in order.
ImageSource source_of(const Dataset& dataset);

/// Keras's arguments of flow().
struct FlowOptions {
  Index batch_size = 32;
  bool shuffle = true;
  std::uint64_t seed = 0;
  RandomMode random = RandomMode::addressed;
  bool ignore_class_split = false;  ///< Let flow() split pictures so that a class is on one side only.
  std::string subset = {};  ///< "training" or "validation": a part of the dataset, by the generator's validation_split.
  bool augment_validation = false;  ///< Keras transforms the validation subset too; here it is only standardised.
  std::filesystem::path save_to_dir = {};  ///< Also write every picture there, stretched to 0..255. None when empty.
  std::string save_prefix = {};
  std::string save_format = "png";  ///< Or jpeg, webp, ppm.
  int workers = 1;
  Index max_queue_size = 10;
};

/// Batches without end, epoch after epoch, of transformed and standardised pictures. Keras's iterators. One thread at a time.
class Flow {
 public:
  /// Throws ValueError for an option outside its domain, an unknown subset, or a subset without pictures.
  Flow(std::shared_ptr<const ImageDataGenerator> generator, DatasetPtr dataset, FlowOptions options = {});

  Index size() const noexcept { return loader_->batches(); }  ///< Batches an epoch; the last one may be smaller.
  const DatasetPtr& dataset() const noexcept { return loader_->dataset(); }
  /// What to know about the pictures, a line each: hidden class folders, classes that the split has emptied, and what
  /// ImageDataGenerator::warnings() says.
  const std::vector<std::string>& warnings() const noexcept { return warnings_; }
  void add_warnings(const std::vector<std::string>& warnings);

  /// The next batch, in strict order; written to save_to_dir as {prefix}_{index}_{epoch}.{format}. Errors carry the name of
  /// the picture's file.
  void next(Batch& batch);
  /// Begins at the first batch of an epoch.
  void start(Index epoch);

 private:
  void save(const Batch& batch) const;

  FlowOptions options_;
  std::vector<std::string> warnings_;
  std::unique_ptr<Loader> loader_;
  Index epoch_ = 0;
};

/// ImageDataGenerator.flow(x, y): subset takes the first or the last rows. Throws ValueError when that leaves a class on one
/// side only (pictures sorted by class), unless ignore_class_split.
Flow flow(std::shared_ptr<const ImageDataGenerator> generator, DatasetPtr dataset, const FlowOptions& options = {});
/// ImageDataGenerator.flow_from_directory(directory): subset takes the first or the last files of each class.
Flow flow_from_directory(std::shared_ptr<const ImageDataGenerator> generator, const std::filesystem::path& directory,
                         const ImageFolderOptions& folder = {}, const FlowOptions& options = {});
/// ImageDataGenerator.flow_from_dataframe(csv): subset takes the first or the last rows.
Flow flow_from_dataframe(std::shared_ptr<const ImageDataGenerator> generator, const std::filesystem::path& csv,
                         const ImageTableOptions& table = {}, const FlowOptions& options = {});

/// A float picture as an image: the least value becomes 0, the greatest 255, truncated; all 0 when they are equal. One, three
/// or four channels, else a ShapeError. Keras's array_to_img(scale=True).
Tensor array_to_image(const Shape& hwc, std::span<const float> values);

}  // namespace saccade::data
