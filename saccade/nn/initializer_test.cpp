#include "saccade/nn/initializer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/base/parallel.h"

namespace saccade {
namespace {

constexpr double kCut = 0.87962566103423978;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<float> draw(const Initializer& initializer, const Shape& shape, std::uint64_t seed = 7,
                        std::string_view name = "conv2d.weight") {
  std::vector<float> values(usize(shape.elements()), std::numeric_limits<float>::quiet_NaN());
  initializer.fill(values, shape, seed, name);
  return values;
}

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

double deviation(const std::vector<float>& values) {
  double sum = 0.0;
  double squares = 0.0;
  for (const float value : values) {
    sum += value;
    squares += double{value} * value;
  }
  const auto n = static_cast<double>(values.size());
  return std::sqrt(squares / n - (sum / n) * (sum / n));
}

double largest(const std::vector<float>& values) {
  double most = 0.0;
  for (const float value : values) most = std::max(most, std::fabs(double{value}));
  return most;
}

using Cdf = std::function<double(double)>;

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }
Cdf normal(double sigma) {
  return [sigma](double x) { return normal_cdf(x / sigma); };
}
Cdf truncated_at_two(double sigma) {
  return [sigma](double x) {
    const double z = std::clamp(x / sigma, -2.0, 2.0);
    return (normal_cdf(z) - normal_cdf(-2.0)) / (normal_cdf(2.0) - normal_cdf(-2.0));
  };
}
Cdf uniform(double low, double high) {
  return [low, high](double x) { return std::clamp((x - low) / (high - low), 0.0, 1.0); };
}

// Kolmogorov-Smirnov: sqrt(n) times the largest distance between the sample's distribution and `cdf`.
// Beyond 1.95 with probability 0.001 when the sample does follow `cdf`.
constexpr double kCritical = 1.95;
double kolmogorov_smirnov(std::vector<float> values, const Cdf& cdf) {
  std::ranges::sort(values);
  const auto n = static_cast<double>(values.size());
  double distance = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double expected = cdf(values[i]);
    const auto rank = static_cast<double>(i);
    distance = std::max({distance, expected - rank / n, (rank + 1.0) / n - expected});
  }
  return distance * std::sqrt(n);
}

TEST(Fans, FollowKerasForEveryRank) {
  struct Case {
    Shape shape;
    double fan_in, fan_out;
  };
  const Case cases[] = {{{}, 1, 1},
                        {{7}, 7, 7},
                        {{400, 120}, 400, 120},
                        {{5, 5, 1, 6}, 25, 150},
                        {{5, 5, 6, 16}, 150, 400},
                        {{3, 3, 64, 128}, 576, 1152},
                        {{3, 3, 32, 1}, 288, 9},
                        {{2, 3, 4, 5, 6}, 120, 144},
                        {{0, 5, 4, 2}, 0, 0}};
  for (const Case& c : cases) {
    EXPECT_EQ(fans_of(c.shape).fan_in, c.fan_in) << c.shape.to_string();
    EXPECT_EQ(fans_of(c.shape).fan_out, c.fan_out) << c.shape.to_string();
  }
}

TEST(Initializer, WorkedValuesOfLeNet) {
  struct Case {
    Initializer initializer;
    Shape shape;
    double deviation;
  };
  const double root3 = std::sqrt(3.0);
  const Case cases[] = {{Initializer::glorot_normal(), {5, 5, 1, 6}, .1069045},
                        {Initializer::glorot_uniform(), {5, 5, 1, 6}, .185164 / root3},
                        {Initializer::he_normal(), {5, 5, 1, 6}, .2828427},
                        {Initializer::he_uniform(), {5, 5, 1, 6}, .4898979 / root3},
                        {Initializer::lecun_normal(), {5, 5, 1, 6}, .2},
                        {Initializer::lecun_uniform(), {5, 5, 1, 6}, .2},
                        {Initializer::glorot_normal(), {5, 5, 6, 16}, .0603023},
                        {Initializer::glorot_uniform(), {5, 5, 6, 16}, .1044466 / root3},
                        {Initializer::he_normal(), {5, 5, 6, 16}, .1154701},
                        {Initializer::glorot_normal(), {400, 120}, .0620174},
                        {Initializer::glorot_uniform(), {400, 120}, .1074172 / root3},
                        {Initializer::he_normal(), {400, 120}, .0707107},
                        {Initializer::glorot_normal(), {3, 3, 64, 128}, .0340207},
                        {Initializer::he_normal(), {3, 3, 64, 128}, .0589256}};
  for (const Case& c : cases) {
    EXPECT_NEAR(c.initializer.standard_deviation(c.shape), c.deviation, 1e-7) << c.initializer << c.shape.to_string();
  }
}

