#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/data/dataset.h"

namespace saccade::data {

/// Which images are set aside for validation.
enum class SplitMode : std::uint8_t {
  stratified,  ///< A random share of each class: split() of dataset.h. Needs nothing of the order.
  keras,       ///< The first int(fraction * m) of the m images of each class: flow_from_directory. Not random.
  keras_rows,  ///< The first int(fraction * n) of all n images: flow_from_dataframe and flow. Not random.
};

std::string_view name_of(SplitMode mode) noexcept;  ///< "stratified", "keras" or "keras_rows"
/// The mode of that name. Throws ValueError listing the names.
SplitMode split_mode_named(std::string_view name);

struct SplitOptions {
  double fraction = 0.2;  ///< For validation; Keras's validation_split.
  SplitMode mode = SplitMode::stratified;
  std::uint64_t seed = 0;  ///< Of `stratified`.
};

/// Sets images aside for validation; both parts keep the dataset's order, and are named and refused as split() of
/// dataset.h does. int() cuts the product in double, as Python's does: 0.29 of 100 images are 28.
Split split(const DatasetPtr& dataset, const SplitOptions& options);

/// What a reader should know about a split, a line each: a class that has images on one side only.
std::vector<std::string> warnings_of(const Split& split);

}  // namespace saccade::data
