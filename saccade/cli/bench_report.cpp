#include <fmt/format.h>

#include "saccade/base/printable.h"
#include "saccade/cli/bench_report_internal.h"
#include "saccade/cli/console.h"

namespace saccade::cli {
namespace {

using nlohmann::ordered_json;

ordered_json to_json(const NetworkMeasurement& m) {
  return {{"seconds", m.seconds},
          {"best_seconds", m.best_seconds},
          {"worst_seconds", m.worst_seconds},
          {"images_per_second", m.images_per_second},
          {"epoch_seconds", m.epoch_seconds},
          {"gflops", m.gflops},
          {"share_of_peak", m.share_of_peak}};
}

ordered_json heading(const NetworkReport& report) {
  return {{"name", report.network},
          {"fma_peak_gflops", report.fma_peak},
          {"threads", report.threads},
          {"parameters", report.parameters},
          {"batch_size", report.batch_size}};
}

/// The line above a network's table, and its columns.
std::string heading_text(const NetworkReport& report, int label_width) {
  return fmt::format(
      "{}: {} parameters, batches of {}, {} threads, FMA peak {:.0f} GFLOP/s\n"
      "{:<{}} {:>9} {:>9} {:>9} {:>10} {:>16} {:>8} {:>7}\n",
      report.network, report.parameters, report.batch_size, report.threads, report.fma_peak, "", label_width, "ms/step",
      "best", "worst", "images/s", "s/60,000 images", "GFLOP/s", "of peak");
}

std::string line(const NetworkMeasurement& m, const std::string& label, int label_width) {
  return fmt::format("{:<{}} {:9.3f} {:9.3f} {:9.3f} {:10.0f} {:16.2f} {:8.1f} {:5.0f} %\n", label, label_width,
                     1e3 * m.seconds, 1e3 * m.best_seconds, 1e3 * m.worst_seconds, m.images_per_second, m.epoch_seconds,
                     m.gflops, 100.0 * m.share_of_peak);
}

/// Both sides and how often one is in the other.
ordered_json to_json(const StepComparison& step, const std::string& ours, const std::string& theirs) {
  return {{ours, to_json(step.ours)},  {theirs, to_json(step.theirs)},    {"ratio", step.median},
          {"least_ratio", step.least}, {"greatest_ratio", step.greatest}, {"ratios", step.ratios}};
}

/// A line a side, and what their ratio says.
std::string to_text(const StepComparison& step, const std::string& ours, const std::string& theirs, int label_width,
                    const std::string& subject, const std::string& comparative) {
  return line(step.ours, ours, label_width) + line(step.theirs, theirs, label_width) +
         fmt::format("  {} {:.2f} times as {} ({:.2f} to {:.2f}, {} pairs of rounds)\n", subject, step.median,
                     comparative, step.least, step.greatest, step.ratios.size());
}

}  // namespace

ordered_json to_json(const proof::Measurement& m) {
  return {{"shape", m.shape},
          {"case", m.case_id},
          {"pass", proof::name_of(m.pass)},
          {"implementation", m.implementation},
          {"seconds", m.seconds},
          {"best_seconds", m.best_seconds},
          {"gflops", m.gflops},
          {"share_of_peak", m.share_of_peak},
          {"bytes", m.bytes},
          {"gigabytes_per_second", m.gigabytes},
          {"flops_per_byte", m.intensity}};
}

ordered_json to_json(const NetworkReport& report) {
  ordered_json json = heading(report);
  json["training"] = to_json(report.training);
  json["inference"] = to_json(report.inference);
  return json;
}

ordered_json to_json(const ComparisonReport& report) {
  ordered_json json = heading(report.network);
  json["peer"] = report.peer;
  json["output_difference"] = report.difference;
  if (report.training_bytes && report.peer_training_bytes) {
    json["training_bytes"] = {{"saccade", *report.training_bytes}, {"peer", *report.peer_training_bytes}};
  }
  for (const StepComparison& step : report.steps) {
    ordered_json& sides = json[std::string(step.ours.step)] = to_json(step, "saccade", "peer");
    sides["peer_layout"] = step.layout;
  }
  return json;
}

ordered_json to_json(const ConditionReport& report) {
  ordered_json json = heading(report.network);
  json["condition"] = report.condition;
  for (const StepComparison& step : report.steps) {
    json[std::string(step.ours.step)] = to_json(step, "usual", "condition");
  }
  return json;
}

ordered_json to_json(const RooflineReport& report) {
  ordered_json json{{"name", report.network},
                    {"fma_peak_gflops", report.fma_peak},
                    {"memory_gigabytes_per_second", report.bandwidth},
                    {"threads", report.threads},
                    {"batch_size", report.batch_size},
                    {"operations", ordered_json::array()}};
  for (const RooflinePoint& point : report.points) {
    json["operations"].push_back({{"layer", point.layer},
                                  {"pass", point.backward ? "backward" : "forward"},
                                  {"implementation", point.implementation},
                                  {"seconds", point.seconds},
                                  {"gflops", point.gflops()},
                                  {"bytes", point.bytes},
                                  {"flops_per_byte", point.intensity()}});
  }
  return json;
}

std::string to_text(const RooflineReport& report) {
  std::string text = fmt::format(
      "{}: batches of {}, {} threads, FMA peak {:.0f} GFLOP/s, memory {:.1f} GB/s\n"
      "{:<28} {:<9} {:<22} {:>9} {:>8} {:>9} {:>8}\n",
      report.network, report.batch_size, report.threads, report.fma_peak, report.bandwidth, "layer", "pass",
      "implementation", "ms", "of step", "GFLOP/s", "FLOP/B");
  for (const RooflinePoint& point : report.points) {
    text += fmt::format("{:<28} {:<9} {:<22} {:9.3f} {:6.1f} % {:9.1f} {:8.2f}\n", printable(point.layer),
                        point.backward ? "backward" : "forward", point.implementation, 1e3 * point.seconds,
                        100.0 * point.seconds / report.seconds(), point.gflops(), point.intensity());
  }
  return text;
}

std::string to_text(const NetworkReport& report) {
  constexpr int kLabel = 10;
  std::string text = heading_text(report, kLabel);
  for (const NetworkMeasurement& m : {report.training, report.inference}) text += line(m, std::string(m.step), kLabel);
  return text;
}

std::string to_text(const ConditionReport& report) {
  constexpr int kLabel = 36;
  std::string text = heading_text(report.network, kLabel);
  for (const StepComparison& step : report.steps) {
    text += to_text(step, std::string(step.ours.step), fmt::format("{}, {}", step.ours.step, report.condition), kLabel,
                    report.condition + " a step takes", "long");
  }
  return text;
}

std::string to_text(const ComparisonReport& report) {
  constexpr int kLabel = 32;
  std::string text = heading_text(report.network, kLabel);
  for (const StepComparison& step : report.steps) {
    const std::string layout = step.layout.empty() ? "" : " " + step.layout;
    text += to_text(step, fmt::format("{}, Saccade", step.ours.step),
                    fmt::format("{}, {}{}", step.ours.step, report.peer, layout), kLabel, "Saccade is", "fast");
  }
  if (report.training_bytes && report.peer_training_bytes) {
    text += fmt::format("  training takes {} of memory beside the images, {} {}: {:.2f} times as much\n",
                        format_bytes(*report.training_bytes), report.peer, format_bytes(*report.peer_training_bytes),
                        static_cast<double>(*report.peer_training_bytes) / static_cast<double>(*report.training_bytes));
  }
  return text + fmt::format("  outputs agree within {:.1g} of the largest\n", report.difference);
}

}  // namespace saccade::cli
