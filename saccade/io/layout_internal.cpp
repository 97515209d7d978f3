#include "saccade/io/layout_internal.h"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>

#include "saccade/io/onnx/fold_internal.h"

namespace saccade::internal {

Constant filters_to_hwio(const Constant& oihw) { return transpose(oihw, std::array<Index, 4>{2, 3, 1, 0}); }

Constant filters_to_oihw(const Constant& hwio) { return transpose(hwio, std::array<Index, 4>{3, 2, 0, 1}); }

Constant dense_weight(const Constant& matrix, Units units, std::span<const Index> image) {
  const bool units_first = units == Units::first;
  const Index inputs = matrix.dims[units_first ? 1 : 0], outputs = matrix.dims[units_first ? 0 : 1];
  if (image.empty()) return units_first ? transpose(matrix, std::array<Index, 2>{1, 0}) : matrix;
  // [units, channels, height, ...] or [channels, height, ..., units] as [height, ..., channels, units].
  std::vector<Index> dims(image.begin(), image.end());
  dims.insert(units_first ? dims.begin() : dims.end(), outputs);
  std::vector<Index> order(dims.size());
  std::iota(order.begin(), order.end(), Index{0});
  const auto channels = order.begin() + (units_first ? 1 : 0);
  std::rotate(channels, channels + 1, channels + isize(image.size()));
  if (units_first) std::rotate(order.begin(), order.begin() + 1, order.end());
  Constant weight = transpose(Constant::of(std::move(dims), matrix.floats()), order);
  weight.dims = {inputs, outputs};
  return weight;
}

Constant dense_weight_channels_first(const Constant& weight, const Shape& image) {
  std::vector<Index> dims(image.extents().begin(), image.extents().end());
  dims.push_back(weight.dims[1]);
  std::vector<Index> order(dims.size());
  std::iota(order.begin(), order.end(), Index{0});
  std::rotate(order.begin(), order.end() - 2, order.end() - 1);
  Constant matrix = transpose(Constant::of(std::move(dims), weight.floats()), order);
  matrix.dims = weight.dims;
  return matrix;
}

bool has_one_order(std::span<const Index> image) {
  if (image.size() < 2 || image.front() == 1) return true;
  return std::accumulate(image.begin() + 1, image.end(), Index{1}, std::multiplies<>()) == 1;
}

std::vector<Index> channels_first(const Shape& image) {
  std::vector<Index> dims(image.extents().begin(), image.extents().end());
  if (!dims.empty()) std::rotate(dims.begin(), dims.end() - 1, dims.end());
  return dims;
}

}  // namespace saccade::internal
