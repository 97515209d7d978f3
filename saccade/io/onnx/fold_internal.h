#pragma once
#include <optional>

#include "saccade/io/onnx/arguments_internal.h"

namespace saccade::internal {

/// The result of a node all of whose inputs are constant: exporters leave the arithmetic of shapes and the preparation
/// of weights in the file. Nothing when the operator is not one of those. Throws FormatError for one that does not add up.
std::optional<Constant> fold(const Arguments& arguments);

/// The elements whose positions along each axis the slices name.
Constant take(const Constant& from, std::span<const AxisSlice> slices);
/// Axis i of the result is axis order[i] of `from`.
Constant transpose(const Constant& from, std::span<const Index> order);

}  // namespace saccade::internal
