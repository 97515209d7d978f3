#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>

#include "saccade/io/archive_internal.h"
#include "saccade/io/hdf5_internal.h"
#include "saccade/io/json_internal.h"
#include "saccade/io/keras.h"
#include "saccade/nn/arithmetic.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/conv2d_transpose.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/depthwise_conv2d.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/local_response_norm.h"
#include "saccade/nn/merge.h"
#include "saccade/nn/permute.h"
#include "saccade/nn/plan.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/prelu.h"
#include "saccade/nn/slice.h"
#include "saccade/nn/up_sampling2d.h"
#include "saccade/nn/view.h"
#include "saccade/nn/zero_padding2d.h"
#include "tests/support/message_of.h"

namespace saccade {
namespace {

using internal::Json;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

std::vector<float> outputs(Model& net) {
  std::vector<float> image(usize(net.input_shape().elements()));
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = std::cos(static_cast<float>(i) * 0.3F);
  Plan plan(net, 1, PlanMode::inference);
  const std::span<const float> out = plan.forward(image);
  return {out.begin(), out.end()};
}

Model there_and_back(const Model& net, KerasFormat format) { return read_keras(encode_keras(net, format), "net"); }

/// Every kind of layer that Keras has, once.
Model every_layer() {
  const Node x = input({9, 9, 4}, "images");
  Node y = Conv2D{
      {.filters = 6, .kernel = {3, 2}, .padding = pads(1, 0, 2, 1), .groups = 2, .l2 = 0.01F, .name = "odd/name"}}(x);
  y = PReLU{{.alpha_initializer = Initializer::constant(0.25F)}}(BatchNorm{{.momentum = 0.9F, .epsilon = 0.01F}}(y));
  y = MaxPool2D{{.pool = 2, .strides = Size2{1}}}(Dropout{{.rate = 0.25F}}(y));
  y = DepthwiseConv2D{{.kernel = 3, .strides = 2, .padding = same, .depth_multiplier = 2, .activation = relu6}}(y);
  y = MaxPool2D{{.pool = 3, .strides = Size2{2}, .padding = pads(1, 1, 1, 1)}}(
      y);  // zeros lose: what comes is positive
  y = Conv2DTranspose{{.filters = 5, .kernel = 3, .strides = 2, .padding = same, .activation = leaky_relu}}(y);
  y = AveragePool2D{{.pool = 2, .padding = same}}(UpSampling2D{{.interpolation = UpSampling::bilinear}}(y));
  y = ZeroPadding2D{{.padding = pads(1, 0, 0, 2), .channels_before = 1, .channels_after = 2}}(y);
  y = ZeroPadding2D{{.padding = pads(0, 1, 1, 0)}}(y);
  y = Slice{{.axis = 1, .start = 1, .count = y.shape()[0] - 1}}(Slice{{.axis = 0, .count = y.shape()[0] - 1}}(y));
  y = Arithmetic{{.operation = ArithmeticKind::subtract}}({y, Permute{{.axes = {1, 0, 2}}}(y)});
  const Node gate = GlobalAveragePool2D{{.keepdims = true}}(y);
  y = Multiply{}({y, Conv2D{{.filters = 8, .activation = Activation::sigmoid}}(gate)});
  y = Add{}({y, ActivationLayer{{.activation = elu, .elu_alpha = 0.5F}}(y)});
  y = Concatenate{}({y, ActivationLayer{{.activation = clip, .clip_high = 0.75F}}(y)});
  y = ActivationLayer{{.activation = swish}}(ActivationLayer{{.activation = leaky_relu, .negative_slope = 0.3F}}(y));
  const Node rows = Flatten{}(Reshape{{.shape = {y.shape()[0] * y.shape()[1], y.shape()[2]}}}(y));
  const Node most = GlobalMaxPool2D{}(y);
  const Node two = Dense{{.units = 3, .activation = Activation::tanh}}(rows);
  return Model("every layer", x, Dense{{.units = 4, .activation = softmax}}(Concatenate{}({two, most})));
}

TEST(KerasExport, EveryLayerComesBackBitForBit) {
  Model net = every_layer();
  net.freeze("dense");
  net.preprocessing = {
      .scale = 1.0F / 255.0F, .mean = {0.1F, 0.2F, 0.3F, 0.4F}, .deviation = {0.7F, 0.229F, 0.3F, 1.1F}};
  net.class_names = {"a", "b", "K\xC3\xB6nig", "d"};
  const std::vector<float> expected = outputs(net);
  for (const KerasFormat format : {KerasFormat::h5, KerasFormat::keras}) {
    Model back = there_and_back(net, format);
    EXPECT_EQ(outputs(back), expected);
    EXPECT_EQ(back.preprocessing, net.preprocessing);
    EXPECT_EQ(back.class_names, net.class_names);
    EXPECT_FALSE(back.parameter("dense.weight").trainable);
    EXPECT_TRUE(back.parameter("dense_1.weight").trainable);
    EXPECT_EQ(back.parameter("odd_name.weight").value.shape(), (Shape{3, 2, 2, 6}));
    EXPECT_EQ(encode_keras(net, format), encode_keras(net, format));
    Model again = there_and_back(back, format);
    EXPECT_EQ(outputs(again), expected);
  }
}

TEST(KerasExport, PreprocessingComesBack) {
  Model net(Sequential("n", {Input{{2, 2, 3}}, Flatten{}, Dense{{.units = 2}}}));
  for (const Preprocessing& p :
       {Preprocessing{}, Preprocessing::none(), Preprocessing{.scale = 1.0F / 127.5F, .mean = {1, 1, 1}},
        Preprocessing{.scale = 1, .mean = {103.939F, 116.779F, 123.68F}},
        Preprocessing{.mean = {0.485F, 0.456F, 0.406F}, .deviation = {0.229F, 0.224F, 0.225F}},
        Preprocessing{.scale = 1, .deviation = {58.395F, 57.12F, 57.375F}}}) {
    net.preprocessing = p;
    for (const KerasFormat format : {KerasFormat::h5, KerasFormat::keras}) {
      EXPECT_EQ(there_and_back(net, format).preprocessing, p) << p.scale;
    }
  }
}

/// What Keras itself would look at.
TEST(KerasExport, FilesAreLaidOutAsKerasWritesThem) {
  Model net(
      Sequential("n", {Input{{2, 2, 3}, "in"}, Conv2D{{.filters = 2, .activation = relu, .name = "c"}}, BatchNorm{}}));
  net.preprocessing = Preprocessing::none();
  const std::vector<std::byte> whole = encode_keras(net, KerasFormat::keras);
  internal::Archive archive(whole, "n.keras");
  EXPECT_THAT(archive.names(), ElementsAre("metadata.json", "config.json", "model.weights.h5"));
  const auto json = [](std::span<const std::byte> bytes) {
    return Json::parse(reinterpret_cast<const char*>(bytes.data()),
                       reinterpret_cast<const char*>(bytes.data() + bytes.size()));
  };
  const Json config = json(archive.read("config.json"));
  EXPECT_EQ(config["class_name"], "Functional");
  EXPECT_EQ(config["module"], "keras.src.models.functional");
  const Json& layers = config["config"]["layers"];
  ASSERT_EQ(layers.size(), 3U);
  EXPECT_EQ(layers[0]["config"]["batch_shape"], Json::parse("[null, 2, 2, 3]"));
  EXPECT_EQ(layers[1]["inbound_nodes"], Json::parse(R"([{"args": [{"class_name": "__keras_tensor__", "config":
      {"shape": [null, 2, 2, 3], "dtype": "float32", "keras_history": ["in", 0, 0]}}], "kwargs": {}}])"));
  EXPECT_EQ(config["config"]["output_layers"], Json::parse(R"([["batch_norm", 0, 0]])"));
  const std::vector<std::byte> weights = archive.read("model.weights.h5");
  internal::Hdf5File file(weights, "w");
  EXPECT_THAT(file.names("layers/batch_normalization/vars"), ElementsAre("0", "1", "2", "3"));
  EXPECT_EQ(file.shape("layers/conv2d/vars/0"), (Shape{1, 1, 3, 2}));

  const std::vector<std::byte> h5 = encode_keras(net, KerasFormat::h5);
  internal::Hdf5File two(h5, "n.h5");
  const Json old = Json::parse(two.texts("", "model_config")->front());
  EXPECT_EQ(old["config"]["layers"][1]["inbound_nodes"], Json::parse(R"([[["in", 0, 0, {}]]])"));
  EXPECT_THAT(*two.texts("model_weights", "layer_names"), ElementsAre("in", "c", "batch_norm"));
  EXPECT_THAT(*two.texts("model_weights/batch_norm", "weight_names"),
              ElementsAre("batch_norm/gamma:0", "batch_norm/beta:0", "batch_norm/moving_mean:0",
                          "batch_norm/moving_variance:0"));
  EXPECT_EQ(two.shape("model_weights/c/c/kernel:0"), (Shape{1, 1, 3, 2}));
}

