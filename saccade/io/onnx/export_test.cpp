#include <gmock/gmock.h>
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "saccade/io/onnx.h"
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
#include "saccade/nn/resample.h"
#include "saccade/nn/slice.h"
#include "saccade/nn/up_sampling2d.h"
#include "saccade/nn/view.h"
#include "saccade/nn/zero_padding2d.h"
#include "tests/support/message_of.h"

namespace saccade {
namespace {

using testing::HasSubstr;
using testing::Pointwise;

/// What ONNX's own checker says, or ONNX Runtime would of names that two nodes share; empty when they are content.
std::string checked(const std::string& bytes) {
  onnx::ModelProto proto;
  if (!proto.ParseFromString(bytes)) return "no protobuf";
  std::set<std::string> names;
  for (const onnx::NodeProto& node : proto.graph().node()) {
    if (!names.insert(node.name()).second) return "two nodes are called " + node.name();
  }
  try {
    onnx::checker::check_model(proto);
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

std::vector<float> outputs(Model& net, Index batch) {
  std::vector<float> images(usize(batch * net.input_shape().elements()));
  for (std::size_t i = 0; i < images.size(); ++i) images[i] = std::sin(static_cast<float>(i % 1009) * 0.37F);
  Plan plan(net, batch, PlanMode::inference);
  const std::span<const float> out = plan.forward(images);
  return {out.begin(), out.end()};
}

Model imported(const std::string& bytes) { return read_onnx(std::as_bytes(std::span(bytes)), "net.onnx"); }

/// Layer after layer; the way back must give the same bits.
Model chain(const Shape& image, std::span<const AnyLayer> layers) {
  std::vector<AnyLayer> all{Input{image}};
  all.insert(all.end(), layers.begin(), layers.end());
  Model net = Sequential("net", all);
  // States that differ from channel to channel.
  for (Parameter& parameter : net.parameters()) {
    std::span<float> values = parameter.value.floats();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += 0.1F * static_cast<float>(i % 7);
  }
  return net;
}

struct Case {
  const char* name;
  Shape image;
  std::vector<AnyLayer> layers;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class OnnxExport : public testing::TestWithParam<Case> {};

TEST_P(OnnxExport, IsValidAndComesBackBitForBit) {
  Model net = chain(GetParam().image, GetParam().layers);
  const std::string bytes = encode_onnx(net);
  EXPECT_EQ(checked(bytes), "");
  Model back = imported(bytes);
  EXPECT_EQ(back.output_shape().elements(), net.output_shape().elements());
  EXPECT_EQ(outputs(back, 2), outputs(net, 2));
}

INSTANTIATE_TEST_SUITE_P(
    Layers, OnnxExport,
    testing::Values(
        Case{"conv2d same",
             {7, 6, 3},
             {Conv2D{{.filters = 4, .kernel = {3, 2}, .strides = 2, .padding = same, .activation = relu}}}},
        Case{"conv2d groups",
             {7, 6, 4},
             {Conv2D{{.filters = 6, .kernel = 3, .dilation = 2, .groups = 2, .use_bias = false}}}},
        Case{"depthwise",
             {6, 6, 3},
             {DepthwiseConv2D{{.kernel = 3, .padding = pads(0, 1, 0, 1), .depth_multiplier = 2}}}},
        Case{"transposed", {4, 5, 3}, {Conv2DTranspose{{.filters = 2, .kernel = 3, .strides = 2, .padding = same}}}},
        Case{"transposed valid", {4, 5, 3}, {Conv2DTranspose{{.filters = 2, .kernel = 1, .strides = 2}}}},
        Case{"norm and activations",
             {4, 4, 5},
             {BatchNorm{{.momentum = 0.8F, .epsilon = 1e-4F}},
              ActivationLayer{{.activation = leaky_relu, .negative_slope = 0.3F}}, PReLU{},
              ActivationLayer{{.activation = elu, .elu_alpha = 0.5F}}, ActivationLayer{{.activation = hard_sigmoid}},
              ActivationLayer{{.activation = hard_swish}}, ActivationLayer{{.activation = Activation::tanh}},
              ActivationLayer{{.activation = Activation::clip, .clip_low = -0.2F, .clip_high = 0.4F}},
              LocalResponseNorm{{.size = 3, .alpha = 0.1F}}, ActivationLayer{{.activation = softmax}}}},
        Case{"pools",
             {9, 8, 3},
             {MaxPool2D{{.pool = {3, 2}, .strides = Size2{2, 1}, .padding = same}},
              AveragePool2D{{.pool = 2, .padding = same}}, UpSampling2D{{.size = {2, 3}}},
              ZeroPadding2D{{.padding = pads(1, 0, 2, 1), .channels_after = 2}}, GlobalMaxPool2D{}}},
        Case{"flatten and dense",
             {3, 4, 5},
             {Flatten{}, Dropout{{.rate = 0.25F}}, Dense{{.units = 4, .activation = sigmoid}}, BatchNorm{}, PReLU{},
              Dense{{.units = 3, .use_bias = false}}}},
        Case{"softmax head", {4, 4, 2}, {GlobalAveragePool2D{}, Dense{{.units = 3, .activation = softmax}}}},
        Case{"arithmetic",
             {3, 4, 2},
             {Arithmetic{{.operation = ArithmeticKind::subtract, .operand = {2}}},
              Arithmetic{{.operation = ArithmeticKind::divide, .operand = {3, 1, 1}, .operand_first = true}},
              Arithmetic{{.operation = ArithmeticKind::multiply, .operand = {4, 1}}}, Flatten{},
              Arithmetic{{.operand = {1}}}, Dense{{.units = 2}}}},
        Case{"axes",
             {4, 6, 3},
             {Permute{{.axes = {1, 0, 2}}}, Slice{{.axis = 0, .start = 5, .count = 3, .step = -2}},
              Pad{{.axis = 1, .before = 2, .after = 1, .mode = PadMode::reflect}},
              Pad{{.axis = 2, .before = 1, .value = 0.5F}}, Pad{{.axis = 0, .after = 2, .mode = PadMode::edge}},
              Permute{{.axes = {2, 0, 1}}}, Reduce{{.axis = 1, .keepdims = true}},
              ActivationLayer{{.activation = log_softmax}}}},
        Case{"fewer axes",
             {4, 6, 3},
             {Reduce{{.axis = 2}}, Slice{{.start = 1, .count = 4}}, Reduce{{.reduction = Reduction::sum, .axis = 0}},
              Dense{{.units = 2}}}},
        Case{
            "resample",
            {4, 6, 3},
            {Resample{{.axis = 0, .size = 7, .coordinates = Coordinates::align_corners}},
             Resample{{.axis = 1, .size = 5, .method = Resampling::cubic, .cubic_a = -0.5F, .exclude_outside = true}},
             Resample{{.axis = 0, .size = 4, .scale = 0.6F, .method = Resampling::nearest, .rounding = Rounding::ceil}},
             MaxPool2D{{.pool = 2, .strides = 1, .dilation = {2, 3}}}}},
        Case{"two axes",
             {6, 4},
             {Reshape{{.shape = {4, 6}}}, Permute{{.axes = {1, 0}}}, Slice{{.axis = 0, .count = 3}}}},
        Case{"reshape", {1, 1, 6}, {Reshape{{.shape = {6}}}, Dense{{.units = 4}}, Reshape{{.shape = {1, 1, 4}}}}}));

TEST(OnnxExport, WhatBelongsToTheNetworkComesBack) {
  Model net = chain({4, 4, 3}, std::vector<AnyLayer>{GlobalAveragePool2D{}, Dense{{.units = 2}}});
  net.preprocessing = {.scale = 1.0F / 255.0F, .mean = {0.485F, 0.456F, 0.406F}, .deviation = {0.2F, 0.3F, 0.4F}};
  net.class_names = {"rose", "not a \"rose\""};
  const std::string bytes = encode_onnx(net);
  EXPECT_EQ(checked(bytes), "");
  const Model back = imported(bytes);
  EXPECT_EQ(back.preprocessing, net.preprocessing);
  EXPECT_EQ(back.class_names, net.class_names);

  onnx::ModelProto proto;
  ASSERT_TRUE(proto.ParseFromString(bytes));
  for (onnx::StringStringEntryProto& entry : *proto.mutable_metadata_props()) {
    if (entry.key() == "saccade.class_names") entry.set_value("[\"rose\"]");
  }
  EXPECT_THAT([&] { imported(proto.SerializeAsString()); },
              testing::ThrowsMessage<FormatError>(HasSubstr("net.onnx: class_names: expected none or 2 names")));
  proto.clear_metadata_props();
  EXPECT_EQ(imported(proto.SerializeAsString()).preprocessing, Preprocessing::none());
}

TEST(OnnxExport, BranchesComeBackBitForBit) {
  const Node x = input({6, 6, 4});
  const Node a = Conv2D{{.filters = 4, .kernel = 3, .padding = same}}(x);
  const Node gate =
      Conv2D{{.filters = 4, .kernel = 1, .activation = sigmoid}}(GlobalAveragePool2D{{.keepdims = true}}(a));
  const Node gated = Multiply{}({a, gate});
  const Node sum = Add{}({x, gated, a});
  const Node column = Reduce{{.axis = 1, .keepdims = true}}(sum);
  const Node centred = Arithmetic{{.operation = ArithmeticKind::subtract}}({sum, column});
  const Node tall = Concatenate{{.axis = 0}}({centred, sum});
  Model net("net", x, Dense{{.units = 3}}(Flatten{}(Concatenate{}({tall, Concatenate{{.axis = 0}}({x, x})}))));
  const std::string bytes = encode_onnx(net);
  EXPECT_EQ(checked(bytes), "");
  Model back = imported(bytes);
  EXPECT_EQ(outputs(back, 2), outputs(net, 2));
  EXPECT_EQ(encode_onnx(net), bytes);
}

TEST(OnnxExport, ActivationsOfSeveralNodesComeBackAsOneLayer) {
  for (const Activation activation : {swish, gelu, gelu_tanh, hard_swish}) {
    const std::vector<AnyLayer> layers{Conv2D{{.filters = 2, .activation = activation}}};
    Model net = chain({2, 2, 1}, layers);
    const std::string bytes = encode_onnx(net);
    EXPECT_EQ(checked(bytes), "") << name_of(activation);
    Model back = imported(bytes);
    EXPECT_EQ(back.nodes().size(), 2) << name_of(activation);
    EXPECT_EQ(outputs(back, 2), outputs(net, 2)) << name_of(activation);
  }
}

TEST(OnnxExport, NamesTheLayerThatOnnxHasNoOrderFor) {
  const std::vector<AnyLayer> layers{Flatten{}, BatchNorm{{.name = "bn"}}};
  EXPECT_THAT(test::message_of([&] {
                encode_onnx(chain({2, 2, 3}, layers));
              }),
              HasSubstr("layer 'bn': expected an image"));
}

}  // namespace
}  // namespace saccade
