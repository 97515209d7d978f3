#pragma once
#include <string>

#include "saccade/nn/options.h"

namespace saccade::checks {

/// The largest extent, stride and the like that a layer takes: products of two of them fit into 63 bits, so that numbers
/// from a hostile file cannot overflow the arithmetic of shapes.
inline constexpr Index kMost = 2'147'483'647;

/// Throws ShapeError unless `src` is [height, width, channels] with none of them 0, or above kMost.
void image(const std::string& where, const Shape& src);
/// Throws ValueError unless 1 <= value <= kMost.
void positive(const std::string& where, std::string_view option, Index value);
void positive(const std::string& where, std::string_view option, Size2 value);
/// Throws ShapeError when a window (after dilation) does not fit into an axis of `in` pixels with these pads.
void window_fits(const std::string& where, std::string_view axis, Index in, Index extent, kernels::Pads pads);
/// Which axis of `src` is meant, negative ones counted from the end. Throws ShapeError where there is no such axis, and
/// for extents that are 0 or above kMost.
Index axis(const std::string& where, Index axis, const Shape& src);
/// Throws ValueError unless value is finite and low <= value < high.
void in_range(const std::string& where, std::string_view option, float value, float low, float high);

}  // namespace saccade::checks
