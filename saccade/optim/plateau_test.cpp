#include "saccade/optim/plateau.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "saccade/base/error.h"
#include "tests/support/message_of.h"

namespace saccade {
namespace {

using test::message_of;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// The learning rate after each epoch, from 0.1.
std::vector<double> rates(const PlateauOptions& options, const std::vector<double>& values) {
  Plateau plateau(options);
  double rate = 0.1;
  std::vector<double> all;
  for (const double value : values) all.push_back(rate = plateau.update(value, rate));
  return all;
}

using testing::ElementsAre;

TEST(Plateau, WorkedValues) {
  EXPECT_THAT(rates({.factor = 0.5, .patience = 2}, {1, 1, 1, 1, 1}), ElementsAre(0.1, 0.1, 0.05, 0.05, 0.025));
}

TEST(Plateau, ImprovementMustBeatMinDelta) {
  EXPECT_THAT(rates({.factor = 0.5, .patience = 1, .min_delta = 0.25}, {1, 0.75, 0.5, 0.5, 0.2}),
              ElementsAre(0.1, 0.05, 0.05, 0.025, 0.025))
      << "1 - 0.25 is not below 0.75; 0.5 is; 0.2 is below 0.5 - 0.25";
  EXPECT_THAT(rates({.factor = 0.5, .patience = 1, .mode = PlateauMode::max, .min_delta = 0.25}, {0.5, 0.75, 0.8, 0.8}),
              ElementsAre(0.1, 0.05, 0.05, 0.025));
  EXPECT_THAT(rates({.factor = 0.5, .patience = 1}, {1, kNaN, 0.5}), ElementsAre(0.1, 0.05, 0.05));
}

TEST(Plateau, CooldownCountsNothing) {
  // Falls after epoch 1; epoch 2 is spent cooling; in epoch 3 the cooldown ends and the wait begins.
  EXPECT_THAT(rates({.factor = 0.5, .patience = 1, .cooldown = 2}, {1, 1, 1, 1, 1, 1}),
              ElementsAre(0.1, 0.05, 0.05, 0.025, 0.025, 0.0125));
  EXPECT_THAT(rates({.factor = 0.5, .patience = 2, .cooldown = 2}, {1, 1, 1, 1, 1, 1}),
              ElementsAre(0.1, 0.1, 0.05, 0.05, 0.05, 0.025));
}

TEST(Plateau, StopsAtTheLowestRate) {
  EXPECT_THAT(rates({.factor = 0.1, .patience = 1, .min_lr = 0.05}, {1, 1, 1, 1}), ElementsAre(0.1, 0.05, 0.05, 0.05));
  EXPECT_THAT(rates({.patience = 1, .min_lr = 0.2}, {1, 1, 1}), ElementsAre(0.1, 0.1, 0.1)) << "and never rises to it";
}

TEST(Plateau, StateCarriesOn) {
  const PlateauOptions options{.factor = 0.5, .patience = 3, .cooldown = 1};
  const std::vector<double> values{1, 0.5, 0.6, 0.7, 0.7, 0.7, 0.4, 0.5, 0.5, 0.5, 0.5};
  const std::vector<double> whole = rates(options, values);
  for (std::size_t cut = 0; cut < values.size(); ++cut) {
    Plateau first(options);
    double rate = 0.1;
    for (std::size_t i = 0; i < cut; ++i) rate = first.update(values[i], rate);
    Plateau second(options);
    second.set_state(first.state());
    EXPECT_EQ(second.state(), first.state());
    for (std::size_t i = cut; i < values.size(); ++i) {
      rate = second.update(values[i], rate);
      EXPECT_EQ(rate, whole[i]) << "cut at " << cut << ", epoch " << i;
    }
  }
  EXPECT_LT(whole.back(), 0.1);
}

TEST(Plateau, BadOptionsAreNamedWithAFix) {
  EXPECT_EQ(message_of([] { Plateau({.factor = 1.0}); }),
            "ReduceLROnPlateau factor: expected above 0 and below 1, got 1; try 0.1");
  EXPECT_EQ(message_of([] { Plateau({.factor = kNaN}); }),
            "ReduceLROnPlateau factor: expected above 0 and below 1, got nan; try 0.1");
  EXPECT_EQ(message_of([] { Plateau({.patience = -1}); }),
            "ReduceLROnPlateau patience: expected zero or more epochs, got -1; try 10");
  EXPECT_EQ(message_of([] { Plateau({.min_delta = -0.1}); }),
            "ReduceLROnPlateau min_delta: expected a finite number of zero or more, got -0.1; try 0.0001");
  EXPECT_EQ(message_of([] { Plateau({.cooldown = -2}); }),
            "ReduceLROnPlateau cooldown: expected zero or more epochs, got -2; try 0");
  EXPECT_EQ(message_of([] { Plateau({.min_lr = kNaN}); }),
            "ReduceLROnPlateau min_lr: expected a finite number of zero or more, got nan; try 0");
}

}  // namespace
}  // namespace saccade
