#include "saccade/zoo/surgery.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "saccade/base/error.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/plan.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/view.h"
#include "saccade/nn/zero_padding2d.h"
#include "tests/support/message_of.h"

namespace saccade::zoo {
namespace {

using testing::ElementsAreArray;
using testing::Not;

/// Ends as SqueezeNet does: a convolution with an activation, global pooling, softmax.
Model fully_convolutional() {
  return Sequential("squeeze", {Input{{6, 6, 3}}, ZeroPadding2D{{.padding = pads(1, 0, 0, 1)}},
                                Conv2D{{.filters = 4, .kernel = 3, .activation = relu, .name = "stem"}}, BatchNorm{},
                                Conv2D{{.filters = 7, .kernel = 1, .activation = relu, .name = "conv10"}},
                                GlobalAveragePool2D{{.keepdims = true}}, ActivationLayer{{.activation = softmax}}});
}

TEST(Surgery, ANewHeadLeavesAllOtherWeightsBitForBit) {
  Model net = fully_convolutional();
  net.freeze("stem");
  net.preprocessing.mean = {1.0F, 2.0F, 3.0F};
  const Model other = with_new_head(net, 2, 5);
  EXPECT_EQ(other.output_shape(), Shape{2});
  EXPECT_FALSE(other.ends_in_softmax());
  EXPECT_EQ(other.preprocessing, net.preprocessing);
  EXPECT_EQ(other.parameter("conv10.weight").value.shape(), (Shape{1, 1, 4, 2}));
  EXPECT_FALSE(other.parameter("stem.weight").trainable);
  EXPECT_TRUE(other.parameter("conv10.weight").trainable);
  for (const Parameter& parameter : net.parameters()) {
    if (parameter.name.starts_with("conv10.")) continue;
    EXPECT_THAT(other.parameter(parameter.name).value.floats(), ElementsAreArray(parameter.value.floats()))
        << parameter.name;
  }
  const auto head = [&](std::uint64_t seed) { return with_new_head(net, 2, seed).parameter("conv10.weight").value; };
  EXPECT_THAT(head(5).floats(), ElementsAreArray(other.parameter("conv10.weight").value.floats()));
  EXPECT_THAT(head(6).floats(), Not(ElementsAreArray(head(5).floats())));
}

TEST(Surgery, ANewHeadOfADenseLayerGivesLogits) {
  const Model net = Sequential("dense", {Input{{4}}, Dense{{.units = 3, .activation = relu}},
                                         Dense{{.units = 5, .activation = softmax}}, Reshape{{.shape = {5, 1}}}});
  const Model other = with_new_head(net, 9, 0);
  EXPECT_EQ(other.output_shape(), Shape{9});
  EXPECT_EQ(other.nodes()[2].layer->activation(), Activation::linear);
  EXPECT_EQ(test::message_of([] {
              with_new_head(Sequential("n", {Input{{4}}, BatchNorm{}}), 2, 0);
            }),
            "layer 'batch_norm': expected the last layer with weights to be a Dense or a Conv2D, got BatchNorm; start "
            "from a network that ends in one");
  EXPECT_EQ(
      test::message_of([] {
        with_new_head(Sequential("n", {Input{{4, 4, 1}}, Conv2D{{.filters = 3, .kernel = 3}}}), 2, 0);
      }),
      "network 'n': expected 2 outputs behind the new layer 'conv2d', got [8]; start from a network that pools its "
      "last convolution, or ends in a dense layer");
}

TEST(Surgery, ReversedChannelsComputeTheSameOfReversedImages) {
  Model net = fully_convolutional();
  std::vector<float> image(6 * 6 * 3);
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>((i * 7) % 11) - 5.0F;
  Plan plan(net, 1, PlanMode::inference);
  const std::span<const float> out = plan.forward(image);
  const std::vector<float> expected(out.begin(), out.end());

  net.preprocessing.mean = {1.0F, 2.0F, 3.0F};
  reverse_input_channels(net);
  EXPECT_THAT(net.preprocessing.mean, testing::ElementsAre(3.0F, 2.0F, 1.0F));
  for (std::size_t pixel = 0; pixel < image.size(); pixel += 3) std::swap(image[pixel], image[pixel + 2]);
  Plan reversed(net, 1, PlanMode::inference);
  const std::span<const float> got = reversed.forward(image);
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-6F);

  Model grey = Sequential("grey", {Input{{4, 4, 1}}, Flatten{}, Dense{{.units = 2}}});
  EXPECT_THAT(test::message_of([&] { reverse_input_channels(grey); }), testing::HasSubstr("got images [4, 4, 1]"));
}

}  // namespace
}  // namespace saccade::zoo
