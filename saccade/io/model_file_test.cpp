#include "saccade/io/model_file.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/io/checkpoint.h"
#include "saccade/io/safetensors.h"
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

using testing::HasSubstr;
using testing::StartsWith;

std::span<const std::byte> raw(const std::string& bytes) { return std::as_bytes(std::span(bytes)); }

std::string encode(const Model& model) {
  std::string bytes;
  encode_model(model, [&](std::span<const std::byte> part) {
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
  });
  return bytes;
}

Model saved_and_read(const Model& model) { return read_model(raw(encode(model)), "net"); }

/// Input [4, 4, 2], a convolution "c" and a dense layer "d" with three outputs.
Model small_network() {
  return Sequential("small", {Input{{4, 4, 2}}, Conv2D{{.filters = 2, .kernel = {3, 2}, .name = "c"}}, Flatten{},
                              Dense{{.units = 3, .name = "d"}}});
}

/// A network with every registered layer, no option of which has its default.
Model every_layer() {
  const Node x = input({12, 12, 4}, "x");
  const Node padded = ZeroPadding2D{{.padding = pads(1, 2, 3, 4), .channels_before = 2, .channels_after = 2}}(x);
  const Node cut = MaxPool2D{{.pool = {4, 8}, .strides = Size2{1, 1}}}(padded);
  const Node convolved = Conv2D{{.filters = 6,
                                 .kernel = {3, 1},
                                 .strides = {1, 2},
                                 .padding = pads(2, 2, 0, 1),
                                 .dilation = {2, 1},
                                 .groups = 2,
                                 .activation = sigmoid,
                                 .use_bias = false,
                                 .kernel_initializer = Initializer::he_normal(),
                                 .bias_initializer = Initializer::constant(0.1),
                                 .l2 = 0.0005F,
                                 .name = "convolved"}}(cut);
  const Node normal = BatchNorm{{.momentum = 0.9F, .epsilon = 1e-5F}}(convolved);
  const Node active = ActivationLayer{{.activation = leaky_relu, .negative_slope = 0.3F}}(normal);
  const Node sum = Add{{.name = "sum"}}({active, normal});
  const Node both = Concatenate{}({sum, convolved, sum});
  const Node each = DepthwiseConv2D{{.kernel = {2, 3},
                                     .strides = 1,
                                     .padding = same,
                                     .depth_multiplier = 2,
                                     .activation = relu,
                                     .use_bias = false}}(both);
  const Node grown = Conv2DTranspose{{.filters = 4,
                                      .kernel = {3, 2},
                                      .strides = {2, 1},
                                      .padding = pads(1, 1, 0, 1),
                                      .output_padding = {1, 0},
                                      .groups = 2,
                                      .activation = elu}}(each);
  const Node larger = UpSampling2D{{.size = {1, 2}, .interpolation = UpSampling::bilinear}}(grown);
  const Node even = LocalResponseNorm{{.size = 3, .alpha = 0.1F, .beta = 0.5F, .bias = 2.0F}}(larger);
  const Node bounded = ActivationLayer{{.activation = Activation::clip, .clip_low = -0.5F, .clip_high = 4.0F}}(even);
  const Node gated = PReLU{{.alpha_initializer = Initializer::constant(0.25)}}(Multiply{}({bounded, larger}));
  const Node pooled = AveragePool2D{{.pool = 2, .strides = Size2(1), .padding = same}}(gated);
  const Node left = Flatten{}(GlobalAveragePool2D{{.keepdims = true}}(pooled));
  const Node right = Flatten{}(GlobalMaxPool2D{{.keepdims = true}}(pooled));
  const Node merged = Concatenate{}({left, right});
  const Node shaped = Reshape{{.shape = {2, 4}}}(merged);
  const Node turned = Permute{{.axes = {1, 0}}}(shaped);
  const Node backwards = Slice{{.axis = -2, .start = 3, .count = 4, .step = -1}}(turned);
  const Node wide = Pad{{.axis = 0, .before = 2, .after = 1, .mode = PadMode::reflect, .value = 0.5F}}(backwards);
  const Node read = Resample{{.axis = 0,
                              .size = 4,
                              .scale = 0.6F,
                              .method = Resampling::cubic,
                              .coordinates = Coordinates::asymmetric,
                              .rounding = Rounding::ceil,
                              .cubic_a = -0.5F,
                              .exclude_outside = true,
                              .antialias = true}}(wide);
  const Node scaled = Arithmetic{
      {.operation = ArithmeticKind::divide, .operand = {4, 1}, .operand_first = true, .trainable = true}}(read);
  const Node total = Reduce{{.reduction = Reduction::sum, .axis = 1, .keepdims = true}}(scaled);
  const Node even_sum = Concatenate{{.axis = 1}}({total, read});
  const Node dropped = Dropout{{.rate = 0.25F}}(Flatten{}(even_sum));
  const Node last = Dense{{.units = 5,
                           .activation = softmax,
                           .use_bias = true,
                           .kernel_initializer = Initializer::zeros(),
                           .bias_initializer = Initializer::ones(),
                           .l2 = 0.1F}}(dropped);
  return {"every layer", x, last};
}

