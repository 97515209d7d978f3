#pragma once
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

#include "saccade/base/error.h"

/// Aggregates as JSON objects. For each, visit(value, visitor) calls visitor(name, member) for the members that travel; its
/// file has json_of(member) and assign(member, json) for their types.
namespace saccade::augment_json {

using Json = nlohmann::ordered_json;

/// One line; members at their defaults are left out.
template <class Value, class Visit, class JsonOf>
std::string write(const Value& value, Visit&& visit, JsonOf&& json_of) {
  Json json = Json::object();
  visit(value, [&](const char* name, const auto& member) { json[name] = json_of(member); });
  visit(Value(), [&](const char* name, const auto& member) {
    if (json[name] == json_of(member)) json.erase(name);
  });
  return json.dump();
}

/// What a FormatError says about one kind of value.
struct Words {
  std::string_view expected;   ///< "a transform as JSON, like {...}"
  std::string_view no_object;  ///< of JSON that is something else
  std::string_view member;     ///< "option"
};

/// What write() wrote. Throws FormatError for anything else, unknown members included.
template <class Value, class Visit, class Assign>
Value read(std::string_view text, std::string_view where, const Words& words, Visit&& visit, Assign&& assign) {
  Value value;
  const auto fail = [&](std::string got) {
    throw FormatError({.where = std::string(where),
                       .expected = std::string(words.expected),
                       .got = std::move(got),
                       .fix = "use the text that to_json() wrote"});
  };
  try {
    Json json = Json::parse(text);
    if (!json.is_object()) fail(std::string(words.no_object));
    visit(value, [&](const char* name, auto& member) {
      if (!json.contains(name)) return;
      assign(member, json.at(name));
      json.erase(name);
    });
    if (!json.empty()) fail(fmt::format("unknown {} '{}'", words.member, json.begin().key()));
  } catch (const Json::exception& error) {
    fail(error.what());
  } catch (const ValueError& error) {
    fail(error.what());
  }
  return value;
}

}  // namespace saccade::augment_json
