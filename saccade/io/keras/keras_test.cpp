#include "saccade/io/keras.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>

#include "saccade/io/archive_internal.h"
#include "saccade/io/hdf5_internal.h"
#include "saccade/io/onnx.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/conv2d_transpose.h"
#include "saccade/nn/depthwise_conv2d.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/permute.h"
#include "saccade/nn/plan.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/prelu.h"
#include "saccade/nn/slice.h"
#include "saccade/nn/up_sampling2d.h"
#include "saccade/nn/view.h"
#include "saccade/nn/zero_padding2d.h"
#include "tests/support/message_of.h"
#include "tests/support/test_data.h"

namespace saccade {
namespace {

using internal::ArchiveEntry;
using internal::Hdf5Writer;
using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;
using Floats = std::vector<float>;

/// A weight of a file: its name or path, its shape and its first number; the others follow in steps of a quarter.
struct Weight {
  std::string name;
  Shape shape;
  float first = 0.25F;

  Floats values() const {
    Floats all(usize(shape.elements()));
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = first + 0.25F * static_cast<float>(i);
    return all;
  }
};
struct Group {
  std::string name;
  std::vector<Weight> weights;
};

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

/// As Keras 2 writes it; without a configuration, as its save_weights() does.
std::string h5(const std::string& config, const std::vector<Group>& groups, const char* version = "2.4.0") {
  Hdf5Writer file;
  const std::string root = config.empty() ? "" : "model_weights";
  if (!config.empty()) {
    file.add_text("", "model_config", config);
    file.add_text("", "keras_version", version);
    file.add_group(root);
  }
  std::vector<std::string> layers;
  for (const Group& group : groups) {
    const std::string path = root.empty() ? group.name : root + "/" + group.name;
    file.add_group(path);
    std::vector<std::string> names;
    for (const Weight& weight : group.weights) {
      file.add_dataset(path + "/" + weight.name, weight.shape, weight.values());
      names.push_back(weight.name);
    }
    file.add_texts(path, "weight_names", names);
    layers.push_back(group.name);
  }
  file.add_texts(root, "layer_names", layers);
  return text_of(file.finish());
}

/// As Keras 3 writes it, with weights by path.
std::string keras(const std::string& config, const std::vector<Weight>& weights) {
  Hdf5Writer file;
  for (const Weight& weight : weights) file.add_dataset(weight.name, weight.shape, weight.values());
  const std::string stored = text_of(file.finish()), metadata = R"({"keras_version": "3.3.3"})";
  const ArchiveEntry entries[] = {
      {"metadata.json", bytes_of(metadata)}, {"config.json", bytes_of(config)}, {"model.weights.h5", bytes_of(stored)}};
  return text_of(internal::encode_archive(entries));
}

Model read(const std::string& file) { return read_keras(bytes_of(file), "net"); }
std::string error_of(const std::string& file) {
  return test::message_of<FormatError>([&] { read(file); });
}

std::string layer(const std::string& class_name, const std::string& name, const std::string& options = "") {
  return fmt::format(R"({{"class_name": "{}", "config": {{"name": "{}", "trainable": true{}{}}}}})", class_name, name,
                     options.empty() ? "" : ", ", options);
}
std::string sequential(const std::vector<std::string>& layers, const std::string& shape = "[null, 4, 4, 2]") {
  std::string all = layer("InputLayer", "in", R"("batch_input_shape": )" + shape);
  for (const std::string& one : layers) all += ", " + one;
  return R"({"class_name": "Sequential", "config": {"name": "net", "layers": [)" + all + "]}}";
}
const std::string kConv = R"("filters": 3, "kernel_size": [3, 3], "padding": "same", "activation": "relu")";
const Group kConvWeights = {"c", {{"c/kernel:0", {3, 3, 2, 3}}, {"c/bias:0", {3}, -1.0F}}};

/// The outputs for the image whose element i is cos(0.3 i).
Floats outputs(Model& net) {
  Floats image(usize(net.input_shape().elements()));
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = std::cos(static_cast<float>(i) * 0.3F);
  Plan plan(net, 1, PlanMode::inference);
  const std::span<const float> out = plan.forward(image);
  return {out.begin(), out.end()};
}
Floats numbers(const Model& net, std::string_view parameter) {
  const std::span<const float> values = net.parameter(parameter).value.floats();
  return {values.begin(), values.end()};
}

TEST(Keras, WeightsAreCopiedAsTheyAre) {
  const std::string config =
      sequential({layer("Conv2D", "c", kConv), layer("Flatten", "f"), layer("Dense", "d", R"("units": 5)")});
  const Weight dense{"d/kernel:0", {48, 5}, -3.0F}, bias{"d/bias:0", {5}};
  Model net = read(h5(config, {kConvWeights, {"d", {dense, bias}}, {"f", {}}}));
  EXPECT_EQ(net.input_shape(), (Shape{4, 4, 2}));
  EXPECT_EQ(numbers(net, "c.weight"), kConvWeights.weights[0].values());
  EXPECT_EQ(numbers(net, "c.bias"), kConvWeights.weights[1].values());
  EXPECT_EQ(numbers(net, "d.weight"), dense.values());
  EXPECT_EQ(net.preprocessing, Preprocessing::none());
  EXPECT_TRUE(net.parameter("c.weight").trainable);

  // the same of version 3, whose Input is a batch_shape and whose weights are numbered
  std::string newer = config;
  newer.replace(newer.find("batch_input_shape"), 17, "batch_shape");
  Model same = read(keras(newer, {{"layers/conv2d/vars/0", {3, 3, 2, 3}},
                                  {"layers/conv2d/vars/1", {3}, -1.0F},
                                  {"layers/dense/vars/0", {48, 5}, -3.0F},
                                  {"layers/dense/vars/1", {5}}}));
  EXPECT_EQ(outputs(same), outputs(net));
}

/// Two inputs of an Add, one of them called before the layer that gives it stands in the file.
TEST(Keras, FunctionalModelsOfBothVersions) {
  const std::string two = R"({"class_name": "Functional", "config": {"name": "m", "layers": [
      {"class_name": "InputLayer", "name": "in", "config": {"batch_input_shape": [null, 2, 2, 1], "name": "in"}, "inbound_nodes": []},
      {"class_name": "Add", "name": "a", "config": {"name": "a"}, "inbound_nodes": [[["in", 0, 0, {}], ["c", 0, 0, {}]]]},
      {"class_name": "Conv2D", "name": "c", "config": {"name": "c", "filters": 1, "kernel_size": [1, 1], "use_bias": false},
       "inbound_nodes": [[["in", 0, 0, {}]]]}],
      "input_layers": [["in", 0, 0]], "output_layers": [["a", 0, 0]]}})";
  const auto tensor = [](const char* name) {
    return fmt::format(R"({{"class_name": "__keras_tensor__", "config": {{"shape": [null, 2, 2, 1], "dtype": "float32",
                           "keras_history": ["{}", 0, 0]}}}})",
                       name);
  };
  const std::string three = fmt::format(
      R"({{"module": "keras", "class_name": "Functional", "config": {{"name": "m", "trainable": true, "layers": [
      {{"module": "keras.layers", "class_name": "InputLayer", "config": {{"batch_shape": [null, 2, 2, 1], "dtype": "float32", "name": "in"}},
        "registered_name": null, "name": "in", "inbound_nodes": []}},
      {{"module": "keras.layers", "class_name": "Conv2D", "config": {{"name": "c", "filters": 1, "kernel_size": [1, 1], "use_bias": false}},
        "name": "c", "inbound_nodes": [{{"args": [{0}], "kwargs": {{"training": false, "mask": null}}}}]}},
      {{"module": "keras.src.ops.numpy", "class_name": "Add", "config": {{"name": "a"}}, "name": "a",
        "inbound_nodes": [{{"args": [{0}, {1}], "kwargs": {{}}}}]}}],
      "input_layers": ["in", 0, 0], "output_layers": ["a", 0, 0]}}}})",
      tensor("in"), tensor("c"));
  Model a = read(h5(two, {{"c", {{"c/kernel:0", {1, 1, 1, 1}, 2.0F}}}}));
  Model b = read(keras(three, {{"layers/conv2d/vars/0", {1, 1, 1, 1}, 2.0F}}));
  EXPECT_EQ(outputs(a)[0], 3.0F);
  EXPECT_EQ(outputs(b), outputs(a));
}

