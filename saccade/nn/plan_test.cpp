#include "saccade/nn/plan.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "saccade/base/error.h"
#include "saccade/base/parallel.h"
#include "saccade/base/random.h"
#include "saccade/nn/arena.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/depthwise_conv2d.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/loss.h"
#include "saccade/nn/merge.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/testing_internal.h"
#include "saccade/nn/view.h"

namespace saccade {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Small whole numbers, so that sums are exact.
std::vector<float> integers(Index count, std::uint64_t seed) {
  std::vector<float> values(usize(count));
  Stream stream(seed, 0, 0, slot_of("plan test"));
  for (float& value : values) value = static_cast<float>(stream.below(7)) - 3.0F;
  return values;
}

void fill_with_integers(Model& net) {
  std::uint64_t seed = 100;
  for (Parameter& p : net.parameters())
    std::ranges::copy(integers(p.value.elements(), seed++), p.value.floats().begin());
}

Model everything() {
  const Node x = input({12, 12, 3});
  Node y = Conv2D{{.filters = 4, .kernel = 3, .padding = same, .use_bias = false}}(x);
  y = ActivationLayer{{.activation = relu}}(BatchNorm{}(y));
  y = Conv2D{{.filters = 16, .kernel = 1, .use_bias = false}}(y);
  y = ActivationLayer{{.activation = relu}}(BatchNorm{}(y));
  y = DepthwiseConv2D{{.kernel = 3, .padding = same, .use_bias = false}}(y);
  const Node left = MaxPool2D{}(y);
  const Node right = AveragePool2D{}(Dropout{{.rate = 0.25F}}(y));
  y = Concatenate{}({Add{}({left, right}), left});
  y = Dense{{.units = 6, .activation = leaky_relu}}(Flatten{}(y));
  return {"everything", x, Dense{{.units = 3}}(y)};
}

TEST(Plan, GradientsOfANodeReadTwiceAreAdded) {
  // y = d + d with d = Dense(x): every gradient is twice that of y = d, exactly.
  const auto gradient = [](bool twice) {
    const Node x = input({5});
    const Node d = Dense{{.units = 4, .name = "d"}}(x);
    const Node hidden = Dense{{.units = 3, .name = "h"}}(d);
    Model net("m", x, twice ? Add{}({hidden, hidden}) : hidden);
    fill_with_integers(net);
    Plan plan(net, 2, PlanMode::training);
    const std::vector<float> images = integers(10, 1);
    plan.forward(images);
    std::ranges::copy(integers(6, 2), plan.output_grad().begin());
    plan.backward();
    std::vector<float> grads;
    for (const Parameter& p : net.parameters())
      grads.insert(grads.end(), p.grad.floats().begin(), p.grad.floats().end());
    return grads;
  };
  std::vector<float> once = gradient(false);
  for (float& g : once) g *= 2.0F;
  EXPECT_EQ(gradient(true), once);
}

TEST(Plan, ThreeReadersOfOneNode) {
  const Node x = input({4});
  const Node d = Dense{{.units = 4, .name = "d"}}(x);
  Model net("m", x, Add{}({d, d, d}));
  fill_with_integers(net);
  Plan plan(net, 1, PlanMode::training);
  const std::vector<float> images{1, 2, 3, 4};
  plan.forward(images);
  std::ranges::copy(std::vector<float>{1, -1, 2, 0}, plan.output_grad().begin());
  plan.backward();
  const std::vector<float> expected{3, -3, 6, 0};
  EXPECT_TRUE(std::ranges::equal(net.parameter("d.bias").grad.floats(), expected));
}

TEST(Plan, TrainingAndInferenceAgreeWhereNoLayerTellsThemApart) {
  Model net = Sequential("m", {Input{{9, 9, 2}}, Conv2D{{.filters = 3, .kernel = 3, .activation = relu}}, MaxPool2D{},
                               Flatten{}, Dense{{.units = 4}}});
  fill_with_integers(net);
  const std::vector<float> images = integers(5 * 9 * 9 * 2, 3);
  Plan training(net, 5, PlanMode::training), inference(net, 5, PlanMode::inference);
  const std::span<const float> a = training.forward(images), b = inference.forward(images);
  EXPECT_TRUE(std::ranges::equal(a, b));
  EXPECT_LE(inference.arena_bytes(), training.arena_bytes());
}

// A view's memory is that of the layer below it, whose own gradient, or whose other reader, still wants its values.
TEST(Plan, NothingIsOverwrittenBehindAView) {
  const Node x = input({2, 2, 2});
  const Node conv = Conv2D{{.filters = 2, .activation = sigmoid}}(x);
  const ActivationLayer in_place{{.activation = Activation::tanh}};
  const std::vector<float> images = integers(8, 5);
  const auto gradient = [&](const Node& features) {
    Model net("m", x, Dense{{.units = 3}}(features));
    fill_with_integers(net);
    Plan plan(net, 1, PlanMode::training);
    plan.forward(images);
    std::ranges::fill(plan.output_grad(), 1.0F);
    plan.backward();
    const std::span<const float> grad = net.parameter("conv2d.weight").grad.floats();
    return std::vector<float>(grad.begin(), grad.end());
  };
  EXPECT_EQ(gradient(in_place(Flatten{}(conv))), gradient(Flatten{}(in_place(conv))));

  Model two_readers("m", x, Concatenate{}({in_place(Flatten{}(conv)), Flatten{}(conv)}));
  Model one_reader("m", x, Flatten{}(conv));
  Plan two(two_readers, 1, PlanMode::inference), one(one_reader, 1, PlanMode::inference);
  EXPECT_TRUE(std::ranges::equal(two.forward(images).subspan(8), one.forward(images)));
}

// A view, or an operation in place, hands its own gradient on where others read the same values, first or last.
TEST(Plan, GradientsMeetBehindAView) {
  const Node x = input({2, 2, 2});
  const Node conv = Conv2D{{.filters = 2}}(x);
  const ActivationLayer in_place{{.activation = Activation::tanh}};
  const std::vector<float> images = integers(24, 5);
  const auto gradient = [&](const std::vector<Node>& branches) {
    Model net("m", x, Concatenate{}(branches));
    fill_with_integers(net);
    Plan plan(net, 3, PlanMode::training);
    plan.forward(images);
    std::iota(plan.output_grad().begin(), plan.output_grad().end(), -7.0F);
    plan.backward();
    const std::span<const float> grad = net.parameter("conv2d.weight").grad.floats();
    return std::vector<float>(grad.begin(), grad.end());
  };
  const MaxPool2D copy{{.pool = 1}};
  const std::vector<float> expected = gradient({copy(conv), in_place(copy(conv))});
  const Reshape view{{.shape = conv.shape()}};
  EXPECT_EQ(gradient({view(conv), in_place(copy(conv))}), expected);
  EXPECT_EQ(gradient({copy(conv), in_place(view(conv))}), expected);
  EXPECT_EQ(gradient({view(conv), in_place(view(conv))}), expected);
  EXPECT_EQ(gradient({conv, in_place(conv)}), expected);
  EXPECT_EQ(gradient({view(conv), in_place(conv)}), expected);
}

TEST(Plan, MemoryIsReused) {
  std::vector<AnyLayer> layers{Input{{16, 16, 4}}};
  for (int i = 0; i < 12; ++i) layers.push_back(Conv2D{{.filters = 4, .kernel = 3, .padding = same}});
  Model net = Sequential("deep", layers);
  const Plan plan(net, 8, PlanMode::inference);
  const Index one_activation = 8 * 16 * 16 * 4 * 4;
  EXPECT_LT(plan.arena_bytes(), 6 * one_activation);
}

TEST(Plan, AStepAllocatesNothing) {
  Model net = everything();
  Plan plan(net, 10, PlanMode::training);
  LossOperation loss(SoftmaxCrossEntropy{}, 10, 3);
  const std::vector<float> images = integers(10 * 12 * 12 * 3, 4);
  const std::vector<std::int32_t> labels{0, 1, 2, 0, 1, 2, 0, 1, 2, 0};
  const auto step = [&] {
    const std::span<const float> logits = plan.forward(images, {.seed = 1, .step = 2});
    loss.run(logits, {.labels = labels}, plan.output_grad());
    plan.backward();
  };
  step();  // threads and their streams are made once
  step();
  const long before = allocation_count();
  step();
  EXPECT_EQ(allocation_count() - before, 0);
}

TEST(Plan, SameBitsForAnyNumberOfThreads) {
  const auto run = [](int threads) {
    set_thread_count(threads);
    Model net = everything();
    Plan plan(net, 13, PlanMode::training);
    LossOperation loss(SoftmaxCrossEntropy{}, 13, 3);
    Tensor images({13, 12, 12, 3});
    Stream stream(5, 0, 0, 0);
    for (float& pixel : images.floats()) pixel = stream.uniform();
    const std::vector<std::int32_t> labels(13, 1);
    loss.run(plan.forward(images.floats(), {.seed = 9, .step = 1}), {.labels = labels}, plan.output_grad());
    plan.backward();
    std::vector<float> all;
    for (const Parameter& p : net.parameters()) {
      all.insert(all.end(), p.value.floats().begin(), p.value.floats().end());
      if (p.learns()) all.insert(all.end(), p.grad.floats().begin(), p.grad.floats().end());
    }
    return all;
  };
  const int usual = thread_count();
  const std::vector<float> one = run(1), two = run(2), three = run(3);
  set_thread_count(usual);
  EXPECT_EQ(std::memcmp(one.data(), two.data(), one.size() * sizeof(float)), 0);
  EXPECT_EQ(std::memcmp(one.data(), three.data(), one.size() * sizeof(float)), 0);
}

TEST(Plan, FrozenLayersGetNoGradientAndStopTheBackwardPass) {
  Model net = Sequential("m", {Input{{6, 6, 1}}, Conv2D{{.filters = 2, .kernel = 3}}, Flatten{}, Dense{{.units = 2}}});
  net.freeze("conv2d");
  Plan plan(net, 2, PlanMode::training);
  const std::vector<float> images = integers(2 * 36, 8);
  plan.forward(images);
  std::ranges::fill(plan.output_grad(), 1.0F);
  plan.backward();
  EXPECT_EQ(net.parameter("conv2d.weight").grad.elements(), 0);
  EXPECT_EQ(net.parameter("dense.bias").grad.floats()[0], 2.0F);
}

TEST(Plan, FrozenBatchNormalisationRunsAsInInference) {
  Model net = Sequential("m", {Input{{4}}, BatchNorm{{.epsilon = 1e-3F}}, Dense{{.units = 1}}});
  net.freeze("batch_norm");
  Plan plan(net, 2, PlanMode::training);
  const std::vector<float> images{1, 2, 3, 4, 5, 6, 7, 8};
  plan.forward(images);
  EXPECT_EQ(net.parameter("batch_norm.moving_mean").value.floats()[0], 0.0F);
  net.unfreeze("batch_norm");
  Plan training(net, 2, PlanMode::training);
  training.forward(images);
  EXPECT_NEAR(net.parameter("batch_norm.moving_mean").value.floats()[0], 0.03F, 1e-6F);
}

// Only dropout tells training and inference apart here: two runs of one step agree where it is off.
TEST(Plan, TheFrozenPartRunsAsInInferenceAndTheRestDoesNot) {
  const auto outputs_agree = [](float rate_below, float rate_above) {
    Model net = Sequential("m", {Input{{50}}, Dropout{{.rate = rate_below}}, Dense{{.units = 50, .name = "frozen"}},
                                 Dropout{{.rate = rate_above}}, Dense{{.units = 2, .name = "head"}}});
    net.train_last(1);
    Plan training(net, 3, PlanMode::training), inference(net, 3, PlanMode::inference);
    const std::vector<float> images = integers(150, 6);
    const std::span<const float> a = training.forward(images, {.seed = 1}), b = inference.forward(images);
    return std::ranges::equal(a, b);
  };
  EXPECT_TRUE(outputs_agree(0.5F, 0.0F));
  EXPECT_FALSE(outputs_agree(0.0F, 0.5F));
}

TEST(Plan, FrozenParametersStayBitIdenticalAndGradientsPassThroughThem) {
  // Frozen in the middle: the gradient must come through both frozen layers, to where it would be anyway.
  const auto build = [](bool freeze) {
    Model net = Sequential("m", {Input{{6, 6, 2}}, Conv2D{{.filters = 3, .kernel = 3, .name = "c1"}},
                                 Conv2D{{.filters = 4, .kernel = 3, .activation = relu, .name = "c2"}},
                                 BatchNorm{{.name = "b"}}, Flatten{}, Dense{{.units = 2, .name = "head"}}});
    net.initialize(5);
    net.freeze("b");
    if (freeze) net.freeze("c2");
    return net;
  };
  Model free = build(false), frozen = build(true);
  const std::vector<Parameter> before(frozen.parameters().begin(), frozen.parameters().end());
  for (Model* net : {&free, &frozen}) {
    Plan plan(*net, 4, PlanMode::training);
    for (std::uint32_t step = 0; step < 3; ++step) {
      const std::vector<float> images = integers(4 * 72, step);
      plan.forward(images, {.seed = 1, .step = step});
      std::ranges::fill(plan.output_grad(), 0.5F);
      plan.backward();
    }
    EXPECT_THAT(plan.explain(), HasSubstr("b\n  forward and backward"));
  }
  for (std::size_t i = 0; i < before.size(); ++i) {
    const Parameter &a = free.parameters()[i], &b = frozen.parameters()[i];
    EXPECT_TRUE(std::ranges::equal(before[i].value.bytes(), b.value.bytes())) << b.name;
    EXPECT_EQ(b.grad.elements() > 0, b.learns()) << b.name;
    EXPECT_TRUE(!b.learns() || std::ranges::equal(a.grad.floats(), b.grad.floats())) << b.name;
  }
}

TEST(Plan, TheGradientOfTheInputOfALinearNetworkIsItsWeights) {
  const Node x = input({5});
  Model net("linear", x, Dense{{.units = 2, .name = "d"}}(Dropout{{.rate = 0.5F}}(x)));
  fill_with_integers(net);
  net.freeze("*");
  Plan plan(net, 1, PlanMode::training, {.wants_grad = true});
  plan.forward(integers(5, 1));
  plan.output_grad()[0] = 0.0F;
  plan.output_grad()[1] = 1.0F;
  plan.backward();
  const std::span<const float> weight = net.parameter("d.weight").value.floats();  // [inputs, units]
  ASSERT_EQ(plan.input_grad().size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(plan.input_grad()[i], weight[2 * i + 1]) << "and nothing was dropped";
  EXPECT_EQ(net.parameter("d.weight").grad.elements(), 0);
  EXPECT_THAT([&] { Plan(net, 1, PlanMode::inference).input_grad(); },
              testing::ThrowsMessage<ValueError>(HasSubstr("wants_grad")));
}

/// Convolutions of both kinds with normalisation: followed by an activation, by one that nobody fuses, and read twice.
Model normalised() {
  const Node x = input({9, 9, 3});
  Node y = Conv2D{{.filters = 5, .kernel = 3, .use_bias = false, .name = "a"}}(x);
  y = ActivationLayer{{.activation = relu6}}(BatchNorm{{.epsilon = 0.01F, .name = "norm_a"}}(y));
  y = BatchNorm{{.name = "norm_b"}}(DepthwiseConv2D{{.padding = same, .depth_multiplier = 2, .name = "b"}}(y));
  y = ActivationLayer{{.activation = leaky_relu, .negative_slope = 0.5F}}(y);
  const Node twice = Conv2D{{.filters = 10, .padding = same, .name = "c"}}(y);
  y = Add{}({BatchNorm{{.name = "norm_c"}}(twice), twice});
  y = ActivationLayer{{.activation = swish}}(BatchNorm{{.name = "norm_d"}}(Conv2D{{.filters = 4, .name = "d"}}(y)));
  Model net("normalised", x, Dense{{.units = 3, .name = "head"}}(Flatten{}(y)));
  Stream stream(4, 0, 0, slot_of("folding"));
  for (Parameter& p : net.parameters()) {
    const float low = p.name.ends_with("variance") ? 0.25F : -1.0F;
    for (float& value : p.value.floats()) value = low + (1.0F - low) * stream.uniform();
  }
  return net;
}

TEST(Plan, FoldingChangesNothingButRounding) {
  Model net = normalised();
  const std::vector<float> images = integers(2 * 243, 11);
  Plan plain(net, 2, PlanMode::inference), folded(net, 2, PlanMode::constant);
  for (int run = 0; run < 2; ++run) {  // the second with filters that were kept
    const std::span<const float> a = plain.forward(images), b = folded.forward(images);
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 2e-5F * std::max(1.0F, std::abs(a[i])));
  }
  const std::string text = folded.explain();
  for (const char* name : {"norm_a", "activation", "norm_b", "norm_d", "activation_2"}) {
    EXPECT_THAT(text, HasSubstr(std::string(name) + "\n  part of ")) << text;
  }
  EXPECT_THAT(text, HasSubstr("norm_c\n  computed together with add\n"));
  EXPECT_THAT(text, HasSubstr("activation_1\n  forward"));
  EXPECT_THAT(plain.explain(), Not(HasSubstr("part of")));
}

TEST(Plan, TheGradientOfAPartsInputIsItsDerivative) {
  Model net = normalised();
  net.freeze("*");
  const std::vector<Parameter> before(net.parameters().begin(), net.parameters().end());
  for (const std::size_t first : {std::size_t{0}, std::size_t{4}}) {
    Plan plan(net, 1, PlanMode::training, {.first = first, .wants_grad = true});
    Plan forward(net, 1, PlanMode::inference, {.first = first});
    std::vector<float> values(usize(net.nodes()[first].shape.elements()));
    Stream stream(6, 0, 0, slot_of("input gradient"));
    for (float& value : values) value = stream.uniform();
    plan.forward(values);
    std::ranges::fill(plan.output_grad(), 0.0F);
    plan.output_grad()[1] = 1.0F;
    plan.backward();
    constexpr float kStep = 1e-2F;
    int compared = 0;
    for (std::size_t i = 0; i < values.size(); i += 17) {
      const auto output_at = [&](float value) {
        std::vector<float> moved = values;
        moved[i] = value;
        return forward.forward(moved)[1];
      };
      const float right = output_at(values[i] + kStep), middle = output_at(values[i]),
                  left = output_at(values[i] - kStep);
      const float slope = (right - left) / (2 * kStep), bend = std::abs(right - 2 * middle + left) / kStep;
      // Central differences are no derivative across a kink of an activation.
      if (bend > 0.05F * std::abs(slope)) continue;
      EXPECT_NEAR(plan.input_grad()[i], slope, 0.02F * std::abs(slope) + 1e-3F) << first << " " << i;
      ++compared;
    }
    EXPECT_GT(compared, 5);
  }
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(std::ranges::equal(before[i].value.bytes(), net.parameters()[i].value.bytes())) << before[i].name;
  }
}

