#include "saccade/data/check_images.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

#include "saccade/base/error.h"
#include "saccade/base/parallel.h"

namespace saccade::data {
namespace {

constexpr Index kImagesAPiece = 16;
constexpr std::size_t kMostNamed = 20;

/// A tensor that found no memory says nothing about the file.
bool is_no_memory(const Error& error) { return error.text().where.starts_with("tensor ["); }

}  // namespace

std::vector<BadImage> check_images(const Dataset& dataset, const CheckProgress& progress) {
  std::vector<BadImage> bad;
  std::mutex mutex;  // Guards bad and done, and keeps calls of `progress` apart.
  Index done = 0;
  parallel_ranges(dataset.size(), kImagesAPiece, [&](Index begin, Index end) {
    std::vector<BadImage> found;
    for (Index i = begin; i < end; ++i) {
      try {
        dataset.get(i);
      } catch (const Error& error) {
        if (is_no_memory(error)) throw;
        found.push_back({.index = i, .name = dataset.sample_name(i), .reason = error.what()});
      }
    }
    const std::scoped_lock lock(mutex);
    std::ranges::move(found, std::back_inserter(bad));
    done += end - begin;
    if (progress) progress(done, dataset.size());
  });
  std::ranges::sort(bad, {}, &BadImage::index);
  return bad;
}

void require_no_bad_images(const Dataset& dataset, std::span<const BadImage> bad) {
  if (bad.empty()) return;
  std::string list;
  for (const BadImage& image : bad.first(std::min(bad.size(), kMostNamed))) {
    list += fmt::format("{}{} ({})", list.empty() ? "" : ", ", image.name, image.reason);
  }
  if (bad.size() > kMostNamed) list += fmt::format(" and {} more", bad.size() - kMostNamed);
  throw FormatError({.where = dataset.name(),
                     .expected = fmt::format("{} images that can be read", dataset.size()),
                     .got = fmt::format("{} that cannot: {}", bad.size(), list),
                     .fix = "mend them, or leave them out"});
}

DatasetPtr without_images(const DatasetPtr& dataset, std::span<const BadImage> bad) {
  if (bad.empty()) return dataset;
  std::vector<bool> is_bad(usize(dataset->size()));
  for (const BadImage& image : bad) is_bad.at(usize(image.index)) = true;
  std::vector<Index> good;
  for (Index i = 0; i < dataset->size(); ++i) {
    if (!is_bad[usize(i)]) good.push_back(i);
  }
  if (good.empty()) {
    throw ValueError({.where = dataset->name(),
                      .expected = "at least one image that can be read",
                      .got = fmt::format("none among {}", dataset->size()),
                      .fix = fmt::format("the first: {}", bad.front().reason)});
  }
  return std::make_shared<Subset>(dataset, std::move(good), dataset->name());
}

}  // namespace saccade::data