/// Each class, and the same in layers of ours with the same numbers.
struct ClassCase {
  std::string layer;  ///< JSON, of the name "x".
  std::vector<Weight> weights;
  std::vector<AnyLayer> same;
};
void PrintTo(const ClassCase& c, std::ostream* out) { *out << c.layer; }

class KerasClass : public testing::TestWithParam<ClassCase> {};

TEST_P(KerasClass, ComputesWhatOursDoes) {
  const ClassCase& c = GetParam();
  Model net = read(h5(sequential({c.layer}), {{"x", c.weights}}));
  std::vector<AnyLayer> layers = c.same;
  layers.insert(layers.begin(), Input{{4, 4, 2}});
  Model same(Sequential("n", layers), Model::Weights::zeros);
  ASSERT_EQ(same.parameters().size(), c.weights.size());
  for (std::size_t i = 0; i < c.weights.size(); ++i) {
    std::ranges::copy(c.weights[i].values(), same.parameters()[i].value.floats().begin());
  }
  EXPECT_EQ(net.output_shape(), same.output_shape());
  EXPECT_EQ(outputs(net), outputs(same));
}

const Weight kBias{"x/bias:0", {3}, -1.0F};
INSTANTIATE_TEST_SUITE_P(
    Layers, KerasClass,
    testing::Values(
        ClassCase{layer("Conv2D", "x",
                        R"("filters": 4, "kernel_size": [1, 2], "strides": [2, 1], "groups": 2, "use_bias": false)"),
                  {{"x/kernel:0", {1, 2, 1, 4}}},
                  {Conv2D{{.filters = 4, .kernel = {1, 2}, .strides = {2, 1}, .groups = 2, .use_bias = false}}}},
        ClassCase{layer("Convolution2D", "x",
                        R"("filters": 3, "kernel_size": 2, "dilation_rate": [2, 2], "activation": "tanh")"),
                  {{"x/kernel:0", {2, 2, 2, 3}}, kBias},
                  {Conv2D{{.filters = 3, .kernel = 2, .dilation = 2, .activation = Activation::tanh}}}},
        ClassCase{layer("DepthwiseConv2D", "x", R"("kernel_size": [3, 3], "depth_multiplier": 2, "padding": "same")"),
                  {{"x/depthwise_kernel:0", {3, 3, 2, 2}}, {"x/bias:0", {4}}},
                  {DepthwiseConv2D{{.kernel = 3, .padding = same, .depth_multiplier = 2}}}},
        ClassCase{layer("SeparableConv2D", "x", R"("filters": 3, "kernel_size": [2, 2], "activation": "relu")"),
                  {{"x/depthwise_kernel:0", {2, 2, 2, 1}}, {"x/pointwise_kernel:0", {1, 1, 2, 3}}, kBias},
                  {DepthwiseConv2D{{.kernel = 2, .use_bias = false}}, Conv2D{{.filters = 3, .activation = relu}}}},
        ClassCase{layer("Conv2DTranspose", "x",
                        R"("filters": 3, "kernel_size": [3, 3], "strides": [2, 2], "padding": "same")"),
                  {{"x/kernel:0", {3, 3, 3, 2}}, kBias},
                  {Conv2DTranspose{{.filters = 3, .kernel = 3, .strides = 2, .padding = same}}}},
        ClassCase{layer("Dense", "x", R"("units": 3)"),  // on each pixel
                  {{"x/kernel:0", {2, 3}}, kBias},
                  {Conv2D{{.filters = 3}}}},
        ClassCase{layer("BatchNormalization", "x", R"("axis": [3], "epsilon": 0.01, "momentum": 0.9)"),
                  {{"x/gamma:0", {2}}, {"x/beta:0", {2}}, {"x/moving_mean:0", {2}}, {"x/moving_variance:0", {2}}},
                  {BatchNorm{{.momentum = 0.9F, .epsilon = 0.01F}}}},
        ClassCase{layer("PReLU", "x", R"("shared_axes": [1, 2])"), {{"x/alpha:0", {1, 1, 2}}}, {PReLU{}}},
        ClassCase{
            layer("Activation", "x", R"("activation": "softmax")"), {}, {ActivationLayer{{.activation = softmax}}}},
        ClassCase{layer("Activation", "x", R"("activation": "hard_sigmoid")"),  // before version 3
                  {},
                  {ActivationLayer{{.activation = hard_sigmoid, .hard_sigmoid_slope = 0.2F}}}},
        ClassCase{layer("ReLU", "x", R"("max_value": null, "negative_slope": 0.0)"),
                  {},
                  {ActivationLayer{{.activation = relu}}}},
        ClassCase{layer("ReLU", "x", R"("max_value": 6.0)"), {}, {ActivationLayer{{.activation = relu6}}}},
        ClassCase{layer("ReLU", "x", R"("max_value": 0.5, "threshold": 0)"),
                  {},
                  {ActivationLayer{{.activation = clip, .clip_high = 0.5F}}}},
        ClassCase{layer("ReLU", "x", R"("negative_slope": 0.25)"),
                  {},
                  {ActivationLayer{{.activation = leaky_relu, .negative_slope = 0.25F}}}},
        ClassCase{layer("LeakyReLU", "x"), {}, {ActivationLayer{{.activation = leaky_relu, .negative_slope = 0.3F}}}},
        ClassCase{layer("LeakyReLU", "x", R"("alpha": 0.1)"),
                  {},
                  {ActivationLayer{{.activation = leaky_relu, .negative_slope = 0.1F}}}},
        ClassCase{layer("ELU", "x", R"("alpha": 0.5)"), {}, {ActivationLayer{{.activation = elu, .elu_alpha = 0.5F}}}},
        ClassCase{layer("Softmax", "x", R"("axis": -1)"), {}, {ActivationLayer{{.activation = softmax}}}},
        ClassCase{layer("MaxPooling2D", "x", R"("pool_size": [2, 2], "strides": null)"), {}, {MaxPool2D{}}},
        ClassCase{layer("AveragePooling2D", "x", R"("pool_size": [3, 3], "strides": [2, 2], "padding": "same")"),
                  {},
                  {AveragePool2D{{.pool = 3, .strides = Size2{2}, .padding = same}}}},
        ClassCase{layer("GlobalMaxPool2D", "x"), {}, {GlobalMaxPool2D{}}},
        ClassCase{
            layer("GlobalAveragePooling2D", "x", R"("keepdims": true)"), {}, {GlobalAveragePool2D{{.keepdims = true}}}},
        ClassCase{layer("Flatten", "x", R"("data_format": "channels_last")"), {}, {Flatten{}}},
        ClassCase{layer("Reshape", "x", R"("target_shape": [2, -1])"), {}, {Reshape{{.shape = {2, 16}}}}},
        ClassCase{layer("ZeroPadding2D", "x", R"("padding": [[1, 2], [0, 3]])"),
                  {},
                  {ZeroPadding2D{{.padding = pads(1, 2, 0, 3)}}}},
        ClassCase{
            layer("ZeroPadding2D", "x", R"("padding": [2, 1])"), {}, {ZeroPadding2D{{.padding = pads(2, 2, 1, 1)}}}},
        ClassCase{layer("Cropping2D", "x", R"("cropping": [[1, 2], [0, 1]])"),
                  {},
                  {Slice{{.axis = 0, .start = 1, .count = 1}}, Slice{{.axis = 1, .start = 0, .count = 3}}}},
        ClassCase{layer("Permute", "x", R"("dims": [3, 1, 2])"), {}, {Permute{{.axes = {2, 0, 1}}}}},
        ClassCase{layer("UpSampling2D", "x", R"("size": [2, 3], "interpolation": "bilinear")"),
                  {},
                  {UpSampling2D{{.size = {2, 3}, .interpolation = UpSampling::bilinear}}}},
        ClassCase{layer("Dropout", "x", R"("rate": 0.5)"), {}, {Dropout{}}}));