TEST(Plan, TheFrozenPartIsFoldedToo) {
  Model net = normalised();
  net.train_last(1);
  const std::vector<float> images = integers(2 * 243, 12);
  Plan inference(net, 2, PlanMode::inference), training(net, 2, PlanMode::training);
  // Weights may still be loaded between the making of the plan and its first run.
  for (float& value : net.parameter("a.weight").value.floats()) value *= 0.5F;
  const std::span<const float> a = inference.forward(images), b = training.forward(images);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 2e-5F * std::max(1.0F, std::abs(a[i])));
  EXPECT_THAT(training.explain(), HasSubstr("norm_d\n  part of d"));
  net.unfreeze("norm_d");  // learns, with frozen layers below it
  EXPECT_THAT(Plan(net, 2, PlanMode::training).explain(), HasSubstr("norm_d\n  forward and backward"));
}

TEST(Plan, TrainingTheLastLayerTakesTheMemoryOfInference) {
  std::vector<AnyLayer> layers{Input{{16, 16, 4}}};
  for (int i = 0; i < 8; ++i) {
    layers.push_back(Conv2D{{.filters = 8, .kernel = 3, .padding = same}});
    layers.push_back(BatchNorm{});
    layers.push_back(ActivationLayer{{.activation = swish}});
  }
  layers.push_back(GlobalAveragePool2D{});
  layers.push_back(Dense{{.units = 3}});
  Model net = Sequential("deep", layers);
  const Index all = Plan(net, 8, PlanMode::training).arena_bytes();
  const Index inference = Plan(net, 8, PlanMode::inference).arena_bytes();
  net.train_last(1);
  const Plan last(net, 8, PlanMode::training);
  EXPECT_LT(last.arena_bytes(), inference + inference / 4);
  EXPECT_GT(all, 4 * inference);
  EXPECT_THAT(last.explain(), Not(HasSubstr("backward_data")));
  EXPECT_GT(last.explain().find("backward_weights"), last.explain().find("dense\n"));
}

