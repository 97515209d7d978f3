#include "saccade/io/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <unordered_set>

#include "saccade/base/error.h"
#include "saccade/io/quote_internal.h"
#include "saccade/io/safetensors_header_internal.h"
#include "saccade/io/stored_type_internal.h"

namespace saccade {
namespace {

using internal::Header;
using internal::HeaderEntry;
using internal::quote;
using internal::StoredType;

static_assert(std::endian::native == std::endian::little, "the file's byte order is taken for the machine's");

constexpr Index kPrefixBytes = 8;
constexpr Index kDataAlignment = 64;
constexpr const char* kDamaged = "the file is damaged or no safetensors file; get it again";

using Bytes = std::span<const std::byte>;

[[noreturn]] void fail(std::string where, std::string expected, std::string got, std::string fix = kDamaged) {
  throw FormatError({std::move(where), std::move(expected), std::move(got), std::move(fix)});
}

std::string shape_text(const HeaderEntry& entry) { return fmt::format("[{}]", fmt::join(entry.shape, ", ")); }

/// The bytes that a tensor of this dtype and shape takes, or nothing when they do not fit in an Index.
std::optional<Index> size_of(const HeaderEntry& entry, const StoredType& type) {
  // Four bytes an element are counted for the smaller types too: in memory they become float32.
  std::optional<Index> elements = 1;
  for (const Index extent : entry.shape) {
    elements = checked_multiply(*elements, extent);
    if (!elements) return std::nullopt;
  }
  if (!checked_multiply(*elements, std::max(type.size_bytes, size_bytes(type.becomes)))) return std::nullopt;
  return *elements * type.size_bytes;
}

/// Reads one tensor whose data must begin at `begin`. All checks come before the tensor's memory.
Tensor read_tensor(const HeaderEntry& entry, Index begin, Bytes data, std::string_view file) {
  const std::string where = fmt::format("{}: tensor {}", file, quote(entry.name));
  const StoredType* type = internal::find_stored_type(entry.dtype);
  if (type == nullptr) {
    fail(where, fmt::format("a dtype of {}", internal::stored_type_names()), quote(entry.dtype),
         "convert it to F32 where the file comes from");
  }
  const std::optional<Index> wanted = size_of(entry, *type);
  if (!wanted) fail(where, "a size in bytes that fits in 63 bits", fmt::format("shape {}", shape_text(entry)));
  const auto [first, last] = entry.data_offsets;
  const std::string offsets = fmt::format("data_offsets [{}, {}]", first, last);
  if (last > isize(data.size()))
    fail(where, fmt::format("data within the {} bytes after the header", data.size()), offsets);
  if (first > last) fail(where, "data_offsets in rising order", offsets);
  if (first != begin) {
    fail(where, fmt::format("data that begins where the data before it ends, at {}", begin),
         fmt::format("{}, which {}", offsets, first < begin ? "overlap it" : "leave a hole"));
  }
  if (last - first != *wanted) {
    fail(where, fmt::format("{} bytes for {} {}", *wanted, entry.dtype, shape_text(entry)),
         fmt::format("{} from {}", last - first, offsets));
  }
  Tensor tensor(Shape(entry.shape), type->becomes);
  if (const auto misfit = type->convert(data.subspan(usize(first), usize(*wanted)), tensor)) {
    fail(where, fmt::format("{} values that a float32 can hold", entry.dtype),
         fmt::format("{} as element {}", misfit->value, misfit->element),
         "convert it to F32 where the file comes from");
  }
  return tensor;
}

Index read_header_length(Bytes bytes, std::string_view file) {
  if (isize(bytes.size()) < kPrefixBytes) {
    fail(fmt::format("{}: byte 0", file), "8 bytes with the length of the header",
         fmt::format("a file of {} bytes", bytes.size()));
  }
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  const std::uint64_t available = bytes.size() - sizeof length;
  if (length > static_cast<std::uint64_t>(internal::kMaxHeaderBytes)) {
    fail(fmt::format("{}: byte 0", file), fmt::format("a header of at most {} bytes", internal::kMaxHeaderBytes),
         fmt::format("{}", length));
  }
  if (length > available) {
    fail(fmt::format("{}: byte 0", file), fmt::format("a header within the {} bytes that follow", available),
         fmt::format("{}", length));
  }
  return static_cast<Index>(length);
}

[[noreturn]] void refuse(std::string expected, std::string got, std::string fix) {
  throw ValueError({"safetensors", std::move(expected), std::move(got), std::move(fix)});
}

void limit_header(Index header_bytes) {
  if (header_bytes <= internal::kMaxHeaderBytes) return;
  refuse(fmt::format("a header of at most {} bytes", internal::kMaxHeaderBytes), fmt::format("{}", header_bytes),
         "store less metadata");
}

/// The tensors in the order of the file: the larger element first keeps every tensor aligned to its element.
std::vector<TensorEntry> in_file_order(std::span<const TensorEntry> tensors) {
  std::unordered_set<std::string_view> names;
  for (const TensorEntry& entry : tensors) {
    if (entry.name == internal::kMetadataKey) {
      refuse("a tensor name other than the metadata's", quote(entry.name), "rename it");
    }
    if (!names.insert(entry.name).second) refuse("each name once", quote(entry.name) + " twice", "rename one of them");
  }
  std::vector<TensorEntry> order(tensors.begin(), tensors.end());
  std::ranges::stable_sort(order, std::greater{},
                           [](const TensorEntry& entry) { return size_bytes(entry.tensor->dtype()); });
  return order;
}

}  // namespace

const Tensor* SafetensorsFile::find(std::string_view name) const noexcept {
  const auto found = std::ranges::find_if(tensors, [&](const auto& entry) { return entry.first == name; });
  return found == tensors.end() ? nullptr : &found->second;
}

SafetensorsFile read_safetensors(std::span<const std::byte> bytes, std::string_view name) {
  const Index header_bytes = read_header_length(bytes, name);
  const std::string_view json(reinterpret_cast<const char*>(bytes.data()) + kPrefixBytes, usize(header_bytes));
  if (!json.starts_with('{')) {
    fail(fmt::format("{}: byte {}", name, kPrefixBytes), "'{' at the start of the header",
         json.empty() ? "an empty header" : quote(json.substr(0, 1)));
  }
  Header header = internal::parse_header(json, name);
  const Bytes data = bytes.subspan(usize(kPrefixBytes + header_bytes));

  // Tensors without elements share their offset with the next one and come before it.
  std::ranges::stable_sort(header.entries, {}, &HeaderEntry::data_offsets);
  SafetensorsFile file;
  file.metadata = std::move(header.metadata);
  file.tensors.reserve(header.entries.size());
  Index end = 0;
  for (HeaderEntry& entry : header.entries) {
    Tensor tensor = read_tensor(entry, end, data, name);
    end = entry.data_offsets[1];
    file.tensors.emplace_back(std::move(entry.name), std::move(tensor));
  }
  if (end != isize(data.size())) {
    const Index offset = kPrefixBytes + header_bytes + end;
    fail(fmt::format("{}: byte {}", name, offset), "the end of the file after the last tensor",
         fmt::format("{} more bytes", isize(data.size()) - end));
  }
  return file;
}

SafetensorsFile load_safetensors(const std::filesystem::path& path) {
  return read_safetensors(read_file(path), path.string());
}

void encode_safetensors(std::span<const TensorEntry> tensors, const Metadata& metadata, const Append& append) {
  const std::vector<TensorEntry> order = in_file_order(tensors);
  Index text_bytes = 0;
  for (const auto& [key, value] : metadata) text_bytes += isize(key.size() + value.size());
  limit_header(text_bytes);

  Header header{.metadata = metadata, .entries = {}};
  Index end = 0;
  for (const auto& [name, tensor] : order) {
    const std::span<const Index> extents = tensor->shape().extents();
    const Index begin = end;
    end += isize(tensor->bytes().size());
    header.entries.push_back({.name = std::string(name),
                              .dtype = tensor->dtype() == DType::float32 ? "F32" : "U8",
                              .shape = {extents.begin(), extents.end()},
                              .data_offsets = {begin, end}});
  }
  std::string text = internal::format_header(header);
  text.resize(usize(round_up(kPrefixBytes + isize(text.size()), kDataAlignment) - kPrefixBytes), ' ');
  limit_header(isize(text.size()));

  const std::uint64_t length = text.size();
  append(std::as_bytes(std::span(&length, 1)));
  append(std::as_bytes(std::span(text)));
  for (const TensorEntry& entry : order) append(entry.tensor->bytes());
}

void write_safetensors(const std::filesystem::path& path, std::span<const TensorEntry> tensors,
                       const Metadata& metadata) {
  write_file(path, [&](const Append& append) { encode_safetensors(tensors, metadata, append); });
}

}  // namespace saccade
