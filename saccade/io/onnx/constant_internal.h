#pragma once
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "saccade/base/integer.h"

namespace saccade::internal {

/// A tensor that is known when a network is imported: a weight, or a number that shapes depend on. Row-major, in ONNX's
/// order of axes. Every kind of real number of the file has become float, every kind of whole number Index.
struct Constant {
  std::vector<Index> dims;
  std::variant<std::vector<float>, std::vector<Index>> values;

  bool is_float() const noexcept { return values.index() == 0; }
  const std::vector<float>& floats() const { return std::get<0>(values); }
  const std::vector<Index>& integers() const { return std::get<1>(values); }
  Index elements() const noexcept {
    return std::visit([](const auto& v) { return isize(v.size()); }, values);
  }
  Index rank() const noexcept { return isize(dims.size()); }

  static Constant of(std::vector<Index> dims, std::vector<float> floats) {
    return {std::move(dims), std::move(floats)};
  }
  static Constant of(std::vector<Index> dims, std::vector<Index> integers) {
    return {std::move(dims), std::move(integers)};
  }
  /// A one-dimensional one.
  static Constant list(std::vector<Index> integers) { return {{isize(integers.size())}, std::move(integers)}; }
};

/// The product of dims that are known to be affordable.
Index product(std::span<const Index> dims);

/// The product, or nothing where a dim is negative or the product of those that are not zero, and so that of any part of
/// them, does not fit in 63 bits.
std::optional<Index> checked_product(std::span<const Index> dims);

/// "[1, 3, 224, 224]"; -1 stands as '?'.
std::string dims_text(std::span<const Index> dims);

}  // namespace saccade::internal
