#include "saccade/train/transfer_advice.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "saccade/base/error.h"
#include "saccade/base/random.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/pool2d.h"
#include "saccade/train/interrupted.h"
#include "saccade/train/ridge.h"
#include "tests/support/message_of.h"

namespace saccade {
namespace {

using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Ridge, LeavesOneOut) {
  // Two clouds apart, the same cloud twice, and a feature that only tells an image apart from all others.
  Tensor apart({60, 3}), same({60, 3}), names({60, 60});
  std::vector<std::int32_t> labels;
  Stream stream(1, 0, 0, slot_of("ridge"));
  for (Index i = 0; i < 60; ++i) {
    labels.push_back(static_cast<std::int32_t>(i % 2));
    for (Index d = 0; d < 3; ++d) {
      const auto noise = static_cast<float>(stream.normal());
      same.floats()[usize(i * 3 + d)] = noise;
      apart.floats()[usize(i * 3 + d)] = noise + (d == 1 && i % 2 == 1 ? 8.0F : 0.0F);
    }
    names.floats()[usize(i * 61)] = 1.0F;
  }
  EXPECT_EQ(leave_one_out(apart, labels, 2).accuracy, 1.0);
  EXPECT_LT(leave_one_out(same, labels, 2).accuracy, 0.7);
  EXPECT_LT(leave_one_out(names, labels, 2).accuracy, 0.6) << "an image must not be told from itself";
  EXPECT_THAT(message_of<ShapeError>([&] { leave_one_out(apart, std::span(labels).first(3), 2); }),
              HasSubstr("got [60, 3] and 3 labels"));
  EXPECT_THAT(message_of<ValueError>([&] { leave_one_out(apart, labels, 1); }), HasSubstr("labels from 0 to 0, got 1"));
}

enum class Kind : std::uint8_t { colour, noise };

/// 8x8 images of two classes: of different colour, or of nothing but noise.
data::DatasetPtr images_of(Kind kind, Index count) {
  Tensor images({count, 8, 8, 3}, DType::uint8);
  std::vector<std::int32_t> labels;
  Stream stream(2, 0, 0, slot_of("images"));
  for (Index i = 0; i < count; ++i) {
    labels.push_back(static_cast<std::int32_t>(stream.below(2)));
    for (Index p = 0; p < 64 * 3; ++p) {
      const bool red = p % 3 == 0 && kind == Kind::colour && labels.back() == 1;
      images.uint8s()[usize(i * 192 + p)] = static_cast<std::uint8_t>(stream.below(100) + (red ? 60 : 0));
    }
  }
  return std::make_shared<data::InMemory>("images", std::move(images), std::move(labels),
                                          std::vector<std::string>{"plain", "red"});
}

/// Energy in fine horizontal detail, which no linear classifier sees in the pixels: class 1 is striped with random phase.
data::DatasetPtr stripes(Index count) {
  Tensor images({count, 8, 8, 3}, DType::uint8);
  std::vector<std::int32_t> labels;
  Stream stream(3, 0, 0, slot_of("stripes"));
  for (Index i = 0; i < count; ++i) {
    labels.push_back(static_cast<std::int32_t>(stream.below(2)));
    const Index phase = stream.below(2);
    for (Index p = 0; p < 64 * 3; ++p) {
      const bool light = labels.back() == 0 ? stream.below(2) == 0 : (p / 3 + phase) % 2 == 0;
      images.uint8s()[usize(i * 192 + p)] = light ? 200 : 50;
    }
  }
  return std::make_shared<data::InMemory>("stripes", std::move(images), std::move(labels),
                                          std::vector<std::string>{"rough", "striped"});
}

/// Its first block finds stripes; its second hands them on, or makes all the same.
Model network(bool hands_on) {
  Model net =
      Sequential("net", {Input{{8, 8, 3}}, Conv2D{{.filters = 2, .kernel = {1, 2}, .activation = relu, .name = "edge"}},
                         Conv2D{{.filters = 2, .kernel = 1, .strides = 2, .activation = relu, .name = "next"}},
                         GlobalAveragePool2D{}, Dense{{.units = 7, .name = "head"}}});
  const auto fill = [&](const char* name, auto value) {
    const std::span<float> values = net.parameter(name).value.floats();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = value(i);
  };
  // [1, 2, 3, 2]: right minus left, and left minus right.
  fill("edge.weight", [](std::size_t i) { return (i / 6 == i % 2 ? -1.0F : 1.0F) / 3; });
  fill("next.weight", [&](std::size_t i) { return hands_on && i / 2 == i % 2 ? 1.0F : 0.0F; });
  fill("next.bias", [](std::size_t) { return 1.0F; });
  return net;
}

TEST(TransferAdvice, NearImagesWantALayerAndMoreOfThemMore) {
  Model net = network(true);
  const TransferAdvice few = transfer_advice(net, stripes(120));
  std::vector<std::string> layers;
  for (const Probe& probe : few.probes) layers.push_back(probe.layer);
  EXPECT_THAT(layers, ElementsAre("input", "edge", "global_average_pool2d"));
  EXPECT_LT(few.probes[0].accuracy, 0.75);
  EXPECT_GT(few.probes[2].accuracy, 0.9);
  EXPECT_EQ(few.training, Training::last_layer);
  EXPECT_EQ(few.options, "--train-last 1");
  EXPECT_THAT(few.reasons[0], HasSubstr("120 images of 2 classes, 60 a class on average, fewest of '"));
  const TransferAdvice more = transfer_advice(net, stripes(400));
  EXPECT_EQ(more.training, Training::last_block);
  EXPECT_EQ(more.options, "--train-from next --lr-decay-per-block 0.3");
  EXPECT_EQ(more.looked_at, 400);
  const TransferAdvice most = transfer_advice(net, stripes(1000));
  EXPECT_EQ(most.training, Training::all);
  EXPECT_EQ(most.looked_at, 500);
}

TEST(TransferAdvice, LayersThatHaveLearnedSomethingElseAreToLearnAnew) {
  Model net = network(false);
  const TransferAdvice advice = transfer_advice(net, stripes(120));
  EXPECT_EQ(advice.training, Training::from_layer);
  EXPECT_EQ(advice.options, "--train-from next");
  EXPECT_EQ(transfer_advice(net, stripes(1000), {.most_images = 200}).training, Training::all);
}

TEST(TransferAdvice, AStartOfNoUseIsNotRecommended) {
  Model net = network(false);
  EXPECT_EQ(transfer_advice(net, images_of(Kind::colour, 400)).training, Training::scratch);
  EXPECT_EQ(transfer_advice(net, images_of(Kind::noise, 60)).training, Training::all);
}

TEST(TransferAdvice, IsTheSameEachTimeAndPrintsAsJson) {
  Model net = network(true);
  const data::DatasetPtr images = stripes(200);
  const std::string json = to_json(transfer_advice(net, images, {.most_images = 50, .workers = 0}));
  EXPECT_EQ(json, to_json(transfer_advice(net, images, {.most_images = 50, .batch_size = 7})));
  EXPECT_THAT(json, HasSubstr("\"looked_at\": 50"));
}

TEST(TransferAdvice, SaysWhatIsWrong) {
  Model net = network(true);
  EXPECT_THAT(message_of<ValueError>([&] { transfer_advice(net, stripes(9)); }),
              HasSubstr("expected at least two classes and 20 images, got 2 classes, 9 images"));
  EXPECT_THROW(transfer_advice(net, stripes(50), {.stop = [] { return true; }}), InterruptedError);
}

}  // namespace
}  // namespace saccade
