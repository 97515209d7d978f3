#include "saccade/cli/train_options.h"

#include <gtest/gtest.h>

namespace saccade::cli {
namespace {

struct Chosen {
  Index epochs;
  double learning_rate;
  friend bool operator==(const Chosen&, const Chosen&) = default;
};

Chosen chosen_for(TrainOptions options) {
  apply_recipe(options);
  EXPECT_EQ(options.schedule, "one-cycle");
  return {*options.epochs, *options.learning_rate};
}

TEST(Recipe, OfDigitsGoesByTheNumberOfEpochs) {
  EXPECT_EQ(chosen_for({.dataset = "mnist"}), (Chosen{3, 1e-2}));
  EXPECT_EQ(chosen_for({.dataset = "mnist", .epochs = 1}), (Chosen{1, 1e-2}));
  EXPECT_EQ(chosen_for({.dataset = "mnist", .epochs = 20}), (Chosen{20, 6e-3}));
  EXPECT_EQ(chosen_for({.dataset = "mnist", .epochs = 20, .learning_rate = 0.5}), (Chosen{20, 0.5}));
  EXPECT_EQ(chosen_for({.dataset = "fashion-mnist"}), (Chosen{8, 6e-3}));
}

TEST(Recipe, OfDigitsThatAreChangedTakesMoreEpochs) {
  EXPECT_EQ(chosen_for({.dataset = "mnist", .augment = true}), (Chosen{10, 6e-3}));
  EXPECT_EQ(chosen_for({.dataset = "mnist", .augmentation = {.rotation_range = 5.0}}), (Chosen{10, 6e-3}));
  EXPECT_EQ(chosen_for({.dataset = "mnist", .epochs = 3, .augment = true}), (Chosen{3, 6e-3}));
}

TEST(Recipe, AugmentsAsSuitsTheDataSetUnlessTold) {
  TrainOptions suited{.dataset = "mnist", .augment = true};
  apply_recipe(suited);
  EXPECT_EQ(suited.augmentation.width_shift_range, "0.06");
  EXPECT_EQ(suited.augmentation.shear_range, 8.6);
  EXPECT_EQ(suited.optimizer, "adamw");
  EXPECT_EQ(suited.weight_decay, 0.05);
  TrainOptions told{.dataset = "mnist", .optimizer = "adam", .augment = true, .augmentation = {.rotation_range = 5.0}};
  apply_recipe(told);
  EXPECT_EQ(told.optimizer, "adam");
  EXPECT_EQ(told.augmentation.rotation_range, 5.0);
  EXPECT_EQ(told.augmentation.shear_range, 0.0);
}

}  // namespace
}  // namespace saccade::cli
