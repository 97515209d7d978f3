// One gradient case and one golden case a registered layer, through the compiled plan; check_registry looks for them
// here. What the kernels compute is proved in saccade/proof; this proves that layers hand them the right problem,
// buffers and parameters.
#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <limits>

#include "saccade/base/random.h"
#include "saccade/nn/arithmetic.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/conv2d_transpose.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/depthwise_conv2d.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/local_response_norm.h"
#include "saccade/nn/merge.h"
#include "saccade/nn/pad.h"
#include "saccade/nn/permute.h"
#include "saccade/nn/plan.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/prelu.h"
#include "saccade/nn/reduce.h"
#include "saccade/nn/registry.h"
#include "saccade/nn/resample.h"
#include "saccade/nn/slice.h"
#include "saccade/nn/up_sampling2d.h"
#include "saccade/nn/view.h"
#include "saccade/nn/zero_padding2d.h"

namespace saccade {
namespace {

using Build = std::function<Node(const Node&)>;

struct LayerCase {
  std::string name;  // "gradient of Conv2D"
  Shape shape;       // of the layer's input
  Build layer;
  double tolerance =
      0.0;  // 0: the layer is linear in each of its numbers, so a difference quotient over whole numbers is exact
  Index spacing = 1;  // inputs are multiples of this, far enough from one another that a step of 1 crosses no kink
  std::vector<float> input = {}, output = {};  // of a golden case
};

/// Names the test after the case; gtest allows letters and digits only.
std::string test_name(const testing::TestParamInfo<LayerCase>& info) {
  std::string name = info.param.name.substr(info.param.name.rfind(' ') + 1);
  return name + std::to_string(info.index);
}

/// A network whose `x.bias` is the layer's input: one number in, times zero, plus the bias.
Model around(const Shape& shape, const Build& layer) {
  const Node one = input({1});
  const Node x = Dense{{.units = shape.elements(), .kernel_initializer = Initializer::zeros(), .name = "x"}}(one);
  return {"around", one, layer(Reshape{{.shape = shape}}(x))};
}

class Probe {
 public:
  Probe(const LayerCase& layer_case)
      : net_(around(layer_case.shape, layer_case.layer)),
        plan_(net_, 1, PlanMode::training),
        weights_(random(output_size(), 2, 1)) {
    std::uint64_t seed = 10;
    for (Parameter& p : net_.parameters()) {
      if (p.name == "x.weight" || p.role == Parameter::Role::state) continue;
      const bool is_input = p.name == "x.bias";
      std::ranges::copy(random(p.value.elements(), seed++, is_input ? layer_case.spacing : 1),
                        p.value.floats().begin());
    }
  }

  Model& net() { return net_; }
  std::span<const float> forward() { return plan_.forward(image_, {.seed = 3, .step = 5}); }
  /// sum of output * weight, in double.
  double loss() {
    const std::span<const float> y = forward();
    double sum = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += static_cast<double>(y[i]) * static_cast<double>(weights_[i]);
    return sum;
  }
  void backward() {
    forward();
    for (Parameter& p : net_.parameters()) std::ranges::fill(p.grad.floats(), std::nanf(""));
    std::ranges::copy(weights_, plan_.output_grad().begin());
    plan_.backward();
  }

 private:
  Index output_size() const { return net_.output_shape().elements(); }
  /// Distinct whole numbers times `spacing`, in random order, around zero but never zero.
  static std::vector<float> random(Index count, std::uint64_t seed, Index spacing) {
    std::vector<float> values(usize(count));
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto step = static_cast<float>(static_cast<Index>(i / 2 + 1) * spacing + (spacing > 1 ? 1 : 0));
      values[i] = i % 2 == 0 ? step : -step;
    }
    Stream stream(seed, 0, 0, slot_of("layers test"));
    for (std::size_t i = values.size(); i > 1; --i)
      std::swap(values[i - 1], values[stream.below(static_cast<std::uint32_t>(i))]);
    return values;
  }

