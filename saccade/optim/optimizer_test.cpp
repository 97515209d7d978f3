#include "saccade/optim/optimizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/base/parallel.h"
#include "saccade/base/random.h"
#include "saccade/optim/adam.h"
#include "saccade/optim/rmsprop.h"
#include "saccade/optim/sgd.h"
#include "tests/support/message_of.h"

namespace saccade {
namespace {

using test::message_of;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Some parameters under one roof, as a network would have them.
class Net {
 public:
  Parameter& add(std::string name, std::vector<float> values) {
    const Shape shape{isize(values.size())};
    Parameter& parameter = parameters_.emplace_back();
    parameter.name = std::move(name);
    parameter.value = Tensor(shape, std::span<const float>(values));
    parameter.grad = Tensor(shape);
    pointers_.push_back(&parameter);
    return parameter;
  }
  std::span<Parameter* const> all() { return pointers_; }
  Parameter& operator[](std::size_t i) { return parameters_[i]; }

 private:
  std::deque<Parameter> parameters_;
  std::vector<Parameter*> pointers_;
};

std::vector<float> floats(const Tensor& tensor) {
  const auto values = tensor.floats();
  return {values.begin(), values.end()};
}

void set(Tensor& tensor, std::vector<float> values) { std::ranges::copy(values, tensor.floats().begin()); }

// The weight after each of the gradients, for one weight that starts at `w`.
std::vector<float> trace(AnyOptimizer optimizer, float w, const std::vector<float>& gradients) {
  Net net;
  Parameter& parameter = net.add("w", {w});
  optimizer->bind(net.all());
  std::vector<float> weights;
  for (const float gradient : gradients) {
    set(parameter.grad, {gradient});
    optimizer->step();
    weights.push_back(parameter.value.floats()[0]);
  }
  return weights;
}

TEST(SGD, WorkedValues) {
  EXPECT_THAT(trace(SGD{{.learning_rate = 0.1}}, 1.0F, {0.5F, -0.2F}),
              testing::ElementsAre(testing::FloatEq(0.95F), testing::FloatEq(0.97F)));
  EXPECT_THAT(trace(SGD{{.learning_rate = 0.1, .momentum = 0.9}}, 1.0F, {0.5F, -0.2F}),
              testing::ElementsAre(testing::FloatEq(0.95F), testing::FloatEq(0.925F)));
  EXPECT_THAT(trace(SGD{{.learning_rate = 0.1, .momentum = 0.9, .nesterov = true}}, 1.0F, {0.5F, -0.2F}),
              testing::ElementsAre(testing::FloatEq(0.905F), testing::FloatEq(0.9025F)));
}

TEST(Adam, WorkedValues) {
  EXPECT_THAT(trace(Adam{{.learning_rate = 0.1}}, 1.0F, {0.5F, -0.2F}),
              testing::ElementsAre(testing::FloatNear(0.9000006325F, 1e-7F), testing::FloatNear(0.8654402507F, 1e-7F)));
}

TEST(Optimizers, OneStepAsKerasTestsHaveIt) {
  const auto step = [](AnyOptimizer optimizer) {
    Net net;
    Parameter& parameter = net.add("w", {1, 2, 3, 4});
    set(parameter.grad, {1, 6, 7, 2});
    optimizer->bind(net.all());
    optimizer->step();
    return floats(parameter.value);
  };
  const auto near = [](std::vector<float> values) { return testing::Pointwise(testing::FloatNear(1e-4F), values); };
  EXPECT_THAT(step(SGD{{.learning_rate = 0.5}}), near({0.5F, -1.0F, -0.5F, 3.0F}));
  EXPECT_THAT(step(Adam{{.learning_rate = 0.5}}), near({0.5F, 1.5F, 2.5F, 3.5F}));
  EXPECT_THAT(step(RMSprop{{.learning_rate = 0.5}}), near({-0.5811F, 0.4189F, 1.4189F, 2.4189F}));
}

// An independent implementation in double: a function from a history of gradients to the weight, straight from the papers.
// `weight` starts at 1.
struct History {
  std::vector<float> g;

