#include "saccade/cli/training_sets.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "saccade/base/error.h"
#include "saccade/cli/inputs.h"
#include "saccade/data/split.h"

namespace saccade::cli {
namespace {

constexpr double kDefaultSplit = 0.2;

FoundSets find_standard_set(const TrainOptions& o, Console& console) {
  const data::TrainTest set =
      load_set(o.dataset, {.cache = o.data, .from = o.data_from, .offline = o.offline}, console);
  FoundSets found;
  found.train.images = o.limit > 0 ? data::take(set.train, std::min(o.limit, set.train->size())) : set.train;
  found.test.images = set.test;
  return found;
}

FoundSets find_own_images(const TrainOptions& o, const Model* network, Console& console) {
  WantedImages wanted{.shape = {}, .classes = {}, .cache = o.data};
  if (network != nullptr) wanted.shape = network->input_shape();
  const ImageSelection selection{.limit = o.limit, .seed = static_cast<std::uint64_t>(o.seed)};
  const FolderParts paths = parts_of(o.dataset);
  FoundSets found;
  found.train = find_images(paths.train.empty() ? o.dataset : paths.train, o.images, wanted, selection, console);
  wanted.classes = found.train.images->class_names();  // so that labels mean the same everywhere
  if (wanted.classes.size() < 2) {
    throw ValueError({.where = o.dataset,
                      .expected = "images of at least two classes",
                      .got = fmt::format("one, '{}'", wanted.classes.front()),
                      .fix = "name the folder whose sub-folders are the classes"});
  }
  if (!paths.validation.empty()) found.validation = find_images(paths.validation, o.images, wanted, {}, console);
  if (!paths.test.empty()) found.test = find_images(paths.test, o.images, wanted, {}, console);
  return found;
}

data::SplitMode split_mode(const TrainOptions& o) {
  const data::SplitMode mode = data::split_mode_named(o.split_mode);
  // Keras splits a table by its rows.
  const bool by_rows = mode == data::SplitMode::keras && o.dataset.ends_with(".csv");
  return by_rows ? data::SplitMode::keras_rows : mode;
}

/// Sets o.validation_split where it was left out. Throws ValueError for options that ask for what it does not give.
void decide_split(const FoundSets& found, TrainOptions& o) {
  const bool other_images = found.test.images || found.validation.images;
  if (!o.validation_split) o.validation_split = other_images ? 0.0 : kDefaultSplit;
  if (*o.validation_split > 0.0) return;
  const auto refuse = [](const char* option) {
    throw ValueError({.where = fmt::format("train: {}", option),
                      .expected = "images that are set aside for validation",
                      .got = "none",
                      .fix = "give --validation-split, e.g. 0.2, or leave this option out"});
  };
  if (o.split_mode != TrainOptions{}.split_mode) refuse("--split-mode");
  if (other_images) return;
  if (o.early_stopping > 0) refuse("--early-stopping");
  if (o.reduce_on_plateau > 0) refuse("--reduce-on-plateau");
}

}  // namespace

FoundSets find_training_sets(TrainOptions& o, const Model* network, Console& console) {
  FoundSets found = names_images(o.dataset) ? find_own_images(o, network, console) : find_standard_set(o, console);
  decide_split(found, o);
  return found;
}

TrainingSets read_training_sets(const FoundSets& found, const TrainOptions& o, Console& console) {
  TrainingSets sets{.train = readable_images(found.train, o.images, console)};
  sets.validation = readable_images(found.validation, o.images, console);
  const data::DatasetPtr test = readable_images(found.test, o.images, console);
  std::string set_aside;
  if (*o.validation_split > 0.0) {
    const data::Split split = data::split(
        sets.train,
        {.fraction = *o.validation_split, .mode = split_mode(o), .seed = static_cast<std::uint64_t>(o.seed)});
    for (const std::string& warning : data::warnings_of(split)) warn(console, warning);
    set_aside = fmt::format(", set aside from {}", sets.train->size());
    sets.train = split.train;
    sets.validation = split.validation;
  }
  sets.report = test ? test : sets.validation ? sets.validation : sets.train;
  sets.report_part = test ? "test" : sets.validation ? "validation" : "training";
  if (!sets.validation) sets.validation = test;
  sets.report_images = fmt::format("{} images{}", sets.report->size(), test ? "" : set_aside);
  return sets;
}

}  // namespace saccade::cli
