#include "saccade/cli/image_inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>
#include <ostream>
#include <span>
#include <utility>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/base/printable.h"
#include "saccade/data/check_images.h"
#include "saccade/data/fetch.h"
#include "saccade/data/fetch/known_sets.h"
#include "saccade/data/image_folder.h"
#include "saccade/data/image_table.h"

namespace saccade::cli {
namespace {

namespace fs = std::filesystem;

constexpr data::TargetSize kDefaultSize{.height = 128, .width = 128};
constexpr double kFastDecodingShare = 0.8;

/// "128" or "96x128".
data::TargetSize parse_size(const std::string& text) {
  data::TargetSize size;
  const char* const end = text.data() + text.size();
  auto [at, code] = std::from_chars(text.data(), end, size.height);
  size.width = size.height;
  if (code == std::errc() && at != end && *at == 'x') {
    const auto width = std::from_chars(at + 1, end, size.width);
    at = width.ptr;
    code = width.ec;
  }
  constexpr Index kMost = 1 << 15;
  if (code == std::errc() && at == end && std::min(size.height, size.width) >= 1 &&
      std::max(size.height, size.width) <= kMost) {
    return size;
  }
  throw ValueError({.where = "--image-size",
                    .expected = fmt::format("pixels a side, or HEIGHTxWIDTH, each from 1 to {}", kMost),
                    .got = fmt::format("'{}'", text),
                    .fix = "128 suits photographs"});
}

data::FoundImages look(const std::string& path, const ImageInputOptions& options, const WantedImages& wanted) {
  const data::ImageReading reading = reading_of(options, wanted);
  if (fs::is_directory(path)) return data::image_folder(path, {.reading = reading, .classes = wanted.classes});
  return data::image_table(path, {.reading = reading,
                                  .x_col = options.x_col,
                                  .y_col = options.y_col,
                                  .weight_col = options.weight_col,
                                  .directory = options.image_folder,
                                  .classes = wanted.classes});
}

/// Throws ValueError when one of the options that `visit` visits differs from its default.
template <class Visit>
void require_unused(ImageInputOptions options, Visit visit, const std::string& where, const std::string& what) {
  std::vector<std::string> defaults;  // as text, in the order of visit()
  ImageInputOptions plain;
  visit(plain, [&](const char*, const auto& value, const char*) { defaults.push_back(fmt::format("{}", value)); });
  std::size_t i = 0;
  visit(options, [&](const char* flag, const auto& value, const char*) {
    if (fmt::format("{}", value) == defaults[i++]) return;
    throw ValueError({.where = fmt::format("{}: {}", where, flag),
                      .expected = what,
                      .got = fmt::format("'{}'", value),
                      .fix = "leave the option out"});
  });
}

}  // namespace

bool is_standard_set(const std::string& name) {
  return std::ranges::find(data::known_sets(), name, &data::KnownSet::name) != data::known_sets().end();
}

bool names_images(const std::string& dataset) {
  if (is_standard_set(dataset.substr(0, dataset.find('/')))) return false;
  return dataset.ends_with(".csv") || fs::exists(dataset);
}

std::string short_name(const std::string& dataset) {
  if (!names_images(dataset)) return dataset;
  const fs::path path = fs::absolute(dataset).lexically_normal();
  const fs::path last = path.has_filename() ? path : path.parent_path();
  return fs::is_directory(dataset) ? last.filename().string() : last.stem().string();
}

data::ImageReading reading_of(const ImageInputOptions& options, const WantedImages& wanted) {
  if (options.max_pixels < 1) {
    throw ValueError({.where = "--max-pixels",
                      .expected = "at least 1",
                      .got = fmt::format("{}", options.max_pixels),
                      .fix = "leave it out for the default"});
  }
  data::ImageReading reading{.target_size = kDefaultSize};
  if (wanted.shape) reading = data::reading_for(*wanted.shape, reading);
  reading.limits.max_pixels = options.max_pixels;
  if (options.fast_decode) reading.decoding_share = kFastDecodingShare;
  if (!options.color_mode.empty()) reading.color_mode = color_mode_named(options.color_mode);
  if (!options.image_size.empty()) reading.target_size = parse_size(options.image_size);
  return reading;
}

FolderParts parts_of(const std::string& folder) {
  const auto find = [&](std::initializer_list<const char*> names) {
    for (const char* name : names) {
      if (fs::is_directory(fs::path(folder) / name)) return (fs::path(folder) / name).string();
    }
    return std::string();
  };
  const FolderParts parts{
      .train = find({"train"}), .validation = find({"validation", "val", "valid"}), .test = find({"test"})};
  if (parts.train.empty() || (parts.validation.empty() && parts.test.empty())) return {};
  // Folders of these names may be classes, too: then images stand right in them.
  const bool classes_below = std::ranges::any_of(fs::directory_iterator(parts.train),
                                                 [](const fs::directory_entry& entry) { return entry.is_directory(); });
  return classes_below ? parts : FolderParts();
}

void require_no_table_options(const ImageInputOptions& options, const std::string& where) {
  require_unused(
      options, [](ImageInputOptions& o, auto visitor) { o.visit_table(visitor); }, where,
      "a .csv file, which this option is about");
}

void require_useful(const ImageInputOptions& options, const std::string& dataset, std::string_view command) {
  const std::string where = fmt::format("{} {}", command, dataset);
  if (!names_images(dataset)) {
    require_unused(
        options, [](ImageInputOptions& o, auto visitor) { o.visit(visitor); }, where,
        "a folder or .csv file of images, which this option is about");
  } else if (fs::is_directory(dataset)) {
    require_no_table_options(options, where);
  }
}

UncheckedImages find_images(const std::string& path, const ImageInputOptions& options, const WantedImages& wanted,
                            const ImageSelection& selection, Console& console) {
  data::FoundImages found = look(path, options, wanted);
  for (const std::string& warning : found.warnings) warn(console, warning);
  UncheckedImages result{.path = path, .images = found.images, .cached = nullptr, .missing = std::move(found.missing)};
  if (options.cache_images) {
    const fs::path cache = wanted.cache.empty() ? data::default_cache_folder() : fs::path(wanted.cache);
    result.images = result.cached = std::make_shared<data::CachedImages>(found.images, cache / "images");
  }
  const data::DatasetPtr all = result.images;
  if (selection.limit > 0 && selection.limit < all->size()) {
    const double share = static_cast<double>(selection.limit) / static_cast<double>(all->size());
    const auto part = std::static_pointer_cast<const data::Subset>(data::split(all, share, selection.seed).validation);
    const std::span<const Index> chosen = part->indices();
    result.images = std::make_shared<data::Subset>(all, std::vector<Index>(chosen.begin(), chosen.end()), all->name());
  }
  return result;
}

data::DatasetPtr readable_images(const UncheckedImages& found, const ImageInputOptions& options, Console& console) {
  if (found.path.empty()) return found.images;
  std::vector<data::BadImage> bad;
  {
    ProgressBar bar(console, {.label = "check images", .total = found.images->size()});
    bad = data::check_images(*found.images, [&](Index done, Index) { bar.update(done); });
  }
  if (found.cached && !found.cached->write_failure().empty()) {
    warn(console, "images are not cached: " + found.cached->write_failure());
  }
  std::vector<std::string> reasons = found.missing;
  for (const data::BadImage& image : bad) reasons.push_back(image.reason);
  if (reasons.empty()) return found.images;
  for (const std::string& reason : reasons) console.err << fmt::format("unreadable: {}\n", printable(reason));
  const Index all = found.images->size() + isize(found.missing.size());
  if (!options.skip_bad) {
    throw FormatError({.where = found.path,
                       .expected = fmt::format("{} images that can be read", all),
                       .got = fmt::format("{} that cannot, listed above", reasons.size()),
                       .fix = "mend or remove them, or leave them out with --skip-bad"});
  }
  warn(console,
       fmt::format("{}: {} of {} images are left out, because they cannot be read", found.path, reasons.size(), all));
  return data::without_images(found.images, bad);
}

}  // namespace saccade::cli