TEST(Plan, SaysWhatItCannotDo) {
  Model net = Sequential("m", {Input{{4}}, Dense{{.units = 2}}});
  EXPECT_THAT(message_of<ValueError>([&] { Plan(net, 0, PlanMode::inference); }),
              HasSubstr("batch size: expected at least 1, got 0"));
  Plan plan(net, 2, PlanMode::inference);
  EXPECT_THAT(message_of<ShapeError>([&] { plan.forward(std::vector<float>(4)); }),
              HasSubstr("plan: expected 8 numbers for a batch of 2, got 4"));
  EXPECT_THAT(message_of<ValueError>([&] { plan.output_grad(); }), HasSubstr("got a plan for inference"));
  net.freeze("*");
  Plan frozen(net, 2, PlanMode::training);
  EXPECT_THAT(message_of<ValueError>([&] { frozen.output_grad(); }), HasSubstr("got every parameter frozen"));
}

TEST(Plan, ExplainNamesWhoRuns) {
  Model net = everything();
  const std::string text = Plan(net, 4, PlanMode::training).explain();
  EXPECT_THAT(text, HasSubstr("conv2d\n  forward"));
  EXPECT_THAT(text, HasSubstr("backward_weights"));
  EXPECT_THAT(text, HasSubstr("flatten\n  nothing to compute"));
}

