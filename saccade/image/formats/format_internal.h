#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "saccade/image/decode.h"

/// The image file formats: each is a Format in its own file, listed once in decode.cpp.
namespace saccade::formats {

/// An encoded image on its way into a tensor.
struct Source {
  std::span<const std::byte> bytes;
  std::string_view name;
  const DecodeOptions& options;
  const DecodeLimits& limits;  ///< Those of the options.

  Index size() const noexcept { return isize(bytes.size()); }
  std::uint8_t at(Index offset) const noexcept { return std::to_integer<std::uint8_t>(bytes[usize(offset)]); }
};

struct Format {
  std::string_view name;
  /// Whether the bytes begin as this format does.
  bool (*recognises)(std::span<const std::byte> bytes) noexcept;
  Tensor (*decode)(const Source& source);
};

extern const Format kPng;
extern const Format kJpeg;
extern const Format kWebp;
extern const Format kTiff;
extern const Format kBmp;
extern const Format kGif;
extern const Format kPnm;

bool starts_with(std::span<const std::byte> bytes, std::string_view magic) noexcept;

/// Little-endian and big-endian numbers at an offset that the caller has checked.
std::uint32_t little_endian(std::span<const std::byte> bytes, Index offset, int count) noexcept;
std::uint32_t big_endian(std::span<const std::byte> bytes, Index offset, int count) noexcept;

/// What stands in a FormatError about this source; `fix` has a sentence for damaged files.
struct Problem {
  std::optional<Index> offset;
  std::string expected;
  std::string got;
  std::string fix = "the file is damaged or incomplete: copy or export it again";
};
[[noreturn]] void fail(const Source& source, Problem problem);

/// Throws FormatError unless `end` bytes are there; `what` says what they hold ("the colour table").
void require_bytes(const Source& source, Index end, std::string_view what);

/// Throws FormatError for an empty image and for one beyond the limits; `offset` is where the header tells the size.
void require_size(const Source& source, std::optional<Index> offset, Index height, Index width);

}  // namespace saccade::formats
