#include "saccade/io/json_internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/io/quote_internal.h"

namespace saccade::internal {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{16} << 20U;
constexpr const char* kDamaged = "the file is damaged, or of a newer version";

[[noreturn]] void fail(std::string where, std::string expected, std::string got) {
  throw FormatError({std::move(where), std::move(expected), std::move(got), kDamaged});
}

}  // namespace

std::string reason_of(const Json::exception& error) {
  // "[json.exception.parse_error.101] parse error at line 1, column 9: syntax error while parsing value - invalid literal;
  // last read: ...", where the text read last may be as long as the file.
  std::string_view reason = error.what();
  reason = reason.substr(0, reason.find("; last read"));
  if (const auto dash = reason.rfind(" - "); dash != std::string_view::npos) reason.remove_prefix(dash + 3);
  if (const auto bracket = reason.rfind("] "); bracket != std::string_view::npos) reason.remove_prefix(bracket + 2);
  return quote(reason);
}

Json parse_json(std::string_view text, const std::string& where, int most_levels) {
  if (text.size() > kMaxBytes) {
    fail(where, fmt::format("at most {} bytes of JSON", kMaxBytes), fmt::format("{}", text.size()));
  }
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int depth, Json::parse_event_t event, Json& parsed) {
    using Event = Json::parse_event_t;
    if (depth > most_levels) fail(where, fmt::format("JSON of at most {} levels", most_levels), "more");
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(parsed.get_ref<const std::string&>()).second) {
      fail(where, "each key once", quote(parsed.get_ref<const std::string&>()) + " twice");
    }
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), check);
  } catch (const Json::parse_error& error) {
    fail(where, "JSON", fmt::format("{} at its byte {}", reason_of(error), error.byte > 0 ? error.byte - 1 : 0));
  } catch (const Json::exception& error) {
    fail(where, "JSON", reason_of(error));
  }
}

std::string format_json(const OrderedJson& value) {
  return value.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

std::string show(const Json& value) {
  if (value.is_string()) return quote(value.get_ref<const std::string&>());
  if (value.is_array()) return "an array";
  if (value.is_object()) return "an object";
  return value.dump();
}

double stored_float(float value) {
  const double short_text = std::strtod(fmt::format("{}", value).c_str(), nullptr);
  return static_cast<float>(short_text) == value ? short_text : static_cast<double>(value);
}

bool read_bool(const Json& json, const std::string& where) {
  if (!json.is_boolean()) fail(where, "true or false", show(json));
  return json.get<bool>();
}

Index read_index(const Json& json, const std::string& where) {
  const bool fits = json.is_number_unsigned()
                        ? json.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<Index>::max())
                        : json.is_number_integer();
  if (!fits) fail(where, "a whole number of 64 bits", show(json));
  return json.get<Index>();
}

float read_float(const Json& json, const std::string& where) {
  if (!json.is_number()) fail(where, "a number", show(json));
  const double value = json.get<double>();
  // The digits that a float32 is written with may lie a little beyond the largest one, nearer to it than to the next.
  constexpr double kLargest = std::numeric_limits<float>::max(), kBeyond = 0x1.FFFFFFp127;
  if (!(std::abs(value) < kBeyond)) fail(where, "a number that a float32 can hold", show(json));
  return static_cast<float>(std::clamp(value, -kLargest, kLargest));
}

std::string read_string(const Json& json, const std::string& where) {
  if (!json.is_string()) fail(where, "a string", show(json));
  return json.get<std::string>();
}

const Json& read_array(const Json& json, const std::string& where) {
  if (!json.is_array()) fail(where, "an array", show(json));
  return json;
}

const Json& read_object(const Json& json, const std::string& where) {
  if (!json.is_object()) fail(where, "an object", show(json));
  return json;
}

const Json& read_member(const Json& object, const std::string& key, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end()) fail(where, "a member '" + key + "'", "none");
  return *found;
}

}  // namespace saccade::internal