TEST(KerasExport, NamesWhatKerasHasNoLayerFor) {
  const auto message = [](const AnyLayer& layer, KerasFormat format = KerasFormat::keras) {
    const Model net(Sequential("n", {Input{{4, 4, 2}}, layer}));
    return test::message_of<ValueError>([&] { encode_keras(net, format); });
  };
  EXPECT_THAT(
      message(LocalResponseNorm{{.name = "lrn"}}),
      HasSubstr("layer 'lrn' (LocalResponseNorm): expected something that Keras 3 has a layer for, got a layer of "
                "another kind; save it as .onnx or .safetensors"));
  EXPECT_THAT(message(MaxPool2D{{.padding = pads(1, 0, 1, 0)}}), HasSubstr("got pooling with padding in numbers"));
  EXPECT_THAT(message(AveragePool2D{{.padding = pads(1, 0, 1, 0)}}), HasSubstr("got pooling with padding in numbers"));
  EXPECT_THAT(message(ActivationLayer{{.activation = clip, .clip_low = -1}}), HasSubstr("got clipping below"));
  EXPECT_THAT(message(ActivationLayer{{.activation = hard_sigmoid, .hard_sigmoid_slope = 0.2F}}),
              HasSubstr("got hard_sigmoid of another slope"));
  EXPECT_THAT(message(ActivationLayer{{.activation = hard_sigmoid}}, KerasFormat::h5), HasSubstr("that Keras 2 has"));
  EXPECT_THAT(message(Conv2DTranspose{{.filters = 1, .padding = pads(0, 0, 0, 0)}}),
              HasSubstr("with padding in numbers"));
  const Model net(Sequential("n", {Input{{1}}}));
  EXPECT_THAT(test::message_of<ValueError>([&] { save_keras(net, "n.hdf"); }), HasSubstr("ends in .keras or .h5"));
}

}  // namespace
}  // namespace saccade
