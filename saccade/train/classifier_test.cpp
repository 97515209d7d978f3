#include "saccade/train/classifier.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "saccade/base/error.h"
#include "saccade/base/random.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/input.h"
#include "saccade/nn/pool2d.h"
#include "saccade/train/evaluate.h"

namespace saccade {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

constexpr Index kClasses = 5;

Model small_network() {
  Model net =
      Sequential("small", {Input{{24, 20, 3}}, Conv2D{{.filters = 16, .kernel = 3, .padding = same}}, BatchNorm{},
                           ActivationLayer{{.activation = relu}}, GlobalAveragePool2D{}, Dense{{.units = kClasses}}});
  net.initialize(3);
  net.class_names = {"ape", "bee", "cat", "dog"};  // one short: the last has no name
  return net;
}

Tensor photo(std::uint32_t number, Index height = 24, Index width = 20, Index channels = 3) {
  Tensor image(Shape{height, width, channels}, DType::uint8);
  Stream stream(1, 0, number, 0);
  // Of one colour by and large, so that no two give the same answer.
  const auto base = static_cast<std::uint32_t>(stream.below(200));
  for (std::uint8_t& pixel : image.uint8s()) pixel = static_cast<std::uint8_t>(base + stream.below(56));
  return image;
}

TEST(Classifier, SaysWhatPredictSays) {
  Model net = small_network();
  const Classifier classifier(small_network());
  const Tensor image = photo(0);
  const Tensor expected = probabilities(net, predict(net, Tensor(image).reshaped({1, 24, 20, 3})));
  const std::vector<Guess> all = classifier.top(image, 100);
  ASSERT_THAT(all, SizeIs(kClasses));
  float above = 1.0F;
  for (const Guess& guess : all) {
    EXPECT_EQ(guess.probability, expected.floats()[usize(guess.index)]);
    EXPECT_LE(guess.probability, above);
    above = guess.probability;
    EXPECT_EQ(guess.label, guess.index == 4 ? "class 4" : net.class_names[usize(guess.index)]);
  }
  EXPECT_EQ(classifier.classify(image).index, all[0].index);
  EXPECT_THAT(classifier.top(image, 2), SizeIs(2));
}

TEST(Classifier, PicturesOfOtherSizesAndColoursAreFitted) {
  const Classifier classifier(small_network());
  const Tensor image = photo(1, 50, 60, 4);
  const Tensor fitted = data::fit_image(image, {.target_size = {24, 20}});
  EXPECT_EQ(classifier.classify(image).probability, classifier.classify(fitted).probability);
}

TEST(Classifier, ABatchIsAsItsImagesAre) {
  const Classifier classifier(small_network(), {.batch_size = 4});
  std::vector<Tensor> images;
  for (std::uint32_t i = 0; i < 11; ++i) images.push_back(photo(i));
  const std::vector<Guess> together = classifier.classify(images);
  ASSERT_THAT(together, SizeIs(11));
  for (std::size_t i = 0; i < images.size(); ++i) {
    const Guess alone = classifier.classify(images[i]);
    EXPECT_EQ(together[i].index, alone.index);
    EXPECT_THAT(together[i].probability, FloatNear(alone.probability, 1e-6F));
  }
  EXPECT_THAT(classifier.classify(std::span<const Tensor>()), SizeIs(0));
}

TEST(Classifier, AnswersSeveralThreadsAtOnce) {
  const Classifier classifier(small_network());
  std::vector<Guess> alone;
  for (std::uint32_t i = 0; i < 8; ++i) alone.push_back(classifier.classify(photo(i)));
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (std::uint32_t i = 0; i < 64; ++i) {
          const Guess guess = classifier.classify(photo(i % 8));
          if (guess.index != alone[i % 8].index || guess.probability != alone[i % 8].probability) ++wrong;
        }
      });
    }
  }
  EXPECT_EQ(wrong, 0);
}

TEST(Classifier, MayBeMoved) {
  Classifier first(small_network());
  const Guess before = first.classify(photo(2));
  const Classifier second = std::move(first);
  EXPECT_EQ(second.classify(photo(2)).probability, before.probability);
}

TEST(Classifier, WhatIsNoClassifierIsRefused) {
  const Model features = Sequential("features", {Input{{8, 8, 3}}, Conv2D{{.filters = 2, .kernel = 3}}});
  EXPECT_THAT([&] { Classifier{features}; }, ThrowsMessage<ShapeError>(HasSubstr("one output a class")));
  const Model two = Sequential("two", {Input{{8, 8, 2}}, GlobalAveragePool2D{}, Dense{{.units = 2}}});
  EXPECT_THAT([&] { Classifier{two}; }, ThrowsMessage<ShapeError>(HasSubstr("1, 3 or 4 channels")));
  const Classifier classifier(small_network());
  EXPECT_THAT([&] { classifier.probabilities(photo(0)); }, ThrowsMessage<ShapeError>(HasSubstr("[24, 20, 3], uint8")));
  EXPECT_THAT([] { Classifier("nowhere.safetensors"); }, ThrowsMessage<SystemError>(HasSubstr("nowhere.safetensors")));
}

}  // namespace
}  // namespace saccade