TEST(Keras, WhatActsInTrainingAloneIsLeftOut) {
  Model net = read(h5(sequential({layer("RandomFlip", "r"), layer("GaussianNoise", "g"), layer("Conv2D", "c", kConv),
                                  layer("SpatialDropout2D", "s"), layer("Flatten", "f")}),
                      {kConvWeights}));
  EXPECT_EQ(net.nodes().size(), 3U);
}

TEST(Keras, BatchNormalizationWithoutScaleAndFrozenLayers) {
  std::string frozen = layer("Conv2D", "c", kConv);
  frozen.replace(frozen.find("true"), 4, "false");
  const Model net =
      read(h5(sequential({frozen, layer("BatchNormalization", "b", R"("scale": false)")}),
              {kConvWeights, {"b", {{"b/beta:0", {3}}, {"b/moving_mean:0", {3}}, {"b/moving_variance:0", {3}}}}}));
  EXPECT_THAT(numbers(net, "b.gamma"), ElementsAre(1, 1, 1));
  EXPECT_THAT(numbers(net, "b.moving_mean"), ElementsAre(0.25F, 0.5F, 0.75F));
  EXPECT_FALSE(net.parameter("b.gamma").trainable);
  EXPECT_TRUE(net.parameter("b.beta").trainable);
  EXPECT_FALSE(net.parameter("c.weight").trainable);
}

