#include "saccade/optim/schedule.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <ostream>
#include <utility>

#include "saccade/base/call_text.h"
#include "saccade/base/error.h"

namespace saccade {
namespace {

constexpr std::string_view kNames = "constant, step, piecewise, exponential, cosine, one-cycle, warmup";

// --- The options of each rule by name, for reading, printing and checking alike.

template <class Visitor>
void visit(Visitor& v, ExponentialDecay& o) {
  v("decay_rate", o.decay_rate);
  v("decay_steps", o.decay_steps);
  v("staircase", o.staircase);
  v("initial_learning_rate", o.initial_learning_rate);
}

template <class Visitor>
void visit(Visitor& v, CosineDecay& o) {
  v("alpha", o.alpha);
  v("decay_steps", o.decay_steps);
  v("warmup_target", o.warmup_target);
  v("warmup_steps", o.warmup_steps);
  v("initial_learning_rate", o.initial_learning_rate);
}

template <class Visitor>
void visit(Visitor& v, OneCycle& o) {
  v("up_fraction", o.up_fraction);
  v("shape", o.shape);
  v("div_factor", o.div_factor);
  v("final_div_factor", o.final_div_factor);
  v("max_learning_rate", o.max_learning_rate);
  v("total_steps", o.total_steps);
}

constexpr std::string_view name_of(const ExponentialDecay&) { return "exponential"; }
constexpr std::string_view name_of(const CosineDecay&) { return "cosine"; }
constexpr std::string_view name_of(const OneCycle&) { return "one-cycle"; }

// --- Printing: what differs from the defaults.

class Printer {
 public:
  void operator()(std::string_view key, double value) { add(key, fmt::format("{}", value)); }
  void operator()(std::string_view key, Index value) { add(key, fmt::format("{}", value)); }
  void operator()(std::string_view key, bool value) { add(key, value ? "true" : "false"); }
  void operator()(std::string_view key, OneCycle::Shape value) {
    add(key, value == OneCycle::Shape::linear ? "linear" : "cosine");
  }
  template <class T>
  void operator()(std::string_view key, const std::optional<T>& value) {
    if (value) (*this)(key, *value);
  }
  const std::vector<std::string>& parts() const { return parts_; }

 private:
  void add(std::string_view key, std::string_view value) { parts_.push_back(fmt::format("{}={}", key, value)); }
  std::vector<std::string> parts_;
};

template <class Rule>
std::string print(Rule rule) {
  Rule plain;
  Printer actual;
  Printer defaults;
  visit(actual, rule);
  visit(defaults, plain);
  std::vector<std::string> parts;
  for (const std::string& part : actual.parts()) {
    if (std::ranges::find(defaults.parts(), part) == defaults.parts().end()) parts.push_back(part);
  }
  const std::string_view name = name_of(rule);
  return parts.empty() ? std::string(name) : fmt::format("{}({})", name, fmt::join(parts, ", "));
}

std::string print(const ConstantRate&) { return "constant"; }

std::string print(const StepDecay& rule) {
  return fmt::format("step({}@{})", rule.factor, fmt::join(rule.epochs, ","));
}

std::string print(const PiecewiseConstantDecay& rule) {
  std::string text = fmt::format("piecewise({}", rule.values.front());
  for (std::size_t i = 0; i < rule.boundaries.size(); ++i) {
    text += fmt::format(", {}@{}", rule.values[i + 1], rule.boundaries[i]);
  }
  return text + ")";
}

// --- Reading.

class Reader {
 public:
  explicit Reader(const CallText& call) : call_(call) {}
  template <class T>
  void operator()(std::string_view key, T& value) {
    known_.push_back(key);
    const auto& arguments = call_.arguments();
    const auto found = std::ranges::find(arguments, key, &CallText::Argument::key);
    if (found == arguments.end()) return;
    ++used_;
    read(found->value, value);
  }
  // Every argument must have been asked for, once.
  void finish() const {
    for (auto argument = call_.arguments().begin(); argument != call_.arguments().end(); ++argument) {
      if (std::ranges::find(known_, argument->key) == known_.end()) {
        const std::string got(argument->key.empty() ? argument->value : argument->key);
        call_.fail(fmt::format("key=value with a key of {}", fmt::join(known_, ", ")), fmt::format("'{}'", got),
                   fmt::format("write it like {}={}", known_.front(), "0.5"));
      }
    }
    if (used_ != call_.arguments().size()) call_.fail("every key once", "one twice", "keep one");
  }

