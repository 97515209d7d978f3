#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "saccade/io/onnx/fold_internal.h"

namespace saccade::internal {
namespace {

std::vector<Index> row_major_strides(std::span<const Index> dims) {
  std::vector<Index> strides(dims.size());
  Index stride = 1;
  for (std::size_t i = dims.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= dims[i];
  }
  return strides;
}

/// Calls visit(offset) for every element of a tensor with these dims, in row-major order, where an element's offset is
/// first + sum of index * stride.
template <class Visit>
void for_each_offset(std::span<const Index> dims, std::span<const Index> strides, Index first, Visit visit) {
  if (std::ranges::find(dims, Index{0}) != dims.end()) return;
  std::vector<Index> index(dims.size(), 0);
  Index offset = first;
  while (true) {
    visit(offset);
    std::size_t axis = dims.size();
    while (axis-- > 0) {
      offset += strides[axis];
      if (++index[axis] < dims[axis]) break;
      offset -= strides[axis] * dims[axis];
      index[axis] = 0;
    }
    if (axis == static_cast<std::size_t>(-1)) return;
  }
}

/// A strided window onto `from`, copied.
Constant copy_strided(const Constant& from, std::vector<Index> dims, std::span<const Index> strides, Index first) {
  return std::visit(
      [&](const auto& values) {
        std::remove_cvref_t<decltype(values)> result;
        for_each_offset(dims, strides, first, [&](Index offset) { result.push_back(values[usize(offset)]); });
        return Constant{std::move(dims), std::move(result)};
      },
      from.values);
}

Constant with_dims(const Constant& from, std::vector<Index> dims) { return {std::move(dims), from.values}; }

/// `from` repeated along axes of 1 until it has these dims, to which it must be broadcastable.
Constant broadcast(const Arguments& arguments, const Constant& from, const std::vector<Index>& dims) {
  std::vector<Index> strides = row_major_strides(from.dims);
  strides.insert(strides.begin(), dims.size() - from.dims.size(), 0);
  std::vector<Index> source(dims.size() - from.dims.size(), 1);
  source.insert(source.end(), from.dims.begin(), from.dims.end());
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (source[i] == dims[i]) continue;
    if (source[i] != 1) arguments.fail("shapes that broadcast to " + dims_text(dims), dims_text(from.dims));
    strides[i] = 0;
  }
  arguments.affordable_elements(dims);
  return copy_strided(from, dims, strides, 0);
}

float compute(const Arguments& /*arguments*/, char op, float x, float y) {
  return op == '+' ? x + y : op == '-' ? x - y : op == '*' ? x * y : x / y;
}

Index compute(const Arguments& arguments, char op, Index x, Index y) {
  Index result = 0;
  const bool overflows = op == '+'   ? __builtin_add_overflow(x, y, &result)
                         : op == '-' ? __builtin_sub_overflow(x, y, &result)
                         : op == '*' ? __builtin_mul_overflow(x, y, &result)
                                     : y == 0 || (y == -1 && x == std::numeric_limits<Index>::min());
  if (overflows) arguments.fail("whole numbers with a result of 64 bits", fmt::format("{} {} {}", x, op, y));
  return op == '/' ? x / y : result;
}

template <char kOp>
Constant fold_arithmetic(const Arguments& arguments) {
  const Constant& a = arguments.constant(0);
  const Constant& b = arguments.constant(1);
  const std::vector<Index> dims = broadcast_dims(arguments, a.dims, b.dims);
  const Constant left = broadcast(arguments, a, dims);
  const Constant right = broadcast(arguments, b, dims);
  if (left.is_float() != right.is_float()) arguments.fail("two inputs of one type", "floats and whole numbers");
  return std::visit(
      [&](const auto& x) {
        using Values = std::remove_cvref_t<decltype(x)>;
        const Values& y = std::get<Values>(right.values);
        Values z(x.size());
        for (std::size_t i = 0; i < z.size(); ++i) z[i] = compute(arguments, kOp, x[i], y[i]);
        return Constant{dims, std::move(z)};
      },
      left.values);
}

Constant fold_cast(const Arguments& arguments) {
  const Constant& from = arguments.constant(0);
  constexpr Index kFloat = 1, kFloat16 = 10, kDouble = 11, kBfloat16 = 16;  // of TensorProto.DataType
  const Index to = arguments.node().integer("to", 0);
  const bool to_float = to == kFloat || to == kFloat16 || to == kDouble || to == kBfloat16;
  if (to_float == from.is_float()) return from;
  if (to_float) return Constant::of(from.dims, std::vector<float>(from.integers().begin(), from.integers().end()));
  std::vector<Index> whole;
  for (const float value : from.floats()) {
    if (!(std::abs(value) < 0x1p62F)) arguments.fail("numbers that fit in 63 bits", fmt::format("{}", value));
    whole.push_back(static_cast<Index>(value));
  }
  return Constant::of(from.dims, std::move(whole));
}

/// The positions `indices` of one axis.
Constant fold_gather(const Arguments& arguments) {
  const Constant& from = arguments.constant(0);
  const Constant& indices = arguments.constant(1);
  const Index axis = arguments.axis(arguments.node().integer("axis", 0), from.rank());
  if (indices.is_float()) arguments.fail("whole numbers as indices", "floats");
  const std::span<const Index> before = std::span(from.dims).first(usize(axis));
  const std::span<const Index> after = std::span(from.dims).subspan(usize(axis) + 1);
  const Index extent = from.dims[usize(axis)];
  std::vector<Index> dims(before.begin(), before.end());
  dims.insert(dims.end(), indices.dims.begin(), indices.dims.end());
  dims.insert(dims.end(), after.begin(), after.end());
  const bool is_empty = arguments.affordable_elements(dims) == 0;
  return std::visit(
      [&](const auto& values) {
        std::remove_cvref_t<decltype(values)> result;
        for (Index outer = 0; outer < product(before) && !is_empty; ++outer) {
          for (const Index index : indices.integers()) {
            const Index counted = index < 0 ? index + extent : index;
            if (counted < 0 || counted >= extent) {
              arguments.fail(fmt::format("indices into {} elements", extent), std::to_string(index));
            }
            const auto first = values.begin() + (outer * extent + counted) * product(after);
            result.insert(result.end(), first, first + product(after));
          }
        }
        return Constant{dims, std::move(result)};
      },
      from.values);
}

Constant fold_concat(const Arguments& arguments) {
  const Constant& head = arguments.constant(0);
  const auto axis = usize(arguments.axis(arguments.node().integer("axis", 0), head.rank()));
  const auto fits = [&](const Constant& part) {
    std::vector<Index> dims = part.dims;
    if (dims.size() > axis) dims[axis] = head.dims[axis];
    return dims == head.dims && part.is_float() == head.is_float();
  };
  std::vector<Index> dims = head.dims;
  dims[axis] = 0;
  for (std::size_t i = 0; i < arguments.node().inputs.size(); ++i) {
    const Constant& part = arguments.constant(i);
    if (!fits(part))
      arguments.fail("tensors alike but for one axis", dims_text(head.dims) + " and " + dims_text(part.dims));
    dims[axis] += part.dims[axis];
  }
  const bool is_empty = arguments.affordable_elements(dims) == 0;
  const Index outer = is_empty ? 0 : product(std::span(dims).first(axis));
  const Index inner = product(std::span(dims).subspan(axis + 1));
  return std::visit(
      [&](const auto& first) {
        using Values = std::remove_cvref_t<decltype(first)>;
        Values result;
        for (Index o = 0; o < outer; ++o) {
          for (std::size_t i = 0; i < arguments.node().inputs.size(); ++i) {
            const Constant& part = arguments.constant(i);
            const Index chunk = part.dims[axis] * inner;
            const auto begin = std::get<Values>(part.values).begin() + o * chunk;
            result.insert(result.end(), begin, begin + chunk);
          }
        }
        return Constant{dims, std::move(result)};
      },
      head.values);
}

Constant fold_constant(const Arguments& arguments) {
  const OnnxNode& node = arguments.node();
  if (node.has("value_float")) return Constant::of({}, std::vector<float>{node.number("value_float", 0.0F)});
  if (node.has("value_int")) return Constant::of({}, std::vector<Index>{node.integer("value_int", 0)});
  if (node.has("value_ints")) return Constant::list(node.integers("value_ints", {}));
  if (node.has("value_floats")) {
    std::vector<float> values = node.numbers("value_floats", {});
    return Constant::of({isize(values.size())}, std::move(values));
  }
  return node.tensor("value");
}

Constant fold_constant_of_shape(const Arguments& arguments) {
  const std::vector<Index> dims = arguments.list("", 0);
  const Index elements = arguments.affordable_elements(dims);
  Constant value = Constant::of({1}, std::vector<float>{0.0F});
  if (arguments.node().has("value")) value = arguments.node().tensor("value");
  if (value.elements() != 1) arguments.fail("one value", dims_text(value.dims));
  return std::visit(
      [&](const auto& values) {
        return Constant{dims, std::remove_cvref_t<decltype(values)>(usize(elements), values.front())};
      },
      value.values);
}

/// y = (x - zero_point) * scale, of one scale or one for each position of `axis`.
Constant fold_dequantize(const Arguments& arguments) {
  const Constant& x = arguments.constant(0);
  const Constant& scale = arguments.constant(1);
  if (x.is_float() || !scale.is_float()) arguments.fail("whole numbers and a floating-point scale", "others");
  Constant zero_point = Constant::of(scale.dims, std::vector<Index>(usize(scale.elements()), 0));
  if (arguments.node().has_input(2)) zero_point = arguments.constant(2);
  const Index parts = scale.elements();
  Index inner = x.elements();
  const Index axis_attribute = arguments.node().integer("axis", 1);
  if (parts != 1) {
    const Index axis = arguments.axis(axis_attribute, x.rank());
    inner = product(std::span(x.dims).subspan(usize(axis) + 1));
    if (x.dims[usize(axis)] != parts) arguments.fail("a scale for each position of the axis", dims_text(scale.dims));
  }
  if (zero_point.is_float() || zero_point.elements() != parts) {
    arguments.fail("as many zero points as scales", dims_text(zero_point.dims));
  }
  std::vector<float> y;
  for (Index i = 0; i < x.elements(); ++i) {
    const auto part = usize(i / std::max(inner, Index{1}) % parts);
    const auto stored = static_cast<double>(x.integers()[usize(i)]);
    const double difference = stored - static_cast<double>(zero_point.integers()[part]);
    y.push_back(static_cast<float>(difference) * scale.floats()[part]);
  }
  return Constant::of(x.dims, std::move(y));
}

/// y = f(x) of floating-point numbers.
template <float (*kFunction)(float)>
Constant fold_function(const Arguments& arguments) {
  Constant values = arguments.constant(0);
  if (!values.is_float()) arguments.fail("floating-point numbers", "whole ones");
  std::vector<float> results = values.floats();
  for (float& value : results) value = kFunction(value);
  return Constant::of(std::move(values.dims), std::move(results));
}
float square_root(float x) { return std::sqrt(x); }
float reciprocal(float x) { return 1.0F / x; }
float round_down(float x) { return std::floor(x); }
float round_up(float x) { return std::ceil(x); }

Constant fold_neg(const Arguments& arguments) {
  Constant values = arguments.constant(0);
  if (values.is_float()) {
    for (float& value : std::get<0>(values.values)) value = -value;
  } else {
    for (Index& value : std::get<1>(values.values)) value = compute(arguments, '-', Index{0}, value);
  }
  return values;
}

/// Powers of floating-point numbers by one exponent.
Constant fold_pow(const Arguments& arguments) {
  Constant values = arguments.constant(0);
  if (!values.is_float()) arguments.fail("floating-point numbers", "whole ones");
  const float exponent = arguments.number("", 1, 1.0F);
  std::vector<float> results = values.floats();
  for (float& value : results) value = std::pow(value, exponent);
  return Constant::of(std::move(values.dims), std::move(results));
}

Constant fold_shape(const Arguments& arguments) {
  return Constant::list(shape_part(arguments, arguments.constant(0).dims));
}
Constant fold_identity(const Arguments& arguments) { return arguments.constant(0); }
Constant fold_slice(const Arguments& arguments) {
  return take(arguments.constant(0), slice_axes(arguments, arguments.constant(0).dims));
}
Constant fold_transpose(const Arguments& arguments) {
  return transpose(arguments.constant(0), permutation(arguments, arguments.constant(0).rank()));
}
Constant fold_expand(const Arguments& arguments) {
  const std::vector<Index> shape = arguments.list("", 1);
  return broadcast(arguments, arguments.constant(0), broadcast_dims(arguments, arguments.constant(0).dims, shape));
}

/// Operators that only rename axes.
template <std::vector<Index> (*kDims)(const Arguments&, std::span<const Index>)>
Constant fold_view(const Arguments& arguments) {
  return with_dims(arguments.constant(0), kDims(arguments, arguments.constant(0).dims));
}

const std::map<std::string, Constant (*)(const Arguments&)>& folders() {
  static const std::map<std::string, Constant (*)(const Arguments&)> kFolders{
      {"Add", fold_arithmetic<'+'>},
      {"Cast", fold_cast},
      {"Ceil", fold_function<round_up>},
      {"Concat", fold_concat},
      {"Constant", fold_constant},
      {"ConstantOfShape", fold_constant_of_shape},
      {"DequantizeLinear", fold_dequantize},
      {"Div", fold_arithmetic<'/'>},
      {"Expand", fold_expand},
      {"Floor", fold_function<round_down>},
      {"Flatten", fold_view<flatten_dims>},
      {"Gather", fold_gather},
      {"Identity", fold_identity},
      {"Mul", fold_arithmetic<'*'>},
      {"Neg", fold_neg},
      {"Pow", fold_pow},
      {"Reciprocal", fold_function<reciprocal>},
      {"Reshape", fold_view<reshape_dims>},
      {"Shape", fold_shape},
      {"Slice", fold_slice},
      {"Sqrt", fold_function<square_root>},
      {"Squeeze", fold_view<squeeze_dims>},
      {"Sub", fold_arithmetic<'-'>},
      {"Transpose", fold_transpose},
      {"Unsqueeze", fold_view<unsqueeze_dims>},
  };
  return kFolders;
}

}  // namespace

Constant take(const Constant& from, std::span<const AxisSlice> slices) {
  const std::vector<Index> strides = row_major_strides(from.dims);
  std::vector<Index> dims, steps;
  Index first = 0;
  for (std::size_t i = 0; i < slices.size(); ++i) {
    dims.push_back(slices[i].count);
    steps.push_back(strides[i] * slices[i].step);
    first += strides[i] * slices[i].start;
  }
  return copy_strided(from, std::move(dims), steps, first);
}

Constant transpose(const Constant& from, std::span<const Index> order) {
  const std::vector<Index> strides = row_major_strides(from.dims);
  std::vector<Index> dims, steps;
  for (const Index axis : order) {
    dims.push_back(from.dims[usize(axis)]);
    steps.push_back(strides[usize(axis)]);
  }
  return copy_strided(from, std::move(dims), steps, 0);
}

std::optional<Constant> fold(const Arguments& arguments) {
  const auto found = folders().find(arguments.node().op);
  if (found == folders().end()) return std::nullopt;
  const std::vector<std::string>& inputs = arguments.node().inputs;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].empty() && !arguments.knows(i)) return std::nullopt;
  }
  return found->second(arguments);
}

}  // namespace saccade::internal
