#include "saccade/nn/tf.h"

#include <gmock/gmock.h>

#include <numeric>
#include <vector>

#include "saccade/nn/testing_internal.h"

namespace saccade {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Tensor counting(Shape shape, float first = 1.0F) {
  std::vector<float> values(usize(shape.elements()));
  std::iota(values.begin(), values.end(), first);
  return {shape, std::span<const float>(values)};
}

std::vector<float> values_of(const Tensor& tensor) { return {tensor.floats().begin(), tensor.floats().end()}; }

TEST(TfConv2d, WorkedExample) {
  const Tensor x = counting({1, 4, 4, 1}), w = counting({3, 3, 1, 1});
  EXPECT_THAT(values_of(tf::nn::conv2d(x, w, {1, 1, 1, 1}, "SAME")),
              ElementsAre(111, 178, 217, 145, 231, 348, 393, 252, 363, 528, 573, 360, 197, 274, 295, 175));
  EXPECT_THAT(values_of(tf::nn::conv2d(x, w, {1, 1, 1, 1}, "VALID")), ElementsAre(348, 393, 528, 573));
  EXPECT_THAT(values_of(tf::nn::conv2d(x, w, {1, 2, 2, 1}, "SAME")), ElementsAre(348, 252, 274, 175));
  EXPECT_THAT(values_of(tf::nn::conv2d(x, w, {1, 2, 2, 1}, "VALID")), ElementsAre(348));
}

TEST(TfConv2d, FiltersAreHwio) {
  const Tensor y = tf::nn::conv2d(counting({1, 4, 4, 1}), counting({2, 2, 1, 2}), {1, 1, 1, 1}, "VALID");
  EXPECT_EQ(y.shape(), (Shape{1, 3, 3, 2}));
  EXPECT_EQ(y.floats()[0], 74.0F);
  EXPECT_EQ(y.floats()[1], 88.0F);
}

TEST(TfConv2d, TheCoursesExamples) {
  const auto of = [](Shape shape, std::vector<float> v) { return Tensor(shape, std::span<const float>(v)); };
  const Tensor image = of({1, 3, 3, 1}, {3, 2, 1, 1, 2, 3, 1, 1, 1});
  const Tensor sobel = of({3, 3, 1, 1}, {-1, 0, 1, -2, 0, 2, -1, 0, 1});
  EXPECT_THAT(values_of(tf::nn::conv2d(image, sobel, {1, 1, 1, 1}, "VALID")), ElementsAre(2));
}

TEST(TfConv2d, SaysWhatIsWrong) {
  const Tensor x({1, 4, 4, 2}), w({3, 3, 2, 1});
  EXPECT_THAT(
      message_of<ValueError>([&] {
        tf::nn::conv2d(x, w, {2, 1, 1, 1}, "SAME");
      }),
      HasSubstr("tf::nn::conv2d: strides: expected four numbers {1, height, width, 1}, the first and last 1, the "
                "others at least 1, got {2, 1, 1, 1}"));
  EXPECT_THAT(message_of<ValueError>([&] { tf::nn::conv2d(x, w, {1, 1, 1}, "SAME"); }), HasSubstr("got {1, 1, 1}"));
  EXPECT_THAT(message_of<ValueError>([&] { tf::nn::conv2d(x, w, {1, -1, 1, 1}, "SAME"); }), HasSubstr("-1"));
  EXPECT_THAT(message_of<ValueError>([&] {
                tf::nn::conv2d(x, w, {1, 1, 1, 1}, "FULL");
              }),
              HasSubstr("padding: expected SAME or VALID, got 'FULL'"));
  EXPECT_THAT(message_of<ShapeError>([&] {
                tf::nn::conv2d(Tensor({4, 4, 2}), w, {1, 1, 1, 1}, "SAME");
              }),
              HasSubstr("input: expected 4 axes [batch, height, width, channels], got [4, 4, 2]"));
  EXPECT_THAT(message_of<ShapeError>([&] {
                tf::nn::conv2d(x, Tensor({3, 3, 1, 1}), {1, 1, 1, 1}, "SAME");
              }),
              HasSubstr("a filter for the input's 2 channels"));
  EXPECT_THAT(message_of<ShapeError>([&] {
                tf::nn::conv2d(x, Tensor({5, 5, 2, 1}), {1, 1, 1, 1}, "VALID");
              }),
              HasSubstr("at least 5 pixels of height"));
}

TEST(TfPool, WorkedExamples) {
  const Tensor z = counting({1, 5, 5, 1});
  EXPECT_THAT(values_of(tf::nn::max_pool(z, {1, 2, 2, 1}, {1, 2, 2, 1}, "SAME")),
              ElementsAre(7, 9, 10, 17, 19, 20, 22, 24, 25));
  EXPECT_THAT(values_of(tf::nn::max_pool(z, {1, 2, 2, 1}, {1, 2, 2, 1}, "VALID")), ElementsAre(7, 9, 17, 19));
  EXPECT_THAT(values_of(tf::nn::avg_pool(z, {1, 2, 2, 1}, {1, 2, 2, 1}, "SAME")),
              ElementsAre(4, 6, 7.5F, 14, 16, 17.5F, 21.5F, 23.5F, 25));
  EXPECT_THAT(values_of(tf::nn::avg_pool(z, {1, 3, 3, 1}, {1, 2, 2, 1}, "SAME")),
              ElementsAre(4, 5.5F, 7, 11.5F, 13, 14.5F, 19, 20.5F, 22));
  EXPECT_THAT(values_of(tf::nn::avg_pool(z, {1, 5, 5, 1}, {1, 5, 5, 1}, "VALID")), ElementsAre(13));
}

}  // namespace
}  // namespace saccade
