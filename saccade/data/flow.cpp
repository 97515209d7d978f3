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
  }

  const ImageTransform& operator[](Index position) const { return transforms_[usize(position)]; }

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
};

DatasetPtr subset_of(const ImageDataGenerator& generator, DatasetPtr dataset, const std::string& subset,
                     SplitMode mode) {
  if (subset.empty()) return dataset;
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
  return subset == "training" ? parts.train : parts.validation;
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

}  // namespace

Augmentation augmentation(std::shared_ptr<const ImageDataGenerator> generator, const AugmentationOptions& options) {
  if (options.random == RandomMode::addressed) {
    return {.transform =
                [generator](const SampleAddress& address, const Shape& shape, std::span<float> image) {
                  if (generator->augments()) {
                    Stream stream = address.stream(slot_of("augment"));
                    generator->random_transform(shape, image, stream);
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
                generator->apply_transform((*draws)[address.position], shape, image);
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
  LoaderOptions loading = loader_options(generator, *dataset, options_);
  loader_ = std::make_unique<Loader>(std::move(dataset), std::move(loading));
  loader_->start(0);
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
  DatasetPtr part = subset_of(*generator, std::move(dataset), options.subset, SplitMode::keras_rows);
  return {std::move(generator), std::move(part), options};
}

Flow flow_from_directory(std::shared_ptr<const ImageDataGenerator> generator, const std::filesystem::path& directory,
                         const ImageFolderOptions& folder, const FlowOptions& options) {
  DatasetPtr part = subset_of(*generator, image_folder(directory, folder).images, options.subset, SplitMode::keras);
  return {std::move(generator), std::move(part), options};
}

Flow flow_from_dataframe(std::shared_ptr<const ImageDataGenerator> generator, const std::filesystem::path& csv,
                         const ImageTableOptions& table, const FlowOptions& options) {
  DatasetPtr part = subset_of(*generator, image_table(csv, table).images, options.subset, SplitMode::keras_rows);
  return {std::move(generator), std::move(part), options};
}

Tensor array_to_image(const Shape& hwc, std::span<const float> values) {
  Tensor image(hwc, DType::uint8);
  if (values.size() != usize(image.elements())) {
    throw ShapeError({.where = "array_to_image",
                      .expected = fmt::format("{} values for {}", image.elements(), hwc.to_string()),
                      .got = fmt::format("{}", values.size()),
                      .fix = "pass one whole picture"});
  }
  const auto [low, high] = std::ranges::minmax(values);
  const float range = high - low;
  std::ranges::transform(values, image.uint8s().begin(), [=](float x) {
    return static_cast<std::uint8_t>(range == 0.0F ? 0.0F : (x - low) / range * 255.0F);
  });
  return image;
}

}  // namespace saccade::data
