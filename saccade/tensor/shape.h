#pragma once
#include <array>
#include <initializer_list>
#include <span>
#include <string>

#include "saccade/base/integer.h"

namespace saccade {

/// The extents of a dense tensor, outermost first. Images are NHWC, filters HWIO, matrices [rows, columns].
/// At most eight axes, none negative, and the product fits in an Index; the constructors throw ShapeError otherwise.
class Shape {
 public:
  static constexpr int kMaxRank = 8;

  Shape() = default;  ///< A scalar: no axes, one element.
  Shape(std::initializer_list<Index> extents);
  explicit Shape(std::span<const Index> extents);

  int rank() const noexcept { return rank_; }
  /// Negative axes count from the end: shape[-1] is the innermost extent.
  Index operator[](int axis) const;
  Index elements() const noexcept { return elements_; }
  std::span<const Index> extents() const noexcept { return {extents_.data(), usize(rank_)}; }
  /// This shape with one more axis in front, e.g. a batch axis.
  Shape with_batch(Index n) const;
  /// This shape without its first axis.
  Shape without_batch() const;
  std::string to_string() const;  ///< "[28, 28, 1]"

  friend bool operator==(const Shape& a, const Shape& b) noexcept;

 private:
  std::array<Index, kMaxRank> extents_{};
  int rank_ = 0;
  Index elements_ = 1;
};

}  // namespace saccade
