#include "saccade/train/test_time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <numeric>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/view.h"
#include "saccade/train/evaluate.h"
#include "tests/support/message_of.h"

namespace saccade {
namespace {

using testing::ElementsAre;

std::vector<float> shown(const internal::View& view, const Shape& image, const std::vector<float>& batch) {
  std::vector<float> out(batch.size());
  internal::show(view, image, batch, out);
  return out;
}

TEST(TestTime, ViewsAreMirroredAndMovedWithReflectedBorders) {
  // 2x3 pixels of one channel, two images.
  const std::vector<float> batch{1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60};
  EXPECT_EQ(shown({}, {2, 3, 1}, batch), batch);
  EXPECT_THAT(shown({.mirrored = true}, {2, 3, 1}, batch), ElementsAre(3, 2, 1, 6, 5, 4, 30, 20, 10, 60, 50, 40));
  EXPECT_THAT(shown({.shift = 1}, {2, 3, 1}, batch), ElementsAre(5, 4, 5, 2, 1, 2, 50, 40, 50, 20, 10, 20));
  EXPECT_THAT(shown({.shift = -1}, {2, 3, 1}, batch), ElementsAre(5, 6, 5, 2, 3, 2, 50, 60, 50, 20, 30, 20));
  EXPECT_THAT(shown({.mirrored = true, .shift = -1}, {1, 4, 1}, {1, 2, 3, 4}), ElementsAre(3, 2, 1, 2));
  EXPECT_THAT(shown({.mirrored = true}, {1, 2, 3}, {1, 2, 3, 4, 5, 6}), ElementsAre(4, 5, 6, 1, 2, 3));
  EXPECT_THAT(shown({.shift = 1}, {1, 1, 2}, {1, 2}), ElementsAre(1, 2)) << "nothing to reflect";
}

TEST(TestTime, WeightsAddUpToOneAndNamesReadBack) {
  for (const auto augmentation :
       {TestTimeAugmentation::none, TestTimeAugmentation::flip, TestTimeAugmentation::flip_and_shift}) {
    const auto views = internal::views_of(augmentation);
    EXPECT_EQ(std::accumulate(views.begin(), views.end(), 0.0F,
                              [](float sum, const internal::View& view) { return sum + view.weight; }),
              1.0F);
    EXPECT_EQ(test_time_augmentation_named(name_of(augmentation)), augmentation);
  }
  EXPECT_THAT(test::message_of([] { test_time_augmentation_named("turn"); }),
              testing::HasSubstr("one of none, flip, flip-and-shift"));
}

TEST(TestTime, EvaluatesTheMeanOfTheOutputs) {
  // Class b where the left pixel is the brighter, by its value; class a has logit 0.25.
  const Node in = input({1, 2, 1});
  Model net("n", in, Dense{{.units = 2, .name = "d"}}(Flatten{}(in)));
  net.preprocessing = Preprocessing::none();
  std::ranges::copy(std::vector<float>{0, 1, 0, 0}, net.parameter("d.weight").value.floats().begin());
  std::ranges::copy(std::vector<float>{0.25F, 0}, net.parameter("d.bias").value.floats().begin());
  const auto images =
      std::make_shared<data::InMemory>("two", Tensor({2, 1, 2, 1}, std::vector<float>{0, 1, 0, 0.4F}),
                                       std::vector<std::int32_t>{1, 1}, std::vector<std::string>{"a", "b"});
  EXPECT_EQ(evaluate(net, images).accuracy, 0.0);
  // Logits of b become the means 0.5 and 0.2.
  const Evaluation flipped = evaluate(net, images, {.test_time_augmentation = TestTimeAugmentation::flip});
  EXPECT_EQ(flipped.accuracy, 0.5);
  EXPECT_NEAR(flipped.loss, (std::log1p(std::exp(-0.25)) + std::log1p(std::exp(0.05))) / 2, 1e-6);
}

}  // namespace
}  // namespace saccade