/// The options of a layer as text.
class OptionPrinter final : public OptionVisitor {
 public:
  using OptionVisitor::visit;
  void visit(std::string_view name, bool& value) override { add(name, fmt::format("{}", value)); }
  void visit(std::string_view name, Index& value) override { add(name, fmt::format("{}", value)); }
  void visit(std::string_view name, float& value) override { add(name, fmt::format("{:a}", value)); }
  void visit(std::string_view name, std::string& value) override { add(name, value); }
  void visit(std::string_view name, Size2& value) override { add(name, value.to_string()); }
  void visit(std::string_view name, std::optional<Size2>& value) override {
    add(name, value ? value->to_string() : "none");
  }
  void visit(std::string_view name, Shape& value) override { add(name, value.to_string()); }
  const std::string& text() const { return text_; }

 private:
  void add(std::string_view name, const std::string& value) { text_ += fmt::format("{}={} ", name, value); }
  std::string text_;
};

std::string options_of(const Layer& layer) {
  OptionPrinter printer;
  layer.describe(printer);
  return printer.text();
}

void expect_same(const Model& a, const Model& b) {
  EXPECT_EQ(a.name(), b.name());
  ASSERT_EQ(a.nodes().size(), b.nodes().size());
  for (std::size_t i = 0; i < a.nodes().size(); ++i) {
    const Model::GraphNode& left = a.nodes()[i];
    const Model::GraphNode& right = b.nodes()[i];
    EXPECT_EQ(left.name, right.name);
    EXPECT_EQ(left.layer->type(), right.layer->type());
    EXPECT_EQ(left.inputs, right.inputs) << left.name;
    EXPECT_EQ(left.shape, right.shape) << left.name;
    EXPECT_EQ(options_of(*left.layer), options_of(*right.layer)) << left.name;
  }
  ASSERT_EQ(a.parameters().size(), b.parameters().size());
  for (std::size_t i = 0; i < a.parameters().size(); ++i) {
    const Parameter& left = a.parameters()[i];
    const Parameter& right = b.parameters()[i];
    EXPECT_EQ(left.name, right.name);
    EXPECT_EQ(left.role, right.role);
    EXPECT_EQ(left.trainable, right.trainable) << left.name;
    EXPECT_EQ(left.l2, right.l2) << left.name;
    EXPECT_EQ(left.value.shape(), right.value.shape());
    EXPECT_TRUE(std::ranges::equal(left.value.bytes(), right.value.bytes())) << left.name;
  }
  EXPECT_EQ(a.preprocessing, b.preprocessing);
  EXPECT_EQ(a.class_names, b.class_names);
}

/// What reading says of `model`'s file after a change.
std::string error_after(const Model& model, const std::function<void(SafetensorsFile&)>& change) {
  SafetensorsFile file = read_safetensors(raw(encode(model)), "net");
  change(file);
  std::vector<TensorEntry> entries;
  for (const auto& [name, tensor] : file.tensors) entries.push_back({name, &tensor});
  std::string bytes;
  encode_safetensors(entries, file.metadata, [&](std::span<const std::byte> part) {
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
  });
  try {
    read_model(raw(bytes), "net");
  } catch (const FormatError& error) {
    return error.what();
  }
  return "no error";
}

/// The same after `from` became `to` in one entry of the metadata.
std::string error_after_edit(const std::string& key, const std::string& from, const std::string& to) {
  return error_after(small_network(), [&](SafetensorsFile& file) {
    std::string& text = file.metadata.at(key);
    const std::size_t begin = text.find(from);
    ASSERT_NE(begin, std::string::npos) << from << " is not in " << text;
    text.replace(begin, from.size(), to);
  });
}

TEST(ModelFile, KeepsEveryOptionOfEveryLayer) {
  const Model model = every_layer();
  std::set<std::string_view> types;
  for (const Model::GraphNode& node : model.nodes()) types.insert(node.layer->type());
  for (const RegisteredLayer& layer : registered_layers()) {
    EXPECT_TRUE(types.contains(layer.type)) << "add a " << layer.type << " to every_layer()";
  }
  expect_same(model, saved_and_read(model));
}

