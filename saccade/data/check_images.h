#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "saccade/data/dataset.h"

namespace saccade::data {

/// An image that cannot be read, and why.
struct BadImage {
  Index index = 0;     ///< In the dataset.
  std::string name;    ///< sample_name(index)
  std::string reason;  ///< One line; it may name the file too.
};

/// Told (images done, all) every now and then, by one thread at a time. It may throw to give up.
using CheckProgress = std::function<void(Index done, Index all)>;

/// Reads every image of a dataset as training would, on all threads, and reports those that fail, in order. A file cut
/// off at its end is found in no other way. With images from CachedImages this also fills the cache.
/// Other failures than those of the input, such as exhausted memory, are thrown.
std::vector<BadImage> check_images(const Dataset& dataset, const CheckProgress& progress = {});

/// Throws FormatError unless `bad` is empty: how many files of the dataset cannot be read, and the first 20 of them
/// with their reasons.
void require_no_bad_images(const Dataset& dataset, std::span<const BadImage> bad);

/// The dataset without these images. Throws ValueError when none would be left.
DatasetPtr without_images(const DatasetPtr& dataset, std::span<const BadImage> bad);

}  // namespace saccade::data
