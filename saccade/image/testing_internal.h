#pragma once
// What the tests of this folder share.
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/base/random.h"
#include "saccade/image/decode.h"

namespace saccade::test {

using Bytes = std::vector<std::byte>;

inline Tensor image_of(Shape shape, std::initializer_list<int> values) {
  std::vector<std::uint8_t> pixels;
  for (const int value : values) pixels.push_back(static_cast<std::uint8_t>(value));
  return {shape, pixels};
}

inline std::vector<int> pixels_of(const Tensor& image) {
  const auto values = image.uint8s();
  return {values.begin(), values.end()};
}

inline Tensor noise(Index height, Index width, Index channels, std::uint64_t seed = 1) {
  Tensor image({height, width, channels}, DType::uint8);
  Stream stream(seed, 0, 0, 0);
  for (std::uint8_t& value : image.uint8s()) value = static_cast<std::uint8_t>(stream.below(256));
  return image;
}

/// A picture that lossy formats keep well: red grows to the right, green downwards, blue along the diagonal.
inline Tensor gradient(Index height, Index width, Index channels) {
  Tensor image({height, width, channels}, DType::uint8);
  std::uint8_t* value = image.uint8s().data();
  for (Index y = 0; y < height; ++y) {
    for (Index x = 0; x < width; ++x) {
      const Index across = x * 255 / width;
      const Index down = y * 255 / height;
      const Index channel[] = {across, down, (across + down) / 2, 255 - down};
      for (Index c = 0; c < channels; ++c) *value++ = static_cast<std::uint8_t>(channel[c]);
    }
  }
  return image;
}

inline bool same(const Tensor& a, const Tensor& b) { return a.shape() == b.shape() && pixels_of(a) == pixels_of(b); }

/// The text of the error of type E that `call` throws; what it did instead otherwise.
template <class E, class Call>
std::string text_of(Call call) {
  try {
    call();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another error: ") + error.what();
  }
  return "no error";
}

inline std::string decode_error(std::span<const std::byte> bytes, const DecodeLimits& limits = {}) {
  return text_of<FormatError>([&] { decode(bytes, "file", {.limits = limits}); });
}

/// The first length at which the start of a file is not refused with a FormatError; nothing when all are.
inline std::optional<std::size_t> accepted_prefix(const Bytes& file) {
  for (std::size_t length = 0; length < file.size(); ++length) {
    // A buffer of that very size, so that a memory checker sees a read past the end.
    const Bytes start(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(length));
    if (!decode_error(start).starts_with("file")) return length;
  }
  return std::nullopt;
}

/// Sets every byte in turn to several wrong values; the first position at which decoding ends in anything but an image or
/// a FormatError. Nothing when there is none.
inline std::optional<std::size_t> unsafe_byte(const Bytes& file) {
  const DecodeLimits limits{.max_pixels = 1 << 16};
  for (std::size_t i = 0; i < file.size(); ++i) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      Bytes damaged = file;
      damaged[i] ^= static_cast<std::byte>(flip);
      const std::string text = decode_error(damaged, limits);
      if (text != "no error" && !text.starts_with("file")) return i;
    }
  }
  return std::nullopt;
}

}  // namespace saccade::test
