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

/// What there is before anything is set aside; null where there is no such part.
struct Parts {
  data::DatasetPtr train, validation, test;
};

Parts load_standard_set(const TrainOptions& o, Console& console) {
  const data::TrainTest set = load_set(o.dataset, {.cache = o.data, .from = o.from, .offline = o.offline}, console);
  return {.train = o.limit > 0 ? data::take(set.train, std::min(o.limit, set.train->size())) : set.train,
          .validation = nullptr,
          .test = set.test};
}

Parts load_own_images(const TrainOptions& o, Console& console) {
  WantedImages wanted{.shape = {}, .classes = {}, .cache = o.data};
  if (is_network_path(o.model)) wanted.shape = load_network(o.model).input_shape();
  const ImageSelection selection{.limit = o.limit, .seed = static_cast<std::uint64_t>(o.seed)};
  const FolderParts paths = parts_of(o.dataset);
  Parts parts;
  parts.train = load_images(paths.train.empty() ? o.dataset : paths.train, o.images, wanted, selection, console);
  wanted.classes = parts.train->class_names();  // so that labels mean the same everywhere
  if (wanted.classes.size() < 2) {
    throw ValueError({.where = o.dataset,
                      .expected = "images of at least two classes",
                      .got = fmt::format("one, '{}'", wanted.classes.front()),
                      .fix = "name the folder whose sub-folders are the classes"});
  }
  if (!paths.validation.empty()) parts.validation = load_images(paths.validation, o.images, wanted, {}, console);
  if (!paths.test.empty()) parts.test = load_images(paths.test, o.images, wanted, {}, console);
  return parts;
}

data::SplitMode split_mode(const TrainOptions& o) {
  const data::SplitMode mode = data::split_mode_named(o.split_mode);
  // Keras splits a table by its rows.
  const bool by_rows = mode == data::SplitMode::keras && o.dataset.ends_with(".csv");
  return by_rows ? data::SplitMode::keras_rows : mode;
}

}  // namespace

TrainingSets load_training_sets(TrainOptions& o, Console& console) {
  Parts parts = names_images(o.dataset) ? load_own_images(o, console) : load_standard_set(o, console);
  if (!parts.test && !parts.validation && o.validation_split == 0.0) o.validation_split = kDefaultSplit;
  std::string set_aside;
  if (o.validation_split > 0.0) {
    const data::Split split = data::split(
        parts.train,
        {.fraction = o.validation_split, .mode = split_mode(o), .seed = static_cast<std::uint64_t>(o.seed)});
    for (const std::string& warning : data::warnings_of(split)) console.err << "warning: " << warning << '\n';
    set_aside = fmt::format(", set aside from {}", parts.train->size());
    parts.train = split.train;
    parts.validation = split.validation;
  }
  const data::DatasetPtr report = parts.test ? parts.test : parts.validation;
  return {.train = parts.train,
          .validation = parts.validation ? parts.validation : parts.test,
          .report = report,
          .report_part = parts.test ? "test" : "validation",
          .report_images = fmt::format("{} images{}", report->size(), parts.test ? "" : set_aside)};
}

}  // namespace saccade::cli
