#include "saccade/kernels/update/update.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "saccade/base/parallel.h"
#include "saccade/base/random.h"
#include "saccade/kernels/testing_internal.h"
#include "saccade/kernels/update/reference.h"
#include "saccade/kernels/update/squares.h"

namespace saccade::kernels {
namespace {

constexpr float kGuard = -12345.0F;

enum Extra : unsigned { kPlain = 0, kScale = 1, kClip = 2, kDecay = 4, kAverage = 8 };

struct Case {
  UpdateRule rule = UpdateRule::sgd;
  Index elements = 1;
  Index offset = 0;  // Elements by which every array misses its alignment.
  unsigned extras = kPlain;
  std::string id() const {
    return std::string(name_of(rule)) + "_n" + std::to_string(elements) + "o" + std::to_string(offset) + "x" +
           std::to_string(extras);
  }
};

UpdateNumbers numbers_for(const Case& c) {
  UpdateNumbers n{.rate = 0.01F,
                  .momentum = 0.9F,
                  .rho = 0.95F,
                  .one_minus_rho = 0.05F,
                  .one_minus_beta_1 = 0.1F,
                  .one_minus_beta_2 = 0.001F,
                  .epsilon = 1e-7F};
  if ((c.extras & kClip) != 0) n.clip_value = 0.75F;
  if ((c.extras & kAverage) != 0) {
    n.average_momentum = 0.99F;
    n.one_minus_average_momentum = 0.01F;
  }
  return n;
}

// The arrays of a case, w g s0 s1 s2 average, with guards before and behind each.
struct Arrays {
  static constexpr std::size_t kCount = 6;
  std::array<std::vector<float>, kCount> data;
  Case c;

  explicit Arrays(const Case& c_) : c(c_) {
    for (std::size_t a = 0; a < kCount; ++a) {
      data[a].assign(usize(c.elements + c.offset) + 17, kGuard);
      Stream stream(11, 0, a, static_cast<std::uint32_t>(c.elements));
      for (Index i = 0; i < c.elements; ++i) at(a, i) = value(a, i, stream);
    }
  }

  // Ordinary numbers with the odd special one; squares and their averages are not negative.
  static float value(std::size_t a, Index i, Stream& stream) {
    const auto x = static_cast<float>(stream.normal());
    const float specials[] = {0.0F, -0.0F, 1e-40F, 1e-30F, 1e30F, kInfinity, kNaN, -kInfinity};
    const bool non_negative = a == 3 || a == 4;
    float result = i % 7 == 5 ? specials[stream.below(a < 2 ? 8 : 5)] : x;
    if (non_negative || (a == 2)) result = non_negative ? std::fabs(result) : result;
    return result;
  }

  float& at(std::size_t a, Index i) { return data[a][usize(i + c.offset) + 8]; }

  UpdateSlice slice() {
    UpdateSlice s{.weight = &at(0, 0), .grad = &at(1, 0), .elements = c.elements};
    for (int slot = 0; slot < slot_count(c.rule); ++slot) s.slots[usize(slot)] = &at(usize(slot) + 2, 0);
    if ((c.extras & kAverage) != 0) s.average = &at(5, 0);
    if ((c.extras & kScale) != 0) s.grad_scale = 0.3F;
    if ((c.extras & kDecay) != 0) s.decay = 0.004F;
    return s;
  }
};

// Equal bits; any NaN equals any other, because its payload depends on the order of operands.
bool same(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) || std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

std::string difference(const Arrays& a, const Arrays& b) {
  for (std::size_t array = 0; array < Arrays::kCount; ++array) {
    for (std::size_t i = 0; i < a.data[array].size(); ++i) {
      if (!same(a.data[array][i], b.data[array][i])) {
        return "array " + std::to_string(array) + " place " + std::to_string(i) + ": " +
               std::to_string(a.data[array][i]) + " and " + std::to_string(b.data[array][i]);
      }
    }
  }
  return "";
}

void run(std::string_view implementation, const Case& c, Arrays& arrays, int steps = 3) {
  const auto choice = choose(update_implementations(), UpdateProblem{c.rule}, implementation);
  const UpdateSlice slice = arrays.slice();
  for (int step = 0; step < steps; ++step) {
    choice.kernel->run({.slices = {&slice, 1}, .numbers = numbers_for(c)});
  }
}

// Lengths around every vector width, on and off alignment; every extra alone and all together.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const UpdateRule rule : kUpdateRules) {
    for (const unsigned extras : {unsigned{kPlain}, kScale | kClip | kDecay | kAverage}) {
      for (const Index elements : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33, 65, 130}) {
        for (const Index offset : {0, 3}) all.push_back({rule, elements, offset, extras});
      }
    }
  }
  for (const Extra extra : {kScale, kClip, kDecay, kAverage}) all.push_back({UpdateRule::adam, 100, 1, extra});
  return all;
}

