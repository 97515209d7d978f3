#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "saccade/base/parallel.h"
#include "saccade/base/random.h"
#include "saccade/kernels/conv2d_backward/pixels_sweep.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/depthwise_conv2d.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/merge.h"
#include "saccade/nn/plan.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/view.h"

// Plans in which convolutions do the walks of the batch normalisations beside them.
namespace saccade {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr Index kBatch = 3;

struct NetOptions {
  bool apart = false;  ///< Dropouts that drop nothing keep the layers apart.
  Activation activation = Activation::relu6;
  Index stride = 1;
  bool first = true;  ///< A convolution that does not take gradients back stands before them.
  bool bias = false;
  Activation own = Activation::linear;  ///< Of the convolutions `expand` and `depthwise` themselves.
};

/// expand norm act depthwise norm act project norm, added to what it came from where they agree, and a head.
Model net_of(const NetOptions& o) {
  const Node x = input({22, 21, o.first ? 3 : 16});
  const auto kept = [&](const Node& y) { return o.apart ? Dropout{{.rate = 0.0F}}(y) : y; };
  const auto normalised = [&](const Node& y, const std::string& name) {
    return BatchNorm{{.name = "norm_" + name}}(y);
  };
  const auto activated = [&](const Node& y, const std::string& name) {
    if (o.activation == Activation::linear) return kept(normalised(y, name));
    return kept(ActivationLayer{{.activation = o.activation, .name = "act_" + name}}(normalised(y, name)));
  };
  Node y = x;
  if (o.first) {
    y = Conv2D{{.filters = 16, .kernel = 3, .padding = same, .use_bias = false, .name = "first"}}(y);
    y = activated(y, "first");
  }
  const Node shortcut = y;
  y = Conv2D{{.filters = 48, .kernel = 1, .activation = o.own, .use_bias = o.bias, .name = "expand"}}(y);
  y = activated(y, "expand");
  y = DepthwiseConv2D{{.kernel = 3,
                       .strides = o.stride,
                       .padding = same,
                       .activation = o.own,
                       .use_bias = false,
                       .name = "depthwise"}}(y);
  y = activated(y, "depthwise");
  y = Conv2D{{.filters = 16, .kernel = 1, .use_bias = false, .name = "project"}}(y);
  y = normalised(y, "project");
  if (o.stride == 1) y = Add{{.name = "add"}}({shortcut, y});
  Model net("net", x, Dense{{.units = 2, .name = "head"}}(Flatten{}(GlobalAveragePool2D{}(y))));
  Stream stream(5, 0, 0, slot_of("normed convolution"));
  for (Parameter& p : net.parameters()) {
    const float low = p.name.ends_with("variance") ? 0.5F : p.name.ends_with("gamma") ? 0.2F : -0.5F;
    for (float& value : p.value.floats()) value = static_cast<float>(stream.uniform()) + low;
  }
  return net;
}

/// What two steps leave, by name: outputs, gradients of what learns and of the images, the moving statistics.
struct Values {
  std::string name;
  std::vector<float> values;
};

std::size_t position_of(const Model& net, const std::string& name) {
  return usize(std::ranges::find(net.nodes(), name, &GraphNode::name) - net.nodes().begin());
}

std::vector<Values> results(Model net, bool wants_grad = false, const std::string& first = {}) {
  const PlanPart part{.first = first.empty() ? 0 : position_of(net, first), .wants_grad = wants_grad};
  std::vector<float> src(usize(kBatch * net.nodes()[part.first].shape.elements()));
  Stream stream(6, 0, 0, slot_of("normed convolution"));
  for (float& value : src) value = static_cast<float>(stream.uniform()) * 4.0F - 2.0F;
  Plan plan(net, kBatch, PlanMode::training, part);
  std::vector<Values> all;
  const auto add = [&](std::string name, std::span<const float> values) {
    all.push_back({std::move(name), {values.begin(), values.end()}});
  };
  for (int step = 0; step < 2; ++step) {
    add("output", plan.forward(src));
    for (float& value : plan.output_grad()) value = static_cast<float>(stream.uniform()) - 0.5F;
    plan.backward();
    for (const Parameter& p : net.parameters()) {
      if (p.learns() && p.grad.shape() == p.value.shape()) add(p.name, p.grad.floats());
    }
    if (wants_grad) add("input", plan.input_grad());
  }
  for (const Parameter& p : net.parameters()) {
    if (p.role == Parameter::Role::state) add(p.name, p.value.floats());
  }
  return all;
}

std::string explain(Model net) { return Plan(net, kBatch, PlanMode::training).explain(); }

void expect_near(const std::vector<Values>& a, const std::vector<Values>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].name, b[i].name);
    ASSERT_EQ(a[i].values.size(), b[i].values.size());
    float largest = 0.0F, worst = 0.0F;
    for (std::size_t k = 0; k < a[i].values.size(); ++k) {
      largest = std::max(largest, std::abs(b[i].values[k]));
      worst = std::max(worst, std::abs(a[i].values[k] - b[i].values[k]));
    }
    EXPECT_GT(largest, 0.0F) << a[i].name;
    // What another normalisation takes out again has no gradient but rounding.
    EXPECT_LE(worst, 2e-5F * largest + 2e-8F) << a[i].name;
  }
}

