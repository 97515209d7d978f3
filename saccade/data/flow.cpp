#include "saccade/data/flow.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "saccade/base/error.h"
#include "saccade/data/split.h"
#include "saccade/image/encode.h"

namespace saccade::data {
namespace {

/// The draws of Keras's iterators, which have one generator for the order and for all pictures, and seed it anew for each
/// batch with seed + batches so far: so any epoch can be drawn without those before it.
class NumpyDraws {
 public:
  NumpyDraws(std::shared_ptr<const ImageDataGenerator> generator, const AugmentationOptions& options)
      : generator_(std::move(generator)), options_(options), transforms_(usize(options.size)) {}

  void plan(Index epoch, std::span<Index> order) {
    if (isize(order.size()) != options_.size) {
      throw ValueError({.where = "augmentation: size",
                        .expected = fmt::format("{}, as the dataset has", order.size()),
                        .got = fmt::format("{}", options_.size),
                        .fix = "pass the size of the dataset that is loaded"});
    }
    epoch_ = -1;
    const Index batches = ceil_divide(options_.size, options_.batch_size);
    NumpyRandom random(0);
    if (options_.random == RandomMode::numpy_sequence && epoch > 0) {
      // The order was drawn when the epoch before ended, by what its last batch had left.
      draw_batch(random, epoch * batches - 1, batches - 1);
      shuffle(random, order);
    }
    for (Index batch = 0; batch < batches; ++batch) {
      random.seed(options_.seed + static_cast<std::uint64_t>(epoch * batches + batch));
      const bool orders = options_.random == RandomMode::numpy || epoch == 0;
      if (batch == 0 && orders) shuffle(random, order);
      draw_pictures(random, batch);
    }
    epoch_ = epoch;
  }

  const ImageTransform& at(const SampleAddress& address) const {
    if (static_cast<Index>(address.epoch) == epoch_ && address.position < options_.size) {
      return transforms_[usize(address.position)];
    }
    throw ValueError({.where = "augmentation",
                      .expected = "a loader that has asked the plan for this epoch",
                      .got = fmt::format("picture {} of epoch {}", address.position, address.epoch),
                      .fix = "give the loader, or fit(), both the transform and the plan"});
  }

 private:
  void shuffle(NumpyRandom& random, std::span<Index> order) const {
    if (options_.shuffle) std::ranges::copy(random.permutation(options_.size), order.begin());
  }

  void draw_batch(NumpyRandom& random, Index total, Index batch) {
    random.seed(options_.seed + static_cast<std::uint64_t>(total));
    if (total == 0 && options_.shuffle)
      random.permutation(options_.size);  // the first order came from the same numbers
    draw_pictures(random, batch);
  }

  void draw_pictures(NumpyRandom& random, Index batch) {
    const Index end = std::min((batch + 1) * options_.batch_size, options_.size);
    for (Index i = batch * options_.batch_size; i < end; ++i) {
      transforms_[usize(i)] = generator_->get_random_transform(options_.shape, random);
    }
  }

