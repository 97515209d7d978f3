#include "saccade/io/stored_type_internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "saccade/io/half_internal.h"

namespace saccade::internal {
namespace {

static_assert(std::endian::native == std::endian::little, "the file's byte order is taken for the machine's");

std::optional<Misfit> copy_bytes(std::span<const std::byte> from, Tensor& to) {
  std::ranges::copy(from, to.bytes().begin());
  return std::nullopt;
}

/// Calls convert(value) for every element; it returns the float, or nothing when there is none.
template <class Stored, class ConvertOne>
std::optional<Misfit> convert_each(std::span<const std::byte> from, Tensor& to, ConvertOne convert_one) {
  std::span<float> floats = to.floats();
  for (std::size_t i = 0; i < floats.size(); ++i) {
    Stored value{};
    std::memcpy(&value, from.data() + i * sizeof(Stored), sizeof(Stored));
    const std::optional<float> converted = convert_one(value);
    if (!converted) return Misfit{isize(i), fmt::format("{}", value)};
    floats[i] = *converted;
  }
  return std::nullopt;
}

template <class Stored>
std::optional<Misfit> convert_integers(std::span<const std::byte> from, Tensor& to) {
  return convert_each<Stored>(from, to, [](Stored value) -> std::optional<float> {
    constexpr std::int64_t kLargest = std::int64_t{1} << std::numeric_limits<float>::digits;
    if (std::cmp_greater(value, kLargest) || std::cmp_less(value, -kLargest)) return std::nullopt;
    return static_cast<float>(value);
  });
}

std::optional<Misfit> convert_doubles(std::span<const std::byte> from, Tensor& to) {
  return convert_each<double>(from, to, [](double value) -> std::optional<float> {
    if (std::isfinite(value) && std::abs(value) > static_cast<double>(std::numeric_limits<float>::max())) return {};
    return static_cast<float>(value);
  });
}

std::optional<Misfit> convert_halves(std::span<const std::byte> from, Tensor& to) {
  return convert_each<std::uint16_t>(from, to, [](std::uint16_t half) { return std::optional(float_from_half(half)); });
}

std::optional<Misfit> convert_bfloat16s(std::span<const std::byte> from, Tensor& to) {
  return convert_each<std::uint16_t>(from, to,
                                     [](std::uint16_t upper) { return std::optional(float_from_bfloat16(upper)); });
}

constexpr std::array kStoredTypes = {
    StoredType{"F32", 4, DType::float32, copy_bytes},
    StoredType{"F16", 2, DType::float32, convert_halves},
    StoredType{"BF16", 2, DType::float32, convert_bfloat16s},
    StoredType{"F64", 8, DType::float32, convert_doubles},
    StoredType{"I8", 1, DType::float32, convert_integers<std::int8_t>},
    StoredType{"I16", 2, DType::float32, convert_integers<std::int16_t>},
    StoredType{"U16", 2, DType::float32, convert_integers<std::uint16_t>},
    StoredType{"I32", 4, DType::float32, convert_integers<std::int32_t>},
    StoredType{"U32", 4, DType::float32, convert_integers<std::uint32_t>},
    StoredType{"I64", 8, DType::float32, convert_integers<std::int64_t>},
    StoredType{"U64", 8, DType::float32, convert_integers<std::uint64_t>},
    StoredType{"U8", 1, DType::uint8, copy_bytes},
    StoredType{"BOOL", 1, DType::uint8, copy_bytes},
};

}  // namespace

const StoredType* find_stored_type(std::string_view name) {
  const auto type = std::ranges::find(kStoredTypes, name, &StoredType::name);
  return type == kStoredTypes.end() ? nullptr : &*type;
}

std::string stored_type_names() {
  std::string names;
  for (const StoredType& type : kStoredTypes) names += fmt::format("{}{}", names.empty() ? "" : ", ", type.name);
  return names;
}

}  // namespace saccade::internal
