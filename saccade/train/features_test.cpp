#include "saccade/train/features.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <sstream>

#include "saccade/base/error.h"
#include "saccade/base/random.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/frozen_cuts.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/view.h"
#include "saccade/train/callbacks.h"
#include "saccade/train/evaluate.h"
#include "saccade/train/fit.h"
#include "saccade/train/interrupted.h"
#include "tests/support/message_of.h"
#include "tests/support/scratch_folder.h"

namespace saccade {
namespace {

using test::message_of;
using testing::HasSubstr;
using testing::Not;

/// Noise in three classes of different brightness.
data::DatasetPtr noise(Index count, std::uint64_t seed) {
  Tensor images({count, 10, 10, 3}, DType::uint8);
  std::vector<std::int32_t> labels;
  Stream stream(seed, 0, 0, slot_of("noise"));
  for (Index i = 0; i < count; ++i) {
    labels.push_back(static_cast<std::int32_t>(stream.below(3)));
    for (std::uint8_t& pixel : images.uint8s().subspan(usize(i * 300), 300)) {
      pixel = static_cast<std::uint8_t>(stream.below(150) + 20 * static_cast<std::uint32_t>(labels.back()));
    }
  }
  return std::make_shared<data::InMemory>("noise", std::move(images), std::move(labels),
                                          std::vector<std::string>{"dark", "grey", "bright"});
}

/// Frozen but for its last layer, which stands behind a dropout.
Model network() {
  Model net =
      Sequential("net", {Input{{10, 10, 3}}, Conv2D{{.filters = 9, .kernel = 3, .use_bias = false}}, BatchNorm{},
                         ActivationLayer{{.activation = relu}}, MaxPool2D{},
                         Conv2D{{.filters = 20, .kernel = 3, .activation = relu}}, GlobalAveragePool2D{},
                         Dense{{.units = 17, .activation = relu}}, Dropout{{.rate = 0.2F}}, Dense{{.units = 3}}});
  net.initialize(4);
  net.preprocessing.mean = {0.2F, 0.3F, 0.4F};
  net.train_last(1);
  return net;
}

std::vector<float> weights_of(const Model& net) {
  std::vector<float> all;
  for (const Parameter& p : net.parameters()) all.insert(all.end(), p.value.floats().begin(), p.value.floats().end());
  return all;
}

/// Keeps what it was told.
class Watcher final : public Callback {
 public:
  void on_features(TrainingControl&, const FeatureInfo& info) override { told.push_back(info); }
  std::vector<FeatureInfo> told;
};

TEST(Features, AreWhatTheNetworkMakesOfEachImageWhereverItStands) {
  Model net = network();
  const data::DatasetPtr images = noise(23, 1);
  const std::size_t cut = frozen_cuts(net).back();
  const auto all = compute_features(net, images, cut, {.batch_size = 8});
  EXPECT_EQ(all->image_shape(), Shape{17});
  EXPECT_EQ(all->sample_name(3), images->sample_name(3));
  EXPECT_EQ(all->label(5), images->label(5));
  const auto few = compute_features(net, data::take(images, 3), cut, {.batch_size = 8, .workers = 0});
  EXPECT_TRUE(std::ranges::equal(few->features().floats(), all->features().floats().first(3 * 17)));
  std::vector<float> third(17);
  all->read(2, {}, third);
  EXPECT_TRUE(std::ranges::equal(third, all->get(2).image.floats()));
  EXPECT_THROW(compute_features(net, images, cut, {.stop = [] { return true; }}), InterruptedError);
  EXPECT_THAT(message_of<ShapeError>([&] {
                FeatureSet(images, Tensor({22, 17}));
              }),
              HasSubstr("expected a row for each of 23 images, got [22, 17]"));
}

/// 70 images: batches of 16, and a last one of 6 with another plan.
TEST(FeatureCache, TrainingIsTheSameBitForBit) {
  std::vector<float> weights(70);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i % 4) * 0.5F;
  const data::DatasetPtr train = data::with_weights(noise(70, 1), weights), validation = noise(37, 2);
  const auto run = [&](bool cached) {
    Model net = network();
    const auto watcher = std::make_shared<Watcher>();
    const History history = fit(net, train,
                                {.epochs = 4,
                                 .batch_size = 16,
                                 .validation = validation,
                                 .callbacks = {watcher},
                                 .feature_cache = {.enabled = cached}});
    EXPECT_EQ(watcher->told.empty(), !cached);
    if (cached) {
      EXPECT_EQ(watcher->told.back().images, 107);
      EXPECT_EQ(watcher->told.back().layers, 3);
      EXPECT_EQ(watcher->told.back().all_layers, 4);
      EXPECT_EQ(watcher->told.back().bytes, 107 * 17 * 4);
    }
    std::vector<double> logs;
    for (Logs epoch : history.epochs) {
      epoch.erase("seconds");
      for (const auto& [name, value] : epoch) logs.push_back(value);
    }
    return std::pair(weights_of(net), logs);
  };
  EXPECT_EQ(run(true), run(false));
}

TEST(FeatureCache, GoesAsDeepAsMemoryAllows) {
  const data::DatasetPtr train = noise(40, 1);
  const auto told = [&](Index max_bytes) {
    Model net = network();
    const auto watcher = std::make_shared<Watcher>();
    std::ostringstream text;
    const auto progress = std::make_shared<Progress>(text, ProgressOptions{.live = false});
    fit(net, train, {.epochs = 2, .callbacks = {watcher, progress}, .feature_cache = {.max_bytes = max_bytes}});
    return std::pair(watcher->told.back(), text.str());
  };
  EXPECT_EQ(told(Index{1} << 30).first.layers, 3);
  EXPECT_THAT(told(Index{1} << 30).second, HasSubstr("frozen: 3 of 4 layers; features of 40 images kept: 0.0 MB"));
  const auto [info, text] = told(100);
  EXPECT_EQ(info.images, 0);
  EXPECT_THAT(text, HasSubstr("images would take 0.0 MB, more than 0.0 MB: they are computed in each epoch"));
}

TEST(FeatureCache, IsLeftOutWhereItWouldChangeTheResultOrGainNothing) {
  const auto is_used = [](FitOptions options, const char* pattern = nullptr) {
    Model net = network();
    if (pattern) net.unfreeze(pattern);
    const auto watcher = std::make_shared<Watcher>();
    options.callbacks = {watcher};
    fit(net, noise(20, 1), options);
    return !watcher->told.empty();
  };
  EXPECT_TRUE(is_used({.epochs = 2}));
  EXPECT_FALSE(is_used({.epochs = 1}));
  EXPECT_FALSE(is_used({.epochs = 2, .transform = [](const data::SampleAddress&, const Shape&, std::span<float>) {}}));
  EXPECT_FALSE(is_used({.epochs = 2, .mixing = {.mixup = 0.2}}));
  EXPECT_FALSE(is_used({.epochs = 2}, "conv2d"));
}

TEST(FeatureCache, AStoppedRunGoesOnToTheSameBits) {
  const data::DatasetPtr train = noise(70, 1);
  const test::ScratchFolder folder;
  const auto options = [&](Index stop_after, bool goes_on) {
    FitOptions o{.epochs = 4,
                 .batch_size = 16,
                 .callbacks = {std::make_shared<ModelCheckpoint>(ModelCheckpointOptions{.folder = folder.path()})}};
    o.stop = [stop_after, asked = Index{0}]() mutable { return ++asked == stop_after; };
    if (goes_on) o.resume = folder.path() / "last.ckpt";
    return o;
  };
  Model straight = network();
  fit(straight, train, options(0, false));
  // The features take 5 batches, which are asked after, too; then 5 steps an epoch.
  for (const Index stop_after : {2, 8, 10, 19, 22}) {
    Model first = network(), second = network();
    EXPECT_TRUE(fit(first, train, options(stop_after, false)).interrupted);
    fit(second, train, options(0, true));
    EXPECT_EQ(weights_of(second), weights_of(straight)) << stop_after;
  }
}

}  // namespace
}  // namespace saccade
