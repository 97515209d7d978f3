#include "saccade/cli/augmentation_experiment.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>

#include "saccade/data/flow.h"
#include "saccade/image/draw.h"
#include "saccade/train/evaluate.h"
#include "saccade/train/fit.h"
#include "saccade/train/interrupted.h"
#include "saccade/zoo/zoo.h"

namespace saccade::cli {
namespace {

constexpr double kLearningRate = 6e-3;  // the peak of one cycle
constexpr Index kPicturesInSheet = 10;

std::vector<AugmentationRow> settings() {
  return {
      {.name = "none", .options = {}},
      {.name = "sensible",
       .options = {.rotation_range = 10.0, .width_shift_range = 0.08, .height_shift_range = 0.08, .zoom_range = 0.1}},
      {.name = "mirrored left to right", .options = {.horizontal_flip = true}},
      {.name = "mirrored top to bottom", .options = {.vertical_flip = true}}};
}

data::Transform transform_of(const ImageDataGeneratorOptions& options) {
  const auto generator = std::make_shared<const ImageDataGenerator>(options);
  return generator->augments() ? data::augmentation(generator).transform : data::Transform{};
}

double train_once(const data::TrainTest& set, const AugmentationExperiment& experiment, const AugmentationRow& row,
                  std::uint64_t seed) {
  Model net = zoo::build(experiment.network, set.train->image_shape(), isize(set.train->class_names().size()));
  net.initialize(seed);
  const std::string title = fmt::format("{}, seed {}", row.name, seed);
  const History history = fit(net, set.train,
                              {.epochs = experiment.epochs,
                               .batch_size = 128,
                               .optimizer = Adam{{.learning_rate = kLearningRate}},
                               .schedule = Schedule::parse("one-cycle"),
                               .seed = seed,
                               .transform = transform_of(row.options),
                               .callbacks = experiment.begin ? experiment.begin(title) : std::vector<CallbackPtr>{},
                               .stop = experiment.stop});
  if (history.interrupted) throw InterruptedError();
  return evaluate(net, set.test, {.stop = experiment.stop}).accuracy;
}

}  // namespace

double AugmentationRow::mean_accuracy() const {
  return std::accumulate(accuracy.begin(), accuracy.end(), 0.0) / static_cast<double>(accuracy.size());
}

std::vector<AugmentationRow> run_augmentation_experiment(const data::TrainTest& set,
                                                         const AugmentationExperiment& experiment) {
  std::vector<AugmentationRow> rows = settings();
  for (AugmentationRow& row : rows) {
    for (Index seed = 0; seed < experiment.seeds; ++seed) {
      row.accuracy.push_back(train_once(set, experiment, row, static_cast<std::uint64_t>(seed)));
    }
  }
  return rows;
}

std::string augmentation_table(const std::vector<AugmentationRow>& rows) {
  std::string table = fmt::format("{:<24}{:>10}   {}\n", "training digits", "accuracy", "each seed");
  for (const AugmentationRow& row : rows) {
    table += fmt::format("{:<24}{:>8.2f} %  ", row.name, 100.0 * row.mean_accuracy());
    for (const double accuracy : row.accuracy) table += fmt::format(" {:.2f}", 100.0 * accuracy);
    table += '\n';
  }
  return table;
}

std::string augmentation_csv(const std::vector<AugmentationRow>& rows) {
  std::string csv = "training,seed,accuracy\n";
  for (const AugmentationRow& row : rows) {
    for (std::size_t seed = 0; seed < row.accuracy.size(); ++seed) {
      csv += fmt::format("{},{},{:.4f}\n", row.name, seed, row.accuracy[seed]);
    }
  }
  return csv;
}

Tensor augmentation_sheet(const std::vector<AugmentationRow>& rows, const data::Dataset& digits) {
  const Shape shape = digits.image_shape();
  std::vector<float> image(usize(shape.elements()));
  std::vector<SheetCell> cells;
  for (const AugmentationRow& row : rows) {
    const data::Transform transform = transform_of(row.options);
    for (Index i = 0; i < std::min(kPicturesInSheet, digits.size()); ++i) {
      digits.read(i, Preprocessing::none(), image);
      if (transform) transform({.seed = 0, .epoch = 0, .index = i, .position = i}, shape, image);
      cells.push_back({.image = round_to_image(shape, image)});
    }
  }
  return contact_sheet(
      cells, {.title = "none, sensible, mirrored left to right, mirrored top to bottom", .columns = kPicturesInSheet});
}

}  // namespace saccade::cli
