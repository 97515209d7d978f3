#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "saccade/base/parallel.h"
#include "saccade/base/random.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/merge.h"
#include "saccade/nn/plan.h"
#include "saccade/nn/view.h"

// Plans in which a batch normalisation and what follows it are one.
namespace saccade {
namespace {

using testing::HasSubstr;
using testing::Not;

struct NetOptions {
  bool apart = false;  ///< Dropouts that drop nothing keep layers apart.
  Activation activation = relu;
  bool residual = false;  ///< The second normalisation is added to a shortcut,
  bool first = false;     ///< as the first of the two,
  bool norms = false;     ///< which is a normalisation, too.
};

/// conv norm act, conv norm (add) act, and a head.
Model net_of(const NetOptions& o) {
  const auto kept = [&](const Node& y) { return o.apart ? Dropout{{.rate = 0.0F}}(y) : y; };
  const auto normalised = [&](const Node& y, const std::string& number) {
    const Node conv = Conv2D{{.filters = 5, .kernel = 3, .padding = same, .name = "conv" + number}}(y);
    return kept(BatchNorm{{.name = "norm" + number}}(conv));
  };
  const auto activated = [&](const Node& y, const std::string& number) {
    return ActivationLayer{{.activation = o.activation, .name = "act" + number}}(y);
  };
  const Node x = input({6, 7, 3});
  Node y = activated(normalised(x, "1"), "1");
  Node z = normalised(y, "2");
  const Node shortcut = o.norms ? normalised(y, "3") : y;
  if (o.residual) z = kept(Add{{.name = "add"}}(o.first ? std::vector{z, shortcut} : std::vector{shortcut, z}));
  Model net("net", x, Dense{{.units = 2, .name = "head"}}(Flatten{}(activated(z, "2"))));
  Stream stream(5, 0, 0, slot_of("joined norm"));
  for (Parameter& p : net.parameters()) {
    for (float& value : p.value.floats()) {
      value = static_cast<float>(stream.uniform()) - (p.name.ends_with("variance") ? -0.5F : 0.5F);
    }
  }
  return net;
}

/// Two steps' outputs and, in training, gradients of what learns; the moving statistics behind them.
std::vector<float> results(Model net, PlanMode mode, const PlanPart& part = {}) {
  constexpr Index kBatch = 3;
  std::vector<float> src(usize(kBatch * net.nodes()[part.first].shape.elements()));
  Stream stream(6, 0, 0, slot_of("joined norm"));
  for (float& value : src) value = static_cast<float>(stream.uniform()) * 4.0F - 2.0F;
  Plan plan(net, kBatch, mode, part);
  std::vector<float> all;
  const auto add = [&](std::span<const float> values) { all.insert(all.end(), values.begin(), values.end()); };
  for (int step = 0; step < 2; ++step) {
    add(plan.forward(src));
    if (mode != PlanMode::training) continue;
    for (float& value : plan.output_grad()) value = static_cast<float>(stream.uniform()) - 0.5F;
    plan.backward();
    for (const Parameter& p : net.parameters()) {
      if (p.learns()) add(p.grad.floats());
    }
    if (part.wants_grad) add(plan.input_grad());
  }
  for (const Parameter& p : net.parameters()) {
    if (p.role == Parameter::Role::state) add(p.value.floats());
  }
  return all;
}

TEST(JoinedNorms, GiveTheSameBitsAsTheLayersOneByOne) {
  for (const Activation activation : {relu, relu6}) {
    for (const NetOptions& shape :
         {NetOptions{}, NetOptions{.residual = true}, NetOptions{.residual = true, .first = true},
          NetOptions{.residual = true, .norms = true}, NetOptions{.residual = true, .first = true, .norms = true}}) {
      NetOptions o = shape;
      o.activation = activation;
      const Model joined = net_of(o);
      o.apart = true;
      const Model apart = net_of(o);
      for (const PlanMode mode : {PlanMode::inference, PlanMode::training}) {
        Model a = joined, b = apart;
        const Plan plan(a, 3, mode), other(b, 3, mode);
        EXPECT_THAT(plan.explain(), HasSubstr("\nact1\n  computed together with norm1\n"));
        EXPECT_THAT(other.explain(), Not(HasSubstr("together")));
        EXPECT_LE(plan.arena_bytes(), other.arena_bytes());
        EXPECT_EQ(results(joined, mode), results(apart, mode));
      }
      EXPECT_EQ(results(joined, PlanMode::training, {.wants_grad = true}),
                results(apart, PlanMode::training, {.wants_grad = true}));
      const std::vector<float> expected = results(joined, PlanMode::training);
      set_thread_count(2);
      EXPECT_EQ(results(joined, PlanMode::training), expected);
      set_thread_count(1);
    }
  }
}

TEST(JoinedNorms, AreNamed) {
  Model net = net_of({.residual = true, .first = true, .norms = true});
  const std::string text = Plan(net, 3, PlanMode::training).explain();
  EXPECT_THAT(text, HasSubstr("\nnorm2\n  computed together with add\n"));
  EXPECT_THAT(text, HasSubstr("\nnorm3\n  forward and backward   simd\n"));
  EXPECT_THAT(text, HasSubstr("\nadd\n  forward and backward   simd\n"));
  EXPECT_THAT(text, HasSubstr("\nact2\n  computed together with add\n"));
  Model swish = net_of({.activation = Activation::swish, .residual = true});
  const std::string other = Plan(swish, 3, PlanMode::training).explain();
  EXPECT_THAT(other, HasSubstr("\n  not together with act1: its activation is neither relu nor relu6\n"));
  EXPECT_THAT(other, HasSubstr("\nact2\n  forward "));
  EXPECT_THAT(other, HasSubstr("\nnorm2\n  computed together with add\n"));
}

TEST(JoinedNorms, DoWithWhatIsFrozen) {
  const std::vector<std::vector<std::string>> frozen{
      {"conv1*"},           {"norm1*"}, {"norm2*"},          {"norm2.moving*"},  {"norm2.gamma"},
      {"conv1*", "norm1*"}, {"conv2*"}, {"conv*", "norm1*"}, {"conv*", "norm*"}, {"conv*"}};
  for (const std::vector<std::string>& patterns : frozen) {
    for (const bool residual : {false, true}) {
      SCOPED_TRACE(patterns.back());
      Model joined = net_of({.residual = residual, .norms = residual});
      Model apart = net_of({.apart = true, .residual = residual, .norms = residual});
      for (const std::string& pattern : patterns) {
        joined.freeze(pattern);
        apart.freeze(pattern);
      }
      EXPECT_EQ(results(joined, PlanMode::training), results(apart, PlanMode::training));
      EXPECT_EQ(results(joined, PlanMode::training, {.wants_grad = true}),
                results(apart, PlanMode::training, {.wants_grad = true}));
      EXPECT_LE(Plan(joined, 3, PlanMode::training).arena_bytes(), Plan(apart, 3, PlanMode::training).arena_bytes());
    }
  }
}

TEST(JoinedNorms, LeaveWhatSomebodyElseReadsOrAsksFor) {
  const Node x = input({8, 8, 3});
  const Node norm = BatchNorm{{.name = "norm"}}(x);
  const Node act = ActivationLayer{{.activation = relu, .name = "act"}}(norm);
  Model twice("twice", x, Add{}({norm, act}));
  EXPECT_THAT(Plan(twice, 1, PlanMode::training).explain(), Not(HasSubstr("together")));
  Model with_itself("itself", x, Add{}({norm, norm}));
  EXPECT_THAT(Plan(with_itself, 1, PlanMode::training).explain(), Not(HasSubstr("together")));
  Model three("three", x, Add{}({act, x, x}));
  EXPECT_THAT(Plan(three, 1, PlanMode::training).explain(), HasSubstr("act\n  computed together with norm\n"));
  Model once("once", x, act);
  EXPECT_THAT(Plan(once, 1, PlanMode::training).explain(), HasSubstr("together"));
  EXPECT_THAT(Plan(once, 1, PlanMode::training, {.last = 1}).explain(), HasSubstr("norm\n  forward"));
  EXPECT_THAT(Plan(once, 1, PlanMode::training, {.first = 1}).explain(), HasSubstr("act\n  forward"));
}

// What is normalised may be the shortcut, too, and the input of the network.
TEST(JoinedNorms, ShortcutsFromTheSameValues) {
  const auto net = [](bool apart, bool conv) {
    const Node x = input({4, 4, 3});
    const Node y = conv ? Conv2D{{.filters = 3, .kernel = 1}}(x) : x;
    Node z = BatchNorm{}(y);
    if (apart) z = Dropout{{.rate = 0.0F}}(z);
    return Model("net", x, ActivationLayer{{.activation = relu}}(Add{}({z, y})));
  };
  for (const bool conv : {false, true}) {
    for (const bool wants_grad : {false, true}) {
      EXPECT_EQ(results(net(false, conv), PlanMode::training, {.wants_grad = wants_grad}),
                results(net(true, conv), PlanMode::training, {.wants_grad = wants_grad}));
    }
  }
}

TEST(JoinedNorms, KeepNaN) {
  const Node x = input({2, 2, 2});
  Model net("net", x, ActivationLayer{{.activation = relu}}(BatchNorm{}(x)));
  Plan plan(net, 2, PlanMode::training);
  std::vector<float> src(16, 1.0F);
  for (std::size_t i = 0; i < src.size(); ++i) src[i] = static_cast<float>(i * i);
  src[3] = std::numeric_limits<float>::quiet_NaN();
  const std::span<const float> dst = plan.forward(src);
  for (std::size_t i = 0; i < dst.size(); ++i) EXPECT_EQ(std::isnan(dst[i]), i % 2 == 1) << i;
}

}  // namespace
}  // namespace saccade
