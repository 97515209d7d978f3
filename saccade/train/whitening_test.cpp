#include "saccade/train/whitening.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/base/random.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/plan.h"
#include "saccade/nn/view.h"
#include "tests/support/message_of.h"

namespace saccade {
namespace {

using testing::HasSubstr;

/// Images of 2 channels that go together, and pixels that follow their left neighbours.
data::DatasetPtr related_images(Index count) {
  Tensor images({count, 6, 5, 2});
  Stream stream(1, 0, 0, 0);
  const std::span<float> pixels = images.floats();
  for (std::size_t i = 0; i < pixels.size(); i += 2) {
    const double left = i % 10 == 0 ? 0.0 : static_cast<double>(pixels[i - 2]);
    pixels[i] = static_cast<float>(0.7 * left + stream.uniform(0, 80));
    pixels[i + 1] = 0.5F * pixels[i] + static_cast<float>(stream.uniform(0, 20));
  }
  std::vector<std::int32_t> labels(usize(count));
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int32_t>(i % 2);
  return std::make_shared<data::InMemory>("related", std::move(images), std::move(labels),
                                          std::vector<std::string>{"a", "b"});
}

Model net_with(Conv2DOptions options) {
  options.name = "first";
  const Node in = input({6, 5, 2});
  Model net("n", in, Dense{{.units = 2}}(Flatten{}(Conv2D{options}(in))));
  net.initialize(3);
  return net;
}

TEST(Whitening, AnswersToAllPatchesAreUncorrelatedWithUnitVariance) {
  const data::DatasetPtr images = related_images(50);
  Model net = net_with({.filters = 16, .kernel = 2});
  whiten_first_layer(net, *images, {.epsilon = 1e-9});
  std::vector<float> batch(usize(50 * 60));
  for (Index i = 0; i < 50; ++i) images->read(i, net.preprocessing, std::span(batch).subspan(usize(i * 60), 60));
  const Node in = input({6, 5, 2});
  Model head("head", in, Conv2D{{.filters = 16, .kernel = 2, .name = "first"}}(in));
  for (const char* name : {"first.weight", "first.bias"}) head.parameter(name).value = net.parameter(name).value;
  Plan plan(head, 50, PlanMode::inference);
  const std::span<const float> answers = plan.forward(batch);
  const std::size_t patches = answers.size() / 16;
  for (std::size_t a = 0; a < 8; ++a) {
    for (std::size_t b = 0; b < 16; ++b) {
      double sum = 0.0;
      for (std::size_t p = 0; p < patches; ++p) {
        sum += static_cast<double>(answers[p * 16 + a]) * static_cast<double>(answers[p * 16 + b]);
      }
      const double expected = a == b ? 1.0 : b == a + 8 ? -1.0 : 0.0;
      EXPECT_NEAR(sum / static_cast<double>(patches), expected, 2e-3) << a << " " << b;
    }
  }
}

TEST(Whitening, FreezesTheFilterAndClearsTheBias) {
  Model net = net_with({.filters = 16, .kernel = 2, .bias_initializer = Initializer::ones()});
  whiten_first_layer(net, *related_images(9), {.images = 4});
  EXPECT_FALSE(net.parameter("first.weight").trainable);
  EXPECT_TRUE(net.parameter("first.bias").trainable);
  EXPECT_THAT(net.parameter("first.bias").value.floats(), testing::Each(0.0F));
  // Of so many images the number, of fewer all.
  Model fewer = net_with({.filters = 16, .kernel = 2}), all = fewer, more = fewer;
  whiten_first_layer(fewer, *related_images(9), {.images = 2});
  whiten_first_layer(all, *related_images(9), {.images = 9});
  whiten_first_layer(more, *related_images(9));
  const auto filter = [](Model& model) { return model.parameter("first.weight").value.floats()[0]; };
  EXPECT_EQ(filter(all), filter(more));
  EXPECT_NE(filter(all), filter(fewer));
}

TEST(Whitening, RefusesOtherFirstLayersAndNumbers) {
  const data::DatasetPtr images = related_images(4);
  const auto message = [&](Model net, const WhiteningOptions& options) {
    return test::message_of([&] { whiten_first_layer(net, *images, options); });
  };
  for (const Conv2DOptions& other :
       {Conv2DOptions{.filters = 15, .kernel = 2}, Conv2DOptions{.filters = 16, .kernel = 2, .strides = 2},
        Conv2DOptions{.filters = 16, .kernel = 2, .dilation = 2},
        Conv2DOptions{.filters = 16, .kernel = 2, .groups = 2}}) {
    EXPECT_THAT(message(net_with(other), {}),
                HasSubstr("whitening of network 'n': expected a first convolution of stride 1 with 2 h w c filters"));
  }
  const Node in = input({6, 5, 2});
  EXPECT_THAT(message(Model("dense", in, Dense{{.units = 2}}(Flatten{}(in))), {}), HasSubstr("got Flatten"));
  EXPECT_THAT(message(net_with({.filters = 16, .kernel = 2}), {.images = 0}),
              HasSubstr("got images 0, epsilon 0.0005"));
  EXPECT_THAT(message(net_with({.filters = 16, .kernel = 2}), {.epsilon = -1}), HasSubstr("a positive finite epsilon"));
}

}  // namespace
}  // namespace saccade
