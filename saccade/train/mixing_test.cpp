#include "saccade/train/mixing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "saccade/base/error.h"

namespace saccade {
namespace {

using testing::ElementsAre;

/// Row i of a batch is filled with i + 1 and has label i.
data::Batch numbered(Index rows, Index number = 0, const Shape& hwc = {8, 8, 1}) {
  data::Batch batch{.images = Tensor(hwc.with_batch(rows)), .labels = {}, .indices = {}, .epoch = 0, .number = number};
  for (Index i = 0; i < rows; ++i) {
    const std::size_t count = usize(hwc.elements());
    std::ranges::fill(batch.images.floats().subspan(usize(i) * count, count), static_cast<float>(i + 1));
    batch.labels.push_back(static_cast<std::int32_t>(i));
  }
  return batch;
}

double mean_of(const data::Batch& batch, Index row) {
  const std::size_t count = batch.images.floats().size() / batch.labels.size();
  const auto image = batch.images.floats().subspan(usize(row) * count, count);
  return std::accumulate(image.begin(), image.end(), 0.0) / static_cast<double>(count);
}

TEST(Mixer, OffLeavesEverythingAlone) {
  data::Batch batch = numbered(3);
  Mixer mixer({}, 3, 0);
  EXPECT_FALSE(mixer.is_on());
  const Targets targets = mixer.mix(batch);
  EXPECT_THAT(targets.labels, ElementsAre(0, 1, 2));
  EXPECT_TRUE(targets.dense.empty());
  EXPECT_EQ(mean_of(batch, 2), 3.0);
}

/// What a row's targets say its picture must be: sum of target[k] * (k + 1), since row k was filled with k + 1.
class Mixed : public testing::TestWithParam<MixingOptions> {};

TEST_P(Mixed, PicturesAndTargetsAgree) {
  constexpr Index kRows = 5;
  std::vector<double> shares;
  for (Index number = 0; number < 200; ++number) {
    data::Batch batch = numbered(kRows, number);
    Mixer mixer(GetParam(), kRows, 7);
    const std::vector<float> targets = [&] {
      const auto dense = mixer.mix(batch).dense;
      return std::vector<float>(dense.begin(), dense.end());
    }();
    ASSERT_EQ(isize(targets.size()), kRows * kRows);
    for (Index i = 0; i < kRows; ++i) {
      double sum = 0, expected = 0;
      for (Index k = 0; k < kRows; ++k) {
        sum += targets[usize(i * kRows + k)];
        expected += targets[usize(i * kRows + k)] * static_cast<double>(k + 1);
      }
      ASSERT_NEAR(sum, 1.0, 1e-6);
      ASSERT_NEAR(mean_of(batch, i), expected, 1e-5) << number;
    }
    EXPECT_EQ(mean_of(batch, 2), 3.0) << "the middle row is its own partner";
    shares.push_back(targets[0]);
    data::Batch again = numbered(kRows, number);
    Mixer(GetParam(), kRows, 7).mix(again);
    ASSERT_TRUE(std::ranges::equal(batch.images.floats(), again.images.floats())) << "an address gives one mix";
  }
  const auto [least, most] = std::ranges::minmax(shares);
  EXPECT_LT(least, 0.4);
  EXPECT_GT(most, 0.9);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Mixed,
                         testing::Values(MixingOptions{.mixup = 0.2}, MixingOptions{.mixup = 3.0},
                                         MixingOptions{.cutmix = 1.0}, MixingOptions{.mixup = 0.4, .cutmix = 1.0}),
                         [](const auto& test) {
                           return std::string(test.param.cutmix > 0 ? "cutmix" : "mixup") +
                                  std::to_string(static_cast<int>(10 * test.param.mixup));
                         });

TEST(Mixer, CutMixExchangesABox) {
  data::Batch batch = numbered(2, 3, {16, 16, 1});
  Mixer(MixingOptions{.cutmix = 1.0}, 2, 1).mix(batch);
  const auto values = batch.images.floats();
  for (std::size_t i = 0; i < 256; ++i) {
    EXPECT_TRUE(values[i] == 1.0F || values[i] == 2.0F);
    EXPECT_EQ(values[i] + values[256 + i], 3.0F) << "what one loses, the other gains";
  }
}

TEST(Mixer, BetaHasItsMoments) {
  double sum = 0, squares = 0;
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) {
    data::Batch batch = numbered(2, i, {1, 1, 1});
    const double t = Mixer(MixingOptions{.mixup = 0.5}, 2, 3).mix(batch).dense[0];
    sum += t;
    squares += t * t;
  }
  const double mean = sum / kDraws;
  EXPECT_NEAR(mean, 0.5, 0.01);
  EXPECT_NEAR(squares / kDraws - mean * mean, 1.0 / (4 * (2 * 0.5 + 1)), 0.003)
      << "alpha^2 / ((2 alpha)^2 (2 alpha + 1))";
}

TEST(Mixer, TinyAlphasMixHardlyAnything) {
  for (Index i = 0; i < 300; ++i) {
    data::Batch batch = numbered(2, i, {1, 1, 1});
    const float t = Mixer(MixingOptions{.mixup = 1e-3}, 2, 3).mix(batch).dense[0];
    ASSERT_TRUE(t < 0.3F || t > 0.7F) << t;
  }
}

TEST(Mixer, TargetsAndWeightsAreMixedLikePictures) {
  data::Batch batch = numbered(2, 5, {1, 1, 1});
  batch.targets = {3, 1, -1, 0, 5, 1};
  batch.weights = {4, 2};
  Mixer mixer({.mixup = 1}, 3, 7);
  const Targets targets = mixer.mix(batch);
  const float t = 2.0F - batch.images.floats()[0];  // the pictures are 1 and 2
  ASSERT_GT(t, 0.0F);
  ASSERT_LT(t, 1.0F);
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(targets.dense[c], t * batch.targets[c] + (1 - t) * batch.targets[3 + c], 1e-5);
    EXPECT_NEAR(targets.dense[3 + c], t * batch.targets[3 + c] + (1 - t) * batch.targets[c], 1e-5);
  }
  EXPECT_NEAR(targets.sample_weight[0], 4 * t + 2 * (1 - t), 1e-5);
  EXPECT_NEAR(targets.sample_weight[1], 2 * t + 4 * (1 - t), 1e-5);
  data::Batch off = numbered(2);
  off.targets = {3, 1};
  off.weights = {4, 2};
  Mixer none({}, 1, 7);
  EXPECT_THAT(none.mix(off).dense, ElementsAre(3, 1));
  EXPECT_THAT(none.mix(off).sample_weight, ElementsAre(4, 2));
  EXPECT_TRUE(none.mix(off).labels.empty());
}

TEST(Mixer, RefusesLabelsThatAreNoClass) {
  data::Batch batch = numbered(3);
  EXPECT_THROW(Mixer({.mixup = 1}, 2, 0).mix(batch), ValueError);
  batch.targets = {1, 2, 3};
  EXPECT_THROW(Mixer({.mixup = 1}, 2, 0).mix(batch), ShapeError);
}

TEST(Mixer, RefusesBadAlphas) {
  EXPECT_THROW(Mixer({.mixup = -1}, 2, 0), ValueError);
  EXPECT_THROW(Mixer({.cutmix = NAN}, 2, 0), ValueError);
}

}  // namespace
}  // namespace saccade
