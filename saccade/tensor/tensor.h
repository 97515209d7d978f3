#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "saccade/base/aligned_buffer.h"
#include "saccade/tensor/shape.h"

namespace saccade {

enum class DType : std::uint8_t {
  float32,  ///< IEEE single precision: activations, weights, gradients.
  uint8,    ///< 0..255: images as they are stored.
};

std::string_view name_of(DType dtype) noexcept;  ///< "float32"
Index size_bytes(DType dtype) noexcept;          ///< 4 or 1

/// A dense array of numbers with a shape, row-major (last axis innermost), 64-byte aligned. A value: copies are deep,
/// moves are cheap and leave nothing to read. New tensors are zero.
class Tensor {
 public:
  Tensor() = default;  ///< No elements: shape [0].
  /// Throws ShapeError for a size that no address can count, SystemError when the memory cannot be had.
  explicit Tensor(Shape shape, DType dtype = DType::float32);
  Tensor(Shape shape, std::span<const float> values);         ///< Throws ShapeError when the counts differ.
  Tensor(Shape shape, std::span<const std::uint8_t> values);  ///< Throws ShapeError when the counts differ.

  const Shape& shape() const noexcept { return shape_; }
  DType dtype() const noexcept { return dtype_; }
  Index elements() const noexcept { return shape_.elements(); }

  /// The elements, in row-major order. Throws ValueError when the dtype is another.
  std::span<float> floats();
  std::span<const float> floats() const;
  std::span<std::uint8_t> uint8s();
  std::span<const std::uint8_t> uint8s() const;
  /// The memory itself, whatever the dtype.
  std::span<std::byte> bytes() noexcept { return buffer_.bytes(); }
  std::span<const std::byte> bytes() const noexcept { return buffer_.bytes(); }

  /// The same elements under another shape. Throws ShapeError when the counts differ.
  Tensor reshaped(Shape shape) const&;
  Tensor reshaped(Shape shape) &&;
  /// Elements first .. last-1 of the outermost axis, copied.
  Tensor slice(Index first, Index last) const;

 private:
  void require(DType dtype) const;

  Shape shape_{0};
  DType dtype_ = DType::float32;
  AlignedBuffer buffer_;
};

}  // namespace saccade