 private:
  void read(std::string_view text, double& value) { value = call_.number(text); }
  void read(std::string_view text, Index& value) { value = call_.integer(text); }
  void read(std::string_view text, bool& value) {
    if (text != "true" && text != "false") call_.fail("true or false", fmt::format("'{}'", text), "write one of them");
    value = text == "true";
  }
  void read(std::string_view text, OneCycle::Shape& value) {
    if (text != "linear" && text != "cosine") {
      call_.fail("shape linear or cosine", fmt::format("'{}'", text), "write one of them");
    }
    value = text == "linear" ? OneCycle::Shape::linear : OneCycle::Shape::cosine;
  }
  template <class T>
  void read(std::string_view text, std::optional<T>& value) {
    read(text, value.emplace());
  }

  const CallText& call_;
  std::vector<std::string_view> known_;
  std::size_t used_ = 0;
};

template <class Rule>
Rule read_rule(const CallText& call) {
  Rule rule;
  Reader reader(call);
  visit(reader, rule);
  reader.finish();
  return rule;
}

// "value@position", or the value alone.
struct At {
  double value = 0.0;
  std::optional<Index> position;
};

At read_at(const CallText& call, const CallText::Argument& argument) {
  const auto at = argument.value.find('@');
  if (at == std::string_view::npos) return {.value = call.number(argument.value), .position = {}};
  return {.value = call.number(trim(argument.value.substr(0, at))),
          .position = call.integer(trim(argument.value.substr(at + 1)))};
}

StepDecay read_step(const CallText& call) {
  constexpr std::string_view kExample = "write step(0.1@5,10): times 0.1 after 5 epochs and after 10";
  if (call.arguments().empty()) call.fail("a factor and epochs", "neither", std::string(kExample));
  const At first = read_at(call, call.arguments().front());
  if (!first.position) call.fail("'@' and epochs after the factor", "no '@'", std::string(kExample));
  StepDecay rule{.factor = first.value, .epochs = {*first.position}};
  for (std::size_t i = 1; i < call.arguments().size(); ++i) {
    rule.epochs.push_back(call.integer(call.arguments()[i].value));
  }
  return rule;
}

PiecewiseConstantDecay read_piecewise(const CallText& call) {
  const std::string example = "write piecewise(0.1, 0.01@1000): 0.1 up to step 1000, then 0.01";
  PiecewiseConstantDecay rule;
  for (const CallText::Argument& argument : call.arguments()) {
    const At part = read_at(call, argument);
    if (part.position.has_value() == rule.values.empty()) {
      call.fail("a learning rate, then rates with '@' and a step", fmt::format("'{}'", argument.value), example);
    }
    rule.values.push_back(part.value);
    if (part.position) rule.boundaries.push_back(*part.position);
  }
  if (rule.values.empty()) call.fail("learning rates", "none", example);
  return rule;
}

// --- Checking.

// Finite as the float that the learning rate becomes.
bool is_finite(double value) { return std::fabs(value) <= double{std::numeric_limits<float>::max()}; }

class Check {
 public:
  /// `example` is a text that would do.
  Check(std::string_view name, std::string_view example) : name_(name), example_(example) {}
  void positive(std::string_view key, double value) const {
    require(is_finite(value) && value > 0.0, key, "a positive finite number", fmt::format("{}", value));
  }
  void positive(std::string_view key, Index value) const {
    require(value > 0, key, "at least 1", fmt::format("{}", value));
  }
  template <class T>
  void positive(std::string_view key, const std::optional<T>& value) const {
    if (value) positive(key, *value);
  }
  void not_negative(std::string_view key, double value) const {
    require(is_finite(value) && value >= 0.0, key, "a finite number of zero or more", fmt::format("{}", value));
  }
  void increasing(std::string_view key, const std::vector<Index>& values, Index least) const {
    bool holds = values.empty() || values.front() >= least;
    for (std::size_t i = 1; i < values.size(); ++i) holds = holds && values[i] > values[i - 1];
    require(holds, key, fmt::format("increasing numbers of at least {}", least), fmt::format("{}", values));
  }
  void require(bool holds, std::string_view key, std::string expected, std::string got) const {
    if (holds) return;
    throw ValueError({.where = fmt::format("schedule {}: {}", name_, key),
                      .expected = std::move(expected),
                      .got = std::move(got),
                      .fix = fmt::format("try {}", example_)});
  }

