#include "saccade/data/split.h"

#include <fmt/format.h>

#include <array>
#include <memory>
#include <utility>

#include "saccade/base/error.h"
#include "saccade/base/place_of.h"

namespace saccade::data {
namespace {

constexpr std::array<std::string_view, 3> kModes{"stratified", "keras", "keras_rows"};

Index share_of(double fraction, Index count) { return static_cast<Index>(fraction * static_cast<double>(count)); }

/// How many images each class has.
std::vector<Index> class_counts(const Dataset& dataset) {
  std::vector<Index> counts(dataset.class_names().size());
  for (Index i = 0; i < dataset.size(); ++i) {
    const Index label = dataset.label(i);
    if (label < 0 || label >= isize(counts.size())) {
      throw ValueError({.where = dataset.sample_name(i),
                        .expected = fmt::format("a label from 0 to {}", isize(counts.size()) - 1),
                        .got = fmt::format("{}", label),
                        .fix = "correct the label, or name more classes"});
    }
    ++counts[usize(label)];
  }
  return counts;
}

/// The first images of each class, or of all, to validation.
Split split_in_order(const DatasetPtr& dataset, double fraction, bool by_class) {
  std::vector<Index> left;  // for validation, by class
  if (by_class) {
    for (const Index count : class_counts(*dataset)) left.push_back(share_of(fraction, count));
  } else {
    left.push_back(share_of(fraction, dataset->size()));
  }
  std::vector<Index> train, validation;
  for (Index i = 0; i < dataset->size(); ++i) {
    Index& more = left[by_class ? usize(dataset->label(i)) : 0];
    (more > 0 ? validation : train).push_back(i);
    if (more > 0) --more;
  }
  if (train.empty() || validation.empty()) {
    throw ValueError({.where = fmt::format("split of {}", dataset->name()),
                      .expected = "at least one image on both sides",
                      .got = fmt::format("{} and {}", train.size(), validation.size()),
                      .fix = "use more images, or another fraction"});
  }
  return {std::make_shared<Subset>(dataset, std::move(train), dataset->name() + "/train"),
          std::make_shared<Subset>(dataset, std::move(validation), dataset->name() + "/validation")};
}

}  // namespace

std::string_view name_of(SplitMode mode) noexcept { return kModes[static_cast<std::size_t>(mode)]; }

SplitMode split_mode_named(std::string_view name) {
  return static_cast<SplitMode>(place_of(name, kModes, "split mode", "stratified suits most sets"));
}

Split split(const DatasetPtr& dataset, const SplitOptions& options) {
  // The stratified split also refuses what is no dataset and no fraction.
  const bool refused = !dataset || !(options.fraction > 0.0 && options.fraction < 1.0);
  if (refused || options.mode == SplitMode::stratified) return split(dataset, options.fraction, options.seed);
  return split_in_order(dataset, options.fraction, options.mode == SplitMode::keras);
}

std::vector<std::string> warnings_of(const Split& split) {
  const std::vector<Index> train = class_counts(*split.train);
  const std::vector<Index> validation = class_counts(*split.validation);
  std::vector<std::string> warnings;
  for (std::size_t c = 0; c < train.size(); ++c) {
    if ((train[c] == 0) == (validation[c] == 0)) continue;
    const bool no_training = train[c] == 0;
    warnings.push_back(fmt::format("class '{}' has no images for {}: all its {} are for {}",
                                   split.train->class_names()[c], no_training ? "training" : "validation",
                                   train[c] + validation[c], no_training ? "validation" : "training"));
  }
  return warnings;
}

}  // namespace saccade::data