TEST(Keras, PreprocessingTravelsWithTheNetwork) {
  const auto of = [](const std::vector<std::string>& first, const std::vector<Group>& groups = {}) {
    std::vector<std::string> layers = first;
    layers.push_back(layer("Conv2D", "c", kConv));
    std::vector<Group> all = groups;
    all.push_back(kConvWeights);
    return read(h5(sequential(layers), all)).preprocessing;
  };
  EXPECT_EQ(of({layer("Rescaling", "r", R"("scale": 0.00784313725490196, "offset": -1.0)")}),
            (Preprocessing{.scale = 0.00784313725490196F, .mean = {1, 1}}));
  EXPECT_EQ(
      of({layer("Normalization", "n", R"("axis": [-1], "mean": [[[[1.0, 2.0]]]], "variance": [[[[4.0, 9.0]]]])")}),
      (Preprocessing{.scale = 1, .mean = {1, 2}, .deviation = {2, 3}}));
  EXPECT_EQ(of({layer("Rescaling", "r", R"("scale": 0.5)"), layer("Normalization", "n", R"("mean": 1, "variance": 4)"),
                layer("Rescaling", "r2", R"("scale": [0.5, 2.0], "offset": 1.0)")}),
            (Preprocessing{.scale = 0.5F, .mean = {-3, 0}, .deviation = {4, 1}}));
  // what adapt() found
  EXPECT_EQ(of({layer("Normalization", "n", R"("axis": [-1])")},
               {{"n", {{"mean:0", {2}, 1.0F}, {"variance:0", {2}, 3.75F}, {"count:0", {}}}}}),
            (Preprocessing{.scale = 1, .mean = {1, 1.25F}, .deviation = {std::sqrt(3.75F), 2}}));
  EXPECT_THAT(
      error_of(h5(sequential({layer("Conv2D", "c", kConv), layer("Rescaling", "r", R"("scale": 2)")}), {kConvWeights})),
      HasSubstr("net: layer 'r' (Rescaling): expected arithmetic with numbers on images alone, before any other"));
}