 private:
  std::string_view name_;
  std::string_view example_;
};

// --- The formulas.

double rate_of(const ConstantRate&, Index /*step*/, const Horizon& horizon) { return horizon.learning_rate; }

double rate_of(const StepDecay& rule, Index step, const Horizon& horizon) {
  const Index epoch = step / horizon.steps_per_epoch;
  const auto passed = std::ranges::count_if(rule.epochs, [epoch](Index boundary) { return epoch >= boundary; });
  return horizon.learning_rate * std::pow(rule.factor, static_cast<double>(passed));
}

double rate_of(const PiecewiseConstantDecay& rule, Index step, const Horizon& /*horizon*/) {
  const auto passed = std::ranges::count_if(rule.boundaries, [step](Index boundary) { return step > boundary; });
  return rule.values[usize(passed)];
}

double rate_of(const ExponentialDecay& rule, Index step, const Horizon& horizon) {
  double power = static_cast<double>(step) / static_cast<double>(rule.decay_steps.value_or(horizon.steps_per_epoch));
  if (rule.staircase) power = std::floor(power);
  return rule.initial_learning_rate.value_or(horizon.learning_rate) * std::pow(rule.decay_rate, power);
}

double rate_of(const CosineDecay& rule, Index step, const Horizon& horizon) {
  const double initial = rule.initial_learning_rate.value_or(horizon.learning_rate);
  const double target = rule.warmup_target.value_or(initial);
  if (step < rule.warmup_steps) {
    return (target - initial) * (static_cast<double>(step) / static_cast<double>(rule.warmup_steps)) + initial;
  }
  const Index rest = std::max<Index>(horizon.total_steps - rule.warmup_steps, 1);
  const Index decay_steps = rule.decay_steps.value_or(rest);
  const Index decayed = std::min(step - rule.warmup_steps, decay_steps);
  const double completed = static_cast<double>(decayed) / static_cast<double>(decay_steps);
  const double wave = 0.5 * (1.0 + std::cos(std::numbers::pi * completed));
  return target * ((1.0 - rule.alpha) * wave + rule.alpha);
}

// From `from` to `to` as fraction goes from 0 to 1.
double between(OneCycle::Shape shape, double from, double to, double fraction) {
  if (shape == OneCycle::Shape::linear) return from + (to - from) * fraction;
  return to + (from - to) * 0.5 * (1.0 + std::cos(std::numbers::pi * fraction));
}

double rate_of(const OneCycle& rule, Index step, const Horizon& horizon) {
  const double highest = rule.max_learning_rate.value_or(horizon.learning_rate);
  const double first = highest / rule.div_factor;
  const double last = first / rule.final_div_factor;
  const auto total = static_cast<double>(rule.total_steps.value_or(horizon.total_steps));
  const double up = rule.up_fraction * total;
  const double at = std::min(static_cast<double>(step), total);
  if (at < up) return between(rule.shape, first, highest, at / up);
  return up < total ? between(rule.shape, highest, last, (at - up) / (total - up)) : last;
}

}  // namespace

Schedule::Schedule(ConstantRate rule) : rule_(rule) {}

Schedule::Schedule(StepDecay rule) : rule_(std::move(rule)) {
  const StepDecay& o = std::get<StepDecay>(rule_);
  const Check check("step", "step(0.1@5,10)");
  check.positive("factor", o.factor);
  check.require(!o.epochs.empty(), "epochs", "at least one epoch", "none");
  check.increasing("epochs", o.epochs, 1);
}

Schedule::Schedule(PiecewiseConstantDecay rule) : rule_(std::move(rule)) {
  const PiecewiseConstantDecay& o = std::get<PiecewiseConstantDecay>(rule_);
  const Check check("piecewise", "piecewise(0.1, 0.01@1000)");
  check.require(o.values.size() == o.boundaries.size() + 1, "values", "one more than boundaries",
                fmt::format("{} for {}", o.values.size(), o.boundaries.size()));
  check.increasing("boundaries", o.boundaries, 0);
  for (const double value : o.values) check.not_negative("values", value);
}

Schedule::Schedule(ExponentialDecay rule) : rule_(rule) {
  const Check check("exponential", "exponential(decay_rate=0.96)");
  check.positive("decay_rate", rule.decay_rate);
  check.positive("decay_steps", rule.decay_steps);
  check.positive("initial_learning_rate", rule.initial_learning_rate);
}

Schedule::Schedule(CosineDecay rule) : rule_(rule) {
  const Check check("cosine", "cosine(warmup_target=0.1, warmup_steps=500)");
  check.not_negative("alpha", rule.alpha);
  check.positive("decay_steps", rule.decay_steps);
  check.positive("warmup_target", rule.warmup_target);
  check.require(rule.warmup_steps >= 0, "warmup_steps", "zero or more", fmt::format("{}", rule.warmup_steps));
  check.require(rule.warmup_target.has_value() == (rule.warmup_steps > 0), "warmup_target",
                "warmup_target and warmup_steps together", "one of them");
  if (rule.initial_learning_rate) check.not_negative("initial_learning_rate", *rule.initial_learning_rate);
}

Schedule::Schedule(OneCycle rule) : rule_(rule) {
  const Check check("one-cycle", "one-cycle(up_fraction=0.2, div_factor=25)");
  check.require(rule.up_fraction >= 0.0 && rule.up_fraction <= 1.0, "up_fraction", "0 to 1",
                fmt::format("{}", rule.up_fraction));
  for (const auto& [key, value] :
       {std::pair("div_factor", rule.div_factor), {"final_div_factor", rule.final_div_factor}}) {
    check.require(is_finite(value) && value >= 1.0, key, "a finite number of at least 1", fmt::format("{}", value));
  }
  check.positive("max_learning_rate", rule.max_learning_rate);
  check.positive("total_steps", rule.total_steps);
}

Schedule Schedule::warm_up(Index steps, Schedule then) {
  const Check check("warmup", "warmup(500, cosine)");
  check.positive("steps", steps);
  check.require(then.warm_up_steps_ == 0, "then", "another schedule", "a second warmup");
  then.warm_up_steps_ = steps;
  return then;
}

double Schedule::at(Index step, const Horizon& horizon) const {
  const Index place = std::max(step, warm_up_steps_);
  const double rate = std::visit([&](const auto& rule) { return rate_of(rule, place, horizon); }, rule_);
  if (step >= warm_up_steps_) return rate;
  return rate * (static_cast<double>(step) / static_cast<double>(warm_up_steps_));
}

std::string Schedule::to_string() const {
  const std::string text = std::visit([](const auto& rule) { return print(rule); }, rule_);
  return warm_up_steps_ == 0 ? text : fmt::format("warmup({}, {})", warm_up_steps_, text);
}

Schedule Schedule::parse(std::string_view text) {
  const CallText call("schedule", text);
  const std::string_view name = call.name();
  if (name == "constant") {
    call.require_count(0, 0, "constant");
    return ConstantRate{};
  }
  if (name == "step") return read_step(call);
  if (name == "piecewise") return read_piecewise(call);
  if (name == "exponential") return read_rule<ExponentialDecay>(call);
  if (name == "cosine") return read_rule<CosineDecay>(call);
  if (name == "one-cycle") return read_rule<OneCycle>(call);
  if (name == "warmup") {
    call.require_count(2, 2, "warmup(500, cosine)");
    const std::string_view inner = call.arguments()[1].value;
    // Refused before it is read: a text of many nested ones must not use up the stack.
    if (CallText("schedule", inner).name() == "warmup") {
      call.fail("another schedule inside", "a second warmup", "write warmup(500, cosine)");
    }
    return warm_up(call.integer(call.arguments()[0].value), parse(inner));
  }
  call.fail(fmt::format("one of {}", kNames), "another name", "check the spelling");
}

bool operator==(const Schedule& a, const Schedule& b) {
  return a.rule_ == b.rule_ && a.warm_up_steps_ == b.warm_up_steps_;
}

std::ostream& operator<<(std::ostream& stream, const Schedule& schedule) { return stream << schedule.to_string(); }

}  // namespace saccade
