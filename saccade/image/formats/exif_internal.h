#pragma once
#include <cstddef>
#include <span>

namespace saccade::formats {

/// The orientation (tag 0x0112) in the first directory of an EXIF block, which is a TIFF structure ("II*\0" or "MM\0*").
/// 1, as stored, when the block is damaged or says nothing sensible: metadata never makes a picture unreadable.
int exif_orientation(std::span<const std::byte> tiff) noexcept;

}  // namespace saccade::formats