/// preprocess_input() of Keras's applications, inside a model.
TEST(Keras, ArithmeticOnTheImageIsPreprocessing) {
  const std::string config = R"({"class_name": "Functional", "config": {"name": "m", "layers": [
      {"class_name": "InputLayer", "config": {"batch_input_shape": [null, 4, 4, 2], "name": "in"}, "inbound_nodes": []},
      {"class_name": "TFOpLambda", "config": {"name": "tf.math.truediv", "function": "math.truediv"},
       "inbound_nodes": [["in", 0, 0, {"y": 127.5, "name": null}]]},
      {"class_name": "TFOpLambda", "config": {"name": "tf.math.subtract", "function": "math.subtract"},
       "inbound_nodes": [["tf.math.truediv", 0, 0, {"y": 1.0, "name": null}]]},
      {"class_name": "Conv2D", "config": {"name": "c", "filters": 3, "kernel_size": [3, 3]},
       "inbound_nodes": [[["tf.math.subtract", 0, 0, {}]]]}],
      "input_layers": [["in", 0, 0]], "output_layers": [["c", 0, 0]]}})";
  EXPECT_EQ(read(h5(config, {kConvWeights})).preprocessing, (Preprocessing{.scale = 1.0F / 127.5F, .mean = {1, 1}}));
}