  Model net_;
  Plan plan_;
  std::vector<float> weights_;
  std::vector<float> image_{1.0F};
};

class Gradients : public testing::TestWithParam<LayerCase> {};

TEST_P(Gradients, AgreeWithDifferenceQuotients) {
  Probe probe(GetParam());
  probe.backward();
  // States move with every forward pass in training; the loss does not depend on them.
  for (Parameter& p : probe.net().parameters()) {
    if (!p.learns() || p.name == "x.weight") continue;
    const std::vector<float> grad(p.grad.floats().begin(), p.grad.floats().end());
    const float step = GetParam().tolerance > 0.0 ? 0.125F : 1.0F;
    for (std::size_t i = 0; i < grad.size(); ++i) {
      float& value = p.value.floats()[i];
      const float before = value;
      value = before + step;
      const double up = probe.loss();
      value = before - step;
      const double down = probe.loss();
      value = before;
      const double quotient = (up - down) / (2.0 * static_cast<double>(step));
      const double allowed = GetParam().tolerance * std::max(1.0, std::abs(quotient));
      EXPECT_NEAR(static_cast<double>(grad[i]), quotient, allowed) << p.name << " element " << i;
    }
  }
}

Node twice(const Node& x, const std::function<Node(std::vector<Node>)>& merge) {
  return merge({x, ActivationLayer{{.activation = relu}}(x)});
}

INSTANTIATE_TEST_SUITE_P(
    Layers, Gradients,
    testing::Values(
        LayerCase{"gradient of Activation",
                  {3, 3, 2},
                  ActivationLayer{{.activation = leaky_relu, .negative_slope = 0.25F}},
                  0.0,
                  2},
        LayerCase{"gradient of Activation elu", {3, 3, 2}, ActivationLayer{{.activation = elu}}, 0.02},
        LayerCase{"gradient of Activation hard_sigmoid",
                  {3, 3, 2},
                  ActivationLayer{{.activation = hard_sigmoid, .hard_sigmoid_slope = 0.03125F}},
                  0.02},
        LayerCase{"gradient of Activation swish", {3, 3, 2}, ActivationLayer{{.activation = swish}}, 0.02},
        LayerCase{"gradient of Activation gelu", {3, 3, 2}, ActivationLayer{{.activation = gelu}}, 0.02},
        LayerCase{"gradient of Dense with hard_swish",
                  {3},
                  [](const Node& x) {
                    const Initializer small = Initializer::constant(0.25);
                    const Node y = Dense{{.units = 3, .activation = hard_swish, .kernel_initializer = small}}(x);
                    return Dense{{.units = 2, .activation = gelu_tanh}}(y);
                  },
                  0.05},
        LayerCase{"gradient of Add", {2, 3, 2}, [](const Node& x) { return twice(x, Add{}); }, 0.0, 2},
        LayerCase{"gradient of AveragePool2D", {4, 4, 2}, AveragePool2D{}},
        LayerCase{"gradient of BatchNorm", {3, 3, 2}, BatchNorm{}, 0.02},
        LayerCase{"gradient of BatchNorm without gamma", {3, 3, 2}, BatchNorm{{.scale = false}}, 0.02},
        LayerCase{"gradient of Concatenate", {2, 2, 3}, [](const Node& x) { return twice(x, Concatenate{}); }, 0.0, 2},
        LayerCase{"gradient of Conv2D",
                  {5, 4, 2},
                  Conv2D{{.filters = 3, .kernel = {3, 2}, .strides = {2, 1}, .padding = same}}},
        LayerCase{"gradient of Conv2D with groups",
                  {5, 5, 4},
                  Conv2D{{.filters = 4, .kernel = 3, .dilation = 2, .groups = 2, .use_bias = false}}},
        LayerCase{"gradient of Conv2DTranspose",
                  {3, 4, 2},
                  Conv2DTranspose{{.filters = 3, .kernel = {3, 2}, .strides = {2, 3}, .padding = same}}},
        LayerCase{"gradient of Conv2DTranspose with groups",
                  {3, 2, 4},
                  Conv2DTranspose{{.filters = 2,
                                   .kernel = 3,
                                   .strides = 2,
                                   .padding = pads(1, 0, 1, 1),
                                   .output_padding = 1,
                                   .groups = 2,
                                   .use_bias = false}}},
        LayerCase{"gradient of Conv2DTranspose with swish",
                  {2, 2, 1},
                  Conv2DTranspose{{.filters = 1, .activation = swish}},
                  0.02},
        LayerCase{"gradient of DepthwiseConv2D",
                  {5, 4, 3},
                  DepthwiseConv2D{{.kernel = {3, 2}, .strides = {2, 1}, .padding = same, .depth_multiplier = 2}}},
        LayerCase{"gradient of LocalResponseNorm",
                  {2, 2, 7},
                  LocalResponseNorm{{.size = 3, .alpha = 0.03125F, .beta = 0.5F, .bias = 16.0F}},
                  0.02},
        LayerCase{"gradient of Multiply",
                  {3, 3, 4},
                  [](const Node& x) {
                    const Node gate = GlobalAveragePool2D{{.keepdims = true}}(x);
                    return Multiply{}({gate, x});
                  },
                  0.02},
        LayerCase{
            "gradient of Multiply of one shape", {2, 3, 2}, [](const Node& x) { return twice(x, Multiply{}); }, 0.0, 2},
        LayerCase{"gradient of PReLU", {3, 2, 3}, PReLU{}, 0.0, 2},
        LayerCase{"gradient of UpSampling2D", {2, 3, 2}, UpSampling2D{{.size = {2, 3}}}},
        LayerCase{"gradient of UpSampling2D bilinear",
                  {3, 2, 2},
                  UpSampling2D{{.size = {2, 4}, .interpolation = UpSampling::bilinear}}},
        LayerCase{"gradient of ZeroPadding2D with channels",
                  {2, 2, 2},
                  ZeroPadding2D{{.padding = pads(0, 1, 0, 0), .channels_before = 1, .channels_after = 2}}},
        LayerCase{"gradient of Arithmetic",
                  {2, 3, 2},
                  [](const Node& x) {
                    const Node gate = Reduce{{.axis = 0, .keepdims = true}}(x);
                    const Node y = Arithmetic{{.operation = ArithmeticKind::multiply}}({gate, x});
                    return Arithmetic{{.operation = ArithmeticKind::subtract}}({x, y});
                  },
                  0.02},
        LayerCase{"gradient of Arithmetic with a learned operand",
                  {2, 3, 2},
                  [](const Node& x) {
                    const Node y = Arithmetic{{.operand = {3, 1}, .operand_first = true, .trainable = true}}(x);
                    return Arithmetic{
                        {.operation = ArithmeticKind::multiply, .operand = {2}, .trainable = true}}(y);
                  }},
        LayerCase{"gradient of Arithmetic with a learned divisor",
                  {3},
                  Arithmetic{{.operation = ArithmeticKind::divide, .operand = {1}, .trainable = true}},
                  0.03},
        LayerCase{"gradient of Concatenate along an axis",
                  {2, 2, 3},
                  [](const Node& x) { return twice(x, Concatenate{{.axis = 0}}); },
                  0.0,
                  2},
        LayerCase{"gradient of MaxPool2D dilated",
                  {5, 5, 2},
                  MaxPool2D{{.pool = 2, .strides = 1, .dilation = {2, 3}}},
                  0.0,
                  4},
        LayerCase{"gradient of Pad", {3, 2, 2}, Pad{{.axis = 0, .before = 1, .after = 2, .mode = PadMode::edge}}},
        LayerCase{"gradient of Pad reflect",
                  {3, 2, 2},
                  Pad{{.axis = 0, .before = 2, .after = 1, .mode = PadMode::reflect}}},
        LayerCase{"gradient of Permute", {2, 3, 4}, Permute{{.axes = {2, 0, 1}}}},
        LayerCase{"gradient of Reduce", {2, 4, 2}, Reduce{{.axis = 1}}},
        LayerCase{"gradient of Reduce sum",
                  {2, 3},
                  Reduce{{.reduction = Reduction::sum, .keepdims = true}}},
        LayerCase{"gradient of Resample",
                  {4, 2, 2},
                  Resample{{.axis = 0, .size = 7, .coordinates = Coordinates::align_corners}}},
        LayerCase{"gradient of Resample nearest",
                  {3, 2, 2},
                  Resample{{.axis = 1, .size = 5, .method = Resampling::nearest}}},
        LayerCase{"gradient of Resample cubic",
                  {6, 2},
                  Resample{{.axis = 0, .size = 4, .method = Resampling::cubic, .antialias = true}},
                  0.001},
        LayerCase{"gradient of Slice", {2, 5, 2}, Slice{{.axis = 1, .start = 4, .count = 2, .step = -3}}},
        LayerCase{"gradient of Activation log_softmax",
                  {2, 4},
                  [](const Node& x) {
                    return Dense{{.units = 3, .activation = log_softmax}}(Flatten{}(x));
                  },
                  0.05},
        LayerCase{"gradient of Dense", {7}, Dense{{.units = 4}}},
        LayerCase{"gradient of Dropout", {4, 4, 2}, Dropout{{.rate = 0.5F}}},
        LayerCase{"gradient of Flatten", {2, 3, 2}, Flatten{}},
        LayerCase{"gradient of GlobalAveragePool2D", {4, 4, 3}, GlobalAveragePool2D{}},
        LayerCase{"gradient of GlobalMaxPool2D", {3, 3, 3}, GlobalMaxPool2D{}, 0.0, 4},
        LayerCase{"gradient of Input", {2, 2, 1}, [](const Node& x) { return x; }},
        LayerCase{"gradient of MaxPool2D", {5, 5, 2}, MaxPool2D{{.pool = 3, .strides = 2, .padding = same}}, 0.0, 4},
        LayerCase{"gradient of Reshape", {2, 3, 2}, Reshape{{.shape = {4, 3}}}},
        LayerCase{"gradient of ZeroPadding2D", {2, 3, 2}, ZeroPadding2D{{.padding = pads(1, 0, 2, 1)}}}),
    test_name);

class Golden : public testing::TestWithParam<LayerCase> {};

TEST_P(Golden, Output) {
  const LayerCase& c = GetParam();
  Model net = around(c.shape, c.layer);
  std::ranges::copy(c.input, net.parameter("x.bias").value.floats().begin());
  for (Parameter& p : net.parameters()) {
    if (!p.name.starts_with("y.")) continue;  // the layer's own weights count 1, 2, 3, ...
    float next = 1.0F;
    for (float& value : p.value.floats()) value = next++;
  }
  Plan plan(net, 1, PlanMode::training);
  const std::vector<float> one{1.0F};
  const std::span<const float> y = plan.forward(one);
  ASSERT_EQ(y.size(), c.output.size());
  for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], c.output[i], 1e-6F) << i;
}

