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
#include "saccade/data/check_images.h"
#include "saccade/data/fetch.h"
#include "saccade/data/fetch/known_sets.h"
#include "saccade/data/image_cache.h"
#include "saccade/data/image_folder.h"
#include "saccade/data/image_table.h"

namespace saccade::cli {
namespace {

namespace fs = std::filesystem;

constexpr data::TargetSize kDefaultSize{.height = 128, .width = 128};
constexpr std::size_t kMostListed = 20;

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

ColorMode mode_of_channels(const Shape& shape) {
  for (const ColorMode mode : {ColorMode::grayscale, ColorMode::rgb, ColorMode::rgba}) {
    if (shape.rank() == 3 && channels_of(mode) == shape[2]) return mode;
  }
  throw ShapeError({.where = "network",
                    .expected = "an input of grey, RGB or RGBA images",
                    .got = shape.to_string(),
                    .fix = "images of files have 1, 3 or 4 channels"});
}

data::FoundImages find_images(const std::string& path, const ImageInputOptions& options, const WantedImages& wanted) {
  const data::ImageReading reading = reading_of(options, wanted);
  if (fs::is_directory(path)) return data::image_folder(path, {.reading = reading, .classes = wanted.classes});
  return data::image_table(path, {.reading = reading,
                                  .x_col = options.x_col,
                                  .y_col = options.y_col,
                                  .directory = options.image_folder,
                                  .classes = wanted.classes});
}

/// Every image read once: training must not find out hours later that a file cannot be read.
std::vector<data::BadImage> check(const data::Dataset& images, Console& console) {
  ProgressBar bar(console, {.label = "check images", .total = images.size()});
  return data::check_images(images, [&](Index done, Index) { bar.update(done); });
}

void list_bad(const std::vector<data::BadImage>& bad, Console& console) {
  for (std::size_t i = 0; i < std::min(bad.size(), kMostListed); ++i) {
    console.err << fmt::format("unreadable: {}\n", bad[i].reason);
  }
  if (bad.size() > kMostListed) console.err << fmt::format("unreadable: {} more\n", bad.size() - kMostListed);
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
  data::ImageReading reading{.target_size = kDefaultSize};
  if (wanted.shape) {
    reading.color_mode = mode_of_channels(*wanted.shape);
    reading.target_size = {.height = (*wanted.shape)[0], .width = (*wanted.shape)[1]};
  }
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

data::DatasetPtr load_images(const std::string& path, const ImageInputOptions& options, const WantedImages& wanted,
                             const ImageSelection& selection, Console& console) {
  const data::FoundImages found = find_images(path, options, wanted);
  for (const std::string& warning : found.warnings) console.err << "warning: " << warning << '\n';

  data::DatasetPtr images = found.images;
  std::shared_ptr<const data::CachedImages> cached;
  if (options.cache_images) {
    const fs::path cache = wanted.cache.empty() ? data::default_cache_folder() : fs::path(wanted.cache);
    images = cached = std::make_shared<data::CachedImages>(found.images, cache / "images");
  }
  if (selection.limit > 0 && selection.limit < images->size()) {
    const double share = static_cast<double>(selection.limit) / static_cast<double>(images->size());
    const auto part =
        std::static_pointer_cast<const data::Subset>(data::split(images, share, selection.seed).validation);
    const std::span<const Index> chosen = part->indices();
    images = std::make_shared<data::Subset>(images, std::vector<Index>(chosen.begin(), chosen.end()), images->name());
  }
  const std::vector<data::BadImage> bad = check(*images, console);
  if (cached && !cached->write_failure().empty()) {
    console.err << "warning: images are not cached: " << cached->write_failure() << '\n';
  }
  if (bad.empty()) return images;
  list_bad(bad, console);
  if (!options.skip_bad) {
    throw FormatError({.where = path,
                       .expected = fmt::format("{} images that can be read", images->size()),
                       .got = fmt::format("{} that cannot, listed above", bad.size()),
                       .fix = "mend or remove them, or leave them out with --skip-bad"});
  }
  console.err << fmt::format("warning: {}: {} of {} images are left out, because they cannot be read\n", path,
                             bad.size(), images->size());
  return data::without_images(images, bad);
}

}  // namespace saccade::cli
