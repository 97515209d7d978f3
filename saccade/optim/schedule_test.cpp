#include "saccade/optim/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "saccade/base/error.h"
#include "tests/support/message_of.h"

namespace saccade {
namespace {

using test::message_of;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::vector<double> rates(const Schedule& schedule, const std::vector<Index>& steps, const Horizon& horizon) {
  std::vector<double> all;
  for (const Index step : steps) all.push_back(schedule.at(step, horizon));
  return all;
}

testing::Matcher<std::vector<double>> near(std::vector<double> values) {
  return testing::Pointwise(testing::DoubleNear(1e-12), values);
}

const Horizon kHorizon{.learning_rate = 0.1, .steps_per_epoch = 100, .total_steps = 1000};

TEST(Schedule, Constant) {
  EXPECT_THAT(rates({}, {0, 7, 5000}, kHorizon), near({0.1, 0.1, 0.1}));
  EXPECT_EQ(Schedule(), Schedule(ConstantRate{}));
}

TEST(Schedule, StepFallsAfterEpochs) {
  EXPECT_THAT(rates(StepDecay{.factor = 0.1, .epochs = {5, 8}}, {0, 499, 500, 799, 800, 100000}, kHorizon),
              near({0.1, 0.1, 0.01, 0.01, 0.001, 0.001}));
}

// The cases of Keras's own test.
TEST(Schedule, PiecewiseAsKeras) {
  const Schedule schedule = PiecewiseConstantDecay{.boundaries = {100, 110, 120}, .values = {1.0, 0.1, 0.01, 0.001}};
  EXPECT_THAT(rates(schedule, {0, 100, 105, 110, 120, 999}, kHorizon), near({1.0, 1.0, 0.1, 0.1, 0.01, 0.001}));
  EXPECT_THAT(rates(PiecewiseConstantDecay{.boundaries = {}, .values = {0.5}}, {0, 9}, kHorizon), near({0.5, 0.5}));
}

TEST(Schedule, ExponentialAsKeras) {
  const ExponentialDecay smooth{.decay_rate = 0.96, .decay_steps = 10, .initial_learning_rate = 0.05};
  EXPECT_THAT(rates(smooth, {5}, kHorizon), near({0.05 * std::sqrt(0.96)}));
  const ExponentialDecay stairs{.decay_rate = 0.96, .decay_steps = 3, .staircase = true};
  EXPECT_THAT(rates(stairs, {1, 2, 100}, kHorizon), near({0.1, 0.1, 0.1 * std::pow(0.96, 33)}));
  EXPECT_THAT(rates(ExponentialDecay{.decay_rate = 0.5}, {0, 100, 250}, kHorizon),
              near({0.1, 0.05, 0.1 * std::pow(0.5, 2.5)}))
      << "one epoch is the default";
}

TEST(Schedule, CosineAsKeras) {
  const double quarter = 0.5 * (1.0 + std::sqrt(0.5));
  const CosineDecay plain{.decay_steps = 1000, .initial_learning_rate = 1.0};
  EXPECT_THAT(rates(plain, {0, 250, 500, 750, 1000, 1250}, kHorizon), near({1, quarter, 0.5, 1 - quarter, 0, 0}));
  const CosineDecay floor{.alpha = 0.1, .decay_steps = 1000, .initial_learning_rate = 1.0};
  EXPECT_THAT(rates(floor, {0, 500, 1000, 1250}, kHorizon), near({1, 0.55, 0.1, 0.1}));
  EXPECT_THAT(rates(CosineDecay{}, {0, 500, 1000}, kHorizon), near({0.1, 0.05, 0}));
  const CosineDecay warm{
      .decay_steps = 1000, .warmup_target = 10.0, .warmup_steps = 2000, .initial_learning_rate = 0.0};
  EXPECT_THAT(rates(warm, {0, 500, 2000, 2250, 2500, 3000, 9000}, kHorizon), near({0, 2.5, 10, 10 * quarter, 5, 0, 0}));
  const CosineDecay warm_default{.warmup_target = 0.5, .warmup_steps = 200};
  EXPECT_THAT(rates(warm_default, {0, 100, 200, 600, 1000}, kHorizon), near({0.1, 0.3, 0.5, 0.25, 0}))
      << "decays over what is left of the training";
}

TEST(Schedule, OneCycle) {
  const double end = 0.1 / 25 / 1e4;
  EXPECT_THAT(rates(OneCycle{}, {0, 100, 200, 600, 1000, 5000}, kHorizon),
              near({0.004, 0.052, 0.1, (0.1 + end) / 2, end, end}));
  const OneCycle cosine{.up_fraction = 0.5, .shape = OneCycle::Shape::cosine, .div_factor = 10, .final_div_factor = 1};
  EXPECT_THAT(rates(cosine, {0, 250, 500, 750, 1000}, kHorizon), near({0.01, 0.055, 0.1, 0.055, 0.01}));
  EXPECT_THAT(rates(cosine, {125}, kHorizon), near({0.1 - 0.09 * 0.5 * (1 + std::sqrt(0.5))}));
  const OneCycle own{.div_factor = 1, .final_div_factor = 2, .max_learning_rate = 3.0, .total_steps = 10};
  EXPECT_THAT(rates(own, {0, 2, 6, 10}, kHorizon), near({3, 3, 2.25, 1.5}));
  EXPECT_THAT(rates(OneCycle{.up_fraction = 0.0}, {0, 1000}, kHorizon), near({0.1, end}));
  EXPECT_THAT(rates(OneCycle{.up_fraction = 1.0}, {0, 500, 1000}, kHorizon), near({0.004, 0.052, end}));
}

TEST(Schedule, WarmUpLeadsIntoAnyOther) {
  EXPECT_THAT(rates(Schedule::warm_up(10, {}), {0, 1, 5, 9, 10, 11}, kHorizon), near({0, 0.01, 0.05, 0.09, 0.1, 0.1}));
  const Schedule step = Schedule::warm_up(50, StepDecay{.factor = 0.5, .epochs = {1}});
  EXPECT_THAT(rates(step, {25, 50, 99, 100}, kHorizon), near({0.05, 0.1, 0.1, 0.05})) << "epochs stay where they were";
  const Schedule cosine = Schedule::warm_up(500, CosineDecay{});
  EXPECT_THAT(rates(cosine, {0, 250, 500, 1000}, kHorizon), near({0, 0.025, 0.05, 0}));
}

TEST(Schedule, NeverNegativeNorNaN) {
  for (const char* text : {"constant", "step(0.1@1,2)", "piecewise(1, 0@3)", "exponential", "cosine", "one-cycle",
                           "one-cycle(up_fraction=0)", "one-cycle(up_fraction=1)", "warmup(7, cosine)",
                           "cosine(warmup_target=1, warmup_steps=9)"}) {
    for (const Index total : {1, 2, 3, 10, 1000}) {
      for (const Index step : {0, 1, 2, 3, 9, 10, 11, 999, 1000, 1000000}) {
        const double rate =
            Schedule::parse(text).at(step, {.learning_rate = 1.0, .steps_per_epoch = 3, .total_steps = total});
        EXPECT_GE(rate, 0.0) << text << " step " << step << " of " << total;
        EXPECT_LE(rate, 1.0) << text << " step " << step << " of " << total;
      }
    }
  }
}

TEST(Schedule, TextRoundTrips) {
  for (const char* text :
       {"constant", "step(0.1@5,10)", "step(0.5@1)", "piecewise(1, 0.5@1000, 0.1@1100)", "piecewise(0.25)",
        "exponential", "exponential(decay_rate=0.9, decay_steps=1000, staircase=true, initial_learning_rate=0.05)",
        "cosine", "cosine(alpha=0.01)",
        "cosine(decay_steps=90, warmup_target=0.1, warmup_steps=10, initial_learning_rate=0)", "one-cycle",
        "one-cycle(up_fraction=0.3, shape=cosine)",
        "one-cycle(div_factor=10, final_div_factor=100, max_learning_rate=0.01, total_steps=5000)",
        "warmup(500, cosine)", "warmup(5, step(0.1@5,10))", "warmup(5, cosine(alpha=0.01))"}) {
    EXPECT_EQ(Schedule::parse(text).to_string(), text);
    EXPECT_EQ(Schedule::parse(text), Schedule::parse(Schedule::parse(text).to_string()));
  }
  EXPECT_EQ(Schedule::parse(" step( 0.1 @ 5 , 10 ) "), Schedule(StepDecay{.factor = 0.1, .epochs = {5, 10}}));
  EXPECT_EQ(Schedule::parse("cosine()"), Schedule(CosineDecay{}));
  EXPECT_FALSE(Schedule::parse("cosine") == Schedule::parse("warmup(1, cosine)"));
  EXPECT_FALSE(Schedule::parse("step(0.1@5)") == Schedule::parse("step(0.1@6)"));
}

TEST(Schedule, BadTextIsNamedWithAFix) {
  const auto error = [](std::string_view text) { return message_of([text] { Schedule::parse(text); }); };
  EXPECT_EQ(error("cosin"),
            "schedule 'cosin': expected one of constant, step, piecewise, exponential, cosine, one-cycle, warmup, got "
            "another name; check the spelling");
  EXPECT_EQ(error("constant(1)"), "schedule 'constant(1)': expected 0 arguments, got 1; write constant");
  EXPECT_EQ(
      error("step"),
      "schedule 'step': expected a factor and epochs, got neither; write step(0.1@5,10): times 0.1 after 5 epochs "
      "and after 10");
  EXPECT_EQ(
      error("step(0.1)"),
      "schedule 'step(0.1)': expected '@' and epochs after the factor, got no '@'; write step(0.1@5,10): times 0.1 "
      "after 5 epochs and after 10");
  EXPECT_EQ(error("step(x@5)"), "schedule 'step(x@5)': expected a number, got 'x'; write it like 0.05 or 1e-3");
  EXPECT_EQ(error("step(0.1@5.5)"), "schedule 'step(0.1@5.5)': expected a whole number, got '5.5'; write it like 500");
  EXPECT_EQ(error("piecewise"),
            "schedule 'piecewise': expected learning rates, got none; write piecewise(0.1, 0.01@1000): 0.1 up to step "
            "1000, then 0.01");
  EXPECT_EQ(
      error("piecewise(0.1, 0.01)"),
      "schedule 'piecewise(0.1, 0.01)': expected a learning rate, then rates with '@' and a step, got '0.01'; write "
      "piecewise(0.1, 0.01@1000): 0.1 up to step 1000, then 0.01");
  EXPECT_EQ(error("exponential(0.9)"),
            "schedule 'exponential(0.9)': expected key=value with a key of decay_rate, decay_steps, staircase, "
            "initial_learning_rate, got '0.9'; write it like decay_rate=0.5");
  EXPECT_EQ(
      error("cosine(beta=1)"),
      "schedule 'cosine(beta=1)': expected key=value with a key of alpha, decay_steps, warmup_target, warmup_steps, "
      "initial_learning_rate, got 'beta'; write it like alpha=0.5");
  EXPECT_EQ(error("cosine(alpha=1, alpha=2)"),
            "schedule 'cosine(alpha=1, alpha=2)': expected every key once, got one twice; keep one");
  EXPECT_EQ(error("exponential(staircase=yes)"),
            "schedule 'exponential(staircase=yes)': expected true or false, got 'yes'; write one of them");
  EXPECT_EQ(error("one-cycle(shape=round)"),
            "schedule 'one-cycle(shape=round)': expected shape linear or cosine, got 'round'; write one of them");
  EXPECT_EQ(error("warmup(500)"), "schedule 'warmup(500)': expected 2 arguments, got 1; write warmup(500, cosine)");
  EXPECT_EQ(error("warmup(1, warmup(2, cosine))"),
            "schedule 'warmup(1, warmup(2, cosine))': expected another schedule inside, got a second warmup; write "
            "warmup(500, cosine)");
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "warmup(1,";
  EXPECT_THAT(error(deep + "cosine" + std::string(100000, ')')), testing::HasSubstr("got a second warmup"));
  EXPECT_THAT(error(""), testing::StartsWith("schedule '': expected one of"));
}

TEST(Schedule, BadNumbersAreNamed) {
  const auto error = [](const std::function<Schedule()>& make) { return message_of([&] { (void)make(); }); };
  EXPECT_EQ(error([] { return StepDecay{.factor = -1, .epochs = {1}}; }),
            "schedule step: factor: expected a positive finite number, got -1; try step(0.1@5,10)");
  EXPECT_EQ(error([] { return StepDecay{}; }),
            "schedule step: epochs: expected at least one epoch, got none; try step(0.1@5,10)");
  EXPECT_EQ(error([] {
              return StepDecay{.epochs = {5, 5}};
            }),
            "schedule step: epochs: expected increasing numbers of at least 1, got [5, 5]; try step(0.1@5,10)");
  EXPECT_EQ(error([] { return StepDecay{.epochs = {0}}; }),
            "schedule step: epochs: expected increasing numbers of at least 1, got [0]; try step(0.1@5,10)");
  EXPECT_EQ(
      error([] { return PiecewiseConstantDecay{.boundaries = {1}, .values = {1.0}}; }),
      "schedule piecewise: values: expected one more than boundaries, got 1 for 1; try piecewise(0.1, 0.01@1000)");
  EXPECT_EQ(error([] {
              return PiecewiseConstantDecay{.boundaries = {2, 1}, .values = {1.0, 1.0, 1.0}};
            }),
            "schedule piecewise: boundaries: expected increasing numbers of at least 0, got [2, 1]; try piecewise(0.1, "
            "0.01@1000)");
  EXPECT_EQ(
      error([] { return PiecewiseConstantDecay{.boundaries = {}, .values = {kNaN}}; }),
      "schedule piecewise: values: expected a finite number of zero or more, got nan; try piecewise(0.1, 0.01@1000)");
  EXPECT_EQ(
      error([] { return ExponentialDecay{.decay_rate = 0.0}; }),
      "schedule exponential: decay_rate: expected a positive finite number, got 0; try exponential(decay_rate=0.96)");
  EXPECT_EQ(error([] { return ExponentialDecay{.decay_steps = 0}; }),
            "schedule exponential: decay_steps: expected at least 1, got 0; try exponential(decay_rate=0.96)");
  EXPECT_EQ(error([] { return ExponentialDecay{.initial_learning_rate = kNaN}; }),
            "schedule exponential: initial_learning_rate: expected a positive finite number, got nan; try "
            "exponential(decay_rate=0.96)");
  EXPECT_EQ(error([] { return CosineDecay{.alpha = -0.1}; }),
            "schedule cosine: alpha: expected a finite number of zero or more, got -0.1; try cosine(warmup_target=0.1, "
            "warmup_steps=500)");
  EXPECT_EQ(error([] { return CosineDecay{.warmup_steps = 10}; }),
            "schedule cosine: warmup_target: expected warmup_target and warmup_steps together, got one of them; try "
            "cosine(warmup_target=0.1, warmup_steps=500)");
  EXPECT_EQ(
      error([] { return CosineDecay{.warmup_steps = -1}; }),
      "schedule cosine: warmup_steps: expected zero or more, got -1; try cosine(warmup_target=0.1, warmup_steps=500)");
  EXPECT_EQ(error([] { return OneCycle{.up_fraction = 1.5}; }),
            "schedule one-cycle: up_fraction: expected 0 to 1, got 1.5; try one-cycle(up_fraction=0.2, div_factor=25)");
  EXPECT_EQ(error([] { return OneCycle{.div_factor = 0.5}; }),
            "schedule one-cycle: div_factor: expected a finite number of at least 1, got 0.5; try "
            "one-cycle(up_fraction=0.2, div_factor=25)");
  EXPECT_EQ(error([] { return OneCycle{.final_div_factor = kNaN}; }),
            "schedule one-cycle: final_div_factor: expected a finite number of at least 1, got nan; try "
            "one-cycle(up_fraction=0.2, div_factor=25)");
  EXPECT_EQ(
      error([] { return OneCycle{.total_steps = -5}; }),
      "schedule one-cycle: total_steps: expected at least 1, got -5; try one-cycle(up_fraction=0.2, div_factor=25)");
  EXPECT_EQ(error([] { return Schedule::warm_up(0, {}); }),
            "schedule warmup: steps: expected at least 1, got 0; try warmup(500, cosine)");
  EXPECT_EQ(error([] { return Schedule::warm_up(1, Schedule::warm_up(1, {})); }),
            "schedule warmup: then: expected another schedule, got a second warmup; try warmup(500, cosine)");
}

}  // namespace
}  // namespace saccade
