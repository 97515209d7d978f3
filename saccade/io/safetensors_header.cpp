#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <unordered_set>
#include <utility>

#include "saccade/base/error.h"
#include "saccade/io/json_internal.h"
#include "saccade/io/quote_internal.h"
#include "saccade/io/safetensors_header_internal.h"
#include "saccade/tensor/shape.h"

namespace saccade::internal {
namespace {

constexpr std::size_t kPrefixBytes = 8;

/// Receives the parser's events and builds the header from them. The place in the document is one of a few states, so
/// nesting is bounded by construction, and nothing is kept of a document that is not a header.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view file) : file_(file) {}

  Header take() { return std::move(header_); }

  bool null() { unexpected("null"); }
  bool boolean(bool value) { unexpected(value ? "true" : "false"); }
  bool number_integer(Json::number_integer_t value) { unexpected(fmt::format("{}", value)); }
  bool number_float(Json::number_float_t /*value*/, const std::string& text) { unexpected(quote(text)); }
  bool binary(Json::binary_t& /*value*/) { unexpected("binary data"); }

  bool number_unsigned(Json::number_unsigned_t value) {
    if (place_ != Place::shape && place_ != Place::data_offsets) unexpected(fmt::format("{}", value));
    if (value > static_cast<std::uint64_t>(INT64_MAX)) unexpected(fmt::format("{}", value));
    const Index number = static_cast<Index>(value);
    if (place_ == Place::shape) {
      if (isize(entry_.shape.size()) == Shape::kMaxRank) {
        fail(here(), fmt::format("at most {} axes", Shape::kMaxRank), "more", "merge axes before saving it");
      }
      entry_.shape.push_back(number);
    } else {
      if (offsets_seen_ == entry_.data_offsets.size()) unexpected("more numbers");
      entry_.data_offsets[offsets_seen_++] = number;
    }
    return true;
  }

  bool string(std::string& value) {
    if (place_ == Place::metadata) {
      header_.metadata.find(key_)->second = std::move(value);
    } else if (place_ == Place::entry && field_ == Field::dtype) {
      entry_.dtype = std::move(value);
    } else {
      unexpected(quote(value));
    }
    return true;
  }

  bool start_object(std::size_t /*elements*/) {
    if (place_ == Place::start) {
      place_ = Place::header;
    } else if (place_ == Place::header) {
      place_ = key_ == kMetadataKey ? Place::metadata : Place::entry;
      entry_ = {};
      entry_.name = key_;
      fields_seen_ = 0;
      field_ = Field::none;
    } else {
      unexpected("an object");
    }
    return true;
  }

  bool key(std::string& value) {
    if (place_ == Place::entry) {
      field_ = field_of(value);
      if ((fields_seen_ & bit(field_)) != 0) fail(here(), "each key once", "it twice", kDamaged);
      fields_seen_ |= bit(field_);
      return true;
    }
    if (place_ == Place::metadata) {
      key_ = std::move(value);
      if (!header_.metadata.try_emplace(key_).second) fail(here(), "each key once", "it twice", kDamaged);
      return true;
    }
    key_ = std::move(value);
    if (!names_.insert(key_).second) fail(here(), "each name once", "it twice", kDamaged);
    return true;
  }

  bool end_object() {
    if (place_ == Place::entry) {
      for (const Field field : {Field::dtype, Field::shape, Field::data_offsets}) {
        field_ = Field::none;
        if ((fields_seen_ & bit(field)) == 0) fail(here(), fmt::format("a {}", name_of(field)), "none", kDamaged);
      }
      header_.entries.push_back(std::move(entry_));
      place_ = Place::header;
    } else {
      place_ = place_ == Place::metadata ? Place::header : Place::start;
    }
    return true;
  }

  bool start_array(std::size_t /*elements*/) {
    if (place_ != Place::entry || (field_ != Field::shape && field_ != Field::data_offsets)) unexpected("an array");
    place_ = field_ == Field::shape ? Place::shape : Place::data_offsets;
    offsets_seen_ = 0;
    return true;
  }

  bool end_array() {
    if (place_ == Place::data_offsets && offsets_seen_ != entry_.data_offsets.size()) {
      unexpected(fmt::format("{} numbers", offsets_seen_));
    }
    place_ = Place::entry;
    return true;
  }

