#include "saccade/image/formats/exif_internal.h"
#include "saccade/image/formats/format_internal.h"

namespace saccade::formats {

int exif_orientation(std::span<const std::byte> tiff) noexcept {
  const bool little = starts_with(tiff, {"II*\0", 4});
  if (!little && !starts_with(tiff, {"MM\0*", 4})) return 1;
  const auto number = [&](Index offset, int count) -> Index {
    return little ? little_endian(tiff, offset, count) : big_endian(tiff, offset, count);
  };
  const Index size = isize(tiff.size());
  if (size < 8) return 1;
  const Index directory = number(4, 4);
  if (directory + 2 > size) return 1;
  const Index entries = number(directory, 2);
  constexpr Index kEntryBytes = 12;
  constexpr Index kOrientation = 0x0112;
  constexpr Index kShort = 3;
  for (Index i = 0; i < entries; ++i) {
    const Index entry = directory + 2 + i * kEntryBytes;
    if (entry + kEntryBytes > size) return 1;
    if (number(entry, 2) != kOrientation) continue;
    const Index value = number(entry + 8, 2);
    const bool sensible = number(entry + 2, 2) == kShort && number(entry + 4, 4) == 1 && value >= 1 && value <= 8;
    return sensible ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace saccade::formats
