#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "saccade/base/random.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/frozen_cuts.h"
#include "saccade/nn/merge.h"
#include "saccade/nn/plan.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/view.h"

// Plans in which a convolution and the pooling behind it are one.
namespace saccade {
namespace {

using testing::FloatNear;
using testing::HasSubstr;
using testing::Not;
using testing::Pointwise;

struct NetOptions {
  bool apart = false;  ///< A Dropout that drops nothing keeps convolution and pooling apart.
  bool norm = false, own_relu = false;
};

/// conv (norm) (relu) pool, twice, and a head. Weights are small whole numbers, the same whatever stands between.
Model net_of(const NetOptions& o) {
  const Node x = input({11, 12, 3});
  Node y = x;
  for (const std::string number : {"1", "2"}) {
    const Activation activation = o.own_relu || o.norm ? Activation::linear : relu;
    y = Conv2D{{.filters = 5, .kernel = 3, .padding = same, .activation = activation, .name = "conv" + number}}(y);
    if (o.norm) y = BatchNorm{{.name = "norm" + number}}(y);
    if (o.own_relu) y = ActivationLayer{{.activation = relu, .name = "relu" + number}}(y);
    if (o.apart) y = Dropout{{.rate = 0.0F, .name = "nothing" + number}}(y);
    y = MaxPool2D{{.name = "pool" + number}}(y);
  }
  Model net("net", x, Dense{{.units = 2, .name = "head"}}(Flatten{}(y)));
  Stream stream(5, 0, 0, slot_of("joined"));
  for (Parameter& p : net.parameters()) {
    for (float& value : p.value.floats())
      value = p.name.ends_with("variance") ? 1.0F : static_cast<float>(stream.below(5)) - 2.0F;
  }
  return net;
}

std::vector<float> images(Index count) {
  std::vector<float> values(usize(count * 11 * 12 * 3));
  Stream stream(6, 0, 0, slot_of("joined"));
  for (float& value : values) value = static_cast<float>(stream.below(5)) - 2.0F;
  return values;
}

/// The output, in training followed by the gradients of what learns.
std::vector<float> results(Model& net, PlanMode mode, const PlanPart& part = {}) {
  constexpr Index kBatch = 3;
  Plan plan(net, kBatch, mode, part);
  const std::vector<float> src = images(kBatch);
  const std::span<const float> dst = plan.forward(src);
  std::vector<float> all(dst.begin(), dst.end());
  if (mode != PlanMode::training) return all;
  for (std::size_t i = 0; i < plan.output_grad().size(); ++i) plan.output_grad()[i] = static_cast<float>(i) - 2.0F;
  plan.backward();
  for (const Parameter& p : net.parameters()) {
    if (p.learns()) all.insert(all.end(), p.grad.floats().begin(), p.grad.floats().end());
  }
  if (part.wants_grad) all.insert(all.end(), plan.input_grad().begin(), plan.input_grad().end());
  return all;
}

TEST(JoinedPools, GiveWhatTheLayersGiveOneByOne) {
  for (const bool own_relu : {false, true}) {
    Model joined = net_of({.own_relu = own_relu}), apart = net_of({.apart = true, .own_relu = own_relu});
    for (const PlanMode mode : {PlanMode::inference, PlanMode::constant, PlanMode::training}) {
      const std::string text = Plan(joined, 3, mode).explain();
      EXPECT_THAT(text, HasSubstr("conv1\n  convolution + pooling  simd; not winograd: there are too few channels or "
                                  "pixels for its transforms\n"));
      EXPECT_THAT(text, HasSubstr("pool1\n  computed together with conv1\n"));
      EXPECT_THAT(Plan(apart, 3, mode).explain(), Not(HasSubstr("together")));
      EXPECT_EQ(results(joined, mode), results(apart, mode));
    }
    EXPECT_EQ(results(joined, PlanMode::training, {.wants_grad = true}),
              results(apart, PlanMode::training, {.wants_grad = true}));
    if (own_relu) {
      EXPECT_THAT(Plan(joined, 1, PlanMode::inference).explain(), HasSubstr("relu2\n  computed together with conv2\n"));
    }
  }
}

TEST(JoinedPools, DoWithWhatIsFrozen) {
  for (const char* pattern : {"conv1*", "conv2.weight", "conv*", "conv1.bias"}) {
    SCOPED_TRACE(pattern);
    Model joined = net_of({}), apart = net_of({.apart = true});
    joined.freeze(pattern);
    apart.freeze(pattern);
    EXPECT_EQ(results(joined, PlanMode::training), results(apart, PlanMode::training));
  }
}

TEST(JoinedPools, TakeWhatIsFoldedIntoTheConvolution) {
  for (const bool own_relu : {false, true}) {
    Model joined = net_of({.norm = true, .own_relu = own_relu});
    Model apart = net_of({.apart = true, .norm = true, .own_relu = own_relu});
    EXPECT_THAT(Plan(joined, 3, PlanMode::constant).explain(), HasSubstr("pool2\n  computed together with conv2\n"));
    const std::vector<float> expected = results(apart, PlanMode::constant);
    EXPECT_THAT(results(joined, PlanMode::constant), Pointwise(FloatNear(0.1F), expected));
    EXPECT_THAT(Plan(joined, 3, PlanMode::training).explain(), Not(HasSubstr("together with conv")));
  }
}

TEST(JoinedPools, LeaveWhatSomebodyElseReadsOrAsksFor) {
  const Node x = input({8, 8, 3});
  const Node conv = Conv2D{{.filters = 4, .kernel = 3, .name = "conv"}}(x);
  const Node pool = MaxPool2D{{.name = "pool"}}(conv);
  Model twice("twice", x, Concatenate{}({Flatten{}(conv), Flatten{}(pool)}));
  EXPECT_THAT(Plan(twice, 1, PlanMode::inference).explain(), Not(HasSubstr("together")));
  Model once("once", x, pool);
  EXPECT_THAT(Plan(once, 1, PlanMode::inference).explain(), HasSubstr("together"));
  EXPECT_THAT(Plan(once, 1, PlanMode::inference, {.last = 1}).explain(), HasSubstr("conv\n  forward"));
  EXPECT_THAT(Plan(once, 1, PlanMode::inference, {.first = 1}).explain(), HasSubstr("pool\n  forward and backward"));
}

TEST(JoinedPools, SayWhyNot) {
  const auto text = [](Index channels, Index size, const Conv2DOptions& conv, const Pool2DOptions& pool) {
    const Node x = input({size, size, channels});
    Model net("net", x, MaxPool2D{pool}(Conv2D{conv}(x)));
    return Plan(net, 1, PlanMode::inference).explain();
  };
  EXPECT_THAT(text(17, 8, {.filters = 4}, {.name = "pool"}),
              HasSubstr("\n  not together with pool: it has more than 16 input channels\n"));
  EXPECT_THAT(text(16, 8, {.filters = 32, .kernel = 3}, {.name = "pool"}),
              HasSubstr("\n  not together with pool: Winograd's convolution is faster\n"));
  EXPECT_THAT(text(3, 8, {.filters = 4, .activation = Activation::tanh}, {.name = "pool"}),
              HasSubstr("\n  not together with pool: its activation is not relu\n"));
  // No windows of 2x2 side by side behind a window that moves pixel by pixel.
  for (const Pool2DOptions& pool :
       {Pool2DOptions{.pool = 3}, Pool2DOptions{.strides = 1}, Pool2DOptions{.padding = same}}) {
    EXPECT_THAT(text(3, 9, {.filters = 4}, pool), Not(HasSubstr("together")));
  }
  EXPECT_THAT(text(4, 9, {.filters = 4, .strides = 2}, {}), Not(HasSubstr("together")));
  EXPECT_THAT(text(4, 9, {.filters = 4, .kernel = 2, .dilation = 2}, {}), Not(HasSubstr("together")));
  EXPECT_THAT(text(4, 9, {.filters = 4, .groups = 2}, {}), Not(HasSubstr("together")));
}

TEST(JoinedPools, AreNotCutInTwo) {
  Model net = net_of({.own_relu = true});
  net.train_from("head");
  std::vector<std::string> names;
  for (const std::size_t i : frozen_cuts(net)) names.push_back(net.nodes()[i].name);
  EXPECT_THAT(names, testing::ElementsAre("pool1", "pool2", "flatten"));
}

}  // namespace
}  // namespace saccade
