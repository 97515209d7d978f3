#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "saccade/base/random.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/depthwise_conv2d.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/frozen_cuts.h"
#include "saccade/nn/merge.h"
#include "saccade/nn/plan.h"
#include "saccade/nn/view.h"

// Plans in which a convolution of single pixels and the depthwise one behind it are one.
namespace saccade {
namespace {

using testing::HasSubstr;
using testing::Not;

struct NetOptions {
  bool apart = false;  ///< A Dropout that drops nothing keeps the two apart.
  bool norm = false;   ///< With batch normalisations and activations of their own.
  bool bias = true;
  Activation activation = Activation::relu6;
};

/// Two blocks of expand, depthwise and project, the second with its shortcut, and a head. Weights are small whole numbers.
Model net_of(const NetOptions& o) {
  const Node x = input({9, 10, 4});
  const auto finish = [&](Node y, const std::string& name) {
    if (!o.norm) return y;
    y = BatchNorm{{.epsilon = 1e-12F, .name = "norm_" + name}}(y);
    return ActivationLayer{{.activation = o.activation, .name = "act_" + name}}(y);
  };
  const Activation own = o.norm ? Activation::linear : o.activation;
  Node y = x;
  for (const std::string number : {"1", "2"}) {
    const Node shortcut = y;
    y = Conv2D{{.filters = 20, .kernel = 1, .activation = own, .use_bias = o.bias, .name = "expand" + number}}(y);
    y = finish(y, "e" + number);
    if (o.apart) y = Dropout{{.rate = 0.0F, .name = "nothing" + number}}(y);
    y = DepthwiseConv2D{
        {.kernel = 3, .padding = same, .activation = own, .use_bias = o.bias, .name = "depthwise" + number}}(y);
    y = finish(y, "d" + number);
    y = Conv2D{{.filters = 4, .kernel = 1, .name = "project" + number}}(y);
    if (number == "2") y = Add{{.name = "add"}}({shortcut, y});
  }
  Model net("net", x, Dense{{.units = 2, .name = "head"}}(Flatten{}(y)));
  Stream stream(5, 0, 0, slot_of("joined"));
  for (Parameter& p : net.parameters()) {
    for (float& value : p.value.floats())
      value = p.name.ends_with("variance") ? 1.0F : static_cast<float>(stream.below(3)) - 1.0F;
  }
  return net;
}

std::vector<float> images(Index count) {
  std::vector<float> values(usize(count * 9 * 10 * 4));
  Stream stream(6, 0, 0, slot_of("joined"));
  for (float& value : values) value = static_cast<float>(stream.below(5)) - 2.0F;
  return values;
}

std::vector<float> output(Model& net, PlanMode mode) {
  constexpr Index kBatch = 3;
  Plan plan(net, kBatch, mode);
  const std::vector<float> src = images(kBatch);
  std::vector<float> all;
  for (int run = 0; run < 2; ++run) {  // the second with weights kept from the first
    const std::span<const float> dst = plan.forward(src);
    all.insert(all.end(), dst.begin(), dst.end());
  }
  return all;
}

TEST(JoinedConvs, GiveWhatTheLayersGiveOneByOne) {
  for (const NetOptions& o : {NetOptions{}, NetOptions{.bias = false}, NetOptions{.activation = relu},
                              NetOptions{.activation = Activation::linear}, NetOptions{.norm = true}}) {
    NetOptions with_nothing = o;
    with_nothing.apart = true;
    Model joined = net_of(o), apart = net_of(with_nothing);
    for (const PlanMode mode : {PlanMode::inference, PlanMode::constant}) {
      const std::string text = Plan(joined, 3, mode).explain();
      if (!o.norm || mode == PlanMode::constant) {
        EXPECT_THAT(text, HasSubstr("expand2\n  computed together with depthwise2\n"));
        EXPECT_THAT(text, HasSubstr("depthwise2\n  convolution + depthwise simd\n"));
      } else {
        EXPECT_THAT(text, Not(HasSubstr("together with depthwise")));
      }
      EXPECT_THAT(Plan(apart, 3, mode).explain(), Not(HasSubstr("together with depthwise")));
      EXPECT_EQ(output(joined, mode), output(apart, mode));
    }
  }
}

TEST(JoinedConvs, LeaveTrainingAloneAndTakeWhatIsFrozen) {
  Model net = net_of({});
  EXPECT_THAT(Plan(net, 3, PlanMode::training).explain(), Not(HasSubstr("together")));
  net.train_from("depthwise2");
  const std::string text = Plan(net, 3, PlanMode::training).explain();
  EXPECT_THAT(text, HasSubstr("expand1\n  computed together with depthwise1\n"));
  EXPECT_THAT(text, HasSubstr("expand2\n  forward"));
  EXPECT_THAT(Plan(net, 3, PlanMode::training, {.wants_grad = true}).explain(), Not(HasSubstr("together")));
}

TEST(JoinedConvs, AreNotCutInTwo) {
  for (const bool norm : {false, true}) {
    Model net = net_of({.norm = norm});
    net.train_from("head");
    std::vector<std::string> names;
    for (const std::size_t i : frozen_cuts(net)) names.push_back(net.nodes()[i].name);
    EXPECT_THAT(names, testing::ElementsAre(norm ? "act_d1" : "depthwise1", "project1", "add", "flatten"));
  }
}

TEST(JoinedConvs, LeaveWhatSomebodyElseReadsOrAsksFor) {
  const Node x = input({8, 8, 3});
  const Node conv = Conv2D{{.filters = 16, .kernel = 1, .name = "conv"}}(x);
  const Node depthwise = DepthwiseConv2D{{.kernel = 3, .padding = same, .name = "depthwise"}}(conv);
  Model twice("twice", x, Concatenate{}({conv, depthwise}));
  EXPECT_THAT(Plan(twice, 1, PlanMode::inference).explain(), Not(HasSubstr("together")));
  Model once("once", x, depthwise);
  EXPECT_THAT(Plan(once, 1, PlanMode::inference).explain(), HasSubstr("together"));
  EXPECT_THAT(Plan(once, 1, PlanMode::inference, {.last = 1}).explain(), HasSubstr("conv\n  forward"));
  EXPECT_THAT(Plan(once, 1, PlanMode::inference, {.first = 1}).explain(), HasSubstr("depthwise\n  forward"));
}

TEST(JoinedConvs, SayWhyNot) {
  const auto text = [](const Conv2DOptions& conv, const DepthwiseConv2DOptions& depthwise) {
    const Node x = input({9, 9, 4});
    Model net("net", x, DepthwiseConv2D{depthwise}(Conv2D{conv}(x)));
    return Plan(net, 1, PlanMode::inference).explain();
  };
  EXPECT_THAT(text({.filters = 12, .kernel = 1, .name = "conv"}, {}),
              HasSubstr("\n  not together with conv: there are fewer channels than fill a vector\n"));
  EXPECT_THAT(text({.filters = 16, .kernel = 1, .name = "conv"}, {.kernel = 5}),
              HasSubstr("\n  not together with conv: the filter is not three wide, with stride 1 or 2\n"));
  EXPECT_THAT(text({.filters = 16, .kernel = 1, .activation = Activation::tanh, .name = "conv"},
                   {.activation = Activation::tanh}),
              HasSubstr("\n  not together with conv: its activation is not linear, relu or relu6\n"));
  // No convolution of single pixels, or another operation behind it.
  const DepthwiseConv2DOptions plain{.kernel = 3};
  EXPECT_THAT(text({.filters = 16, .kernel = 2}, plain), Not(HasSubstr("together")));
  EXPECT_THAT(text({.filters = 16, .kernel = 1, .strides = 2}, plain), Not(HasSubstr("together")));
  EXPECT_THAT(text({.filters = 16, .kernel = 1, .groups = 2}, plain), Not(HasSubstr("together")));
  EXPECT_THAT(text({.filters = 16, .kernel = 1, .padding = same}, plain), HasSubstr("together"));
  EXPECT_THAT(text({.filters = 16, .kernel = 1, .activation = relu}, plain), Not(HasSubstr("together")));
  EXPECT_THAT(text({.filters = 16, .kernel = 1, .use_bias = false}, plain), Not(HasSubstr("together")));
  EXPECT_THAT(text({.filters = 16, .kernel = 1}, {.kernel = 3, .dilation = 2}), Not(HasSubstr("together")));
  EXPECT_THAT(text({.filters = 16, .kernel = 1}, {.kernel = 3, .depth_multiplier = 2}), Not(HasSubstr("together")));
}

TEST(JoinedConvs, KeepNaN) {
  Model net = net_of({});
  Plan plan(net, 1, PlanMode::constant, {.last = 2});
  std::vector<float> src = images(1);
  src[(4 * 10 + 5) * 4 + 1] = std::numeric_limits<float>::quiet_NaN();
  const std::span<const float> dst = plan.forward(src);
  for (Index i = 0; i < 9 * 10; ++i) {
    const bool near = std::abs(i / 10 - 4) <= 1 && std::abs(i % 10 - 5) <= 1;
    for (Index c = 0; c < 20; ++c) EXPECT_EQ(std::isnan(dst[usize(i * 20 + c)]), near) << i << ' ' << c;
  }
}

}  // namespace
}  // namespace saccade
