#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>

#include "saccade/base/error.h"
#include "saccade/io/onnx/arguments_internal.h"
#include "saccade/io/quote_internal.h"

namespace saccade::internal {
void Arguments::fail(std::string expected, std::string got) const {
  throw FormatError({.where = node_.where(),
                     .expected = std::move(expected),
                     .got = std::move(got),
                     .fix = "this part of the operator cannot be imported; see docs/onnx.md"});
}

Index Arguments::affordable_elements(std::span<const Index> dims) const {
  const std::optional<Index> elements = checked_product(dims);
  if (!elements || *elements > allowance_) {
    fail(fmt::format("at most {} numbers more among the network's constants", allowance_), dims_text(dims));
  }
  return *elements;
}

const Constant& Arguments::constant(std::size_t input) const {
  if (!knows(input)) {
    fail(fmt::format("input {} to be known without running the network", input),
         node_.has_input(input) ? "tensor " + quote(node_.inputs[input]) : "none");
  }
  return *constants_[input];
}

bool Arguments::has_list(const std::string& attribute, std::size_t input) const {
  return node_.has(attribute) || node_.has_input(input);
}

std::vector<Index> Arguments::list(const std::string& attribute, std::size_t input,
                                   std::vector<Index> otherwise) const {
  if (node_.has(attribute)) return node_.integers(attribute, {});
  if (!node_.has_input(input)) return otherwise;
  const Constant& values = constant(input);
  if (values.is_float()) fail(fmt::format("whole numbers as input {}", input), "floating-point ones");
  return values.integers();
}

float Arguments::number(const std::string& attribute, std::size_t input, float otherwise) const {
  if (node_.has(attribute)) return node_.number(attribute, otherwise);
  if (!node_.has_input(input)) return otherwise;
  const Constant& value = constant(input);
  if (!value.is_float() || value.elements() != 1) {
    fail(fmt::format("one floating-point number as input {}", input), dims_text(value.dims));
  }
  return value.floats().front();
}

Index Arguments::axis(Index axis, Index rank) const {
  const Index counted = axis < 0 ? axis + rank : axis;
  if (counted < 0 || counted >= rank) fail(fmt::format("an axis of {} axes", rank), std::to_string(axis));
  return counted;
}

std::vector<Index> Arguments::axes(const std::string& attribute, std::size_t input, Index rank,
                                   std::vector<Index> otherwise) const {
  std::vector<Index> axes = list(attribute, input, std::move(otherwise));
  for (Index& a : axes) a = axis(a, rank);
  if (std::set<Index>(axes.begin(), axes.end()).size() != axes.size()) {
    fail("different axes", fmt::format("{}", fmt::join(axes, ", ")));
  }
  return axes;
}

std::vector<AxisSlice> slice_axes(const Arguments& arguments, std::span<const Index> dims) {
  const std::vector<Index> starts = arguments.list("starts", 1);
  const std::vector<Index> ends = arguments.list("ends", 2);
  std::vector<Index> first(starts.size());
  std::iota(first.begin(), first.end(), Index{0});
  const std::vector<Index> axes = arguments.axes("axes", 3, isize(dims.size()), first);
  const std::vector<Index> steps = arguments.list("steps", 4, std::vector<Index>(starts.size(), 1));
  if (starts.size() != ends.size() || starts.size() != axes.size() || starts.size() != steps.size()) {
    arguments.fail("as many ends, axes and steps as starts",
                   fmt::format("{}, {}, {} and {}", ends.size(), axes.size(), steps.size(), starts.size()));
  }
  std::vector<AxisSlice> slices;
  for (const Index dim : dims) slices.push_back({0, 1, dim});
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const Index dim = dims[usize(axes[i])];
    const Index step = steps[i];
    if (step == 0 || step == std::numeric_limits<Index>::min())
      arguments.fail("a step other than 0", std::to_string(step));
    const auto from_end = [dim](Index position) { return position < 0 ? position + dim : position; };
    const Index low = step > 0 ? 0 : -1;  // going backwards, -1 stands for "before the first"
    const Index start = std::clamp(from_end(starts[i]), Index{0}, step > 0 ? dim : std::max(dim - 1, Index{0}));
    const Index end = std::clamp(from_end(ends[i]), low, dim);
    const Index distance = step > 0 ? end - start : start - end;
    slices[usize(axes[i])] = {start, step, dim == 0 || distance <= 0 ? 0 : ceil_divide(distance, std::abs(step))};
  }
  return slices;
}