TEST(Arena, BuffersShareMemoryOnlyWhenTheyAreNotAliveTogether) {
  Arena arena;
  const Arena::Id a = arena.add(100, 0), b = arena.add(100, 1), c = arena.add(100, 2);
  arena.extend(a, 1);
  arena.extend(b, 2);
  arena.allocate();
  EXPECT_EQ(arena.size_bytes(), 256);
  EXPECT_EQ(arena.unshared_bytes(), 300);
  EXPECT_EQ(arena.bytes(a).data(), arena.bytes(c).data());
  EXPECT_NE(arena.bytes(a).data(), arena.bytes(b).data());
}

TEST(Arena, RandomLifetimesNeverOverlap) {
  Stream stream(1, 0, 0, 0);
  for (int round = 0; round < 50; ++round) {
    Arena arena;
    struct Life {
      Arena::Id id;
      Index first, last;
    };
    std::vector<Life> lives;
    for (int i = 0; i < 30; ++i) {
      const Index first = stream.below(20), last = first + stream.below(6);
      lives.push_back({arena.add(1 + stream.below(1000), first), first, last});
      arena.extend(lives.back().id, last);
    }
    arena.allocate();
    for (const Life& a : lives) {
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(arena.bytes(a.id).data()) % 64, 0U);
      for (const Life& b : lives) {
        if (a.id == b.id || a.last < b.first || b.last < a.first) continue;
        const std::span<std::byte> x = arena.bytes(a.id), y = arena.bytes(b.id);
        EXPECT_TRUE(x.data() + x.size() <= y.data() || y.data() + y.size() <= x.data());
      }
    }
  }
}

}  // namespace
}  // namespace saccade