  // decay^(age) * gain summed over steps 0 .. t
  double average(std::size_t t, double decay, int power) const {
    double sum = 0.0;
    for (std::size_t k = 0; k <= t; ++k) {
      sum += (1.0 - decay) * std::pow(decay, static_cast<double>(t - k)) * std::pow(double{g[k]}, power);
    }
    return sum;
  }
  double adam(double lr, double b1, double b2, double eps, double decay, bool amsgrad) const {
    double w = 1.0;
    double largest = 0.0;
    for (std::size_t t = 0; t < g.size(); ++t) {
      const auto n = static_cast<double>(t + 1);
      w -= lr * decay * w;
      const double v = average(t, b2, 2);
      largest = std::max(largest, v);
      const double correction = std::sqrt(1.0 - std::pow(b2, n)) / (1.0 - std::pow(b1, n));
      w -= lr * correction * average(t, b1, 1) / (std::sqrt(amsgrad ? largest : v) + eps);
    }
    return w;
  }
  double rmsprop(double lr, double rho, double momentum, double eps, bool centered) const {
    double w = 1.0;
    double velocity = 0.0;
    for (std::size_t t = 0; t < g.size(); ++t) {
      const double mean = centered ? average(t, rho, 1) : 0.0;
      velocity = momentum * velocity + lr * g[t] / std::sqrt(average(t, rho, 2) - mean * mean + eps);
      w -= velocity;
    }
    return w;
  }
  double sgd(double lr, double momentum, bool nesterov) const {
    double w = 1.0;
    double velocity = 0.0;
    for (const float gradient : g) {
      velocity = momentum * velocity - lr * gradient;
      w += nesterov ? momentum * velocity - lr * gradient : velocity;
    }
    return w;
  }
};

TEST(Optimizers, FollowADoubleTraceForFortySteps) {
  History history;
  Stream stream(5, 0, 0, 0);
  for (int i = 0; i < 40; ++i) history.g.push_back(static_cast<float>(stream.normal() + 0.3));
  const auto last = [&](AnyOptimizer optimizer) { return trace(std::move(optimizer), 1.0F, history.g).back(); };
  const float tolerance = 5e-6F;
  EXPECT_NEAR(last(SGD{}), history.sgd(0.01, 0.0, false), tolerance);
  EXPECT_NEAR((last(SGD{{.learning_rate = 0.02, .momentum = 0.8}})), history.sgd(0.02, 0.8, false), tolerance);
  EXPECT_NEAR((last(SGD{{.learning_rate = 0.02, .momentum = 0.8, .nesterov = true}})), history.sgd(0.02, 0.8, true),
              tolerance);
  EXPECT_NEAR(last(RMSprop{}), history.rmsprop(0.001, 0.9, 0.0, 1e-7, false), tolerance);
  EXPECT_NEAR((last(RMSprop{{.learning_rate = 0.01, .rho = 0.8, .momentum = 0.5, .epsilon = 1e-4}})),
              history.rmsprop(0.01, 0.8, 0.5, 1e-4, false), tolerance);
  EXPECT_NEAR((last(RMSprop{{.epsilon = 1e-2, .centered = true}})), history.rmsprop(0.001, 0.9, 0.0, 1e-2, true),
              tolerance);
  EXPECT_NEAR((last(RMSprop{{.learning_rate = 0.01, .momentum = 0.5, .epsilon = 1e-2, .centered = true}})),
              history.rmsprop(0.01, 0.9, 0.5, 1e-2, true), tolerance);
  EXPECT_NEAR(last(Adam{}), history.adam(0.001, 0.9, 0.999, 1e-7, 0.0, false), tolerance);
  EXPECT_NEAR((last(Adam{{.learning_rate = 0.05, .beta_1 = 0.7, .beta_2 = 0.9, .epsilon = 1e-3}})),
              history.adam(0.05, 0.7, 0.9, 1e-3, 0.0, false), tolerance);
  EXPECT_NEAR((last(Adam{{.learning_rate = 0.02, .beta_2 = 0.8, .amsgrad = true}})),
              history.adam(0.02, 0.9, 0.8, 1e-7, 0.0, true), tolerance);
  EXPECT_NEAR((last(AdamW{{.learning_rate = 0.05}})), history.adam(0.05, 0.9, 0.999, 1e-7, 0.004, false), tolerance);
  // The traces differ by far more than the tolerance, so a mix-up cannot pass.
  EXPECT_GT(std::fabs(history.adam(0.02, 0.9, 0.8, 1e-7, 0, true) - history.adam(0.02, 0.9, 0.8, 1e-7, 0, false)),
            1e-3);
  EXPECT_GT(
      std::fabs(history.adam(0.05, 0.9, 0.999, 1e-7, 0.004, false) - history.adam(0.05, 0.9, 0.999, 1e-7, 0, false)),
      1e-3);
}

TEST(AdamW, DecaysEveryWeightUnlessExcluded) {
  Net net;
  net.add("dense.weight", {2.0F});
  net.add("dense.bias", {2.0F});
  AdamW all{{.learning_rate = 1.0}};
  all.bind(net.all());
  all.step();
  EXPECT_FLOAT_EQ(net[0].value.floats()[0], 1.992F);
  EXPECT_FLOAT_EQ(net[1].value.floats()[0], 1.992F);
  AdamW some{{.learning_rate = 1.0, .exclude_from_weight_decay = {"bias", "gamma"}}};
  some.bind(net.all());
  some.step();
  EXPECT_FLOAT_EQ(net[0].value.floats()[0], 1.992F * 0.996F);
  EXPECT_FLOAT_EQ(net[1].value.floats()[0], 1.992F);
}

TEST(Optimizers, FrozenParametersAreNeverTouched) {
  for (AnyOptimizer optimizer :
       {AnyOptimizer(SGD{{.momentum = 0.9}}), AnyOptimizer(RMSprop{}), AnyOptimizer(AdamW{})}) {
    Net net;
    net.add("a.weight", {1, 2});
    net.add("b.weight", {3, 4}).trainable = false;
    net.add("bn.moving_mean", {5, 6}).role = Parameter::Role::state;
    for (std::size_t i = 0; i < 3; ++i) set(net[i].grad, {1, 1});
    net[1].grad = Tensor();  // As a plan leaves it that trains only the others.
    optimizer->bind(net.all());
    for (const NamedTensor& slot : optimizer->state()) EXPECT_THAT(slot.name, testing::EndsWith("a.weight"));
    optimizer->step();
    EXPECT_THAT(floats(net[0].value), testing::Each(testing::Lt(2.0F)));
    EXPECT_THAT(floats(net[1].value), testing::ElementsAre(3.0F, 4.0F));
    EXPECT_THAT(floats(net[2].value), testing::ElementsAre(5.0F, 6.0F));

    // Frozen after bind(): left alone all the same. Unfrozen: learns after the next bind().
    net[0].trainable = false;
    const auto before = floats(net[0].value);
    optimizer->step();
    EXPECT_EQ(floats(net[0].value), before);
    net[1].trainable = true;
    net[1].grad = Tensor({2}, std::vector<float>{1, 1});
    optimizer->bind(net.all());
    EXPECT_EQ(optimizer->iterations(), 0);
    optimizer->step();
    EXPECT_EQ(floats(net[0].value), before);
    EXPECT_LT(net[1].value.floats()[0], 3.0F);
  }
}

TEST(Optimizers, GradientClipping) {
  const auto clipped = [](AnyOptimizer optimizer, std::vector<float> a, std::vector<float> b) {
    Net net;
    set(net.add("a", std::vector<float>(a.size())).grad, a);
    set(net.add("b", std::vector<float>(b.size())).grad, b);
    optimizer->bind(net.all());
    optimizer->step(1.0);
    auto all = floats(net[0].value);
    for (const float w : floats(net[1].value)) all.push_back(w);
    for (float& w : all) w = -w;
    return all;
  };
  using testing::ElementsAre;
  using testing::FloatEq;
  EXPECT_THAT(clipped(SGD{{.clipvalue = 1.0}}, {100, -100, 0.5}, {0.25}), ElementsAre(1.0F, -1.0F, 0.5F, 0.25F));
  const float root = std::sqrt(0.5F);
  EXPECT_THAT(clipped(SGD{{.clipnorm = 1.0}}, {100, 100}, {0.25}), ElementsAre(FloatEq(root), FloatEq(root), 0.25F));
  EXPECT_THAT(clipped(SGD{{.global_clipnorm = 1.0}}, {2, 4}, {4}),
              ElementsAre(FloatEq(2.0F / 6), FloatEq(4.0F / 6), FloatEq(4.0F / 6)));
  EXPECT_THAT(clipped(SGD{{.global_clipnorm = 10.0}}, {2, 4}, {4}), ElementsAre(2.0F, 4.0F, 4.0F));
  EXPECT_THAT(clipped(SGD{{.clipvalue = 1.0}}, {std::numeric_limits<float>::quiet_NaN()}, {9}),
              ElementsAre(testing::IsNan(), 1.0F));
}

TEST(Optimizers, GlobalNormLeavesFrozenGradientsOut) {
  Net net;
  set(net.add("a", {0}).grad, {3});
  set(net.add("b", {0}).grad, {4});
  SGD sgd{{.learning_rate = 1.0, .global_clipnorm = 1.5}};
  sgd.bind(net.all());
  net[1].trainable = false;
  sgd.step();
  EXPECT_EQ(net[0].value.floats()[0], -1.5F);
}

TEST(Optimizers, L2AddsToGradientAndLoss) {
  Net net;
  net.add("a", {1, -2}).l2 = 0.5F;
  net.add("b", {3}).l2 = 0.25F;
  net.add("c", {7});
  net.add("d", {9}).l2 = 1.0F;
  net[3].trainable = false;
  set(net[0].grad, {10, 20});
  EXPECT_EQ(add_l2(net.all()), 0.5 * 5.0 + 0.25 * 9.0);
  EXPECT_THAT(floats(net[0].grad), testing::ElementsAre(11.0F, 18.0F));
  EXPECT_THAT(floats(net[1].grad), testing::ElementsAre(1.5F));
  EXPECT_THAT(floats(net[2].grad), testing::ElementsAre(0.0F));
  EXPECT_THAT(floats(net[3].grad), testing::ElementsAre(0.0F));
  std::vector<const Parameter*> readers(net.all().begin(), net.all().end());
  EXPECT_EQ(l2_loss(readers), 0.5 * 5.0 + 0.25 * 9.0);
  net[0].grad = Tensor();
  EXPECT_EQ(message_of([&] { add_l2(net.all()); }),
            "parameter 'a': expected a gradient of shape [2], got [0]; compile the network for training");
}

TEST(Optimizers, AveragesFollowTheWeights) {
  Net net;
  Parameter& w = net.add("w", {1.0F});
  SGD sgd{{.learning_rate = 1.0, .use_ema = true, .ema_momentum = 0.75}};
  sgd.bind(net.all());
  sgd.swap_averages();  // before the first step there is nothing to swap
  EXPECT_EQ(w.value.floats()[0], 1.0F);
  set(w.grad, {-1.0F});
  sgd.step();  // w = 2, average = 2
  sgd.step();  // w = 3, average = 0.75 * 2 + 0.25 * 3 = 2.25
  ASSERT_EQ(sgd.state().size(), 1U);
  EXPECT_EQ(sgd.state()[0].name, "sgd/average/w");
  sgd.swap_averages();
  EXPECT_EQ(w.value.floats()[0], 2.25F);
  sgd.swap_averages();
  EXPECT_EQ(w.value.floats()[0], 3.0F);
}

// Weights of several slices, and some that end in the middle of one.
void fill(Net& net) {
  for (const Index count : {20000, 5, 8192, 1}) {
    std::vector<float> values(usize(count));
    Parameter& parameter = net.add("p" + std::to_string(count), values);
    Stream stream(1, 0, 0, static_cast<std::uint32_t>(count));
    for (float& value : parameter.value.floats()) value = stream.uniform() - 0.5F;
  }
}

void take_steps(Net& net, Optimizer& optimizer, int count) {
  for (int step = 0; step < count; ++step) {
    for (Parameter* parameter : net.all()) {
      Stream stream(2, 0, static_cast<std::uint64_t>(optimizer.iterations()),
                    static_cast<std::uint32_t>(parameter->value.elements()));
      for (float& g : parameter->grad.floats()) g = stream.uniform() - 0.5F;
    }
    optimizer.step();
  }
}

std::vector<float> everything(Net& net) {
  std::vector<float> all;
  for (Parameter* parameter : net.all()) {
    for (const float w : floats(parameter->value)) all.push_back(w);
  }
  return all;
}

std::vector<AnyOptimizer> a_few() {
  return {SGD{{.momentum = 0.9, .nesterov = true, .global_clipnorm = 50.0}},
          RMSprop{{.momentum = 0.5, .centered = true}}, Adam{{.clipnorm = 1.0, .use_ema = true}},
          AdamW{{.amsgrad = true}}};
}

// A weight that is cut into slices for the threads learns as its parts would alone.
TEST(Optimizers, LargeWeightsAreUpdatedWhole) {
  const auto value = [](Index i) { return static_cast<float>(i % 101 - 50) / 50.0F; };
  for (const AnyOptimizer& optimizer : {AnyOptimizer(SGD{{.momentum = 0.9}}), AnyOptimizer(RMSprop{{.centered = true}}),
                                        AnyOptimizer(Adam{{.amsgrad = true, .use_ema = true}})}) {
    std::vector<float> results[2];
    for (const Index part : {20000, 1000}) {
      Net net;
      for (Index first = 0; first < 20000; first += part) {
        std::vector<float> values;
        for (Index i = first; i < first + part; ++i) values.push_back(value(i));
        net.add("p" + std::to_string(first), values);
      }
      AnyOptimizer own = optimizer;
      own->bind(net.all());
      for (const int step : {1, 2, 3}) {
        Index i = 0;
        for (Parameter* parameter : net.all()) {
          for (float& g : parameter->grad.floats()) g = value(++i * step);
        }
        own->step();
      }
      own->swap_averages();
      results[part == 20000 ? 0 : 1] = everything(net);
    }
    EXPECT_EQ(results[0], results[1]) << optimizer->describe();
  }
}

TEST(Optimizers, GiveTheSameBitsForAnyThreadCount) {
  const int threads = thread_count();
  for (const AnyOptimizer& optimizer : a_few()) {
    std::vector<std::vector<float>> results;
    for (const int count : {1, 2}) {
      set_thread_count(count);
      Net net;
      fill(net);
      AnyOptimizer own = optimizer;
      own->bind(net.all());
      take_steps(net, *own, 3);
      results.push_back(everything(net));
    }
    EXPECT_EQ(results[0], results[1]) << optimizer->describe();
  }
  set_thread_count(threads);
}

TEST(Optimizers, StateCarriesARunOnBitForBit) {
  for (const AnyOptimizer& optimizer : a_few()) {
    Net whole;
    fill(whole);
    AnyOptimizer uninterrupted = optimizer;
    uninterrupted->bind(whole.all());
    take_steps(whole, *uninterrupted, 3);

    Net resumed;
    for (Parameter* parameter : whole.all()) resumed.add(parameter->name, floats(parameter->value));
    AnyOptimizer next = optimizer;
    next->bind(resumed.all());
    const auto from = uninterrupted->state();
    const auto to = next->state();
    ASSERT_EQ(from.size(), to.size());
    for (std::size_t i = 0; i < from.size(); ++i) {
      EXPECT_EQ(from[i].name, to[i].name);
      *to[i].tensor = *from[i].tensor;
    }
    next->set_iterations(uninterrupted->iterations());

    take_steps(whole, *uninterrupted, 2);
    take_steps(resumed, *next, 2);
    EXPECT_EQ(next->iterations(), 5);
    EXPECT_EQ(everything(whole), everything(resumed)) << optimizer->describe();
  }
}

TEST(Optimizers, StateNames) {
  Net net;
  net.add("conv2d.weight", {1});
  const auto names = [&](AnyOptimizer optimizer) {
    optimizer->bind(net.all());
    std::vector<std::string> all;
    for (const NamedTensor& slot : optimizer->state()) all.push_back(slot.name);
    return all;
  };
  using testing::ElementsAre;
  EXPECT_THAT(names(SGD{}), ElementsAre());
  EXPECT_THAT(names(SGD{{.momentum = 0.9}}), ElementsAre("sgd/velocity/conv2d.weight"));
  EXPECT_THAT(names(RMSprop{{.momentum = 0.9, .centered = true}}),
              ElementsAre("rmsprop/v/conv2d.weight", "rmsprop/mean/conv2d.weight", "rmsprop/velocity/conv2d.weight"));
  EXPECT_THAT(names(Adam{{.use_ema = true}}),
              ElementsAre("adam/m/conv2d.weight", "adam/v/conv2d.weight", "adam/average/conv2d.weight"));
  EXPECT_THAT(names(AdamW{{.amsgrad = true}}),
              ElementsAre("adamw/m/conv2d.weight", "adamw/v/conv2d.weight", "adamw/vmax/conv2d.weight"));
}

TEST(AnyOptimizer, CopiesDeeply) {
  Net net;
  set(net.add("w", {1.0F}).grad, {1.0F});
  AnyOptimizer first = SGD{{.momentum = 0.5}};
  first->bind(net.all());
  first->step();
  AnyOptimizer second = first;
  first->step();
  EXPECT_EQ(first->iterations(), 2);
  EXPECT_EQ(second->iterations(), 1);
  EXPECT_FLOAT_EQ(first->state()[0].tensor->floats()[0], -0.015F);
  EXPECT_FLOAT_EQ(second->state()[0].tensor->floats()[0], -0.01F);
  second = first;
  EXPECT_EQ(second->iterations(), 2);
}

struct FitLikeOptions {
  int epochs = 1;
  AnyOptimizer optimizer = RMSprop{};
};

TEST(AnyOptimizer, FitsIntoOptions) {
  const FitLikeOptions options{.epochs = 2, .optimizer = Adam{{.learning_rate = 1e-3F}}};
  EXPECT_EQ(options.optimizer->name(), "adam");
  EXPECT_EQ(FitLikeOptions{}.optimizer->name(), "rmsprop");
  EXPECT_EQ(options.optimizer->explanation().name, "simd");
}

TEST(Optimizers, Describe) {
  EXPECT_EQ(SGD{}.describe(), "SGD(learning_rate=0.01, momentum=0)");
  EXPECT_EQ((SGD{{.learning_rate = 0.1F, .momentum = 0.9F, .nesterov = true}}.describe()),
            "SGD(learning_rate=0.1, momentum=0.9, nesterov=true)");
  EXPECT_EQ(RMSprop{{.centered = true}}.describe(),
            "RMSprop(learning_rate=0.001, rho=0.9, momentum=0, epsilon=1e-07, centered=true)");
  EXPECT_EQ((Adam{{.amsgrad = true, .global_clipnorm = 5.0, .use_ema = true}}.describe()),
            "Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-07, global_clipnorm=5, ema_momentum=0.99, "
            "amsgrad=true)");
  EXPECT_EQ(AdamW{{.exclude_from_weight_decay = {"bias"}}}.describe(),
            "AdamW(learning_rate=0.001, weight_decay=0.004, beta_1=0.9, beta_2=0.999, epsilon=1e-07, "
            "exclude_from_weight_decay=[\"bias\"])");
}

TEST(Optimizers, BadOptionsAreNamedWithAFix) {
  EXPECT_EQ(message_of([] { Adam{{.learning_rate = kNaN}}; }),
            "Adam learning_rate: expected a positive finite number, got nan; try 0.001");
  EXPECT_EQ(message_of([] { SGD{{.learning_rate = -0.1}}; }),
            "SGD learning_rate: expected a positive finite number, got -0.1; try 0.01");
  EXPECT_EQ(message_of([] { RMSprop{{.learning_rate = kInfinity}}; }),
            "RMSprop learning_rate: expected a positive finite number, got inf; try 0.001");
  EXPECT_EQ(message_of([] { AdamW{{.learning_rate = 0.0}}; }),
            "AdamW learning_rate: expected a positive finite number, got 0; try 0.001");
  EXPECT_EQ(message_of([] { SGD{{.momentum = 1.0}}; }),
            "SGD momentum: expected at least 0 and below 1, got 1; try 0.9");
  EXPECT_EQ(message_of([] { SGD{{.momentum = kNaN}}; }),
            "SGD momentum: expected at least 0 and below 1, got nan; try 0.9");
  EXPECT_EQ(message_of([] { RMSprop{{.rho = -0.1}}; }),
            "RMSprop rho: expected at least 0 and below 1, got -0.1; try 0.9");
  EXPECT_EQ(message_of([] { RMSprop{{.momentum = 2.0}}; }),
            "RMSprop momentum: expected at least 0 and below 1, got 2; try 0.9");
  EXPECT_EQ(message_of([] { RMSprop{{.epsilon = 1e-60}}; }),
            "RMSprop epsilon: expected a positive finite number, got 1e-60; try 1e-07");
  EXPECT_EQ(message_of([] { Adam{{.beta_1 = 1.0}}; }), "Adam beta_1: expected at least 0 and below 1, got 1; try 0.9");
  EXPECT_EQ(message_of([] { Adam{{.beta_2 = 1.5}}; }),
            "Adam beta_2: expected at least 0 and below 1, got 1.5; try 0.999");
  EXPECT_EQ(message_of([] { Adam{{.epsilon = 0.0}}; }),
            "Adam epsilon: expected a positive finite number, got 0; try 1e-07");
  EXPECT_EQ(message_of([] { AdamW{{.weight_decay = -1.0}}; }),
            "AdamW weight_decay: expected a finite number of zero or more, got -1; try 0.004");
  EXPECT_EQ(message_of([] { Adam{{.clipnorm = 0.0}}; }),
            "Adam clipnorm: expected a positive finite number, got 0; try 1");
  EXPECT_EQ(message_of([] { Adam{{.use_ema = true, .ema_momentum = 1.0}}; }),
            "Adam ema_momentum: expected at least 0 and below 1, got 1; try 0.99");
  EXPECT_EQ(message_of([] { Adam{{.clipvalue = 1.0, .global_clipnorm = 1.0}}; }),
            "Adam: expected at most one of clipvalue, clipnorm and global_clipnorm, got clipvalue and global_clipnorm; "
            "keep one");
}

TEST(Optimizers, MisuseIsNamedWithAFix) {
  SGD sgd{{.momentum = 0.9}};
  EXPECT_EQ(message_of([&] { sgd.step(); }),
            "SGD: expected bind() before step(), got no parameters; bind it to the network's parameters");
  Net net;
  net.add("w", {1, 2});
  sgd.bind(net.all());
  sgd.step(0.0);
  EXPECT_EQ(message_of([&] { sgd.step(kNaN); }),
            "SGD step 1: expected a finite learning rate of zero or more, got nan; check the learning rate schedule");
  EXPECT_EQ(
      message_of([&] { sgd.step(-1e-3); }),
      "SGD step 1: expected a finite learning rate of zero or more, got -0.001; check the learning rate schedule");
  EXPECT_EQ(message_of([&] { sgd.set_iterations(-1); }),
            "SGD iterations: expected zero or more, got -1; use the count of an earlier iterations()");
  net[0].grad = Tensor();
  EXPECT_EQ(message_of([&] { sgd.step(); }),
            "parameter 'w': expected a gradient of shape [2], got [0]; compile the network for training");
  net[0].value = Tensor(Shape{3});
  net[0].grad = Tensor(Shape{3});
  EXPECT_EQ(message_of([&] { sgd.step(); }),
            "parameter 'w': expected shape [2], as at bind(), got [3]; bind the optimizer again");
  net.add("w", {1});
  EXPECT_EQ(message_of([&] { sgd.bind(net.all()); }),
            "SGD: expected parameters with different names, got 'w' twice; give every layer its own name");
  EXPECT_EQ(sgd.iterations(), 1);
}

TEST(Optimizers, NothingToLearnIsNoError) {
  Net net;
  net.add("w", {1}).trainable = false;
  net.add("empty", {});
  Adam adam;
  adam.bind(net.all());
  adam.step();
  EXPECT_EQ(adam.iterations(), 1);
}

}  // namespace
}  // namespace saccade
