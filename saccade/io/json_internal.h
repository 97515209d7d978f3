#pragma once
#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

#include "saccade/base/integer.h"

namespace saccade::internal {

/// JSON that keeps the order of its keys, for writing.
using OrderedJson = nlohmann::ordered_json;
/// JSON as it is read: no key stands twice, see parse_json.
using Json = nlohmann::json;

/// Parses JSON from a file. Throws FormatError, where `where` names file and part, for text that is no JSON, longer than
/// 16 MB, nested deeper than that many levels, or that holds a key twice in one object.
Json parse_json(std::string_view text, const std::string& where, int most_levels = 8);

/// The same text for equal values; bytes that are not UTF-8 (a folder's name) become U+FFFD.
std::string format_json(const OrderedJson& value);

/// What the parser found wrong, without position and without the text that it read.
std::string reason_of(const Json::exception& error);

/// A value as an error message may show it: a short number or text, else its kind ("an object").
std::string show(const Json& value);

/// The double whose shortest text is the shortest text of the float: 0.1f is stored as 0.1. It becomes the same float again.
double stored_float(float value);

/// The values that `json` must hold; each throws FormatError at `where` when it is of another kind or out of range.
bool read_bool(const Json& json, const std::string& where);
Index read_index(const Json& json, const std::string& where);
float read_float(const Json& json, const std::string& where);
std::string read_string(const Json& json, const std::string& where);
/// `json` itself, which must be an array or object.
const Json& read_array(const Json& json, const std::string& where);
const Json& read_object(const Json& json, const std::string& where);
/// The member of an object; throws when there is none.
const Json& read_member(const Json& object, const std::string& key, const std::string& where);

}  // namespace saccade::internal