  bool parse_error(std::size_t position, const std::string& /*last_token*/, const Json::exception& error) {
    const std::size_t offset = kPrefixBytes + (position > 0 ? position - 1 : 0);
    fail(fmt::format("{}: byte {}", file_, offset), "a header in JSON", reason_of(error), kDamaged);
  }

 private:
  enum class Place { start, header, metadata, entry, shape, data_offsets };
  enum class Field { none, dtype, shape, data_offsets };

  static constexpr const char* kDamaged = "the file is damaged or no safetensors file; get it again";

  static constexpr unsigned bit(Field field) { return 1U << static_cast<unsigned>(field); }

  static std::string_view name_of(Field field) {
    return field == Field::dtype ? "dtype" : field == Field::shape ? "shape" : "data_offsets";
  }

  Field field_of(const std::string& text) {
    for (const Field field : {Field::dtype, Field::shape, Field::data_offsets}) {
      if (text == name_of(field)) return field;
    }
    field_ = Field::none;
    fail(here(), "the keys dtype, shape and data_offsets", quote(text), "this file follows another specification");
  }

  /// The file and the part of the header that the parser is at.
  std::string here() const {
    if (place_ == Place::start) return std::string(file_);
    if (place_ == Place::metadata) return fmt::format("{}: {} key {}", file_, kMetadataKey, quote(key_));
    if (place_ == Place::header && key_ == kMetadataKey) return fmt::format("{}: {}", file_, kMetadataKey);
    std::string text = fmt::format("{}: tensor {}", file_, quote(key_));
    if (place_ != Place::header && field_ != Field::none) text += fmt::format(", {}", name_of(field_));
    return text;
  }

  [[noreturn]] void unexpected(const std::string& got) const {
    std::string expected = "an object with dtype, shape and data_offsets";
    if (place_ == Place::start) expected = "a JSON object";
    if (place_ == Place::metadata) expected = "a string";
    if (place_ == Place::header && key_ == kMetadataKey) expected = "an object of strings";
    if (place_ == Place::entry && field_ == Field::dtype) expected = "a string";
    if (place_ == Place::entry && field_ == Field::shape) expected = "an array of sizes";
    if (place_ == Place::entry && field_ == Field::data_offsets) expected = "an array of two offsets";
    if (place_ == Place::shape) expected = "whole numbers from 0 to 2^63-1";
    if (place_ == Place::data_offsets) expected = "two whole numbers from 0 to 2^63-1";
    fail(here(), expected, got, kDamaged);
  }

  [[noreturn]] static void fail(std::string where, std::string expected, std::string got, std::string fix) {
    throw FormatError({std::move(where), std::move(expected), std::move(got), std::move(fix)});
  }

  std::string_view file_;
  Header header_;
  std::unordered_set<std::string> names_;
  Place place_ = Place::start;
  std::string key_;  ///< The tensor's name or the metadata's key.
  HeaderEntry entry_;
  Field field_ = Field::none;
  unsigned fields_seen_ = 0;
  std::size_t offsets_seen_ = 0;
};

std::string json_string(const std::string& text) {
  try {
    return Json(text).dump();
  } catch (const Json::type_error&) {
    throw ValueError({.where = "safetensors",
                      .expected = "names and metadata in UTF-8",
                      .got = quote(text),
                      .fix = "rename it, or leave it out"});
  }
}

}  // namespace

Header parse_header(std::string_view json, std::string_view file) {
  HeaderReader reader(file);
  Json::sax_parse(json.begin(), json.end(), &reader);
  return reader.take();
}

std::string format_header(const Header& header) {
  std::string text = "{";
  if (!header.metadata.empty()) {
    text += json_string(std::string(kMetadataKey)) + ":{";
    for (const auto& [key, value] : header.metadata) {
      if (text.back() != '{') text += ',';
      text += json_string(key) + ':' + json_string(value);
    }
    text += '}';
  }
  for (const HeaderEntry& entry : header.entries) {
    if (text.size() > 1) text += ',';
    text += fmt::format(R"({}:{{"dtype":"{}","shape":[{}],"data_offsets":[{}]}})", json_string(entry.name), entry.dtype,
                        fmt::join(entry.shape, ","), fmt::join(entry.data_offsets, ","));
  }
  return text + '}';
}

}  // namespace saccade::internal