  std::shared_ptr<const ImageDataGenerator> generator_;
  AugmentationOptions options_;
  std::vector<ImageTransform> transforms_;
  Index epoch_ = -1;  // that the transforms were drawn for
};

void require_generator(const std::shared_ptr<const ImageDataGenerator>& generator) {
  if (generator && generator->options().data_format == DataFormat::channels_last) return;
  throw ValueError({.where = "flow: generator",
                    .expected = "an ImageDataGenerator with channels_last, as datasets keep their pictures",
                    .got = generator ? "channels_first" : "none",
                    .fix = "leave data_format at channels_last"});
}

DatasetPtr require_dataset(DatasetPtr dataset) {
  if (dataset) return dataset;
  throw ValueError({.where = "flow: dataset",
                    .expected = "a dataset",
                    .got = "a null pointer",
                    .fix = "make one with data::image_folder or data::InMemory"});
}

struct Part {
  DatasetPtr dataset;
  std::vector<std::string> warnings;
};

Part subset_of(const ImageDataGenerator& generator, DatasetPtr dataset, const std::string& subset, SplitMode mode) {
  if (subset.empty()) return {std::move(dataset), {}};
  const double fraction = generator.options().validation_split;
  if (subset != "training" && subset != "validation") {
    throw ValueError({.where = "flow: subset",
                      .expected = "'training' or 'validation'",
                      .got = fmt::format("'{}'", subset),
                      .fix = "leave it out for all pictures"});
  }
  if (fraction == 0.0) {
    throw ValueError({.where = "flow: subset",
                      .expected = "a generator with a validation_split",
                      .got = "validation_split = 0",
                      .fix = "0.2 sets a fifth aside"});
  }
  const Split parts = split(dataset, {.fraction = fraction, .mode = mode});
  return {subset == "training" ? parts.train : parts.validation, warnings_of(parts)};
}

LoaderOptions loader_options(const std::shared_ptr<const ImageDataGenerator>& generator, const Dataset& dataset,
                             const FlowOptions& options) {
  LoaderOptions result{.batch_size = options.batch_size,
                       .shuffle = options.shuffle,
                       .seed = options.seed,
                       .workers = options.workers,
                       .max_queue_size = options.max_queue_size,
                       .preprocessing = Preprocessing::none()};
  if (options.subset == "validation" && !options.augment_validation) {
    result.transform = [generator](const SampleAddress&, const Shape& shape, std::span<float> image) {
      generator->standardize(shape, image);
    };
    return result;
  }
  Augmentation random = augmentation(generator, {.random = options.random,
                                                 .seed = options.seed,
                                                 .shuffle = options.shuffle,
                                                 .size = dataset.size(),
                                                 .batch_size = options.batch_size,
                                                 .shape = dataset.image_shape()});
  result.transform = std::move(random.transform);
  result.plan = std::move(random.plan);
  return result;
}

Flow flow_of_found(std::shared_ptr<const ImageDataGenerator> generator, const FoundImages& found, SplitMode mode,
                   const FlowOptions& options) {
  require_generator(generator);
  Part part = subset_of(*generator, found.images, options.subset, mode);
  Flow result(std::move(generator), std::move(part.dataset), options);
  result.add_warnings(found.warnings);
  result.add_warnings(part.warnings);
  return result;
}

/// Whether it is this picture's turn to be mirrored.
bool flips_now(const SampleAddress& address) {
  Stream once(address.seed, 0, static_cast<std::uint64_t>(address.index), slot_of("alternating_flip"));
  return (once.below(2) + address.epoch) % 2 == 1;
}

}  // namespace

Augmentation augmentation(std::shared_ptr<const ImageDataGenerator> generator, const AugmentationOptions& options) {
  require_generator(generator);
  if (options.random == RandomMode::addressed) {
    return {.transform =
                [generator, alternates = options.alternating_flip && generator->options().horizontal_flip](
                    const SampleAddress& address, const Shape& shape, std::span<float> image) {
                  if (generator->augments()) {
                    Stream stream = address.stream(slot_of("augment"));
                    ImageTransform transform = generator->get_random_transform(shape, stream);
                    if (alternates) transform.flip_horizontal = flips_now(address);
                    generator->apply_transform(transform, shape, image);
                  }
                  generator->standardize(shape, image);
                },
            .plan = {}};
  }
  if (options.batch_size < 1 || options.size < 1) {
    throw ValueError({.where = "augmentation",
                      .expected = "a batch_size and a size of at least 1 for NumPy's draws",
                      .got = fmt::format("{} and {}", options.batch_size, options.size),
                      .fix = "pass those of the loader and its dataset"});
  }
  const auto draws = std::make_shared<NumpyDraws>(generator, options);
  return {.transform =
              [generator, draws](const SampleAddress& address, const Shape& shape, std::span<float> image) {
                generator->apply_transform(draws->at(address), shape, image);
                generator->standardize(shape, image);
              },
          .plan = [draws](Index epoch, std::span<Index> order) { draws->plan(epoch, order); }};
}

ImageSource source_of(const Dataset& dataset) {
  return {.size = dataset.size(), .shape = dataset.image_shape(), .read = [&dataset](Index i, std::span<float> image) {
            dataset.read(i, Preprocessing::none(), image);
          }};
}

Flow::Flow(std::shared_ptr<const ImageDataGenerator> generator, DatasetPtr dataset, FlowOptions options)
    : options_(std::move(options)) {
  require_generator(generator);
  dataset = require_dataset(std::move(dataset));
  warnings_ = generator->warnings();
  LoaderOptions loading = loader_options(generator, *dataset, options_);
  loader_ = std::make_unique<Loader>(std::move(dataset), std::move(loading));
  loader_->start(0);
}

void Flow::add_warnings(const std::vector<std::string>& warnings) {
  warnings_.insert(warnings_.end(), warnings.begin(), warnings.end());
}

void Flow::start(Index epoch) {
  loader_->start(epoch);
  epoch_ = epoch;
}

void Flow::next(Batch& batch) {
  if (!loader_->next(batch)) {
    start(epoch_ + 1);
    loader_->next(batch);
  }
  if (!options_.save_to_dir.empty()) save(batch);
}

void Flow::save(const Batch& batch) const {
  const Shape shape = batch.images.shape().without_batch();
  const std::size_t count = usize(shape.elements());
  for (Index row = 0; row < batch.rows(); ++row) {
    const std::string name =
        fmt::format("{}_{}_{}.{}", options_.save_prefix, batch.indices[usize(row)], batch.epoch, options_.save_format);
    write_image(options_.save_to_dir / name,
                array_to_image(shape, batch.images.floats().subspan(usize(row) * count, count)));
  }
}

Flow flow(std::shared_ptr<const ImageDataGenerator> generator, DatasetPtr dataset, const FlowOptions& options) {
  require_generator(generator);
  Part part = subset_of(*generator, require_dataset(std::move(dataset)), options.subset, SplitMode::keras_rows);
  if (!part.warnings.empty() && !options.ignore_class_split) {
    throw ValueError({.where = "flow: subset",
                      .expected = "the same classes in training and validation",
                      .got = fmt::format("a different number of classes: {}", part.warnings.front()),
                      .fix = "shuffle the pictures before, or set ignore_class_split"});
  }
  Flow result(std::move(generator), std::move(part.dataset), options);
  result.add_warnings(part.warnings);
  return result;
}

Flow flow_from_directory(std::shared_ptr<const ImageDataGenerator> generator, const std::filesystem::path& directory,
                         const ImageFolderOptions& folder, const FlowOptions& options) {
  return flow_of_found(std::move(generator), image_folder(directory, folder), SplitMode::keras, options);
}

Flow flow_from_dataframe(std::shared_ptr<const ImageDataGenerator> generator, const std::filesystem::path& csv,
                         const ImageTableOptions& table, const FlowOptions& options) {
  return flow_of_found(std::move(generator), image_table(csv, table), SplitMode::keras_rows, options);
}

Tensor array_to_image(const Shape& hwc, std::span<const float> values) {
  Tensor image(hwc, DType::uint8);
  image_size(image, "array_to_image");
  if (values.size() != usize(image.elements())) {
    throw ShapeError({.where = "array_to_image",
                      .expected = fmt::format("{} values for {}", image.elements(), hwc.to_string()),
                      .got = fmt::format("{}", values.size()),
                      .fix = "pass one whole picture"});
  }
  const auto extremes = std::ranges::minmax(values);
  const float low = extremes.min, range = extremes.max - low;
  std::ranges::transform(values, image.uint8s().begin(), [=](float x) {
    const float level = (x - low) / range * 255.0F;
    return static_cast<std::uint8_t>(level > 0.0F && level <= 255.0F ? level : 0.0F);  // 0 for what is no number
  });
  return image;
}

}  // namespace saccade::data