TEST(Update, SimdEqualsTheReferenceBitForBitOnEveryTarget) {
  for (const Case& c : cases()) {
    Arrays expected(c);
    run("reference", c, expected);
    for (std::int64_t targets = hwy::SupportedTargets(); targets != 0; targets &= targets - 1) {
      const std::int64_t target = targets & -targets;
      hwy::SetSupportedTargetsForTest(target);
      hwy::GetChosenTarget().Update(hwy::SupportedTargets());
      Arrays got(c);
      run("simd", c, got);
      hwy::SetSupportedTargetsForTest(0);
      hwy::GetChosenTarget().Update(hwy::SupportedTargets());
      ASSERT_EQ(difference(expected, got), "") << c.id() << " on " << hwy::TargetName(target);
    }
  }
}

// The comparison above must see what it is for.
TEST(Update, DifferenceSeesPlantedFaults) {
  const Case c{UpdateRule::adam, 33, 1, kPlain};
  Arrays expected(c);
  run("reference", c, expected);
  const auto planted = [&](std::size_t array, Index i, float value) {
    Arrays faulty = expected;
    faulty.at(array, i) = value;
    return difference(expected, faulty);
  };
  EXPECT_NE(planted(0, 3, std::nextafter(expected.at(0, 3), 1e9F)), "") << "one bit";
  EXPECT_NE(planted(3, 0, kNaN), "") << "one NaN";
  EXPECT_NE(planted(1, -1, 0.0F), "") << "a write before the slice";
  EXPECT_NE(planted(2, 33, 0.0F), "") << "a write behind the slice";
  EXPECT_EQ(planted(0, 3, expected.at(0, 3)), "");
  Arrays untouched(c);
  EXPECT_NE(difference(expected, untouched), "") << "nothing done";
}

TEST(Update, TouchesNothingItShouldNot) {
  for (const UpdateRule rule : kUpdateRules) {
    const Case c{rule, 37, 0, kPlain};
    Arrays arrays(c);
    const Arrays before = arrays;
    run("simd", c, arrays);
    EXPECT_THAT(
        arrays.data[1],
        testing::Pointwise(testing::Truly([](const auto& pair) { return same(std::get<0>(pair), std::get<1>(pair)); }),
                           before.data[1]))
        << "the gradient changes only when it is clipped: " << c.id();
    for (auto array = usize(2 + slot_count(rule)); array < Arrays::kCount; ++array) {
      EXPECT_TRUE(std::ranges::equal(arrays.data[array], before.data[array], same)) << c.id() << " array " << array;
    }
  }
}

// Every rule in double, against the formulas written a second time as functions of a whole history of gradients.
TEST(Update, ReferenceFollowsTheFormulas) {
  const UpdateNumbers n{.rate = 0.125F,
                        .momentum = 0.5F,
                        .rho = 0.75F,
                        .one_minus_rho = 0.25F,
                        .one_minus_beta_1 = 0.25F,
                        .one_minus_beta_2 = 0.125F,
                        .epsilon = 0.0009765625F};
  const std::vector<double> g{1.0, -3.0, 0.5, 2.0};
  // sum over the history of gain * decay^(age) * f(g)
  const auto history = [&](std::size_t t, double decay, double gain, const std::function<double(double)>& f) {
    double sum = 0.0;
    for (std::size_t k = 0; k <= t; ++k) sum += gain * std::pow(decay, static_cast<double>(t - k)) * f(g[k]);
    return sum;
  };
  const auto mean = [&](std::size_t t, double decay) {
    return history(t, decay, 1 - decay, [](double x) { return x; });
  };
  const auto square = [&](std::size_t t, double d) { return history(t, d, 1 - d, [](double x) { return x * x; }); };
  const auto rms = [&](std::size_t t, bool centered) {
    const double m = mean(t, 0.75);
    return 0.125 * g[t] / std::sqrt(square(t, 0.75) - (centered ? m * m : 0.0) + 0.0009765625);
  };
  const auto with_momentum = [&](std::size_t t, const std::function<double(std::size_t)>& change) {
    double velocity = 0.0;
    for (std::size_t k = 0; k <= t; ++k) velocity = 0.5 * velocity + change(k);
    return velocity;
  };
  const auto expected_change = [&](UpdateRule rule, std::size_t t) {
    const auto plain = [&](std::size_t k) { return 0.125 * g[k]; };
    double largest = 0.0;
    for (std::size_t k = 0; k <= t; ++k) largest = std::max(largest, square(k, 0.875));
    switch (rule) {
      case UpdateRule::sgd:
        return plain(t);
      case UpdateRule::momentum:
        return with_momentum(t, plain);
      case UpdateRule::nesterov:
        return 0.5 * with_momentum(t, plain) + plain(t);
      case UpdateRule::rmsprop:
        return rms(t, false);
      case UpdateRule::rmsprop_momentum:
        return with_momentum(t, [&](std::size_t k) { return rms(k, false); });
      case UpdateRule::rmsprop_centered:
        return rms(t, true);
      case UpdateRule::rmsprop_centered_momentum:
        return with_momentum(t, [&](std::size_t k) { return rms(k, true); });
      case UpdateRule::adam:
        return 0.125 * mean(t, 0.75) / (std::sqrt(square(t, 0.875)) + 0.0009765625);
      case UpdateRule::amsgrad:
        return 0.125 * mean(t, 0.75) / (std::sqrt(largest) + 0.0009765625);
    }
    return 0.0;
  };
  for (const UpdateRule rule : kUpdateRules) {
    double w = 1.0;
    reference::UpdateState<double> state;
    for (std::size_t t = 0; t < g.size(); ++t) {
      const double before = w;
      reference::update<double>(rule, n, g[t], w, state);
      EXPECT_NEAR(before - w, expected_change(rule, t), 1e-14) << name_of(rule) << " step " << t;
    }
  }
}