TEST(ModelFile, KeepsNumbersNamesAndSettings) {
  Model model = small_network();
  model.initialize(7);
  model.parameter("d.bias").value.floats()[1] = 1e-42F;
  model.freeze("c");
  model.preprocessing = {.scale = 1.0F / 3, .mean = {0.1F, -2.5F}, .deviation = {0.229F, 3e-8F}};
  model.class_names = {"cat", "d\u00f6g \"x\"", ""};
  expect_same(model, saved_and_read(model));
  EXPECT_EQ(encode(saved_and_read(model)), encode(model)) << "one network, one sequence of bytes";
}

TEST(ModelFile, SavesAndLoadsAFile) {
  std::string folder = (std::filesystem::temp_directory_path() / "saccade_model_XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::filesystem::path path = std::filesystem::path(folder) / "net.safetensors";
  Model model = small_network();
  model.initialize(3);
  model.save(path);
  expect_same(model, load_model(path));
  Checkpoint().save(path);
  try {
    load_model(path);
    ADD_FAILURE() << "no error";
  } catch (const FormatError& error) {
    EXPECT_EQ(std::string(error.what()),
              path.string() + ": expected a saved network, got a training checkpoint; name another file");
  }
  EXPECT_THROW(load_model(path.string() + ".none"), SystemError);
  std::filesystem::remove_all(folder);
}

TEST(ModelFile, IsReadableAsPlainSafetensors) {
  const Model model = small_network();
  const SafetensorsFile file = read_safetensors(raw(encode(model)), "net");
  EXPECT_EQ(file.metadata.at("format"), "saccade.network");
  EXPECT_EQ(file.metadata.at("version"), "1");
  EXPECT_EQ(file.metadata.at("class_names"), "[]");
  EXPECT_EQ(file.metadata.at("preprocessing"), R"({"scale":0.003921569,"mean":[],"deviation":[]})");
  EXPECT_THAT(file.metadata.at("architecture"),
              StartsWith(R"({"name":"small","layers":[{"type":"Input","name":"input","inputs":[],)"
                         R"("options":{"shape":[4,4,2]}},{"type":"Conv2D","name":"c","inputs":["input"],)"
                         R"("options":{"filters":2,"kernel":[3,2],)"));
  std::vector<std::string> names;
  for (const auto& [name, tensor] : file.tensors) names.push_back(name);
  EXPECT_THAT(names, testing::ElementsAre("c.weight", "c.bias", "d.weight", "d.bias"));
}

TEST(ModelFile, ClassNamesThatAreNotUtf8AreKeptReadable) {
  Model model = small_network();
  model.class_names = {"caf\xE9", "b", "c"};
  EXPECT_EQ(saved_and_read(model).class_names[0], "caf\uFFFD");
}

TEST(ModelFile, OptionsThatTheFileLacksHaveTheirDefaults) {
  std::string text = error_after_edit("architecture", R"("kernel":[3,2],)", "");
  EXPECT_THAT(text, HasSubstr("tensor 'c.weight': expected float32 [1, 1, 2, 2], got float32 [3, 2, 2, 2]"));
  EXPECT_EQ(error_after_edit("architecture", R"("groups":1,)", ""), "no error");
}

TEST(ModelFile, ALongChainIsReadAndDropped) {
  std::string layers = R"({"type":"Input","name":"0","inputs":[],"options":{"shape":[2]}})";
  for (int i = 1; i < 9000; ++i) {
    layers += fmt::format(R"(,{{"type":"Flatten","name":"{}","inputs":["{}"],"options":{{}}}})", i, i - 1);
  }
  for (const char* last : {"", R"(,{"type":"Flatten","name":"x","inputs":["y"],"options":{}})"}) {
    const std::string text = error_after(Sequential("n", {Input{{2}}}), [&](SafetensorsFile& file) {
      file.metadata["architecture"] = R"({"name":"n","layers":[)" + layers + last + "]}";
    });
    EXPECT_THAT(text, StartsWith(*last == 0 ? "no error" : "net: layer 'x', inputs: expected the name of a layer"));
  }
}

struct Edit {
  std::string key;
  std::string from;
  std::string to;
  std::string message;
};

TEST(ModelFile, NamesWhatIsWrong) {
  const std::string a = "architecture";
  const std::vector<Edit> edits = {
      {"format", "saccade.network", "pt", ": expected a saved network, got format 'pt'"},
      {"version", "1", "2", ": expected a saved network of version 1, got version '2'"},
      {a, "{", "[", ": architecture: expected JSON, got "},
      {a, "{", "1e999", ": architecture: expected JSON, got 'number overflow"},
      {a, R"("name":"small")", R"("name":[[[[[[[[[1]]]]]]]]])", ": architecture: expected JSON of at most 8 levels"},
      {a, R"("name":"small")", R"("name":"a","name":"b")", ": architecture: expected each key once, got 'name' twice"},
      {a, R"("name":"small")", R"("name":1)", ": architecture, name: expected a string, got 1"},
      {a, R"("name":"small",)", "", ": architecture: expected a member 'name', got none"},
      {a, R"("name":"small")", R"("name":"a","x":1)",
       ": architecture: expected a name and 1 to 10000 layers, got 3 members"},
      {a, R"("layers":[)", R"("layers":1,"old":[)", ": architecture, layers: expected an array, got 1"},
      {a, R"("layers":[)", R"("layers":[1,)", ": layer 0: expected an object, got 1"},
      {a, R"("type":"Conv2D")", R"("type":"Conv9D")",
       ": layer 'c': layer type: expected one of Activation, Add, Arithmetic, AveragePool2D, BatchNorm, Concatenate, "},
      {a, R"("type":"Conv2D",)", "", ": layer 'c': expected a member 'type', got none"},
      {a, R"("type":"Conv2D")", R"("type":"Conv2D","x":1)",
       ": layer 'c': expected type, name, inputs and options, got 'x'"},
      {a, R"("name":"c")", R"("name":"")", ": layer 1: expected a name of its own, got an empty one"},
      {a, R"("name":"c")", R"("name":"input")", ": layer 1: expected a name of its own, got 'input' again"},
      {a, R"("name":"c")", R"("name":"a.b")", ": tensor 'a.b.weight': expected float32 [3, 2, 2, 2], got none"},
      {a, R"("inputs":["input"])", R"("inputs":["d"])",
       ": layer 'c', inputs: expected the name of a layer before it, got 'd'"},
      {a, R"("inputs":["input"])", R"("inputs":[1])", ": layer 'c', inputs: expected a string, got 1"},
      {a, R"("inputs":["input"])", R"("inputs":[])", ": conv2d: expected 1 input, got 0"},
      {a, R"("inputs":[])", R"("inputs":"input")", ": layer 'input', inputs: expected an array, got 'input'"},
      {a, R"("inputs":["flatten"])", R"("inputs":["input"])", ": dense 'd': expected one row of numbers an image"},
      {a, R"("filters":2)", R"("filter":2)", ": layer 'c': expected options among activation, "},
      {a, R"("filters":2)", R"("filters":"2")",
       ": layer 'c', option 'filters': expected a whole number of 64 bits, got '2'"},
      {a, R"("filters":2)", R"("filters":2.5)",
       ": layer 'c', option 'filters': expected a whole number of 64 bits, got 2.5"},
      {a, R"("filters":2)", R"("filters":9223372036854775808)",
       ": layer 'c', option 'filters': expected a whole number of 64 bits, got 9223372036854775808"},
      {a, R"("filters":2)", R"("filters":1000000000000)", ": conv2d 'c': filters: expected at most 2147483647, got"},
      {a, R"("filters":2)", R"("filters":-2)", ": conv2d 'c': filters: expected at least 1, got -2"},
      {a, R"("filters":2)", R"("filters":2000000000)", ": tensor 'c.weight': expected float32 [3, 2, 2, 2000000000]"},
      {a, R"("kernel":[3,2])", R"("kernel":[3])",
       ": layer 'c', option 'kernel': expected [height, width], got an array"},
      {a, R"("kernel":[3,2])", R"("kernel":3)", ": layer 'c', option 'kernel': expected [height, width], got 3"},
      {a, R"("kernel":[3,2])", R"("kernel":[9,9])", ": conv2d 'c': expected "},
      {a, R"("padding":"valid")", R"("padding":"vaild")", ": layer 'c': padding: expected valid, same or four numbers"},
      {a, R"("activation":"linear")", R"("activation":null)",
       ": layer 'c', option 'activation': expected a string, got null"},
      {a, R"("activation":"linear")", R"("activation":"lin")", ": layer 'c': activation: expected one of linear, relu"},
      {a, R"("use_bias":true)", R"("use_bias":1)", ": layer 'c', option 'use_bias': expected true or false, got 1"},
      {a, R"("use_bias":true)", R"("use_bias":false)",
       ": expected only tensors that a layer asks for, got 'c.bias' [2]"},
      {a, R"("l2":0.0)", R"("l2":"0")", ": layer 'c', option 'l2': expected a number, got '0'"},
      {a, R"("l2":0.0)", R"("l2":1e99)",
       ": layer 'c', option 'l2': expected a number that a float32 can hold, got 1e+99"},
      {a, R"("l2":0.0)", R"("l2":-1)", ": conv2d 'c': l2: expected "},
      {a, R"("shape":[4,4,2])", R"("shape":[4,4,"2"])", ": layer 'input', option 'shape': expected a whole number"},
      {a, R"("shape":[4,4,2])", R"("shape":[4,4,-2])", ": layer 'input': shape: expected extents of zero or more"},
      {a, R"("shape":[4,4,2])", R"("shape":[4,4,0])", ": input 'input': expected the shape of one image"},
      {"preprocessing", "{", "", ": preprocessing: expected JSON"},
      {"preprocessing", R"("scale":)", R"("scal":)", ": preprocessing: expected a member 'scale', got none"},
      {"preprocessing", R"("mean":[])", R"("mean":[1])", ": preprocessing mean: expected 2 values, one a channel"},
      {"preprocessing", R"("mean":[])", R"("mean":["1",1])", ": preprocessing, mean: expected a number, got '1'"},
      {"preprocessing", R"("deviation":[])", R"("deviation":[1,0])",
       ": preprocessing deviation[1]: expected a number above 0"},
      {"class_names", "[]", R"(["a"])", ": class_names: expected none or 3 names, one an output, got 1"},
      {"class_names", "[]", "{}", ": class_names: expected an array, got an object"},
      {"class_names", "[]", "[1]", ": class_names: expected a string, got 1"},
      {"frozen", "[]", R"(["c"])", ": frozen: expected names of parameters, got 'c'"},
  };
  for (const Edit& edit : edits) {
    EXPECT_THAT(error_after_edit(edit.key, edit.from, edit.to), StartsWith("net" + edit.message))
        << edit.from << " -> " << edit.to;
  }
}

TEST(ModelFile, NamesTheMissingPart) {
  for (const char* key : {"architecture", "preprocessing", "class_names", "frozen"}) {
    EXPECT_EQ(
        error_after(small_network(), [&](SafetensorsFile& file) { file.metadata.erase(key); }),
        fmt::format("net: expected '{}' in the metadata, got none; the file is damaged; save the network again", key));
  }
}

TEST(ModelFile, NamesTheTensorThatIsWrong) {
  const Model model = small_network();
  EXPECT_EQ(
      error_after(model, [](SafetensorsFile& file) { file.tensors.erase(file.tensors.begin()); }),
      "net: tensor 'c.weight': expected float32 [3, 2, 2, 2], got none; the file is damaged, or its architecture and "
      "its tensors belong to two networks");
  EXPECT_THAT(error_after(model,
                          [](SafetensorsFile& file) {
                            file.tensors[1].second = Tensor(Shape{2, 1});
                          }),
              StartsWith("net: tensor 'c.bias': expected float32 [2], got float32 [2, 1]"));
  EXPECT_THAT(
      error_after(model, [](SafetensorsFile& file) { file.tensors[3].second = Tensor(Shape{3}, DType::uint8); }),
      StartsWith("net: tensor 'd.bias': expected float32 [3], got uint8 [3]"));
  EXPECT_THAT(error_after(model, [](SafetensorsFile& file) { file.tensors.emplace_back("e.bias", Tensor(Shape{4})); }),
              StartsWith("net: expected only tensors that a layer asks for, got 'e.bias' [4]"));
}

TEST(ModelFile, RefusesLayersThatDoNotLeadToTheOutput) {
  const std::string text = error_after(small_network(), [](SafetensorsFile& file) {
    std::string& json = file.metadata.at("architecture");
    json.insert(json.size() - 2, R"(,{"type":"Flatten","name":"f","inputs":["input"],"options":{}})");
  });
  EXPECT_THAT(text, StartsWith("net: architecture: expected layers that all lead to the last one, got 2 of 5 that do"));
}

TEST(ModelFile, RefusesASecondInput) {
  const std::string text = error_after(small_network(), [](SafetensorsFile& file) {
    std::string& json = file.metadata.at("architecture");
    json.insert(json.size() - 2, R"(,{"type":"Input","name":"x","inputs":[],"options":{"shape":[3]}})"
                                 R"(,{"type":"Add","name":"f","inputs":["d","x"],"options":{}})");
  });
  EXPECT_THAT(text,
              StartsWith("net: network 'small': expected an output that depends on the given input and on no other"));
}

}  // namespace
}  // namespace saccade
