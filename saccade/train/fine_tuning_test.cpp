#include "saccade/train/fine_tuning.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "saccade/base/error.h"
#include "saccade/base/random.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/pool2d.h"
#include "saccade/train/callbacks.h"
#include "saccade/train/fit.h"
#include "tests/support/message_of.h"
#include "tests/support/scratch_folder.h"

namespace saccade {
namespace {

using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

data::DatasetPtr noise(Index count) {
  Tensor images({count, 12, 12, 1}, DType::uint8);
  std::vector<std::int32_t> labels;
  Stream stream(1, 0, 0, slot_of("noise"));
  for (std::uint8_t& pixel : images.uint8s()) pixel = static_cast<std::uint8_t>(stream.below(256));
  for (Index i = 0; i < count; ++i) labels.push_back(static_cast<std::int32_t>(stream.below(2)));
  return std::make_shared<data::InMemory>("noise", std::move(images), std::move(labels),
                                          std::vector<std::string>{"a", "b"});
}

/// Four blocks: two of a convolution with batch normalisation, and two dense layers.
Model network() {
  Model net = Sequential(
      "net", {Input{{12, 12, 1}}, Conv2D{{.filters = 3, .kernel = 3, .name = "c1"}}, BatchNorm{{.name = "n1"}},
              MaxPool2D{}, Conv2D{{.filters = 4, .kernel = 3, .activation = relu, .name = "c2"}},
              BatchNorm{{.name = "n2"}}, GlobalAveragePool2D{}, Dense{{.units = 5, .activation = relu, .name = "d1"}},
              Dense{{.units = 2, .name = "d2"}}});
  net.initialize(3);
  return net;
}

std::map<std::string, std::vector<float>> values_of(const Model& net) {
  std::map<std::string, std::vector<float>> values;
  for (const Parameter& p : net.parameters()) values[p.name].assign(p.value.floats().begin(), p.value.floats().end());
  return values;
}

/// The parameters that differ between two networks.
std::vector<std::string> changed(const Model& before, const Model& after) {
  std::vector<std::string> names;
  const auto old = values_of(before), now = values_of(after);
  for (const auto& [name, values] : old) {
    if (now.at(name) != values) names.push_back(name);
  }
  return names;
}

TEST(FineTuning, LearningRatesFallFromBlockToBlock) {
  Model net = network();
  set_learning_rates(net, {.block_decay = 0.5, .head_factor = 3.0});
  const auto factor = [&](const char* name) { return net.parameter(name).learning_rate_factor; };
  EXPECT_EQ(factor("d2.weight"), 3.0);
  EXPECT_EQ(factor("d1.bias"), 0.5);
  EXPECT_EQ(factor("n2.gamma"), 0.25);
  EXPECT_EQ(factor("c2.weight"), 0.25);
  EXPECT_EQ(factor("n1.beta"), 0.125);
  EXPECT_EQ(factor("c1.weight"), 0.125);
}

TEST(FineTuning, BlocksAreUnfrozenFromTheLast) {
  Model net = network();
  net.train_last(1);
  EXPECT_EQ(unfreeze_next_block(net), "d1");
  EXPECT_EQ(unfreeze_next_block(net), "c2");
  EXPECT_TRUE(net.parameter("n2.moving_mean").trainable);
  EXPECT_FALSE(net.parameter("n1.gamma").trainable);
  EXPECT_EQ(unfreeze_next_block(net), "c1");
  EXPECT_EQ(unfreeze_next_block(net), "");
  net.freeze("*");
  EXPECT_EQ(unfreeze_next_block(net), "");
}

Model trained(FitOptions options, const char* from = nullptr) {
  Model net = network();
  if (from != nullptr) net.train_from(from);
  options.batch_size = 8;
  options.optimizer = Adam{{.learning_rate = 0.01}};
  fit(net, noise(20), options);
  return net;
}

TEST(FineTuning, BatchNormalisationLearnsAsThePolicySays) {
  const Model before = network();
  const auto with = [](BatchNormPolicy policy) { return FitOptions{.fine_tuning = {.batch_norm = policy}}; };
  EXPECT_THAT(
      changed(before, trained(with(BatchNormPolicy::frozen))),
      ElementsAre("c1.bias", "c1.weight", "c2.bias", "c2.weight", "d1.bias", "d1.weight", "d2.bias", "d2.weight"));
  EXPECT_THAT(changed(before, trained(with(BatchNormPolicy::train), "d2")),
              ElementsAre("d2.bias", "d2.weight", "n1.beta", "n1.gamma", "n1.moving_mean", "n1.moving_variance",
                          "n2.beta", "n2.gamma", "n2.moving_mean", "n2.moving_variance"));
  EXPECT_THAT(changed(before, trained(with(BatchNormPolicy::with_layers), "d2")), ElementsAre("d2.bias", "d2.weight"));
}

TEST(FineTuning, WhatIsNotUnfrozenYetStaysBitForBit) {
  const Model before = network();
  const auto after = [](Index epochs) {
    return trained({.epochs = epochs, .fine_tuning = {.unfreeze_every = 2}}, "d2");
  };
  EXPECT_THAT(changed(before, after(2)), ElementsAre("d2.bias", "d2.weight"));
  EXPECT_THAT(changed(before, after(4)), ElementsAre("d1.bias", "d1.weight", "d2.bias", "d2.weight"));
  EXPECT_THAT(changed(before, after(5)),
              ElementsAre("c2.bias", "c2.weight", "d1.bias", "d1.weight", "d2.bias", "d2.weight", "n2.beta", "n2.gamma",
                          "n2.moving_mean", "n2.moving_variance"));
}

/// Everything at once: 3 steps an epoch, a block more every 2 epochs.
FitOptions everything(const std::filesystem::path& folder) {
  return {.epochs = 8,
          .schedule = CosineDecay{},
          .fine_tuning = {.block_decay = 0.5, .head_factor = 2.0, .unfreeze_every = 2, .warmup_epochs = 1.5},
          .validation = noise(10),
          .callbacks = {std::make_shared<ModelCheckpoint>(ModelCheckpointOptions{.folder = folder})}};
}

TEST(FineTuning, KeptFeaturesChangeNothing) {
  const test::ScratchFolder folder;
  std::ostringstream text;
  FitOptions kept = everything(folder.path()), anew = everything(folder.path());
  kept.callbacks.push_back(std::make_shared<Progress>(text, ProgressOptions{.live = false}));
  anew.feature_cache.enabled = false;
  EXPECT_THAT(changed(trained(kept, "d2"), trained(anew, "d2")), IsEmpty());
  EXPECT_THAT(text.str(), HasSubstr("frozen: 3 of 4 layers; features of 30 images kept"));
  EXPECT_THAT(text.str(), HasSubstr("from 'c2' on layers learn now: 157 parameters\nfrozen: 1 of 4 layers; features"));
}

TEST(FineTuning, StoppedAnywhereAndResumedEndsWithTheSameBits) {
  const test::ScratchFolder whole;
  FitOptions options = everything(whole.path());
  const Model expected = trained(options, "d2");
  // Features are asked after, too: 3 + 2 batches at the beginning of epochs 1, 3 and 5.
  for (const Index stop_after : {2, 7, 11, 13, 17, 25, 38}) {
    const test::ScratchFolder folder;
    FitOptions until = everything(folder.path()), rest = everything(folder.path());
    Index asked = 0;
    until.stop = [&] { return ++asked == stop_after; };
    trained(until, "d2");
    ASSERT_EQ(asked, stop_after);
    rest.resume = folder.path() / "last.ckpt";
    EXPECT_THAT(changed(expected, trained(rest, "d2")), IsEmpty()) << stop_after;
  }
}

TEST(FineTuning, WarmUpBeginsAtZero) {
  std::vector<double> rates;
  class Watcher final : public Callback {
   public:
    explicit Watcher(std::vector<double>& rates) : rates_(rates) {}
    void on_step_end(TrainingControl&, const StepInfo& info) override { rates_.push_back(info.learning_rate); }

   private:
    std::vector<double>& rates_;
  };
  trained({.epochs = 2, .fine_tuning = {.warmup_epochs = 4.0 / 3}, .callbacks = {std::make_shared<Watcher>(rates)}});
  EXPECT_THAT(rates, ElementsAre(0.0, 0.0025, 0.005, 0.0075, 0.01, 0.01));
}

TEST(FineTuning, SaysWhatIsWrong) {
  const auto message = [](const FineTuning& options) { return message_of<ValueError>([&] { check(options); }); };
  EXPECT_THAT(message({.block_decay = 0.0}), HasSubstr("block_decay: expected above 0 and at most 1, got 0"));
  EXPECT_THAT(message({.head_factor = -1.0}), HasSubstr("head_factor: expected a finite number above 0, got -1"));
  EXPECT_THAT(message({.unfreeze_every = -1}), HasSubstr("unfreeze_every: expected zero or more epochs, got -1"));
  EXPECT_THAT(message({.warmup_epochs = -0.5}), HasSubstr("warmup_epochs: expected zero or more, got -0.5"));
  EXPECT_THAT(message_of<ValueError>([] { batch_norm_policy_named("off"); }),
              HasSubstr("expected with-layers, frozen or train, got 'off'"));
  EXPECT_EQ(batch_norm_policy_named("train"), BatchNormPolicy::train);
}

}  // namespace
}  // namespace saccade