TEST(Keras, ImagesArePreprocessedInOneWay) {
  const std::string config = R"({"class_name": "Functional", "config": {"name": "m", "layers": [
      {"class_name": "InputLayer", "config": {"batch_input_shape": [null, 4, 4, 2], "name": "in"}, "inbound_nodes": []},
      {"class_name": "Rescaling", "config": {"name": "r", "scale": 0.5}, "inbound_nodes": [[["in", 0, 0, {}]]]},
      {"class_name": "Add", "config": {"name": "a"}, "inbound_nodes": [[["in", 0, 0, {}], ["r", 0, 0, {}]]]}],
      "input_layers": [["in", 0, 0]], "output_layers": [["a", 0, 0]]}})";
  EXPECT_THAT(error_of(h5(config, {})),
              HasSubstr("layer 'a' (Add): expected images that are preprocessed in one way, got two ways"));
}

/// A pretrained base as tutorials put it into a Sequential: one group holds the weights of all its layers, those that
/// learn first.
TEST(Keras, ModelsInsideModels) {
  const std::string inner = R"({"class_name": "Functional", "config": {"name": "base", "layers": [
      {"class_name": "InputLayer", "config": {"batch_input_shape": [null, 4, 4, 2], "name": "in2"}, "inbound_nodes": []},
      {"class_name": "BatchNormalization", "config": {"name": "b"}, "inbound_nodes": [[["in2", 0, 0, {}]]]},
      {"class_name": "Conv2D", "config": {"name": "c", "filters": 3, "kernel_size": [3, 3]},
       "inbound_nodes": [[["b", 0, 0, {}]]]}],
      "input_layers": [["in2", 0, 0]], "output_layers": [["c", 1, 0]]}})";
  const std::string base = std::string(inner).replace(inner.find("[\"c\", 1, 0]"), 11, "[\"c\", 0, 0]");
  const std::string config = sequential({base, layer("Flatten", "f"), layer("Dense", "d", R"("units": 1)")});
  const std::vector<Weight> head = {{"d/kernel:0", {12, 1}}, {"d/bias:0", {1}}};
  const Weight gamma{"b/gamma:0", {2}, 1}, beta{"b/beta:0", {2}, 2}, mean{"b/moving_mean:0", {2}, 3},
      variance{"b/moving_variance:0", {2}, 4}, kernel{"c/kernel:0", {3, 3, 2, 3}, 5}, bias{"c/bias:0", {3}, 6};
  const auto check = [&](const Model& net) {
    EXPECT_EQ(numbers(net, "b.moving_variance")[0], 4.0F);
    EXPECT_EQ(numbers(net, "b.beta")[0], 2.0F);
    EXPECT_EQ(numbers(net, "c.weight")[0], 5.0F);
    EXPECT_EQ(numbers(net, "c.bias")[0], 6.0F);
  };
  check(read(h5(config, {{"base", {gamma, beta, kernel, bias, mean, variance}}, {"d", head}})));
  // in another order than this reader thinks of: names tell
  check(read(h5(config, {{"base", {gamma, beta, mean, variance, kernel, bias}}, {"d", head}})));
  EXPECT_THAT(error_of(h5(inner, {})), HasSubstr("expected an output that a layer gives, got 'c'"));

  const std::string at = "layers/functional/layers/";
  check(read(keras(config, {{at + "batch_normalization/vars/0", {2}, 1},
                            {at + "batch_normalization/vars/1", {2}, 2},
                            {at + "batch_normalization/vars/2", {2}, 3},
                            {at + "batch_normalization/vars/3", {2}, 4},
                            {at + "conv2d/vars/0", {3, 3, 2, 3}, 5},
                            {at + "conv2d/vars/1", {3}, 6},
                            {"layers/dense/vars/0", {12, 1}},
                            {"layers/dense/vars/1", {1}}})));
}

