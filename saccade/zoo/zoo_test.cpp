#include "saccade/zoo/zoo.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "saccade/base/error.h"
#include "saccade/nn/loss.h"
#include "saccade/nn/plan.h"

namespace saccade::zoo {
namespace {

/// What others say of a network. `weights` is the number that learns; Keras's own tables count moving averages too, and
/// are compared with `parameters`. `giga` multiply-adds are compared to the digits that are given.
struct Published {
  std::string_view name;
  Index weights, parameters;
  double giga, digit;
  std::string_view source;
};

const std::vector<Published> kPublished{
    {"lenet5", 61'706, 61'706, 0.000'416'520, 1e-9, "LeCun et al. 1998 with full connectivity; Keras's summary()"},
    {"mlp", 3'836'410, 3'836'410, 0.003'832'800, 1e-9, "784-1200-1200-1200-10"},
    {"airbench94", 1'971'640, 0, 0.118'147, 1e-6, "counted from airbench94_muon.py, which prints neither"},
    {"resnet20", 269'722, 0, 0.040'55, 1e-5, "akamaster/pytorch_resnet_cifar10; He et al. 2018 (SFP): 4.06e7"},
    {"resnet32", 464'154, 0, 0.068'9, 1e-4, "akamaster/pytorch_resnet_cifar10; He et al. 2018 (SFP): 6.89e7"},
    {"resnet56", 853'018, 0, 0.125'49, 1e-5, "akamaster/pytorch_resnet_cifar10; Lin et al. 2020 (HRank): 125.49 M"},
    {"alexnet", 61'100'840, 0, 0.714, 1e-3, "torchvision's AlexNet_Weights: num_params, _ops"},
    {"vgg11", 132'863'336, 0, 7.609, 1e-3, "torchvision's VGG11_Weights"},
    {"vgg16", 138'357'544, 0, 15.470, 1e-3, "torchvision's VGG16_Weights"},
    {"resnet18", 11'689'512, 0, 1.814, 1e-3, "torchvision's ResNet18_Weights"},
    {"resnet34", 21'797'672, 0, 3.664, 1e-3, "torchvision's ResNet34_Weights"},
    {"resnet50", 25'557'032, 0, 4.089, 1e-3, "torchvision's ResNet50_Weights"},
    {"squeezenet1_1", 1'235'496, 0, 0.349, 1e-3, "torchvision's SqueezeNet1_1_Weights"},
    {"mobilenet_v1", 4'231'976, 4'253'864, 0.569, 1e-3, "keras.applications.MobileNet; Howard et al. 2017, table 4"},
    {"mobilenet_v2", 3'504'872, 0, 0.301, 1e-3, "torchvision's MobileNet_V2_Weights"},
    {"efficientnet_lite0", 4'652'008, 0, 0.39, 1e-2, "timm; Tan and Le 2019: B0, whose convolutions these are"},
};

TEST(Zoo, HasThePublishedNumbersOfWeightsAndMultiplyAdds) {
  for (const Published& p : kPublished) {
    SCOPED_TRACE(std::string(p.name) + ": " + std::string(p.source));
    const Entry& entry = find_entry(p.name);
    const Graph graph = entry.graph(entry.image, entry.classes);
    EXPECT_EQ(graph.name(), p.name);
    EXPECT_EQ(graph.trainable_count(), p.weights);
    EXPECT_TRUE(p.parameters == 0 || graph.parameter_count() == p.parameters) << graph.parameter_count();
    EXPECT_NEAR(static_cast<double>(graph.multiply_adds()) * 1e-9, p.giga, p.digit * 0.501);
    EXPECT_EQ(graph.output_shape(), Shape({entry.classes}));
  }
  // vgg_small is our own; every other network has its line.
  EXPECT_EQ(kPublished.size() + 1, entries().size());
}

// Howard et al. 2017, table 6 (multiply-adds), keras.applications.MobileNet (parameters).
TEST(Zoo, MobileNetsComeInOtherWidths) {
  struct Width {
    float alpha;
    Index parameters;
    double mega;
  };
  for (const Width& w : {Width{0.25F, 475'544, 41.0}, {0.5F, 1'342'536, 149.0}, {0.75F, 2'601'976, 325.0}}) {
    const Graph graph = mobilenet_v1({224, 224, 3}, 1000, {.alpha = w.alpha});
    EXPECT_EQ(graph.parameter_count(), w.parameters);
    EXPECT_NEAR(static_cast<double>(graph.multiply_adds()) * 1e-6, w.mega, 0.5);
  }
  EXPECT_EQ(mobilenet_v1({224, 224, 3}, 10, {.alpha = 0.25F}).name(), "mobilenet_v1_0.25");
  // keras.applications.MobileNetV2 with alpha 0.5 has 1,987,224, of which 1,968,680 learn.
  EXPECT_EQ(mobilenet_v2({224, 224, 3}, 1000, {.alpha = 0.5F}).trainable_count(), 1'968'680);
  EXPECT_THROW(mobilenet_v2({224, 224, 3}, 10, {.alpha = 0.0F}), ValueError);
}

TEST(Zoo, LayersAreNamedAsWhereTheyComeFrom) {
  const auto shape_of = [](const Graph& graph, std::string_view name) {
    const auto found = std::ranges::find(graph.parameters(), name, &ParameterSpec::name);
    return found == graph.parameters().end() ? Shape{} : found->shape;
  };
  const Shape photo{224, 224, 3};
  EXPECT_EQ(shape_of(resnet18(photo, 10), "layer2_0_downsample_0.weight"), Shape({1, 1, 64, 128}));
  EXPECT_EQ(shape_of(resnet50(photo, 10), "layer4_2_conv3.weight"), Shape({1, 1, 512, 2048}));
  EXPECT_EQ(shape_of(resnet20({32, 32, 3}, 10), "layer3_0_conv1.weight"), Shape({3, 3, 32, 64}));
  EXPECT_EQ(shape_of(vgg16(photo, 10), "features_28.weight"), Shape({3, 3, 512, 512}));
  EXPECT_EQ(shape_of(vgg11(photo, 10), "features_18.weight"), Shape({3, 3, 512, 512}));
  EXPECT_EQ(shape_of(squeezenet1_1(photo, 10), "features_12_expand3x3.weight"), Shape({3, 3, 64, 256}));
  EXPECT_EQ(shape_of(mobilenet_v1(photo, 10), "conv_pw_13.weight"), Shape({1, 1, 1024, 1024}));
  EXPECT_EQ(shape_of(mobilenet_v2(photo, 10), "features_1_conv_0_0.weight"), Shape({3, 3, 32, 1}));
  EXPECT_EQ(shape_of(mobilenet_v2(photo, 10), "features_17_conv_2.weight"), Shape({1, 1, 960, 320}));
  EXPECT_EQ(shape_of(mobilenet_v2(photo, 10), "features_17_conv_3.gamma"), Shape({320}));
  EXPECT_EQ(shape_of(efficientnet_lite0(photo, 10), "blocks_5_3_conv_dw.weight"), Shape({5, 5, 1152, 1}));
}

TEST(Zoo, SqueezeNetKeepsWindowsThatReachBeyondTheImage) {
  // PyTorch's ceil_mode: 227 -> 113 -> 56 -> 28 -> 14; without it 113 -> 56 -> 27 -> 13.
  const Graph graph = squeezenet1_1({227, 227, 3}, 10);
  EXPECT_EQ(graph.nodes()[graph.nodes().size() - 2].shape, Shape({14, 14, 10}));
}

TEST(VggSmall, LargerImagesComeDownToTheSameGroups) {
  struct Case {
    Shape image;
    Index parameters;
  };
  for (const Case& c : std::vector<Case>{{{32, 32, 3}, 289642},
                                         {{63, 80, 3}, 289642},
                                         {{64, 64, 3}, 289642 + 3 * 9 * 16 + (16 - 3) * 9 * 32 + 4 * 16},
                                         {{128, 160, 3}, 293882 + 9 * 16 * 16 + 4 * 16},
                                         {{224, 224, 3}, 296250}}) {
    const Graph graph = vgg_small(c.image, 10);
    EXPECT_EQ(graph.parameter_count(), c.parameters) << c.image.to_string();
    EXPECT_EQ(graph.output_shape(), Shape({10}));
  }
}

TEST(Zoo, KnowsNetworksByName) {
  for (const Entry& entry : entries()) {
    EXPECT_EQ(entry.graph({64, 72, 3}, 7).output_shape(), Shape({7})) << entry.name;
    EXPECT_EQ(&find_entry(entry.name), &entry);
  }
  EXPECT_EQ(build("lenet5", {28, 28, 1}, 4).output_shape(), Shape({4}));
  try {
    build("resnet19", {32, 32, 3}, 10);
    FAIL();
  } catch (const ValueError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("one of lenet5, mlp, vgg_small, airbench94, resnet20"));
  }
}

/// He's scale, but not drawn: that takes seconds for the large networks.
void fill_weights(Model& net) {
  for (Parameter& p : net.parameters()) {
    const auto extents = p.value.shape().extents();
    if (!p.name.ends_with(".weight")) {
      std::ranges::fill(p.value.floats(), p.name.ends_with("gamma") || p.name.ends_with("variance") ? 1.0F : 0.0F);
      continue;
    }
    const float bound = std::sqrt(6.0F * static_cast<float>(extents.back()) / static_cast<float>(p.value.elements()));
    std::uint32_t state = 1;
    for (float& value : p.value.floats()) {
      state = state * 1664525U + 1013904223U;
      value = (static_cast<float>(state >> 8U) / 8388608.0F - 1.0F) * bound;
    }
  }
}

/// A training step on two images, as small as the network takes.
TEST(Zoo, EveryNetworkTakesAStep) {
  for (const Entry& entry : entries()) {
    SCOPED_TRACE(std::string(entry.name));
    const Shape image = entry.image[2] == 1 ? entry.image : Shape{32, 32, 3};
    const bool large = entry.name == "squeezenet1_1" || entry.name == "alexnet";
    Model net(entry.graph(large ? Shape{64, 64, 3} : image, 3), Model::Weights::zeros);
    fill_weights(net);
    Plan plan(net, 2, PlanMode::training);
    LossOperation loss(SoftmaxCrossEntropy{}, 2, 3);
    Tensor images(net.input_shape().with_batch(2));
    for (std::size_t i = 0; i < images.floats().size(); ++i) images.floats()[i] = std::sin(static_cast<float>(i));
    const std::vector<std::int32_t> labels{0, 2};
    const std::span<const float> logits = plan.forward(images.floats(), {.seed = 1});
    for (const float logit : logits) EXPECT_TRUE(std::isfinite(logit));
    loss.run(logits, {.labels = labels}, plan.output_grad());
    plan.backward();
    double squares = 0.0;
    for (const Parameter& p : net.parameters()) {
      if (!p.learns()) continue;
      for (const float g : p.grad.floats()) squares += static_cast<double>(g) * static_cast<double>(g);
    }
    EXPECT_TRUE(std::isfinite(squares));
    EXPECT_GT(squares, 0.0);
  }
}

/// Memory is reused: at inference no more than a few of the largest activations, far less than all of them.
TEST(Zoo, PlansReuseMemory) {
  for (const std::string_view name : {"resnet18", "mobilenet_v2", "efficientnet_lite0", "squeezenet1_1"}) {
    SCOPED_TRACE(std::string(name));
    Model net(find_entry(name).graph({64, 64, 3}, 10), Model::Weights::zeros);
    Index all = 0, largest = 0;
    for (const GraphNode& node : net.nodes()) {
      const Index bytes = 4 * 4 * node.shape.elements();
      all += bytes;
      largest = std::max(largest, bytes);
    }
    const Index weights = 4 * net.parameter_count();  // convolutions keep some in another layout while they run
    EXPECT_LT(Plan(net, 4, PlanMode::inference).arena_bytes(), 4 * largest + weights);
    EXPECT_LT(Plan(net, 4, PlanMode::training).arena_bytes(), all + 4 * largest + 3 * weights);
  }
}

}  // namespace
}  // namespace saccade::zoo
