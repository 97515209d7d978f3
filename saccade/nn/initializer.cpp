#include "saccade/nn/initializer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <ostream>
#include <vector>

#include "saccade/base/call_text.h"
#include "saccade/base/error.h"
#include "saccade/base/parallel.h"
#include "saccade/base/random.h"

namespace saccade {
namespace {

// One random stream fills this many elements. Part of what a seed means: another size gives other weights.
constexpr Index kChunk = 4096;

// Standard deviation of N(0, 1) cut at +-2: sqrt(1 - 4 phi(2) / (2 Phi(2) - 1)).
constexpr double kTruncatedDeviation = 0.87962566103423978;

template <class Draw>
void fill_chunks(std::span<float> values, std::uint64_t seed, std::uint32_t slot, const Draw& draw) {
  parallel_ranges(isize(values.size()), kChunk, [&](Index begin, Index end) {
    Stream stream(seed, 0, static_cast<std::uint64_t>(begin / kChunk), slot);
    for (Index i = begin; i < end; ++i) values[usize(i)] = static_cast<float>(draw(stream));
  });
}

// The first outputs of a filter [h, w, i, o] become their inputs, as they are.
void pass_channels_on(std::span<float> filter, const Shape& shape) {
  const Index taps = shape[0] * shape[1], inputs = shape[2], outputs = shape[3];
  const Index middle = (shape[0] - 1) / 2 * shape[1] + (shape[1] - 1) / 2;  // what SAME puts on the pixel itself
  for (Index tap = 0; tap < taps; ++tap) {
    for (Index i = 0; i < inputs; ++i) {
      const std::span<float> row = filter.subspan(usize((tap * inputs + i) * outputs), usize(outputs));
      std::ranges::fill(row.first(usize(std::min(inputs, outputs))), 0.0F);
      if (tap == middle && i < outputs) row[usize(i)] = 1.0F;
    }
  }
}

double truncated(Stream& stream) {
  double z = stream.normal();
  while (std::fabs(z) > 2.0) z = stream.normal();
  return z;
}

[[noreturn]] void fail_number(std::string_view what, std::string_view expected, double got, std::string_view fix) {
  throw ValueError({.where = fmt::format("initializer {}", what),
                    .expected = std::string(expected),
                    .got = fmt::format("{}", got),
                    .fix = std::string(fix)});
}

// Finite as the float that it will become.
bool is_finite(double value) { return std::fabs(value) <= std::numeric_limits<float>::max(); }

void require_positive(std::string_view what, double value, std::string_view fix) {
  if (!is_finite(value) || value <= 0.0) fail_number(what, "a positive finite number", value, fix);
}

template <class T>
struct Named {
  std::string_view name;
  T value;
};

constexpr std::array<Named<FanMode>, 3> kModes{
    {{"fan_in", FanMode::fan_in}, {"fan_out", FanMode::fan_out}, {"fan_avg", FanMode::fan_avg}}};
constexpr std::array<Named<Distribution>, 4> kDistributions{
    {{"truncated_normal", Distribution::truncated_normal},
     {"truncated_normal_uncorrected", Distribution::truncated_normal_uncorrected},
     {"untruncated_normal", Distribution::untruncated_normal},
     {"uniform", Distribution::uniform}}};

struct NamedScaling {
  std::string_view name;
  VarianceScalingOptions options;
};
constexpr std::array<NamedScaling, 6> kScalings{
    {{"glorot_uniform", {1.0, FanMode::fan_avg, Distribution::uniform}},
     {"glorot_normal", {1.0, FanMode::fan_avg, Distribution::truncated_normal}},
     {"he_uniform", {2.0, FanMode::fan_in, Distribution::uniform}},
     {"he_normal", {2.0, FanMode::fan_in, Distribution::truncated_normal}},
     {"lecun_uniform", {1.0, FanMode::fan_in, Distribution::uniform}},
     {"lecun_normal", {1.0, FanMode::fan_in, Distribution::truncated_normal}}}};

Initializer scaling(std::string_view name) {
  const auto* const found = std::ranges::find(kScalings, name, &NamedScaling::name);
  return Initializer::variance_scaling(found->options);
}

template <class List>
std::string_view name_in(const List& list, decltype(list[0].value) value) {
  for (const auto& entry : list) {
    if (entry.value == value) return entry.name;
  }
  return {};
}

// The value that stands under the name of the argument.
template <class List>
auto value_in(const List& list, const CallText& call, std::size_t position) {
  const std::string_view name = call.arguments()[position].value;
  for (const auto& entry : list) {
    if (entry.name == name) return entry.value;
  }
  std::vector<std::string_view> names;
  for (const auto& entry : list) names.push_back(entry.name);
  call.fail(fmt::format("one of {}", fmt::join(names, ", ")), fmt::format("'{}'", name),
            "write variance_scaling(2, fan_in, truncated_normal)");
}

double number_at(const CallText& call, std::size_t position, double fallback) {
  return position < call.arguments().size() ? call.number(call.arguments()[position].value) : fallback;
}

}  // namespace

Fans fans_of(const Shape& shape) noexcept {
  const auto extents = shape.extents();
  if (extents.empty()) return {};
  if (extents.size() == 1) return {static_cast<double>(extents[0]), static_cast<double>(extents[0])};
  double receptive_field = 1.0;
  for (const Index extent : extents.first(extents.size() - 2)) receptive_field *= static_cast<double>(extent);
  return {static_cast<double>(extents[extents.size() - 2]) * receptive_field,
          static_cast<double>(extents.back()) * receptive_field};
}

Initializer Initializer::zeros() { return {}; }
Initializer Initializer::ones() { return {Kind::constant, 1.0}; }

Initializer Initializer::constant(double value) {
  if (!is_finite(value)) fail_number("constant", "a finite number", value, "try 0.1");
  return {Kind::constant, value};
}

Initializer Initializer::random_uniform(double min, double max) {
  if (!is_finite(min) || !is_finite(max) || min >= max) {
    throw ValueError({.where = "initializer random_uniform",
                      .expected = "finite min < max",
                      .got = fmt::format("min {}, max {}", min, max),
                      .fix = "try random_uniform(-0.05, 0.05)"});
  }
  return {Kind::random_uniform, min, max};
}

Initializer Initializer::random_normal(double stddev) {
  require_positive("random_normal stddev", stddev, "try 0.05");
  return {Kind::random_normal, stddev};
}

Initializer Initializer::truncated_normal(double stddev) {
  require_positive("truncated_normal stddev", stddev, "try 0.05");
  return {Kind::truncated_normal, stddev};
}

Initializer Initializer::truncated_normal_corrected(double stddev) {
  require_positive("truncated_normal_corrected stddev", stddev, "try 0.05");
  return {Kind::truncated_normal_corrected, stddev};
}

Initializer Initializer::variance_scaling(const VarianceScalingOptions& options) {
  require_positive("variance_scaling scale", options.scale, "try 1 (Glorot, LeCun) or 2 (He)");
  Initializer initializer(Kind::variance_scaling, options.scale);
  initializer.mode_ = options.mode;
  initializer.distribution_ = options.distribution;
  return initializer;
}

Initializer Initializer::glorot_uniform() { return scaling("glorot_uniform"); }
Initializer Initializer::glorot_normal() { return scaling("glorot_normal"); }
Initializer Initializer::he_uniform() { return scaling("he_uniform"); }
Initializer Initializer::he_normal() { return scaling("he_normal"); }
Initializer Initializer::lecun_uniform() { return scaling("lecun_uniform"); }
Initializer Initializer::lecun_normal() { return scaling("lecun_normal"); }
Initializer Initializer::dirac() {
  Initializer initializer = variance_scaling({1.0 / 3.0, FanMode::fan_in, Distribution::uniform});
  initializer.kind_ = Kind::dirac;
  return initializer;
}

// What is drawn for one weight: between low and high, or normal with sigma, or a constant (low).
struct Initializer::Law {
  enum class Form : std::uint8_t { constant, uniform, normal, truncated };
  Form form = Form::constant;
  double low = 0.0;
  double high = 0.0;
  double sigma = 0.0;
};

Initializer::Law Initializer::law_for(const Shape& shape) const noexcept {
  using Form = Law::Form;
  switch (kind_) {
    case Kind::constant:
      return {.form = Form::constant, .low = a_};
    case Kind::random_uniform:
      return {.form = Form::uniform, .low = a_, .high = b_};
    case Kind::random_normal:
      return {.form = Form::normal, .sigma = a_};
    case Kind::truncated_normal:
      return {.form = Form::truncated, .sigma = a_};
    case Kind::truncated_normal_corrected:
      return {.form = Form::truncated, .sigma = a_ / kTruncatedDeviation};
    case Kind::variance_scaling:
    case Kind::dirac:
      break;
  }
  const Fans fans = fans_of(shape);
  double n = fans.fan_in;
  if (mode_ == FanMode::fan_out) n = fans.fan_out;
  if (mode_ == FanMode::fan_avg) n = (fans.fan_in + fans.fan_out) / 2.0;
  const double variance = a_ / std::max(1.0, n);
  const double limit = std::sqrt(3.0 * variance);
  switch (distribution_) {
    case Distribution::uniform:
      return {.form = Form::uniform, .low = -limit, .high = limit};
    case Distribution::untruncated_normal:
      return {.form = Form::normal, .sigma = std::sqrt(variance)};
    case Distribution::truncated_normal_uncorrected:
      return {.form = Form::truncated, .sigma = std::sqrt(variance)};
    case Distribution::truncated_normal:
      break;
  }
  return {.form = Form::truncated, .sigma = std::sqrt(variance) / kTruncatedDeviation};
}

double Initializer::standard_deviation(const Shape& shape) const noexcept {
  const Law law = law_for(shape);
  switch (law.form) {
    case Law::Form::uniform:
      return (law.high - law.low) / std::sqrt(12.0);
    case Law::Form::normal:
      return law.sigma;
    case Law::Form::truncated:
      return law.sigma * kTruncatedDeviation;
    case Law::Form::constant:
      break;
  }
  return 0.0;
}

void Initializer::fill(std::span<float> values, const Shape& shape, std::uint64_t seed,
                       std::string_view parameter_name) const {
  if (isize(values.size()) != shape.elements()) {
    throw ShapeError({.where = fmt::format("initializer of '{}'", parameter_name),
                      .expected = fmt::format("{} elements for shape {}", shape.elements(), shape.to_string()),
                      .got = fmt::format("{}", values.size()),
                      .fix = "pass the whole tensor"});
  }
  const Law law = law_for(shape);
  const std::uint32_t slot = slot_of(std::string(parameter_name).c_str());
  switch (law.form) {
    case Law::Form::constant:
      std::ranges::fill(values, static_cast<float>(law.low));
      break;
    case Law::Form::uniform:
      fill_chunks(values, seed, slot, [&law](Stream& stream) { return stream.uniform(law.low, law.high); });
      break;
    case Law::Form::normal:
      fill_chunks(values, seed, slot, [&law](Stream& stream) { return law.sigma * stream.normal(); });
      break;
    case Law::Form::truncated:
      fill_chunks(values, seed, slot, [&law](Stream& stream) { return law.sigma * truncated(stream); });
      break;
  }
  if (kind_ == Kind::dirac && shape.rank() == 4) pass_channels_on(values, shape);
}

std::string Initializer::to_string() const {
  switch (kind_) {
    case Kind::constant:
      if (a_ == 0.0) return "zeros";
      return a_ == 1.0 ? "ones" : fmt::format("constant({})", a_);
    case Kind::random_uniform:
      return fmt::format("random_uniform({}, {})", a_, b_);
    case Kind::random_normal:
      return fmt::format("random_normal({})", a_);
    case Kind::truncated_normal:
      return fmt::format("truncated_normal({})", a_);
    case Kind::truncated_normal_corrected:
      return fmt::format("truncated_normal_corrected({})", a_);
    case Kind::dirac:
      return "dirac";
    case Kind::variance_scaling:
      break;
  }
  for (const NamedScaling& named : kScalings) {
    if (*this == variance_scaling(named.options)) return std::string(named.name);
  }
  return fmt::format("variance_scaling({}, {}, {})", a_, name_in(kModes, mode_),
                     name_in(kDistributions, distribution_));
}

Initializer Initializer::parse(std::string_view text) {
  const CallText call("initializer", text);
  const std::string_view name = call.name();
  for (const NamedScaling& named : kScalings) {
    if (name != named.name) continue;
    call.require_count(0, 0, named.name);
    return variance_scaling(named.options);
  }
  if (name == "zeros" || name == "ones" || name == "dirac") {
    call.require_count(0, 0, name);
    if (name == "dirac") return dirac();
    return name == "zeros" ? zeros() : ones();
  }
  if (name == "constant") {
    call.require_count(1, 1, "constant(0.1)");
    return constant(number_at(call, 0, 0.0));
  }
  if (name == "random_uniform") {
    if (!call.arguments().empty()) call.require_count(2, 2, "random_uniform(-0.05, 0.05)");
    return random_uniform(number_at(call, 0, -0.05), number_at(call, 1, 0.05));
  }
  if (name == "variance_scaling") {
    call.require_count(3, 3, "variance_scaling(2, fan_in, truncated_normal)");
    return variance_scaling({number_at(call, 0, 1.0), value_in(kModes, call, 1), value_in(kDistributions, call, 2)});
  }
  using Factory = Initializer (*)(double);
  constexpr std::array<Named<Factory>, 4> kNormals{{{"random_normal", random_normal},
                                                    {"truncated_normal", truncated_normal},
                                                    {"truncated_normal_uncorrected", truncated_normal},
                                                    {"truncated_normal_corrected", truncated_normal_corrected}}};
  for (const auto& [normal, factory] : kNormals) {
    if (name != normal) continue;
    call.require_count(0, 1, fmt::format("{}(0.05)", normal));
    return factory(number_at(call, 0, 0.05));
  }
  std::vector<std::string_view> names{"zeros",
                                      "ones",
                                      "constant",
                                      "random_uniform",
                                      "random_normal",
                                      "truncated_normal",
                                      "truncated_normal_corrected",
                                      "variance_scaling",
                                      "dirac"};
  for (const NamedScaling& named : kScalings) names.push_back(named.name);
  call.fail(fmt::format("one of {}", fmt::join(names, ", ")), "another name", "check the spelling");
}

std::ostream& operator<<(std::ostream& stream, const Initializer& initializer) {
  return stream << initializer.to_string();
}

}  // namespace saccade
