#include <fmt/format.h>

#include "saccade/base/error.h"
#include "saccade/io/facts_internal.h"
#include "saccade/io/json_internal.h"

namespace saccade::internal {
namespace {

constexpr const char* kPreprocessing = "preprocessing";
constexpr const char* kClassNames = "class_names";

OrderedJson json_of(const std::vector<float>& values) {
  OrderedJson json = OrderedJson::array();
  for (const float value : values) json.push_back(stored_float(value));
  return json;
}

const std::string& fact(const Facts& facts, const char* key, const std::string& file) {
  const auto found = facts.find(key);
  if (found != facts.end()) return found->second;
  throw FormatError({.where = file,
                     .expected = fmt::format("'{}' in the metadata", key),
                     .got = "none",
                     .fix = "the file is damaged; save the network again"});
}

std::vector<float> read_floats(const Json& object, const std::string& key, const std::string& where) {
  std::vector<float> values;
  const std::string place = where + ", " + key;
  for (const Json& value : read_array(read_member(object, key, where), place)) {
    values.push_back(read_float(value, place));
  }
  return values;
}

Preprocessing parse_preprocessing(const std::string& text, Index channels, const std::string& file) {
  const std::string where = fmt::format("{}: {}", file, kPreprocessing);
  const Json json = parse_json(text, where);
  read_object(json, where);
  Preprocessing p{.scale = read_float(read_member(json, "scale", where), where + ", scale"),
                  .mean = read_floats(json, "mean", where),
                  .deviation = read_floats(json, "deviation", where)};
  try {
    p.validate(channels);
  } catch (const ValueError& error) {
    ErrorText because = error.text();
    because.where = file + ": " + because.where;
    throw FormatError(std::move(because));
  }
  return p;
}

}  // namespace

std::string format_strings(const std::vector<std::string>& values) {
  OrderedJson json = OrderedJson::array();
  for (const std::string& value : values) json.push_back(value);
  return format_json(json);
}

std::vector<std::string> parse_strings(const std::string& text, const std::string& where) {
  const Json json = parse_json(text, where);
  std::vector<std::string> values;
  for (const Json& value : read_array(json, where)) values.push_back(read_string(value, where));
  return values;
}

Facts facts_of(const Model& model) {
  const Preprocessing& p = model.preprocessing;
  return {
      {kPreprocessing,
       format_json({{"scale", stored_float(p.scale)}, {"mean", json_of(p.mean)}, {"deviation", json_of(p.deviation)}})},
      {kClassNames, format_strings(model.class_names)}};
}

void take_facts(Model& model, const Facts& facts, const std::string& file) {
  model.preprocessing = parse_preprocessing(fact(facts, kPreprocessing, file), model.input_shape()[-1], file);
  const std::string where = fmt::format("{}: {}", file, kClassNames);
  std::vector<std::string> names = parse_strings(fact(facts, kClassNames, file), where);
  const Shape& shape = model.output_shape();
  const Index outputs = shape.rank() == 0 ? 1 : shape[-1];
  if (!names.empty() && isize(names.size()) != outputs) {
    throw FormatError({.where = where,
                       .expected = fmt::format("none or {} names, one an output", outputs),
                       .got = fmt::format("{}", names.size()),
                       .fix = "the file is damaged, or its parts belong to two networks"});
  }
  model.class_names = std::move(names);
}

}  // namespace saccade::internal