std::vector<float> counting(Index count) {
  std::vector<float> values(usize(count));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i + 1);
  return values;
}

LayerCase golden(std::string name, Shape shape, Build layer, std::vector<float> x, std::vector<float> y) {
  return {.name = std::move(name),
          .shape = shape,
          .layer = std::move(layer),
          .input = std::move(x),
          .output = std::move(y)};
}

INSTANTIATE_TEST_SUITE_P(
    Layers, Golden,
    testing::Values(
        golden("golden case of Activation", {4}, ActivationLayer{{.activation = relu6}}, {-1, 0, 3, 9}, {0, 0, 3, 6}),
        golden("golden case of Activation hard_swish", {4}, ActivationLayer{{.activation = hard_swish}}, {-3, 0, 1, 6},
               {0, 0, 4.0F / 6.0F, 6}),
        golden("golden case of Activation clip", {4},
               ActivationLayer{{.activation = clip, .clip_low = -2.0F, .clip_high = std::numeric_limits<float>::max()}},
               {-3, -1, 0, 70}, {-2, -1, 0, 70}),
        golden("golden case of Activation parameters", {3},
               ActivationLayer{{.activation = hard_sigmoid, .hard_sigmoid_slope = 0.2F}}, {-1, 0, 9}, {0.3F, 0.5F, 1}),
        golden("golden case of Add", {3}, [](const Node& x) { return twice(x, Add{}); }, {-1, 2, 3}, {-1, 4, 6}),
        golden("golden case of AveragePool2D", {5, 5, 1}, AveragePool2D{{.pool = 2, .padding = same}}, counting(25),
               {4, 6, 7.5F, 14, 16, 17.5F, 21.5F, 23.5F, 25}),
        golden("golden case of Arithmetic", {1, 2, 2},
               Arithmetic{{.operation = ArithmeticKind::subtract, .operand = {2}, .name = "y"}}, {1, 10, 100, 1000},
               {0, 8, 99, 998}),
        golden("golden case of Arithmetic first", {2, 1},
               Arithmetic{{.operation = ArithmeticKind::divide, .operand = {1, 3}, .operand_first = true, .name = "y"}},
               {1, 2}, {1, 2, 3, 0.5F, 1, 1.5F}),
        golden(
            "golden case of Arithmetic of two", {2, 2},
            [](const Node& x) {
              return Arithmetic{{.operation = ArithmeticKind::divide}}({x, Reduce{{.axis = 0, .keepdims = true}}(x)});
            },
            {1, 2, 3, 6}, {0.5F, 0.5F, 1.5F, 1.5F}),
        golden("golden case of Pad", {2, 2}, Pad{{.axis = 1, .before = 1, .value = 7.0F}}, {1, 2, 3, 4},
               {7, 1, 2, 7, 3, 4}),
        golden("golden case of Pad reflect", {3}, Pad{{.before = 2, .after = 1, .mode = PadMode::reflect}}, {1, 2, 3},
               {3, 2, 1, 2, 3, 2}),
        golden("golden case of Pad edge", {3}, Pad{{.before = 2, .after = 1, .mode = PadMode::edge}}, {1, 2, 3},
               {1, 1, 1, 2, 3, 3}),
        golden("golden case of Permute", {2, 3}, Permute{{.axes = {1, 0}}}, {1, 2, 3, 4, 5, 6}, {1, 4, 2, 5, 3, 6}),
        golden("golden case of Reduce", {2, 2}, Reduce{{.axis = 0}}, {1, 2, 5, 8}, {3, 5}),
        golden("golden case of Reduce sum", {2, 2}, Reduce{{.reduction = Reduction::sum}}, {1, 2, 5, 8}, {3, 13}),
        golden("golden case of Resample", {2}, Resample{{.axis = 0, .size = 4}}, {1, 3}, {1, 1.5F, 2.5F, 3}),
        golden("golden case of Resample corners", {2},
               Resample{{.axis = 0, .size = 3, .coordinates = Coordinates::align_corners}}, {1, 3}, {1, 2, 3}),
        golden("golden case of Resample nearest", {4},
               Resample{{.axis = 0, .size = 2, .method = Resampling::nearest, .rounding = Rounding::prefer_ceil}},
               {1, 2, 3, 4}, {2, 4}),
        golden("golden case of Resample prefer_floor", {4},
               Resample{{.axis = 0, .size = 2, .method = Resampling::nearest}}, {1, 2, 3, 4}, {1, 3}),
        golden("golden case of Resample antialias", {4}, Resample{{.axis = 0, .size = 2, .antialias = true}},
               {0, 8, 16, 24}, {5, 19}),
        golden("golden case of Slice", {5}, Slice{{.start = 4, .count = 2, .step = -3}}, {1, 2, 3, 4, 5}, {5, 2}),
        golden("golden case of Activation log_softmax", {2}, ActivationLayer{{.activation = log_softmax}}, {0, 0},
               {-0.69314718F, -0.69314718F}),
        golden("golden case of Concatenate along an axis", {2, 1},
               [](const Node& x) { return twice(x, Concatenate{{.axis = 0}}); }, {-1, 2}, {-1, 2, 0, 2}),
        golden("golden case of MaxPool2D dilated", {1, 4, 1},
               MaxPool2D{{.pool = {1, 2}, .strides = 1, .dilation = {1, 2}}}, {4, 1, 3, 2}, {4, 2}),
        golden("golden case of BatchNorm", {2, 1, 2}, BatchNorm{}, {1, 2, 3, 6},
               {-0.9995004F, -0.9998750F, 0.9995004F, 0.9998750F}),
        golden("golden case of Concatenate", {1, 2, 1}, [](const Node& x) { return twice(x, Concatenate{}); }, {-1, 2},
               {-1, 0, 2, 2}),
        golden("golden case of Conv2D", {4, 4, 1},
               Conv2D{{.filters = 1, .kernel = 3, .strides = 2, .padding = same, .use_bias = false, .name = "y"}},
               counting(16), {348, 252, 274, 175}),
        golden("golden case of Conv2DTranspose", {2, 2, 1},
               Conv2DTranspose{{.filters = 1, .kernel = 2, .strides = 2, .use_bias = false, .name = "y"}},
               {1, 10, 100, 1000}, {1, 2, 10, 20, 3, 4, 30, 40, 100, 200, 1000, 2000, 300, 400, 3000, 4000}),
        golden(
            "golden case of Conv2DTranspose same", {2, 1, 1},
            Conv2DTranspose{
                {.filters = 1, .kernel = {3, 1}, .strides = {2, 1}, .padding = same, .activation = relu, .name = "y"}},
            {1, -10}, {1 * 1 + 1, 1 * 2 + 1, 0, 0}),
        golden("golden case of Conv2DTranspose valid", {2, 1, 1},
               Conv2DTranspose{{.filters = 1, .kernel = {1, 1}, .strides = {2, 1}, .name = "y"}}, {4, 10},
               {4 + 1, 1, 10 + 1, 1}),
        golden("golden case of DepthwiseConv2D", {2, 1, 2},
               DepthwiseConv2D{{.kernel = {2, 1}, .depth_multiplier = 2, .use_bias = false, .name = "y"}},
               {1, 10, 100, 1000}, {1 * 1 + 100 * 5, 1 * 2 + 100 * 6, 10 * 3 + 1000 * 7, 10 * 4 + 1000 * 8}),
        golden("golden case of LocalResponseNorm", {3},
               LocalResponseNorm{{.size = 3, .alpha = 3.0F, .beta = 0.5F, .bias = 4.0F}}, {1, 2, 4},
               {1.0F / 3.0F, 0.4F, 0.81649658F}),
        golden("golden case of Multiply", {2, 1, 2},
               [](const Node& x) {
                 return Multiply{}({x, GlobalAveragePool2D{{.keepdims = true}}(x)});
               },
               {1, 2, 3, 6}, {2, 8, 6, 24}),
        golden("golden case of PReLU", {1, 2, 2}, PReLU{{.name = "y"}}, {-1, -2, 3, -5}, {-1, -4, 3, -10}),
        golden("golden case of UpSampling2D", {1, 2, 1}, UpSampling2D{}, {1, 2}, {1, 1, 2, 2, 1, 1, 2, 2}),
        golden("golden case of UpSampling2D bilinear", {1, 2, 1},
               UpSampling2D{{.size = {1, 2}, .interpolation = UpSampling::bilinear}}, {1, 2}, {1, 1.25F, 1.75F, 2}),
        golden("golden case of ZeroPadding2D with channels", {1, 2, 1},
               ZeroPadding2D{{.padding = pads(0, 0, 0, 0), .channels_before = 1, .channels_after = 1}}, {5, 6},
               {0, 5, 0, 0, 6, 0}),
        golden("golden case of Dense", {2}, Dense{{.units = 2, .name = "y"}}, {1, 10},
               {1 * 1 + 10 * 3 + 1, 1 * 2 + 10 * 4 + 2}),
        golden("golden case of Dropout", {3}, Dropout{{.rate = 0.0F}}, {1, 2, 3}, {1, 2, 3}),
        golden("golden case of Flatten", {2, 2, 1}, Flatten{}, {1, 2, 3, 4}, {1, 2, 3, 4}),
        golden("golden case of GlobalAveragePool2D", {5, 5, 1}, GlobalAveragePool2D{}, counting(25), {13}),
        golden("golden case of GlobalMaxPool2D", {5, 5, 1}, GlobalMaxPool2D{}, counting(25), {25}),
        golden("golden case of Input", {2}, [](const Node& x) { return x; }, {4, 5}, {4, 5}),
        golden("golden case of MaxPool2D", {5, 5, 1}, MaxPool2D{{.pool = 2, .padding = same}}, counting(25),
               {7, 9, 10, 17, 19, 20, 22, 24, 25}),
        golden("golden case of Reshape", {2, 2, 1}, Reshape{{.shape = {4, 1}}}, {1, 2, 3, 4}, {1, 2, 3, 4}),
        golden("golden case of ZeroPadding2D", {1, 2, 1}, ZeroPadding2D{{.padding = pads(1, 0, 0, 1)}}, {5, 6},
               {0, 0, 0, 5, 6, 0})),
    test_name);

}  // namespace
}  // namespace saccade