// The cut of a truncated normal and the limit of a uniform are reached, and never passed (but for rounding to float).
TEST(Initializer, KeepsWithinItsBounds) {
  struct Case {
    Initializer initializer;
    double bound;
  };
  const Shape shape{5, 5, 60, 160};  // fans 1500, 4000; 240 000 elements
  const double glorot = 1.0 / 2750.0;
  const double he = 2.0 / 1500.0;
  using enum Distribution;
  const Case cases[] = {{Initializer::glorot_uniform(), std::sqrt(3.0 * glorot)},
                        {Initializer::glorot_normal(), 2.0 * std::sqrt(glorot) / kCut},
                        {Initializer::he_uniform(), std::sqrt(3.0 * he)},
                        {Initializer::he_normal(), 2.0 * std::sqrt(he) / kCut},
                        {Initializer::truncated_normal(0.1), 0.2},
                        {Initializer::truncated_normal_corrected(0.1), 0.2 / kCut},
                        {Initializer::variance_scaling(
                             {.scale = 4, .mode = FanMode::fan_out, .distribution = truncated_normal_uncorrected}),
                         2.0 * std::sqrt(4.0 / 4000.0)}};
  for (const Case& c : cases) {
    const std::vector<float> values = draw(c.initializer, shape);
    EXPECT_LE(largest(values), c.bound * (1.0 + 1e-7)) << c.initializer;
    EXPECT_GE(largest(values), c.bound * 0.99) << c.initializer;
  }
}

TEST(Initializer, HasItsStandardDeviationWithinOnePercent) {
  const Shape shape{5, 5, 40, 100};  // 100 000 elements
  using enum Distribution;
  const Initializer all[] = {
      Initializer::glorot_uniform(),
      Initializer::glorot_normal(),
      Initializer::he_uniform(),
      Initializer::he_normal(),
      Initializer::lecun_uniform(),
      Initializer::lecun_normal(),
      Initializer::truncated_normal(0.05),
      Initializer::truncated_normal_corrected(0.05),
      Initializer::random_normal(0.05),
      Initializer::random_uniform(-0.05, 0.05),
      Initializer::variance_scaling({.scale = 3, .mode = FanMode::fan_out, .distribution = untruncated_normal}),
      Initializer::variance_scaling(
          {.scale = 3, .mode = FanMode::fan_avg, .distribution = truncated_normal_uncorrected}),
  };
  for (const Initializer& initializer : all) {
    const double expected = initializer.standard_deviation(shape);
    EXPECT_NEAR(deviation(draw(initializer, shape)), expected, 0.01 * expected) << initializer;
  }
  EXPECT_NEAR(Initializer::truncated_normal(0.05).standard_deviation(shape), 0.05 * kCut, 1e-12);
  EXPECT_NEAR(Initializer::truncated_normal_corrected(0.05).standard_deviation(shape), 0.05, 1e-12);
}

TEST(Initializer, FollowsItsDistribution) {
  const Shape shape{5, 5, 40, 100};  // fans 1000, 2500
  const double he = std::sqrt(2.0 / 1000.0);
  const double limit = std::sqrt(3.0 / 1750.0);
  EXPECT_LT(kolmogorov_smirnov(draw(Initializer::he_normal(), shape), truncated_at_two(he / kCut)), kCritical);
  EXPECT_LT(kolmogorov_smirnov(draw(Initializer::glorot_uniform(), shape), uniform(-limit, limit)), kCritical);
  EXPECT_LT(kolmogorov_smirnov(draw(Initializer::truncated_normal(0.1), shape), truncated_at_two(0.1)), kCritical);
  EXPECT_LT(kolmogorov_smirnov(draw(Initializer::random_normal(0.1), shape), normal(0.1)), kCritical);
  EXPECT_LT(kolmogorov_smirnov(draw(Initializer::random_uniform(-1, 3), shape), uniform(-1, 3)), kCritical);
}

// The faults that the test above exists for, planted: it must see each.
TEST(KolmogorovSmirnov, SeesThePlantedFaults) {
  const Shape shape{100000};
  std::vector<float> clipped = draw(Initializer::random_normal(0.1), shape);
  for (float& value : clipped) value = std::clamp(value, -0.2F, 0.2F);
  EXPECT_GT(kolmogorov_smirnov(clipped, truncated_at_two(0.1)), kCritical) << "clipped, not redrawn";

  const auto uncorrected = draw(Initializer::truncated_normal(0.1), shape);
  EXPECT_GT(kolmogorov_smirnov(uncorrected, truncated_at_two(0.1 / kCut)), kCritical) << "no correction";

  const auto normal_draws = draw(Initializer::random_normal(0.1), shape);
  EXPECT_GT(kolmogorov_smirnov(normal_draws, truncated_at_two(0.1)), kCritical) << "never cut";

  const auto narrow = draw(Initializer::random_uniform(-0.98, 0.98), shape);
  EXPECT_GT(kolmogorov_smirnov(narrow, uniform(-1, 1)), kCritical) << "uniform two percent narrow";
}

