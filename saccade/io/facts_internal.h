#pragma once
#include <map>
#include <string>

#include "saccade/nn/model.h"

namespace saccade::internal {

/// What a file says of a network beside its layers and weights, each as JSON:
///   preprocessing  {"scale", "mean", "deviation"}
///   class_names    an array of strings, one an output or empty
using Facts = std::map<std::string, std::string>;

Facts facts_of(const Model& model);

/// Gives a network the facts of a file. Throws FormatError, naming file and part, for parts that are missing, are no such
/// JSON, or do not fit the network.
void take_facts(Model& model, const Facts& facts, const std::string& file);

/// An array of strings, as JSON and back; `where` names file and part.
std::string format_strings(const std::vector<std::string>& values);
std::vector<std::string> parse_strings(const std::string& json, const std::string& where);

}  // namespace saccade::internal
