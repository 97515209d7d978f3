#include "saccade/image/decode.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/image/formats/format_internal.h"

namespace saccade {
namespace {

/// Every format that can be read. A new one is a file in formats/ and a line here.
constexpr std::array kFormats{&formats::kPng, &formats::kJpeg, &formats::kWebp, &formats::kTiff,
                              &formats::kBmp, &formats::kGif,  &formats::kPnm};

const formats::Format* find_format(std::span<const std::byte> bytes) noexcept {
  const auto* const found =
      std::ranges::find_if(kFormats, [bytes](const formats::Format* format) { return format->recognises(bytes); });
  return found == kFormats.end() ? nullptr : *found;
}

/// What bytes of no readable format seem to be, for the message.
std::string guess(std::span<const std::byte> bytes) {
  if (bytes.empty()) return "an empty file";
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kOthers{{
      {"RIFF", "a RIFF file of another kind than WebP"},
      {"%PDF", "a PDF document"},
      {"<svg", "an SVG drawing"},
      {"<!DOCTYPE", "an HTML page"},
      {"<html", "an HTML page"},
      {"\x1f\x8b", "a gzip archive"},
      {"PK\x03\x04", "a zip archive"},
  }};
  for (const auto& [magic, what] : kOthers) {
    if (formats::starts_with(bytes, magic)) return std::string(what);
  }
  std::vector<unsigned> first;
  for (const std::byte byte : bytes.first(std::min<std::size_t>(bytes.size(), 8))) {
    first.push_back(std::to_integer<unsigned>(byte));
  }
  return fmt::format("bytes {:02x}", fmt::join(first, " "));
}

}  // namespace

std::string_view image_format(std::span<const std::byte> bytes) noexcept {
  const formats::Format* const format = find_format(bytes);
  return format == nullptr ? std::string_view() : format->name;
}

Tensor decode(std::span<const std::byte> bytes, std::string_view name, const DecodeOptions& options) {
  if (options.min_height < 0 || options.min_width < 0) {
    throw ValueError({.where = "decode",
                      .expected = "min_height and min_width of 0 or more",
                      .got = fmt::format("{} and {}", options.min_height, options.min_width),
                      .fix = "use 0 for the full size"});
  }
  const DecodeLimits& limits = options.limits;
  const formats::Source source{.bytes = bytes, .name = name, .options = options, .limits = limits};
  if (source.size() > limits.max_file_bytes) {
    formats::fail(source, {.offset = {},
                           .expected = fmt::format("at most {} bytes", limits.max_file_bytes),
                           .got = fmt::format("{}", source.size()),
                           .fix = "shrink the image, or raise max_file_bytes if the file is trusted"});
  }
  const formats::Format* const format = find_format(bytes);
  if (format == nullptr) {
    std::vector<std::string_view> names;
    for (const formats::Format* known : kFormats) names.push_back(known->name);
    formats::fail(source, {.offset = 0,
                           .expected = fmt::format("an image in one of {}", fmt::join(names, ", ")),
                           .got = guess(bytes),
                           .fix = "convert it to one of these formats"});
  }
  return format->decode(source);
}

Tensor read_image(const std::filesystem::path& path, const DecodeOptions& options) {
  return decode(read_file(path, options.limits.max_file_bytes), path.string(), options);
}

}  // namespace saccade