TEST(Initializer, FillsEveryElementTheSameForAnyThreadCount) {
  const int threads = thread_count();
  const Shape shape{3, 3, 41, 100};  // 36 900: nine whole chunks and a part
  for (const Initializer& initializer :
       {Initializer::he_normal(), Initializer::glorot_uniform(), Initializer::random_normal(0.1)}) {
    set_thread_count(1);
    const auto alone = draw(initializer, shape);
    set_thread_count(2);
    const auto together = draw(initializer, shape);
    EXPECT_EQ(alone, together) << initializer;
    EXPECT_TRUE(std::ranges::none_of(alone, [](float x) { return std::isnan(x); })) << initializer;
  }
  set_thread_count(threads);
}

TEST(Initializer, SeedNameAndPositionAllChangeTheNumbers) {
  const Shape shape{8192};
  const auto values = draw(Initializer::random_normal(), shape, 1, "conv2d.weight");
  EXPECT_EQ(values, draw(Initializer::random_normal(), shape, 1, "conv2d.weight"));
  EXPECT_NE(values, draw(Initializer::random_normal(), shape, 2, "conv2d.weight"));
  EXPECT_NE(values, draw(Initializer::random_normal(), shape, 1, "conv2d_1.weight"));
  EXPECT_FALSE(std::equal(values.begin(), values.begin() + 4096, values.begin() + 4096)) << "chunks repeat";
}

TEST(Initializer, Constants) {
  EXPECT_THAT(draw(Initializer::zeros(), {3}), testing::Each(0.0F));
  EXPECT_THAT(draw(Initializer::ones(), {3}), testing::Each(1.0F));
  EXPECT_THAT(draw(Initializer::constant(-0.1), {2, 2}), testing::Each(-0.1F));
  EXPECT_EQ(Initializer(), Initializer::zeros());
  EXPECT_EQ(Initializer::constant(0.1).standard_deviation({3}), 0.0);
  EXPECT_TRUE(draw(Initializer::he_normal(), {0, 4}).empty());
  EXPECT_EQ(draw(Initializer::he_normal(), {}).size(), 1U);
}

TEST(Initializer, DiracPassesChannelsOnAndDrawsTheRest) {
  // A 3x3 filter of 2 inputs and 3 outputs: the first two pass the inputs on, the third is drawn.
  const auto filter = draw(Initializer::dirac(), {3, 3, 2, 3});
  for (std::size_t tap = 0; tap < 9; ++tap) {
    for (std::size_t in = 0; in < 2; ++in) {
      for (std::size_t out = 0; out < 3; ++out) {
        const float value = filter[(tap * 2 + in) * 3 + out];
        if (out < 2) {
          EXPECT_EQ(value, tap == 4 && in == out ? 1.0F : 0.0F) << tap << in << out;
        } else {
          EXPECT_NE(value, 0.0F);
          EXPECT_LE(std::fabs(value), 1.0F / std::sqrt(18.0F));  // torch: 1 / sqrt(fan_in)
        }
      }
    }
  }
  // With fewer outputs than inputs the first inputs pass; under SAME an even kernel's middle is its pixel itself.
  EXPECT_THAT(draw(Initializer::dirac(), {2, 2, 2, 1}), testing::ElementsAre(1, 0, 0, 0, 0, 0, 0, 0));
  EXPECT_THAT(draw(Initializer::dirac(), {3, 4}), testing::Each(testing::Ne(0.0F)));
}

TEST(Initializer, TextRoundTrips) {
  for (const char* text :
       {"zeros", "ones", "constant(0.1)", "constant(-2.5e-10)", "random_uniform(-0.05, 0.05)", "random_normal(0.05)",
        "truncated_normal(0.05)", "truncated_normal_corrected(0.05)", "glorot_uniform", "glorot_normal", "he_uniform",
        "he_normal", "lecun_uniform", "lecun_normal", "dirac",
        "variance_scaling(2.6, fan_in, truncated_normal_uncorrected)",
        "variance_scaling(1, fan_out, untruncated_normal)", "variance_scaling(0.3333333333333333, fan_avg, uniform)"}) {
    EXPECT_EQ(Initializer::parse(text).to_string(), text);
    EXPECT_EQ(Initializer::parse(Initializer::parse(text).to_string()), Initializer::parse(text));
  }
}

