#pragma once
#include <nlohmann/json.hpp>

#include <string>

#include "saccade/cli/comparison.h"
#include "saccade/cli/conditions.h"
#include "saccade/cli/network_benchmark.h"
#include "saccade/cli/roofline.h"
#include "saccade/proof/benchmark.h"

namespace saccade::cli {

// What `saccade bench` says of a measurement, as one element of "benchmarks" and as lines of text.

nlohmann::ordered_json to_json(const proof::Measurement& measurement);
nlohmann::ordered_json to_json(const NetworkReport& report);
nlohmann::ordered_json to_json(const ComparisonReport& report);
nlohmann::ordered_json to_json(const ConditionReport& report);
nlohmann::ordered_json to_json(const RooflineReport& report);

std::string to_text(const NetworkReport& report);
std::string to_text(const ComparisonReport& report);
std::string to_text(const ConditionReport& report);
std::string to_text(const RooflineReport& report);

}  // namespace saccade::cli