/// Keras counts the call with which a model was made, so that the first in another model is its second.
TEST(Keras, ModelsInsideModelsAreReferredToByTheirSecondCall) {
  const auto model = [](int call) {
    return fmt::format(R"({{"class_name": "Functional", "config": {{"name": "outer", "layers": [
      {{"class_name": "InputLayer", "config": {{"batch_input_shape": [null, 4, 4, 2], "name": "in"}}, "inbound_nodes": []}},
      {{"class_name": "Functional", "name": "base", "inbound_nodes": [[["in", 0, 0, {{}}]]], "config": {{"name": "base", "layers": [
        {{"class_name": "InputLayer", "config": {{"batch_input_shape": [null, 4, 4, 2], "name": "in2"}}, "inbound_nodes": []}},
        {{"class_name": "Conv2D", "config": {{"name": "c", "filters": 3, "kernel_size": [3, 3]}}, "inbound_nodes": [[["in2", 0, 0, {{}}]]]}}],
        "input_layers": [["in2", 0, 0]], "output_layers": [["c", 0, 0]]}}}},
      {{"class_name": "Flatten", "config": {{"name": "f"}}, "inbound_nodes": [[["base", {}, 0, {{}}]]]}}],
      "input_layers": [["in", 0, 0]], "output_layers": [["f", 0, 0]]}}}})",
                       call);
  };
  const Group base{"base", kConvWeights.weights};
  Model second = read(h5(model(1), {base})), first = read(h5(model(0), {base}));
  EXPECT_EQ(outputs(second), outputs(first));
  EXPECT_EQ(numbers(second, "c.bias"), kConvWeights.weights[1].values());
  EXPECT_THAT(error_of(h5(model(2), {base})), HasSubstr("that wait for each other"));
}

TEST(Keras, SaysWhatItCannotRead) {
  const auto of = [](const std::string& one) { return error_of(h5(sequential({one}), {})); };
  EXPECT_THAT(of(layer("LSTM", "x")),
              HasSubstr("net: layer 'x' (LSTM): expected a layer of Activation, Add, AveragePooling2D,"));
  EXPECT_THAT(of(layer("Lambda", "x")), HasSubstr("got 'Lambda'"));
  EXPECT_THAT(
      of(layer("Conv2D", "x", R"("filters": 1, "kernel_size": 1, "data_format": "channels_first")")),
      HasSubstr("expected data_format channels_last, images as [height, width, channels], got 'channels_first'"));
  EXPECT_THAT(of(layer("Conv2D", "x", R"("filters": 1, "kernel_size": 1, "padding": "causal")")),
              HasSubstr("layer 'x' (Conv2D): expected padding valid or same, got 'causal'"));
  EXPECT_THAT(of(layer("Conv2D", "x", R"("kernel_size": 1)")), HasSubstr("expected an option 'filters', got none"));
  EXPECT_THAT(of(layer("Conv2D", "x", R"("filters": -1, "kernel_size": 1)")),
              HasSubstr("layer 'x' (Conv2D): conv2d 'x'"));
  EXPECT_THAT(of(layer("Conv2D", "x", R"("filters": 1, "kernel_size": 9)")),
              HasSubstr("layer 'x' (Conv2D): conv2d 'x'"));
  EXPECT_THAT(of(layer("Activation", "x", R"("activation": "selu")")), HasSubstr("got 'selu'"));
  EXPECT_THAT(of(layer("BatchNormalization", "x", R"("axis": 1)")), HasSubstr("expected the last axis"));
  EXPECT_THAT(of(layer("PReLU", "x")), HasSubstr("expected shared_axes=[1, 2], one slope a channel, got [4, 4, 2]"));
  EXPECT_THAT(error_of(h5(sequential({layer("Flatten", "x")}, "[null, null, null, 3]"), {})),
              HasSubstr("expected images of one size, got [null,null,null,3]"));
  EXPECT_THAT(error_of(h5(R"({"class_name": "MyModel", "config": {}})", {})),
              HasSubstr("expected a Sequential or Functional model, got one of class 'MyModel'"));
  EXPECT_THAT(error_of(h5("", {kConvWeights})), HasSubstr("got weights alone, or another HDF5 file"));
  EXPECT_THAT(error_of("\x89HDF\r\n\x1a\n and no more"), HasSubstr("expected an HDF5 file"));
  EXPECT_THAT(error_of("text"), HasSubstr("expected an HDF5 file"));
}