TEST(Initializer, TextIsReadLeniently) {
  EXPECT_EQ(Initializer::parse(" random_uniform( -1,2 ) "), Initializer::random_uniform(-1, 2));
  EXPECT_EQ(Initializer::parse("random_normal"), Initializer::random_normal(0.05));
  EXPECT_EQ(Initializer::parse("random_uniform()"), Initializer::random_uniform(-0.05, 0.05));
  EXPECT_EQ(Initializer::parse("truncated_normal_uncorrected(0.1)"), Initializer::truncated_normal(0.1));
  EXPECT_EQ(Initializer::parse("variance_scaling(2,fan_in,truncated_normal)"), Initializer::he_normal());
  EXPECT_EQ(Initializer::parse("constant(1)").to_string(), "ones");
}

TEST(Initializer, BadTextIsNamedWithAFix) {
  const auto error = [](const char* text) { return error_of([text] { Initializer::parse(text); }); };
  EXPECT_EQ(error("he_norml"),
            "initializer 'he_norml': expected one of zeros, ones, constant, random_uniform, random_normal, "
            "truncated_normal, truncated_normal_corrected, variance_scaling, dirac, glorot_uniform, glorot_normal, "
            "he_uniform, "
            "he_normal, lecun_uniform, lecun_normal, got another name; check the spelling");
  EXPECT_EQ(error("constant"), "initializer 'constant': expected 1 argument, got 0; write constant(0.1)");
  EXPECT_EQ(error("constant(1, 2)"), "initializer 'constant(1, 2)': expected 1 argument, got 2; write constant(0.1)");
  EXPECT_EQ(error("he_normal(2)"), "initializer 'he_normal(2)': expected 0 arguments, got 1; write he_normal");
  EXPECT_EQ(error("constant(0.1"),
            "initializer 'constant(0.1': expected ')' at the end, got none; close what '(' opens");
  EXPECT_EQ(error("constant(0.1x)"),
            "initializer 'constant(0.1x)': expected a number, got '0.1x'; write it like 0.05 or 1e-3");
  EXPECT_EQ(error("random_uniform(1,)"),
            "initializer 'random_uniform(1,)': expected a number, got ''; write it like 0.05 or 1e-3");
  EXPECT_EQ(error("random_normal(1,2)"),
            "initializer 'random_normal(1,2)': expected 0 or 1 arguments, got 2; write random_normal(0.05)");
  EXPECT_EQ(error("variance_scaling(2, fan, uniform)"),
            "initializer 'variance_scaling(2, fan, uniform)': expected one of fan_in, fan_out, fan_avg, got 'fan'; "
            "write variance_scaling(2, fan_in, truncated_normal)");
  for (const char* text : {"", "(", ")", "constant)", "constant()", "()", "(((", "constant(0.1))", ","}) {
    EXPECT_THAT(error(text), testing::StartsWith("initializer '")) << text;
  }
}

TEST(Initializer, BadNumbersAreNamedWithAFix) {
  EXPECT_EQ(error_of([] { Initializer::truncated_normal(-1.0); }),
            "initializer truncated_normal stddev: expected a positive finite number, got -1; try 0.05");
  EXPECT_EQ(error_of([] { Initializer::random_normal(kNaN); }),
            "initializer random_normal stddev: expected a positive finite number, got nan; try 0.05");
  EXPECT_EQ(error_of([] { Initializer::truncated_normal_corrected(0.0); }),
            "initializer truncated_normal_corrected stddev: expected a positive finite number, got 0; try 0.05");
  EXPECT_EQ(error_of([] { Initializer::constant(kInfinity); }),
            "initializer constant: expected a finite number, got inf; try 0.1");
  EXPECT_EQ(error_of([] { Initializer::random_uniform(1.0, 1.0); }),
            "initializer random_uniform: expected finite min < max, got min 1, max 1; try random_uniform(-0.05, 0.05)");
  EXPECT_EQ(error_of([] { Initializer::variance_scaling({.scale = kInfinity}); }),
            "initializer variance_scaling scale: expected a positive finite number, got inf; try 1 (Glorot, LeCun) or "
            "2 (He)");
  EXPECT_EQ(error_of([] { Initializer::random_uniform(-1e300, 1.0); }),
            "initializer random_uniform: expected finite min < max, got min -1e+300, max 1; try random_uniform(-0.05, "
            "0.05)");
  EXPECT_EQ(error_of([] { Initializer::parse("random_normal(inf)"); }),
            "initializer random_normal stddev: expected a positive finite number, got inf; try 0.05");
  std::vector<float> values(3);
  EXPECT_EQ(error_of([&] {
              Initializer::ones().fill(values, {2, 2}, 0, "dense.weight");
            }),
            "initializer of 'dense.weight': expected 4 elements for shape [2, 2], got 3; pass the whole tensor");
}

}  // namespace
}  // namespace saccade
