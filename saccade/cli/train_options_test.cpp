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

TEST(Recipe, OfColourPicturesIsMuonOnAirbench) {
  TrainOptions o{.dataset = "cifar10"};
  apply_recipe(o);
  EXPECT_EQ(o.model, "airbench94");
  EXPECT_EQ(o.optimizer, "muon");
  EXPECT_EQ(o.momentum, 0.6);
  EXPECT_EQ(o.label_smoothing, 0.2);
  EXPECT_EQ(o.first_layer, "whitened");
  EXPECT_EQ(o.augmentation.random_crop, 2);
  EXPECT_EQ(o.test_time_augmentation, "flip-and-shift");
  EXPECT_TRUE(o.fixed_norm && o.featurewise_center && o.featurewise_std_normalization);
}

TEST(Recipe, LeavesToTheUserWhatTheUserSaid) {
  TrainOptions o{.dataset = "cifar10",
                 .optimizer = "sgd",
                 .momentum = 0.8,
                 .label_smoothing = 0.0,
                 .first_layer = "learned",
                 .augmentation = {.random_crop = 4},
                 .test_time_augmentation = "none"};
  apply_recipe(o);
  EXPECT_EQ(o.momentum, 0.8);
  EXPECT_EQ(o.label_smoothing, 0.0);
  EXPECT_EQ(o.first_layer, "learned");
  EXPECT_FALSE(o.augmentation.horizontal_flip || o.fixed_norm);
  EXPECT_EQ(o.test_time_augmentation, "none");
  TrainOptions other{.dataset = "cifar10", .model = "vgg_small"};
  apply_recipe(other);
  EXPECT_EQ(other.momentum, 0.9);
  EXPECT_EQ(other.label_smoothing, 0.0);
  EXPECT_EQ(other.first_layer, "learned");
  EXPECT_EQ(other.test_time_augmentation, "none");
}

}  // namespace
}  // namespace saccade::cli
