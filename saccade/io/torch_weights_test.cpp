#include "saccade/io/torch_weights.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/depthwise_conv2d.h"
#include "saccade/nn/plan.h"
#include "saccade/nn/prelu.h"
#include "saccade/nn/view.h"
#include "tests/support/message_of.h"

namespace saccade {
namespace {

using testing::HasSubstr;

Model network() {
  return Sequential("n", {Input{{4, 4, 2}}, Conv2D{{.filters = 4, .kernel = 3, .padding = same, .name = "stem_0"}},
                          BatchNorm{{.epsilon = 1e-5F, .name = "stem_1"}},
                          DepthwiseConv2D{{.kernel = {3, 2}, .depth_multiplier = 2, .use_bias = false, .name = "dw"}},
                          PReLU{{.name = "act"}}, Flatten{}, Dense{{.units = 3, .name = "fc"}}});
}

using Tensors = std::vector<std::pair<std::string, Tensor>>;

/// The state dict of the same network in PyTorch: element i of tensor k is sin(0.7 i + k), variances |sin| + 0.5.
Tensors state_dict() {
  Tensors tensors;
  const auto add = [&](const std::string& name, const Shape& shape) {
    const auto k = static_cast<float>(tensors.size());
    Tensor tensor(shape);
    for (Index i = 0; i < shape.elements(); ++i) {
      const float value = std::sin(static_cast<float>(i) * 0.7F + k);
      tensor.floats()[usize(i)] = name.ends_with("running_var") ? std::abs(value) + 0.5F : value;
    }
    tensors.emplace_back(name, std::move(tensor));
  };
  add("stem.0.weight", {4, 2, 3, 3});
  for (const char* name :
       {"stem.0.bias", "stem.1.weight", "stem.1.bias", "stem.1.running_mean", "stem.1.running_var"}) {
    add(name, {4});
  }
  add("dw.weight", {8, 1, 3, 2});
  add("act.weight", {8});
  add("fc.weight", {3, 48});
  add("fc.bias", {3});
  tensors.emplace_back("stem.1.num_batches_tracked", Tensor(Shape{}));
  return tensors;
}

/// The outputs for the image whose element i, channels first, is cos(0.3 i).
std::vector<float> torch_outputs(Model& net) {
  std::vector<float> image(32);
  for (std::size_t c = 0; c < 2; ++c) {
    for (std::size_t pixel = 0; pixel < 16; ++pixel) {
      image[pixel * 2 + c] = std::cos(static_cast<float>(c * 16 + pixel) * 0.3F);
    }
  }
  Plan plan(net, 1, PlanMode::inference);
  const std::span<const float> out = plan.forward(image);
  return {out.begin(), out.end()};
}

TEST(TorchWeights, GiveTheOutputsOfPyTorch) {
  Model net = network();
  take_torch_weights(net, state_dict(), "net.pth");
  // PyTorch 1.13: Conv2d, BatchNorm2d, Conv2d(groups=4), PReLU, flatten, Linear
  const std::vector<float> expected = {-0.8101177F, -56.858345F, 65.531128F};
  EXPECT_THAT(torch_outputs(net), testing::Pointwise(testing::FloatNear(1e-4F), expected));

  for (const char* wrapper : {"module.", "model._orig_mod."}) {
    Tensors prefixed = state_dict();
    for (auto& [name, tensor] : prefixed) name = wrapper + name;
    Model other = network();
    take_torch_weights(other, std::move(prefixed), "net.pth");
    EXPECT_EQ(torch_outputs(other), torch_outputs(net));
  }
}

TEST(TorchWeights, GoBackAsTheyCame) {
  Model net = network();
  take_torch_weights(net, state_dict(), "net.pth");
  Tensors given = state_dict(), back = torch_state_dict(net);
  given.pop_back();  // num_batches_tracked
  ASSERT_EQ(back.size(), given.size());
  for (std::size_t i = 0; i < given.size(); ++i) {
    EXPECT_EQ(back[i].first, given[i].first);
    EXPECT_EQ(back[i].second.shape(), given[i].second.shape());
    EXPECT_TRUE(std::ranges::equal(back[i].second.floats(), given[i].second.floats())) << given[i].first;
  }
  const auto named = [](const char* name) {
    return torch_state_dict(Sequential("n", {Input{{1, 1, 1}}, Conv2D{{.filters = 1, .name = name}}}))[0].first;
  };
  EXPECT_EQ(named("layer1_0_downsample_0"), "layer1.0.downsample.0.weight");
  EXPECT_EQ(named("blocks_1_0_conv_dw"), "blocks.1.0.conv_dw.weight");
  EXPECT_EQ(named("conv_stem"), "conv_stem.weight");
  EXPECT_EQ(named("features_3_expand1x1"), "features.3.expand1x1.weight");
}

TEST(TorchWeights, NamesWhatDoesNotFitAndLeavesTheNetwork) {
  Model net = network();
  const std::vector<float> before = torch_outputs(net);
  const auto message = [&](auto change) {
    Tensors tensors = state_dict();
    change(tensors);
    return test::message_of([&] { take_torch_weights(net, std::move(tensors), "net.pth"); });
  };
  EXPECT_THAT(message([](Tensors& t) { t.erase(t.begin()); }),
              HasSubstr("net.pth: expected a tensor 'stem_0.weight' for layer 'stem_0', got none"));
  EXPECT_THAT(message([](Tensors& t) { t.emplace_back("fc2.bias", Tensor(Shape{2})); }),
              HasSubstr("expected only tensors that a layer asks for, got 'fc2.bias'"));
  EXPECT_THAT(message([](Tensors& t) {
                t[8].second = Tensor(Shape{5, 48});
              }),
              HasSubstr("tensor 'fc.weight': expected what becomes [48, 3] for layer 'fc', got [5, 48]"));
  EXPECT_THAT(
      message([](Tensors& t) { t.emplace_back("stem_0.weight", t[0].second); }),
      HasSubstr("tensor 'stem_0.weight': expected a name that is not 'stem_0.weight' with '_' for '.', got a second "
                "one beside 'stem.0.weight'; rename one of the two in PyTorch"));
  EXPECT_THAT(message([](Tensors& t) { t[0].second = Tensor(Shape{4, 2, 9}); }), HasSubstr("got [4, 2, 9]"));
  EXPECT_EQ(torch_outputs(net), before);
}

}  // namespace
}  // namespace saccade