std::vector<Index> reshape_dims(const Arguments& arguments, std::span<const Index> dims) {
  std::vector<Index> target = arguments.list("shape", 1);
  const bool zero_copies = arguments.node().integer("allowzero", 0) == 0;
  Index* inferred = nullptr;
  std::vector<Index> known_dims;
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (target[i] == 0 && zero_copies) {
      if (i >= dims.size()) arguments.fail("a 0 only where the input has an axis", dims_text(target));
      target[i] = dims[i];
    }
    if (target[i] < -1 || (target[i] == -1 && inferred)) arguments.fail("dims, and at most one -1", dims_text(target));
    if (target[i] == -1) {
      inferred = &target[i];
    } else {
      known_dims.push_back(target[i]);
    }
  }
  const auto checked = checked_product(known_dims);
  if (!checked) arguments.fail("a shape whose size fits in 63 bits", dims_text(target));
  const Index known = *checked;
  const Index elements = product(dims);
  if (inferred && known > 0 && elements % known == 0) *inferred = elements / known;
  if (product(target) != elements || (inferred && *inferred < 0)) {
    arguments.fail(fmt::format("a shape of {} elements, as the input {}", elements, dims_text(dims)),
                   dims_text(target));
  }
  return target;
}

std::vector<Index> permutation(const Arguments& arguments, Index rank) {
  std::vector<Index> reversed(usize(rank));
  std::iota(reversed.rbegin(), reversed.rend(), Index{0});
  std::vector<Index> order = arguments.node().integers("perm", reversed);
  std::vector<Index> sorted = order;
  std::ranges::sort(sorted);
  if (!std::ranges::equal(sorted, std::vector<Index>(reversed.rbegin(), reversed.rend()))) {
    arguments.fail(fmt::format("an order of {} axes", rank), fmt::format("{}", fmt::join(order, ", ")));
  }
  return order;
}

std::vector<Index> shape_part(const Arguments& arguments, std::span<const Index> dims) {
  const Index rank = isize(dims.size());
  const auto place = [rank](Index i) { return std::clamp(i < 0 ? i + rank : i, Index{0}, rank); };
  const Index start = place(arguments.node().integer("start", 0));
  const Index end = std::max(start, place(arguments.node().integer("end", rank)));
  return {dims.begin() + start, dims.begin() + end};
}

std::vector<Index> broadcast_dims(const Arguments& arguments, std::span<const Index> a, std::span<const Index> b) {
  std::vector<Index> dims(std::max(a.size(), b.size()), 1);
  for (const std::span<const Index> source : {a, b}) {
    for (std::size_t i = 0; i < source.size(); ++i) {
      Index& dim = dims[dims.size() - source.size() + i];
      if (dim != 1 && source[i] != 1 && source[i] != dim) {
        arguments.fail("shapes that broadcast to one", dims_text(a) + " and " + dims_text(b));
      }
      if (dim == 1) dim = source[i];
    }
  }
  return dims;
}

std::vector<Index> squeeze_dims(const Arguments& arguments, std::span<const Index> dims) {
  std::vector<Index> ones;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 1) ones.push_back(isize(i));
  }
  const std::vector<Index> axes = arguments.axes("axes", 1, isize(dims.size()), ones);
  std::vector<Index> result;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (std::ranges::find(axes, isize(i)) == axes.end()) {
      result.push_back(dims[i]);
    } else if (dims[i] != 1) {
      arguments.fail(fmt::format("axis {} to be 1", i), dims_text(dims));
    }
  }
  return result;
}

std::vector<Index> unsqueeze_dims(const Arguments& arguments, std::span<const Index> dims) {
  const Index rank = isize(dims.size()) + isize(arguments.list("axes", 1).size());
  constexpr Index kMostAxes = 64;
  if (rank > kMostAxes) arguments.fail(fmt::format("at most {} axes", kMostAxes), std::to_string(rank));
  const std::vector<Index> axes = arguments.axes("axes", 1, rank);
  std::vector<Index> result;
  auto next = dims.begin();
  for (Index i = 0; i < rank; ++i) {
    result.push_back(std::ranges::find(axes, i) != axes.end() ? 1 : *next++);
  }
  return result;
}

std::vector<Index> flatten_dims(const Arguments& arguments, std::span<const Index> dims) {
  const Index rank = isize(dims.size());
  Index axis = arguments.node().integer("axis", 1);
  if (axis < -rank || axis > rank)
    arguments.fail(fmt::format("an axis from {} to {}", -rank, rank), std::to_string(axis));
  if (axis < 0) axis += rank;
  return {product(dims.first(usize(axis))), product(dims.subspan(usize(axis)))};
}

}  // namespace saccade::internal
