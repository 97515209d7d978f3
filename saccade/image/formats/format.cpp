#include <fmt/format.h>

#include <utility>

#include "saccade/base/error.h"
#include "saccade/image/formats/format_internal.h"

namespace saccade::formats {

bool starts_with(std::span<const std::byte> bytes, std::string_view magic) noexcept {
  if (bytes.size() < magic.size()) return false;
  for (std::size_t i = 0; i < magic.size(); ++i) {
    if (std::to_integer<char>(bytes[i]) != magic[i]) return false;
  }
  return true;
}

std::uint32_t little_endian(std::span<const std::byte> bytes, Index offset, int count) noexcept {
  std::uint32_t value = 0;
  for (int i = count; i-- > 0;) value = value << 8U | std::to_integer<std::uint32_t>(bytes[usize(offset + i)]);
  return value;
}

std::uint32_t big_endian(std::span<const std::byte> bytes, Index offset, int count) noexcept {
  std::uint32_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8U | std::to_integer<std::uint32_t>(bytes[usize(offset + i)]);
  return value;
}

void fail(const Source& source, Problem problem) {
  throw FormatError(
      {.where = problem.offset ? fmt::format("{}: byte {}", source.name, *problem.offset) : std::string(source.name),
       .expected = std::move(problem.expected),
       .got = std::move(problem.got),
       .fix = std::move(problem.fix)});
}

void require_bytes(const Source& source, Index end, std::string_view what) {
  if (end <= source.size()) return;
  fail(source,
       {.offset = source.size(), .expected = fmt::format("{} up to byte {}", what, end), .got = "the end of the file"});
}

void require_size(const Source& source, std::optional<Index> offset, Index height, Index width) {
  if (height < 1 || width < 1) {
    fail(source, {.offset = offset,
                  .expected = "an image of at least one pixel",
                  .got = fmt::format("{} x {} (height x width)", height, width)});
  }
  const auto pixels = checked_multiply(height, width);
  if (!pixels || *pixels > source.limits.max_pixels) {
    fail(source, {.offset = offset,
                  .expected = fmt::format("at most {} pixels", source.limits.max_pixels),
                  .got = fmt::format("{} x {} (height x width)", height, width),
                  .fix = "shrink the image, or raise max_pixels if the file is trusted"});
  }
}

}  // namespace saccade::formats
