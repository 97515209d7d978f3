#include "saccade/train/explain.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "saccade/base/error.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/input.h"
#include "saccade/nn/merge.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/view.h"

namespace saccade {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

/// Output 0 is how much red an image has, output 1 how much blue.
Model red_or_blue(bool softmax) {
  Model net = Sequential(
      "red_or_blue",
      {Input{{16, 20, 3}}, Conv2D{{.filters = 2, .kernel = 1, .activation = relu, .name = "colours"}},
       GlobalAveragePool2D{},
       Dense{{.units = 2, .activation = softmax ? Activation::softmax : Activation::linear, .name = "scores"}}});
  const std::vector<float> filters{1, 0, 0, 0, 0, 1};  // [red, green, blue][filter]
  std::ranges::copy(filters, net.parameter("colours.weight").value.floats().begin());
  const std::vector<float> scores{9, -9, -9, 9};
  std::ranges::copy(scores, net.parameter("scores.weight").value.floats().begin());
  return net;
}

/// Left half red, right half blue.
Tensor two_halves() {
  Tensor image(Shape{16, 20, 3}, DType::uint8);
  for (Index i = 0; i < 16 * 20; ++i) image.uint8s()[usize(3 * i + (i % 20 < 10 ? 0 : 2))] = 255;
  return image;
}

std::vector<float> numbers(const Tensor& tensor) { return {tensor.floats().begin(), tensor.floats().end()}; }

float at(const Tensor& map, Index row, Index column) { return map.floats()[usize(row * map.shape()[1] + column)]; }

TEST(Explain, GradCamShowsWhatSpeaksForAnOutput) {
  for (const bool softmax : {false, true}) {
    const Model net = red_or_blue(softmax);
    const Tensor red = grad_cam(net, two_halves(), 0), blue = grad_cam(net, two_halves(), 1, "colours");
    ASSERT_EQ(red.shape(), (Shape{16, 20}));
    EXPECT_EQ(at(red, 3, 2), 1.0F);
    EXPECT_EQ(at(red, 3, 17), 0.0F);
    EXPECT_EQ(at(blue, 15, 2), 0.0F);
    EXPECT_EQ(at(blue, 15, 17), 1.0F);
  }
}

TEST(Explain, GradCamIsTheFormula) {
  // One filter, y = sum of w * A over places: the mean of the gradient is the mean of w.
  Model net = Sequential("net", {Input{{1, 3, 1}}, Conv2D{{.filters = 1, .kernel = 1, .name = "a"}}, Flatten{},
                                 Dense{{.units = 1, .name = "w"}}});
  net.preprocessing = Preprocessing::none();
  net.parameter("a.weight").value.floats()[0] = 1.0F;
  std::ranges::copy(std::vector<float>{5, -1, 2}, net.parameter("w.weight").value.floats().begin());
  const Tensor image(Shape{1, 3, 1}, std::vector<std::uint8_t>{10, 40, 20});
  EXPECT_THAT(numbers(grad_cam(net, image, 0)), ElementsAre(0.25F, 1.0F, 0.5F));
  net.parameter("w.weight").value.floats()[0] = -5.0F;  // nothing speaks for it
  EXPECT_THAT(numbers(grad_cam(net, image, 0)), Each(0.0F));
}

TEST(Explain, WhatIsHiddenIsMissed) {
  Model net = red_or_blue(false);
  // A little more red than blue, so that neither is certain.
  Tensor image = two_halves();
  int calls = 0;
  const Tensor map =
      occlusion_map(net, image, 0, {.patch = 4, .stride = 3, .batch_size = 8, .progress = [&](Index done, Index all) {
                                      EXPECT_LE(done, all);
                                      ++calls;
                                    }});
  EXPECT_EQ(map.shape(), (Shape{5, 7}));  // 0 3 6 9 12 and 0 3 6 9 12 15 16
  EXPECT_EQ(calls, 5);
  EXPECT_GT(at(map, 2, 0), 0.01F);
  EXPECT_LT(at(map, 2, 6), -0.01F);
  EXPECT_THAT(at(map, 0, 0), FloatNear(at(map, 4, 1), 1e-6F)) << "each hides as much";
  EXPECT_THAT([&] { occlusion_map(net, image, 0, {.patch = 17}); }, ThrowsMessage<ValueError>(HasSubstr("at most 16")));
}

TEST(Explain, MapsAndFiltersAreThoseOfTheNetwork) {
  Model net = red_or_blue(false);
  EXPECT_THAT(image_layers(net), ElementsAre("colours"));
  const Tensor maps = feature_maps(net, two_halves(), "colours");
  EXPECT_EQ(maps.shape(), (Shape{16, 20, 2}));
  EXPECT_EQ(maps.floats()[0], 1.0F);
  EXPECT_EQ(maps.floats()[1], 0.0F);
  const Tensor in_front = maps_in_front(maps);
  EXPECT_EQ(in_front.shape(), (Shape{2, 16, 20, 1}));
  const std::vector<Tensor> pictures = pictures_of(in_front, 10);
  ASSERT_THAT(pictures, SizeIs(2));
  EXPECT_EQ(pictures[0].uint8s()[0], 255);
  EXPECT_EQ(pictures[0].uint8s()[19], 0);
  EXPECT_EQ(pictures[1].uint8s()[19], 255);
  const Tensor filters = first_filters(net);
  EXPECT_EQ(filters.shape(), (Shape{2, 1, 1, 3}));
  EXPECT_THAT(numbers(filters), ElementsAre(1, 0, 0, 0, 0, 1));
  EXPECT_THAT(pictures_of(filters, 1), SizeIs(1));
}

TEST(Explain, TheOverlayIsHotWhereTheMapIs) {
  const Tensor overlay = heat_overlay(two_halves(), grad_cam(red_or_blue(false), two_halves(), 1));
  ASSERT_EQ(overlay.shape(), (Shape{16, 20, 3}));
  const std::span<const std::uint8_t> cold = overlay.uint8s().subspan(3 * (20 * 8 + 2), 3);
  const std::span<const std::uint8_t> hot = overlay.uint8s().subspan(3 * (20 * 8 + 17), 3);
  EXPECT_GT(cold[0], 200) << "the red of the picture shows through";
  EXPECT_GT(hot[0], 140) << "blue under red";
  EXPECT_LT(hot[1], 10);
}

TEST(Explain, SaysWhatItCannotDo) {
  Model net = red_or_blue(false);
  EXPECT_THAT([&] { grad_cam(net, two_halves(), 2); }, ThrowsMessage<ValueError>(HasSubstr("an output from 0 to 1")));
  EXPECT_THAT([&] { grad_cam(net, two_halves(), 0, "scores"); }, ThrowsMessage<ValueError>(HasSubstr("colours")));
  EXPECT_THAT(
      [&] {
        grad_cam(net, Tensor(Shape{8, 8, 3}, DType::uint8), 0);
      },
      ThrowsMessage<ShapeError>(HasSubstr("an image [16, 20, 3], uint8")));
  Model dense = Sequential("dense", {Input{{4}}, Dense{{.units = 2}}});
  EXPECT_THAT([&] { first_filters(dense); }, ThrowsMessage<ValueError>(HasSubstr("a convolution")));
  const Node x = input({4, 4, 3});
  const Node a = Conv2D{{.filters = 3, .name = "a"}}(x);
  const Node b = Conv2D{{.filters = 3, .kernel = 1, .name = "b"}}(a);
  const Model residual("residual", x, Dense{{.units = 2}}(GlobalAveragePool2D{}(Add{}({a, b}))));
  EXPECT_THAT(
      [&] {
        grad_cam(residual, Tensor(Shape{4, 4, 3}, DType::uint8), 0, "b");
      },
      ThrowsMessage<ValueError>(HasSubstr("through which everything passes")));
}

}  // namespace
}  // namespace saccade
