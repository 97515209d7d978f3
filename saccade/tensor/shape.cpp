#include "saccade/tensor/shape.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "saccade/base/error.h"

namespace saccade {

Shape::Shape(std::initializer_list<Index> extents) : Shape(std::span<const Index>(extents.begin(), extents.size())) {}

Shape::Shape(std::span<const Index> extents) {
  const auto text = [&] { return fmt::format("[{}]", fmt::join(extents, ", ")); };
  if (extents.size() > kMaxRank) {
    throw ShapeError({.where = "shape",
                      .expected = fmt::format("at most {} axes", kMaxRank),
                      .got = text(),
                      .fix = "merge axes with Reshape"});
  }
  // An extent of 0 counts as 1 here, so that the shape without it is one too.
  Index elements = 1;
  bool empty = false;
  for (const Index extent : extents) {
    empty = empty || extent == 0;
    const auto product = extent < 0 ? std::nullopt : checked_multiply(elements, std::max(extent, Index{1}));
    if (!product) {
      throw ShapeError({.where = "shape",
                        .expected = "extents of zero or more whose product fits in 63 bits",
                        .got = text(),
                        .fix = "check the sizes that led here"});
    }
    elements = *product;
  }
  std::copy(extents.begin(), extents.end(), extents_.begin());
  rank_ = static_cast<int>(extents.size());
  elements_ = empty ? 0 : elements;
}

Index Shape::operator[](int axis) const {
  const int position = axis < 0 ? axis + rank_ : axis;
  if (position < 0 || position >= rank_) {
    throw ShapeError({.where = "shape",
                      .expected = fmt::format("an axis of {}", to_string()),
                      .got = std::to_string(axis),
                      .fix = rank_ == 0 ? "a scalar has none" : fmt::format("use {} to {}", -rank_, rank_ - 1)});
  }
  return extents_[usize(position)];
}

Shape Shape::with_batch(Index n) const {
  std::array<Index, kMaxRank + 1> extents{n};
  std::copy_n(extents_.begin(), rank_, extents.begin() + 1);
  return Shape(std::span<const Index>(extents.data(), usize(rank_ + 1)));
}

Shape Shape::without_batch() const { return rank_ == 0 ? Shape{} : Shape(extents().subspan(1)); }

std::string Shape::to_string() const { return fmt::format("[{}]", fmt::join(extents(), ", ")); }

bool operator==(const Shape& a, const Shape& b) noexcept { return std::ranges::equal(a.extents(), b.extents()); }

}  // namespace saccade