bool products_are_built() {
  return kernels::decline_pixels_sweep({.n = kBatch, .ih = 22, .iw = 21, .ic = 48, .oc = 16, .bias = false}).empty();
}

TEST(NormedConvolutions, GiveWhatTheLayersGiveOneByOne) {
  for (const Activation activation : {Activation::linear, Activation::relu, Activation::relu6}) {
    for (const Index stride : {1, 2}) {
      for (const bool first : {false, true}) {
        NetOptions o{.activation = activation, .stride = stride, .first = first};
        const Model joined = net_of(o);
        o.apart = true;
        const Model apart = net_of(o);
        EXPECT_THAT(explain(joined), HasSubstr("\nnorm_expand\n  computed together with depthwise\n"));
        EXPECT_THAT(explain(apart), Not(HasSubstr("together with depthwise")));
        expect_near(results(joined), results(apart));
        if (!first) expect_near(results(joined, true), results(apart, true));
        const auto bits = [](const std::vector<Values>& all) {
          std::vector<float> values;
          for (const Values& v : all) values.insert(values.end(), v.values.begin(), v.values.end());
          return values;
        };
        const int usual = thread_count();
        set_thread_count(1);
        const std::vector<float> expected = bits(results(joined));
        set_thread_count(2);
        EXPECT_EQ(bits(results(joined)), expected);
        set_thread_count(usual);
      }
    }
  }
}

TEST(NormedConvolutions, DoNotKeepWhatTheyRead) {
  if (!products_are_built())
    GTEST_SKIP() << "without products of small matrices only the depthwise convolution is joined";
  constexpr Index kMany = 64;  // beside which the threads' working memory is small
  Model joined = net_of({}), apart = net_of({.apart = true});
  const Index bytes = Plan(joined, kMany, PlanMode::training).arena_bytes();
  const Index array = kMany * 22 * 21 * 48 * isize(sizeof(float));
  EXPECT_LT(bytes, Plan(apart, kMany, PlanMode::training).arena_bytes() - array);
}

TEST(NormedConvolutions, AreNamed) {
  if (!products_are_built())
    GTEST_SKIP() << "without products of small matrices only the depthwise convolution is joined";
  const std::string text = explain(net_of({}));
  EXPECT_THAT(text, HasSubstr("\nact_depthwise\n  computed together with project\n"));
  EXPECT_THAT(text, HasSubstr("\nnorm_depthwise\n  computed together with project\n"));
  EXPECT_THAT(text, HasSubstr("\nadd\n  forward and backward   simd\n"));
  EXPECT_THAT(text, HasSubstr("\nexpand\n  forward                pixel_products"));
  EXPECT_THAT(text, HasSubstr("\n  backward, from a norm  pixels_sweep"));
  EXPECT_THAT(text, HasSubstr("\n  backward, from a norm  depthwise_sweep"));
}

TEST(NormedConvolutions, DoWithWhatIsFrozen) {
  const std::vector<std::vector<std::string>> frozen{
      {"first*", "norm_first.gamma", "norm_first.beta"},  // statistics change, nothing learns
      {"first*", "norm_first*", "expand*"},               // a norm learns, what it reads wants no gradient{"expand*"},
      {"norm_expand*"},
      {"norm_expand.gamma"},
      {"depthwise*"},
      {"norm_depthwise.moving*"},
      {"project*"},
      {"first*", "expand*"},
      {"norm_*"},
      {"norm_expand*", "depthwise*"},
      {"first*", "norm_first*", "expand*", "norm_expand*"}};
  for (const std::vector<std::string>& patterns : frozen) {
    SCOPED_TRACE(patterns.back());
    Model joined = net_of({}), apart = net_of({.apart = true});
    for (const std::string& pattern : patterns) {
      joined.freeze(pattern);
      apart.freeze(pattern);
    }
    expect_near(results(joined), results(apart));
    expect_near(results(joined, true), results(apart, true));
  }
}

