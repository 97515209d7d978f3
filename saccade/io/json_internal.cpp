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
constexpr const char* kDamagedJson = "the file is damaged, or of a newer version";

[[noreturn]] void fail_json(std::string where, std::string expected, std::string got) {
  throw FormatError({std::move(where), std::move(expected), std::move(got), kDamagedJson});
}

/// Receives the parser's events of a document that is parsed again afterwards. Json::parse takes a callback that could check
/// the same, but then looks through all of an array at the end of each of its objects.
class Checker {
 public:
  Checker(const std::string& where, std::size_t most_levels) : where_(where), most_levels_(most_levels) {}

  bool null() { return true; }
  bool boolean(bool /*value*/) { return true; }
  bool number_integer(Json::number_integer_t /*value*/) { return true; }
  bool number_unsigned(Json::number_unsigned_t /*value*/) { return true; }
  bool number_float(Json::number_float_t /*value*/, const std::string& /*text*/) { return true; }
  bool string(std::string& /*value*/) { return true; }
  bool binary(Json::binary_t& /*value*/) { return true; }
  bool start_array(std::size_t /*elements*/) { return deeper(); }
  bool end_array() { return higher(); }
  bool start_object(std::size_t /*elements*/) { return deeper(); }
  bool end_object() { return higher(); }
  bool key(std::string& key) {
    if (!keys_.back().insert(key).second) fail_json(where_, "each key once", quote(key) + " twice");
    return true;
  }
  /// The parser stops, and will say why when it comes here again.
  static bool parse_error(std::size_t /*position*/, const std::string& /*token*/, const Json::exception& /*error*/) {
    return false;
  }

 private:
  bool deeper() {
    if (keys_.size() == most_levels_) fail_json(where_, fmt::format("JSON of at most {} levels", most_levels_), "more");
    keys_.emplace_back();
    return true;
  }
  bool higher() {
    keys_.pop_back();
    return true;
  }

  const std::string& where_;
  std::size_t most_levels_;
  std::vector<std::set<std::string>> keys_;  // of the objects and arrays around; an array's are none
};

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
    fail_json(where, fmt::format("at most {} bytes of JSON", kMaxBytes), fmt::format("{}", text.size()));
  }
  try {
    Checker checker(where, usize(most_levels));
    Json::sax_parse(text.begin(), text.end(), &checker);
    return Json::parse(text.begin(), text.end());
  } catch (const Json::parse_error& error) {
    fail_json(where, "JSON", fmt::format("{} at its byte {}", reason_of(error), error.byte > 0 ? error.byte - 1 : 0));
  } catch (const Json::exception& error) {
    fail_json(where, "JSON", reason_of(error));
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
  if (!json.is_boolean()) fail_json(where, "true or false", show(json));
  return json.get<bool>();
}

Index read_index(const Json& json, const std::string& where) {
  const bool fits = json.is_number_unsigned()
                        ? json.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<Index>::max())
                        : json.is_number_integer();
  if (!fits) fail_json(where, "a whole number of 64 bits", show(json));
  return json.get<Index>();
}

float read_float(const Json& json, const std::string& where) {
  if (!json.is_number()) fail_json(where, "a number", show(json));
  const double value = json.get<double>();
  // The digits that a float32 is written with may lie a little beyond the largest one, nearer to it than to the next.
  constexpr double kLargest = std::numeric_limits<float>::max(), kBeyond = 0x1.FFFFFFp127;
  if (!(std::abs(value) < kBeyond)) fail_json(where, "a number that a float32 can hold", show(json));
  return static_cast<float>(std::clamp(value, -kLargest, kLargest));
}

std::string read_string(const Json& json, const std::string& where) {
  if (!json.is_string()) fail_json(where, "a string", show(json));
  return json.get<std::string>();
}

const Json& read_array(const Json& json, const std::string& where) {
  if (!json.is_array()) fail_json(where, "an array", show(json));
  return json;
}

const Json& read_object(const Json& json, const std::string& where) {
  if (!json.is_object()) fail_json(where, "an object", show(json));
  return json;
}

const Json& read_member(const Json& object, const std::string& key, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end()) fail_json(where, "a member '" + key + "'", "none");
  return *found;
}

}  // namespace saccade::internal
