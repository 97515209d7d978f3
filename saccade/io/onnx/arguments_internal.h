#pragma once
#include <span>
#include <string>
#include <vector>

#include "saccade/io/onnx/graph_internal.h"

namespace saccade::internal {

/// What a node is told besides the data it works on. From operator set 10 or 13 on, much of what had been an attribute is
/// an input that must be constant; callers need not know which.
class Arguments {
 public:
  /// constants[i] is null where input i is not known at import, or left out. `allowance`: how many numbers more the
  /// network's constants may have.
  Arguments(const OnnxNode& node, std::span<const Constant* const> constants, Index allowance)
      : node_(node), constants_(constants), allowance_(allowance) {}

  const OnnxNode& node() const noexcept { return node_; }
  bool knows(std::size_t input) const { return input < constants_.size() && constants_[input] != nullptr; }
  /// Throws FormatError when the input is not constant.
  const Constant& constant(std::size_t input) const;
  bool has_list(const std::string& attribute, std::size_t input) const;
  /// The whole numbers of the attribute or else of the input, or `otherwise`.
  std::vector<Index> list(const std::string& attribute, std::size_t input, std::vector<Index> otherwise = {}) const;
  /// The one number of the attribute or else of the input, or `otherwise`.
  float number(const std::string& attribute, std::size_t input, float otherwise) const;

  /// list() as axes of a tensor of that rank, negative ones counted from the end. Throws for others and for repeated ones.
  std::vector<Index> axes(const std::string& attribute, std::size_t input, Index rank,
                          std::vector<Index> otherwise = {}) const;
  Index axis(Index axis, Index rank) const;

  /// The number of elements of a constant with these dims. Throws where one is negative, or for more than the allowance.
  Index affordable_elements(std::span<const Index> dims) const;

  [[noreturn]] void fail(std::string expected, std::string got) const;

 private:
  const OnnxNode& node_;
  std::span<const Constant* const> constants_;
  Index allowance_;
};

/// A part of an axis: `count` elements from `start`, `step` apart (negative: backwards).
struct AxisSlice {
  Index start = 0;
  Index step = 1;
  Index count = 0;
};

/// ONNX Slice: for every axis of `dims`, what it keeps. Starts and ends are clamped as the standard says.
std::vector<AxisSlice> slice_axes(const Arguments& arguments, std::span<const Index> dims);
/// ONNX Reshape of a tensor with these dims: 0 copies, -1 is inferred.
std::vector<Index> reshape_dims(const Arguments& arguments, std::span<const Index> dims);
/// ONNX Transpose.
std::vector<Index> permutation(const Arguments& arguments, Index rank);
/// ONNX Shape: the dims, or those from `start` up to `end`.
std::vector<Index> shape_part(const Arguments& arguments, std::span<const Index> dims);
/// The dims of two tensors that are combined element by element. Throws where they do not broadcast.
std::vector<Index> broadcast_dims(const Arguments& arguments, std::span<const Index> a, std::span<const Index> b);
/// ONNX Squeeze, Unsqueeze and Flatten.
std::vector<Index> squeeze_dims(const Arguments& arguments, std::span<const Index> dims);
std::vector<Index> unsqueeze_dims(const Arguments& arguments, std::span<const Index> dims);
std::vector<Index> flatten_dims(const Arguments& arguments, std::span<const Index> dims);

}  // namespace saccade::internal