TEST(Keras, WeightsMustFit) {
  const std::string config = sequential({layer("Conv2D", "c", kConv)});
  EXPECT_THAT(error_of(h5(config, {})), HasSubstr("net: expected weights of 1 layers, got 0"));
  EXPECT_THAT(error_of(h5(config, {{"c", {kConvWeights.weights[0]}}})),
              HasSubstr("net: layer 'c': expected 2 weights, got 1"));
  EXPECT_THAT(error_of(h5(config, {{"c", {{"kernel:0", {3, 3, 3, 2}}, kConvWeights.weights[1]}}})),
              HasSubstr("net: layer 'c', weight 'kernel': expected [3, 3, 2, 3], got [3, 3, 3, 2]"));
  EXPECT_THAT(error_of(keras(config, {})),
              HasSubstr("weight 'kernel': expected a dataset 'layers/conv2d/vars/0', got none"));
}

TEST(Keras, WeightsAloneFillANetworkByNameOrInOrder) {
  const auto network = [](const char* first, const char* second) {
    return Model(Sequential("n", {Input{{4, 4, 2}}, Conv2D{{.filters = 2, .name = first}},
                                  Conv2D{{.filters = 2, .use_bias = false, .name = second}}, PReLU{{.name = "p"}}}));
  };
  const std::string file = h5("", {{"one", {{"one_W", {1, 1, 2, 2}, 1}, {"one_b", {2}, 2}}},
                                   {"pool", {}},
                                   {"two", {{"two_W", {1, 1, 2, 2}, 3}}},
                                   {"p", {{"alpha", {1, 1, 2}, 4}}}});
  Model net = network("first", "second");
  take_keras_weights(net, bytes_of(file), "w.h5");
  EXPECT_THAT(numbers(net, "second.weight"), ElementsAre(3, 3.25F, 3.5F, 3.75F));
  EXPECT_THAT(numbers(net, "p.alpha"), ElementsAre(4, 4.25F));
  Model turned(Sequential("n", {Input{{4, 4, 2}}, Conv2D{{.filters = 2, .use_bias = false, .name = "two"}},
                                Conv2D{{.filters = 2, .name = "one"}}, PReLU{{.name = "p"}}}));
  take_keras_weights(turned, bytes_of(file), "w.h5");
  EXPECT_THAT(numbers(turned, "two.weight")[0], 3);
  const Floats before = numbers(net, "first.weight");
  Model other(Sequential("n", {Input{{4, 4, 2}}, Conv2D{{.filters = 2}}}));
  EXPECT_THAT(test::message_of<FormatError>([&] { take_keras_weights(other, bytes_of(file), "w.h5"); }),
              HasSubstr("w.h5: expected weights of 1 layers, got 3"));
}

TEST(Keras, PretrainedModelComputesWhatItsOnnxFileDoes) {
  const std::filesystem::path folder = test::data_path("pretrained/resnet8");
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no " << folder << "; set SACCADE_TEST_DATA";
  Model keras = load_keras(folder / "pretrainedResnet.h5");
  Model onnx = load_onnx(folder / "resnet8_cifar10.onnx");
  EXPECT_EQ(keras.parameter_count(), 78666);
  EXPECT_THAT(outputs(keras), Pointwise(FloatNear(1e-5F), outputs(onnx)));
}

/// Weights of version 1, whose names are like no others', without the last layer; the ONNX file has the same numbers.
TEST(Keras, PretrainedWeightsAreThoseOfTheOnnxFile) {
  const std::filesystem::path folder = test::data_path("pretrained/squeezenet1.1");
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no " << folder << "; set SACCADE_TEST_DATA";
  const Model whole = load_onnx(folder / "squeezenet1.1_f32.onnx");
  std::vector<Node> made;
  for (const GraphNode& node : whole.nodes()) {
    if (node.layer->type() == "GlobalAveragePool2D" || node.shape[-1] == 1000) break;
    std::vector<Node> inputs;
    for (const std::size_t i : node.inputs) inputs.push_back(made[i]);
    made.emplace_back(node.layer, inputs);
  }
  Model trunk(Graph("trunk", made.front(), made.back()), Model::Weights::zeros);
  take_keras_weights(trunk, folder / "keras_squeezenet1.1_notop_f32.h5");
  EXPECT_GT(trunk.parameters().size(), 40U);
  for (const Parameter& parameter : trunk.parameters()) {
    EXPECT_THAT(numbers(trunk, parameter.name), Pointwise(FloatNear(1e-6F), numbers(whole, parameter.name)));
  }
}

}  // namespace
}  // namespace saccade
