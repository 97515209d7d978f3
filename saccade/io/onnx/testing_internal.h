#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "saccade/base/file.h"
#include "saccade/io/onnx/fold_internal.h"
#include "saccade/io/onnx/import_internal.h"
#include "saccade/nn/plan.h"

namespace saccade::internal {

inline Constant load_onnx_tensor(const std::filesystem::path& path) {
  return read_onnx_tensor(read_file(path), path.string());
}

/// [n, c, h, w, ...] with the channels last, or back.
inline Constant channels_last(const Constant& tensor) {
  if (tensor.rank() < 3) return tensor;
  std::vector<Index> order{0};
  for (Index axis = 2; axis < tensor.rank(); ++axis) order.push_back(axis);
  order.push_back(1);
  return transpose(tensor, order);
}
inline Constant channels_first(const Constant& tensor) {
  if (tensor.rank() < 3) return tensor;
  std::vector<Index> order{0, tensor.rank() - 1};
  for (Index axis = 1; axis + 1 < tensor.rank(); ++axis) order.push_back(axis);
  return transpose(tensor, order);
}

/// What the network makes of ONNX's images, in ONNX's order of axes.
inline Constant run(Model& model, const Constant& images) {
  const Index batch = images.dims.front();
  Plan plan(model, batch, PlanMode::inference);
  const Constant ours = channels_last(images);
  const std::span<const float> output = plan.forward(ours.floats());
  const Shape shape = model.output_shape().with_batch(batch);
  const std::vector<Index> dims(shape.extents().begin(), shape.extents().end());
  return channels_first(Constant::of(dims, std::vector<float>(output.begin(), output.end())));
}

/// The largest |got - expected| as a part of the largest |expected|, or infinity for other dims or where one of them
/// alone is not finite.
inline double error_between(const Constant& got, const Constant& expected) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (got.dims != expected.dims || !got.is_float() || !expected.is_float()) return kInfinity;
  double difference = 0.0;
  double largest = std::numeric_limits<double>::min();
  for (std::size_t i = 0; i < got.floats().size(); ++i) {
    const auto a = static_cast<double>(got.floats()[i]);
    const auto b = static_cast<double>(expected.floats()[i]);
    if (std::isfinite(b)) largest = std::max(largest, std::abs(b));
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    if (!std::isfinite(a) || !std::isfinite(b)) return kInfinity;
    difference = std::max(difference, std::abs(a - b));
  }
  return difference / largest;
}

}  // namespace saccade::internal
