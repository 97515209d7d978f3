#pragma once
#include <cstdint>
#include <span>

#include "saccade/io/onnx/constant_internal.h"
#include "saccade/tensor/shape.h"

// Other programs count an image's axes [channels, height, width] and a filter's [filters, channels, height, width]; the
// network has channels innermost. What turns one into the other, for every format, stands here.
namespace saccade::internal {

/// Filters [filters, channels, height, width] as [height, width, channels, filters], and back.
Constant filters_to_hwio(const Constant& oihw);
Constant filters_to_oihw(const Constant& hwio);

/// Which axis of a dense layer's matrix counts its units: PyTorch has them first, the network last.
enum class Units : std::uint8_t { first, last };

/// The matrix as [inputs, units], its rows in the order in which the network has its input. `image`: where that input is a
/// flattened image, the dims [channels, height, width, ...] in whose order the matrix counts it; else empty.
Constant dense_weight(const Constant& matrix, Units units, std::span<const Index> image);
/// The way back for an image [height, ..., channels], units staying last.
Constant dense_weight_channels_first(const Constant& weight, const Shape& image);

/// Whether the numbers of an image with these dims [channels, height, ...] stand in one order, channels first or last.
bool has_one_order(std::span<const Index> image);
/// The dims [channels, height, ...] of an image whose extents are [height, ..., channels].
std::vector<Index> channels_first(const Shape& image);

}  // namespace saccade::internal