TEST(Update, ExtrasComeInTheirOrder) {
  // g = 8 * 0.25 = 2, clipped to 1.5; w = 10 - 10 * 0.5 = 5, then 5 - 1.5 * 2 = 2; average = 0.75 * 4 + 0.25 * 2 = 3.5
  for (const std::string_view implementation : {"simd", "reference"}) {
    float w = 10.0F;
    float g = 8.0F;
    float average = 4.0F;
    const UpdateSlice slice{
        .weight = &w, .grad = &g, .average = &average, .elements = 1, .grad_scale = 0.25F, .decay = 0.5F};
    const UpdateNumbers numbers{
        .rate = 2.0F, .clip_value = 1.5F, .average_momentum = 0.75F, .one_minus_average_momentum = 0.25F};
    choose(update_implementations(), UpdateProblem{UpdateRule::sgd}, implementation)
        .kernel->run({.slices = {&slice, 1}, .numbers = numbers});
    EXPECT_EQ(g, 1.5F) << implementation;
    EXPECT_EQ(w, 2.0F) << implementation;
    EXPECT_EQ(average, 3.5F) << implementation;
  }
}

TEST(Update, DyingAveragesBecomeZero) {
  float w = 1.0F;
  float g = 1e-30F;
  float first = 0.0F;
  float second = 0.0F;
  const UpdateSlice slice{.weight = &w, .grad = &g, .slots = {&first, &second, nullptr}, .elements = 1};
  const UpdateNumbers numbers{.rate = 0.01F, .one_minus_beta_1 = 0.1F, .one_minus_beta_2 = 0.001F, .epsilon = 1e-7F};
  const auto choice = choose(update_implementations(), UpdateProblem{UpdateRule::adam});
  choice.kernel->run({.slices = {&slice, 1}, .numbers = numbers});
  EXPECT_GT(first, 0.0F);
  g = 0.0F;
  for (int step = 0; step < 400; ++step) choice.kernel->run({.slices = {&slice, 1}, .numbers = numbers});
  EXPECT_EQ(first, 0.0F);
  EXPECT_EQ(second, 0.0F);
}

TEST(Update, ListEndsWithTheReference) {
  EXPECT_EQ(update_implementations().front().name, "simd");
  EXPECT_EQ(update_implementations().back().name, "reference");
  EXPECT_EQ(UpdateProblem{UpdateRule::rmsprop_centered}.id(), "rmsprop_centered");
}

std::vector<float> some_values(Index count, std::uint32_t slot) {
  std::vector<float> values(usize(count));
  Stream stream(3, 0, 0, slot);
  for (float& value : values) value = static_cast<float>(stream.normal());
  return values;
}

TEST(Squares, AreSummedExactlyWhenTheyCanBe) {
  for (const Index count : {0, 1, 7, 8, 9, 8191, 8192, 8193, 100000}) {
    std::vector<float> values(usize(count));
    double expected = 0.0;
    for (Index i = 0; i < count; ++i) {
      values[usize(i)] = static_cast<float>(i % 13 - 6);
      expected += double{values[usize(i)]} * values[usize(i)];
    }
    EXPECT_EQ(sum_of_squares(values), expected) << count;
  }
}

TEST(Squares, MoreThanTheStackHoldsAtATime) {
  const std::vector<float> values(usize(8192 * 256 + 100), 0.5F);
  EXPECT_EQ(sum_of_squares(values), 0.25 * static_cast<double>(values.size()));
}

TEST(Squares, DoNotDependOnTheThreadCount) {
  const int threads = thread_count();
  const std::vector<float> values = some_values(100001, 1);
  set_thread_count(1);
  const double alone = sum_of_squares(values);
  set_thread_count(2);
  EXPECT_EQ(sum_of_squares(values), alone);
  set_thread_count(threads);
  EXPECT_NEAR(
      alone,
      std::transform_reduce(values.begin(), values.end(), 0.0, std::plus<>(), [](float x) { return double{x} * x; }),
      1e-7);
}

TEST(Squares, L2AddsItsGradientAndReturnsItsLoss) {
  const std::vector<float> weight = some_values(20000, 1);
  const std::vector<float> before = some_values(20000, 2);
  std::vector<float> grad = before;
  const double loss = add_l2(weight, grad, 0.01F);
  EXPECT_EQ(loss, double{0.01F} * sum_of_squares(weight));
  for (std::size_t i = 0; i < grad.size(); ++i) ASSERT_EQ(grad[i], before[i] + 0.02F * weight[i]) << i;
}

}  // namespace
}  // namespace saccade::kernels
