#include "saccade/tensor/tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

#include "saccade/base/error.h"

namespace saccade {

std::string_view name_of(DType dtype) noexcept { return dtype == DType::float32 ? "float32" : "uint8"; }

Index size_bytes(DType dtype) noexcept { return dtype == DType::float32 ? 4 : 1; }

namespace {

AlignedBuffer allocate(const Shape& shape, DType dtype) {
  const auto total_bytes = checked_multiply(shape.elements(), size_bytes(dtype));
  if (!total_bytes) {
    throw ShapeError({.where = "tensor",
                      .expected = "a size in bytes that fits in 63 bits",
                      .got = shape.to_string(),
                      .fix = "check the sizes that led here"});
  }
  try {
    return AlignedBuffer(usize(*total_bytes));
  } catch (const std::bad_alloc&) {
    throw SystemError({.where = fmt::format("tensor {}", shape.to_string()),
                       .expected = fmt::format("{} bytes of memory", *total_bytes),
                       .got = "none",
                       .fix = "use smaller images or a smaller batch, or a machine with more memory"});
  }
}

/// The shape, once it is known to hold `count` values: before anything is allocated for it.
const Shape& require_count(const Shape& shape, std::size_t count) {
  if (shape.elements() != isize(count)) {
    throw ShapeError({.where = "tensor",
                      .expected = fmt::format("{} values for shape {}", shape.elements(), shape.to_string()),
                      .got = fmt::format("{}", count),
                      .fix = "pass one value an element"});
  }
  return shape;
}

}  // namespace

Tensor::Tensor(Shape shape, DType dtype) : shape_(shape), dtype_(dtype), buffer_(allocate(shape, dtype)) {
  std::ranges::fill(buffer_.bytes(), std::byte{0});
}

Tensor::Tensor(Shape shape, std::span<const float> values)
    : Tensor(require_count(shape, values.size()), DType::float32) {
  std::ranges::copy(values, floats().begin());
}

Tensor::Tensor(Shape shape, std::span<const std::uint8_t> values)
    : Tensor(require_count(shape, values.size()), DType::uint8) {
  std::ranges::copy(values, uint8s().begin());
}

void Tensor::require(DType dtype) const {
  if (dtype_ != dtype) {
    throw ValueError({.where = fmt::format("tensor {}", shape_.to_string()),
                      .expected = std::string(name_of(dtype)),
                      .got = std::string(name_of(dtype_)),
                      .fix = "convert it first"});
  }
}

std::span<float> Tensor::floats() {
  require(DType::float32);
  return {reinterpret_cast<float*>(bytes().data()), bytes().size() / sizeof(float)};
}
std::span<const float> Tensor::floats() const {
  require(DType::float32);
  return {reinterpret_cast<const float*>(bytes().data()), bytes().size() / sizeof(float)};
}
std::span<std::uint8_t> Tensor::uint8s() {
  require(DType::uint8);
  return {reinterpret_cast<std::uint8_t*>(bytes().data()), bytes().size()};
}
std::span<const std::uint8_t> Tensor::uint8s() const {
  require(DType::uint8);
  return {reinterpret_cast<const std::uint8_t*>(bytes().data()), bytes().size()};
}

Tensor Tensor::reshaped(Shape shape) const& { return Tensor(*this).reshaped(shape); }

Tensor Tensor::reshaped(Shape shape) && {
  if (shape.elements() != elements()) {
    throw ShapeError({.where = "reshape",
                      .expected = fmt::format("{} elements like {}", elements(), shape_.to_string()),
                      .got = shape.to_string(),
                      .fix = "choose a shape with as many elements"});
  }
  shape_ = shape;
  return std::move(*this);
}

Tensor Tensor::slice(Index first, Index last) const {
  if (shape_.rank() == 0 || first < 0 || last < first || last > shape_[0]) {
    throw ShapeError({.where = "slice",
                      .expected = fmt::format("a range within {}", shape_.to_string()),
                      .got = fmt::format("{} to {}", first, last),
                      .fix = "keep 0 <= first <= last <= the first extent"});
  }
  Tensor part(shape_.without_batch().with_batch(last - first), dtype_);
  const std::size_t row_bytes = usize(shape_.without_batch().elements() * size_bytes(dtype_));
  std::ranges::copy(bytes().subspan(usize(first) * row_bytes, part.bytes().size()), part.bytes().begin());
  return part;
}

}  // namespace saccade