TEST(NormedConvolutions, DoWithAPartOfANetwork) {
  const Model joined = net_of({}), apart = net_of({.apart = true});
  for (const std::string first : {"first", "norm_first", "act_first"}) {
    for (const bool wants_grad : {false, true}) {
      SCOPED_TRACE(first);
      // The shortcut reads act_first, so nothing behind it stands where everything passes.
      expect_near(results(joined, wants_grad, first), results(apart, wants_grad, first));
    }
  }
  const Model chain = net_of({.stride = 2}), chain_apart = net_of({.apart = true, .stride = 2});
  for (const std::string first :
       {"expand", "norm_expand", "act_expand", "depthwise", "norm_depthwise", "act_depthwise"}) {
    for (const bool wants_grad : {false, true}) {
      SCOPED_TRACE(first);
      expect_near(results(chain, wants_grad, first), results(chain_apart, wants_grad, first));
    }
  }
}

TEST(NormedConvolutions, DoWithActivationsOfTheirOwn) {
  for (const Activation own : {Activation::relu, Activation::swish}) {
    const Model joined = net_of({.own = own});
    EXPECT_THAT(explain(joined), Not(HasSubstr("together with depthwise")));
    expect_near(results(joined), results(net_of({.apart = true, .own = own})));
  }
}

TEST(NormedConvolutions, KeepNaN) {
  Model net = net_of({});
  Plan plan(net, kBatch, PlanMode::training);
  std::vector<float> src(usize(kBatch * net.graph().input_shape().elements()), 1.0F);
  for (std::size_t i = 0; i < src.size(); ++i) src[i] = static_cast<float>(i * i % 17);
  const auto is_nan = [](float x) { return std::isnan(x); };
  plan.forward(src);
  std::ranges::fill(plan.output_grad(), std::nanf(""));
  plan.backward();
  for (const char* name :
       {"project.weight", "norm_depthwise.beta", "depthwise.weight", "norm_expand.gamma", "expand.weight"})
    EXPECT_TRUE(std::ranges::all_of(net.parameter(name).grad.floats(), is_nan)) << name;
  src[0] = std::nanf("");
  EXPECT_TRUE(std::ranges::all_of(plan.forward(src), is_nan));
}

TEST(NormedConvolutions, DoWithABias) {
  const Model joined = net_of({.bias = true});
  EXPECT_THAT(explain(joined), HasSubstr("\nnorm_expand\n  computed together with depthwise\n"));
  expect_near(results(joined), results(net_of({.apart = true, .bias = true})));
}

TEST(NormedConvolutions, LeaveWhatSomebodyElseReads) {
  const auto net = [](bool before, bool between, bool apart) {
    const Node x = input({22, 21, 16});
    const Node y = Conv2D{{.filters = 16, .kernel = 1, .use_bias = false, .name = "conv"}}(x);
    const Node norm = BatchNorm{{.name = "norm"}}(y);
    const Node act = ActivationLayer{{.activation = relu, .name = "act"}}(norm);
    const Node read = apart ? Dropout{{.rate = 0.0F}}(act) : act;
    Node z = DepthwiseConv2D{{.kernel = 3, .padding = same, .use_bias = false, .name = "depthwise"}}(read);
    if (before) z = Add{}({z, y});
    if (between) z = Add{}({z, act});
    return Model("net", x, z);
  };
  EXPECT_THAT(explain(net(false, false, false)), HasSubstr("norm\n  computed together with depthwise\n"));
  EXPECT_THAT(explain(net(false, true, false)), Not(HasSubstr("together with depthwise")));
  // What is normalised has two gradients, so the convolution before it is handed their sum.
  EXPECT_THAT(explain(net(true, false, false)), HasSubstr("norm\n  computed together with depthwise\n"));
  EXPECT_THAT(explain(net(true, false, false)), Not(HasSubstr("from a norm")));
  Model joined = net(true, false, false), apart = net(true, false, true);
  joined.initialize(3);
  apart.initialize(3);
  expect_near(results(std::move(joined), true), results(std::move(apart), true));
}

}  // namespace
}  // namespace saccade
