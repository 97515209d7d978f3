#include <fmt/format.h>
#include <gmock/gmock.h>
#include <onnx/onnx_pb.h>

#include "saccade/base/error.h"
#include "saccade/io/model_file.h"
#include "saccade/io/onnx.h"
#include "saccade/io/onnx/testing_internal.h"
#include "saccade/nn/elementwise.h"

namespace saccade::internal {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;

using Dims = std::vector<Index>;
using Floats = std::vector<float>;

/// A network in ONNX's own form, of one input "x" and one output "y".
class Network {
 public:
  explicit Network(const Dims& input, Index opset = 13) {
    model_.add_opset_import()->set_version(opset);
    graph().set_name("net");
    onnx::ValueInfoProto& x = *graph().add_input();
    x.set_name("x");
    for (const Index dim : input)
      x.mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(dim);
    graph().add_output()->set_name("y");
  }

  Network& weight(const std::string& name, const Dims& dims, const Floats& values) {
    onnx::TensorProto& tensor = add(name, dims, onnx::TensorProto::FLOAT);
    tensor.mutable_float_data()->Assign(values.begin(), values.end());
    return *this;
  }
  Network& integers(const std::string& name, const Dims& dims, const Dims& values) {
    onnx::TensorProto& tensor = add(name, dims, onnx::TensorProto::INT64);
    tensor.mutable_int64_data()->Assign(values.begin(), values.end());
    return *this;
  }
  /// A node of several outputs, and no attributes but the axis.
  Network& nodes(const std::string& op, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
                 Index axis) {
    node(op, inputs, outputs.front(), {{"axis", axis}});
    for (const std::string& output : std::span(outputs).subspan(1))
      graph().mutable_node()->rbegin()->add_output(output);
    return *this;
  }
  Network& node(const std::string& op, const std::vector<std::string>& inputs, const std::string& output,
                const std::map<std::string, std::variant<Dims, Index, float, const char*>>& attributes = {}) {
    onnx::NodeProto& node = *graph().add_node();
    node.set_op_type(op);
    for (const std::string& input : inputs) node.add_input(input);
    node.add_output(output);
    for (const auto& [name, value] : attributes) {
      onnx::AttributeProto& attribute = *node.add_attribute();
      attribute.set_name(name);
      if (const auto* list = std::get_if<Dims>(&value)) {
        attribute.set_type(onnx::AttributeProto::INTS);
        attribute.mutable_ints()->Assign(list->begin(), list->end());
      } else if (const auto* integer = std::get_if<Index>(&value)) {
        attribute.set_type(onnx::AttributeProto::INT);
        attribute.set_i(*integer);
      } else if (const auto* text = std::get_if<const char*>(&value)) {
        attribute.set_type(onnx::AttributeProto::STRING);
        attribute.set_s(*text);
      } else {
        attribute.set_type(onnx::AttributeProto::FLOAT);
        attribute.set_f(std::get<float>(value));
      }
    }
    return *this;
  }

  Model import() const {
    const std::string bytes = model_.SerializeAsString();
    return read_onnx(std::as_bytes(std::span(bytes)), "net.onnx");
  }
  /// The output for one image whose numbers, in ONNX's order, are these.
  Floats run(const Floats& image) const {
    Model model = import();
    Dims dims{1};
    for (const auto& dim : model_.graph().input(0).type().tensor_type().shape().dim()) dims.push_back(dim.dim_value());
    dims.erase(dims.begin() + 1);
    return internal::run(model, Constant::of(dims, image)).floats();
  }
  /// The layers' types, one after another: "Input Conv2D".
  std::string types() const {
    const Model model = import();
    std::string types;
    for (const GraphNode& node : model.nodes()) types.append(types.empty() ? "" : " ").append(node.layer->type());
    return types;
  }
  /// The output for one image in the network's own order.
  Floats run_as_is(const Floats& image) const {
    Model model = import();
    Plan plan(model, 1, PlanMode::training);
    const std::span<const float> y = plan.forward(image);
    return {y.begin(), y.end()};
  }
  std::string error() const {
    try {
      import();
    } catch (const Error& error) {
      return error.what();
    }
    return "none";
  }

 private:
  onnx::GraphProto& graph() { return *model_.mutable_graph(); }
  onnx::TensorProto& add(const std::string& name, const Dims& dims, onnx::TensorProto::DataType type) {
    onnx::TensorProto& tensor = *graph().add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(type);
    tensor.mutable_dims()->Assign(dims.begin(), dims.end());
    return tensor;
  }

  onnx::ModelProto model_;
};

TEST(OnnxImport, LayersWithSeveralReadersStayAsTheyAre) {
  // x * 2 - 3 is read as it is and, by another name, by the ReLU.
  const Network net = Network({1, 1, 1, 2})
                          .weight("w", {1, 1, 1, 1}, {2})
                          .weight("b", {1}, {-3})
                          .node("Conv", {"x", "w", "b"}, "c")
                          .node("Identity", {"c"}, "same")
                          .node("Relu", {"same"}, "r")
                          .node("Add", {"c", "r"}, "y");
  EXPECT_THAT(net.run({1, 2}), ElementsAre(-1, 2));
}

TEST(OnnxImport, SumsTakeEveryTerm) {
  Network net({1, 1, 1, 1});
  net.weight("w", {1, 1, 1, 1}, {2}).node("Conv", {"x", "w"}, "c").weight("b", {1}, {5});
  EXPECT_THAT(Network(net).node("Sum", {"c", "b"}, "y").run({1}), ElementsAre(7));
  EXPECT_THAT(Network(net).node("Sum", {"c", "c", "x"}, "y").run({1}), ElementsAre(5));
  EXPECT_THAT(Network(net).node("Sum", {"b", "c", "x"}, "y").run({1}), ElementsAre(8));
  EXPECT_THAT(Network(net).node("Sum", {"b", "b"}, "y").error(), HasSubstr("to depend on the images"));
  EXPECT_THAT(Network(net).node("Sum", {}, "y").error(), HasSubstr("input 0 to depend on the images"));
}

TEST(OnnxImport, GemmScalesWeightsAndBias) {
  Network net({1, 2});
  net.weight("w", {2, 1}, {1, 10}).weight("b", {1}, {100});
  EXPECT_THAT(Network(net).node("Gemm", {"x", "w", "b"}, "y", {{"alpha", 2.0F}, {"beta", 0.5F}}).run({1, 2}),
              ElementsAre(92));
  EXPECT_THAT(Network(net).node("Gemm", {"x", "w"}, "y", {{"alpha", 2.0F}, {"beta", 0.5F}}).run({1, 2}),
              ElementsAre(42));
}

TEST(OnnxImport, AveragesOfCeilModeCountPadsButNothingBeyond) {
  const auto average = [](Index width, Index kernel, Index pad, Index count_pads) {
    return Network({1, 1, 1, width})
        .node("AveragePool", {"x"}, "y",
              {{"kernel_shape", Dims{1, kernel}},
               {"strides", Dims{1, 2}},
               {"pads", Dims{0, pad, 0, pad}},
               {"ceil_mode", Index{1}},
               {"count_include_pad", count_pads}});
  };
  EXPECT_THAT(average(4, 3, 0, 0).run({1, 2, 3, 5}), ElementsAre(2, 4));
  EXPECT_THAT(average(4, 3, 0, 1).run({1, 2, 3, 5}), ElementsAre(2, 4));
  EXPECT_THAT(average(4, 3, 1, 0).run({1, 2, 3, 5}), ElementsAre(1.5, 10.0F / 3, 5));
  EXPECT_THAT(average(4, 3, 1, 1).run({1, 2, 3, 5}), ElementsAre(1, 10.0F / 3, 2.5));
  EXPECT_THAT(average(3, 2, 1, 0).run({1, 2, 3}), ElementsAre(1, 2.5)) << "a third window would start behind the image";
}

TEST(OnnxImport, KernelShapesMustAgreeWithTheWeights) {
  Network net({1, 1, 4, 4});
  net.weight("w", {1, 1, 3, 3}, Floats(9, 1));
  for (const char* const op : {"Conv", "ConvTranspose"}) {
    EXPECT_THAT(Network(net).node(op, {"x", "w"}, "y", {{"kernel_shape", Dims{2, 2}}}).error(),
                HasSubstr("expected kernel_shape to be that of the weights"));
    EXPECT_THAT(Network(net).node(op, {"x", "w"}, "y", {{"group", Index{1} << 62}}).error(),
                AnyOf(HasSubstr("group"), HasSubstr("filters")));
  }
}

TEST(OnnxImport, ClipOfOneBoundCanBeSaved) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  for (const float high : {kLargest, std::numeric_limits<float>::infinity()}) {
    Network net({1, 1, 1, 2});
    net.weight("low", {}, {-1}).weight("high", {}, {high}).node("Clip", {"x", "low", "high"}, "y");
    const Model model = net.import();
    const auto& layer = dynamic_cast<const ActivationLayer&>(*model.nodes().back().layer);
    EXPECT_EQ(layer.options().clip_high, kLargest);
    EXPECT_THAT(net.run({-3, 3}), ElementsAre(-1, 3));
    std::vector<std::byte> file;
    encode_model(model, [&](std::span<const std::byte> piece) { file.insert(file.end(), piece.begin(), piece.end()); });
    EXPECT_EQ(read_model(file, "net").graph().summary(), model.graph().summary());
  }
}

TEST(OnnxImport, ImagesOfTensorFlowKeepTheirOrder) {
  const Network net = Network({-1, 1, 2, 3})
                          .weight("mean", {3}, {1, 2, 3})
                          .weight("scale", {1, 1, 1, 1}, {2})
                          .weight("w", {2, 3, 1, 1}, {1, 10, 100, 0, 0, 1})
                          .weight("b", {2, 1, 1}, {5, 0})
                          .node("Sub", {"x", "mean"}, "s")
                          .node("Div", {"s", "scale"}, "d")
                          .node("Transpose", {"d"}, "t", {{"perm", Dims{0, 3, 1, 2}}})
                          .node("Conv", {"t", "w"}, "c")
                          .node("Add", {"c", "b"}, "cb")
                          .node("Transpose", {"cb"}, "l", {{"perm", Dims{0, 2, 3, 1}}})
                          .node("ReduceMean", {"l"}, "y", {{"axes", Dims{1, 2}}, {"keepdims", Index{0}}});
  EXPECT_EQ(net.types(), "Input Arithmetic Arithmetic Conv2D GlobalAveragePool2D");
  const Model model = net.import();
  EXPECT_EQ(model.input_shape(), Shape({1, 2, 3}));
  EXPECT_EQ(model.trainable_count(), 8) << "normalisation is not trained";
  EXPECT_THAT(net.run_as_is({3, 2, 3, 1, 4, 5}), ElementsAre(5 + (1 + 110) / 2.0F, 0.5F));
}

TEST(OnnxImport, ShufflesAndSplitsChannelsInTheirPlace) {
  const Network net = Network({-1, 4, 1, 2})
                          .integers("five", {5}, {0, 2, 2, 1, 2})
                          .integers("four", {4}, {0, 4, 1, 2})
                          .node("Reshape", {"x", "five"}, "r")
                          .node("Transpose", {"r"}, "t", {{"perm", Dims{0, 2, 1, 3, 4}}})
                          .node("Reshape", {"t", "four"}, "f")
                          .nodes("Split", {"f"}, {"a", "b"}, 1)
                          .node("Concat", {"b", "a"}, "y", {{"axis", Index{1}}});
  EXPECT_EQ(net.types(), "Input Reshape Permute Reshape Slice Slice Concatenate");
  EXPECT_THAT(net.run({1, 2, 3, 4, 5, 6, 7, 8}), ElementsAre(3, 4, 7, 8, 1, 2, 5, 6));
}

TEST(OnnxImport, CombinesTwoTensorsOfAnyShapesThatBroadcast) {
  Network net({-1, 2, 1, 2});
  net.node("ReduceMean", {"x"}, "rows", {{"axes", Dims{3}}}).node("ReduceMean", {"x"}, "gate", {{"axes", Dims{2, 3}}});
  EXPECT_THAT(Network(net).node("Sub", {"x", "rows"}, "y").run({1, 3, 2, 8}), ElementsAre(-1, 1, -3, 3));
  EXPECT_THAT(Network(net).node("Div", {"rows", "x"}, "y").run({1, 2, 5, 5}), ElementsAre(1.5F, 0.75F, 1, 1));
  EXPECT_EQ(Network(net).node("Mul", {"gate", "x"}, "y").types(), "Input GlobalAveragePool2D Multiply");
  EXPECT_THAT(Network(net).node("Expand", {"rows", "s"}, "y").integers("s", {4}, {1, 1, 2, 2}).run({1, 3, 2, 8}),
              ElementsAre(2, 2, 2, 2, 5, 5, 5, 5));
}

TEST(OnnxImport, RowsOfPixelsAreImagesOfHeightOne) {
  const Network net = Network({-1, 2, 3})
                          .weight("w", {1, 2, 2}, {1, 10, 100, 1000})
                          .weight("b", {1, 1}, {-5000})
                          .node("Conv", {"x", "w"}, "c")
                          .node("Add", {"c", "b"}, "s")
                          .node("Relu", {"s"}, "y");
  EXPECT_EQ(net.types(), "Input Reshape Conv2D Reshape") << "bias and activation are the convolution's";
  EXPECT_THAT(net.run({1, 2, 3, 4, 5, 6}), ElementsAre(21 + 5400 - 5000, 32 + 6500 - 5000));
}

TEST(OnnxImport, MatricesOfWeightsForEveryPlace) {
  const Network net = Network({-1, 2, 3})
                          .weight("w", {3, 2}, {1, 0, 0, 1, 1, 1})
                          .weight("b", {2}, {10, 20})
                          .node("MatMul", {"x", "w"}, "m")
                          .node("Add", {"m", "b"}, "y");
  EXPECT_EQ(net.import().trainable_count(), 8) << "the bias is learned";
  EXPECT_THAT(net.run({1, 2, 3, 4, 5, 6}), ElementsAre(14, 25, 20, 31));
}

TEST(OnnxImport, ReadsWhatOperatorSet18HasAsInputs) {
  const auto net = [](const Dims& dims) { return Network(dims, 18); };
  EXPECT_THAT(net({-1, 1, 1, 4}).integers("a", {2}, {2, 3}).node("ReduceMean", {"x", "a"}, "y").run({1, 2, 3, 6}),
              ElementsAre(3));
  EXPECT_THAT(net({-1, 1, 1, 2})
                  .integers("a", {1}, {-1})
                  .integers("p", {2}, {1, 0})
                  .node("Pad", {"x", "p", "", "a"}, "y")
                  .run({1, 2}),
              ElementsAre(0, 1, 2));
  EXPECT_THAT(net({-1, 1, 1, 4})
                  .weight("s", {1}, {0.5F})
                  .node("Resize", {"x", "", "s"}, "y", {{"axes", Dims{3}}, {"antialias", Index{1}}, {"mode", "linear"}})
                  .run({0, 8, 16, 24}),
              ElementsAre(5, 19));
  EXPECT_THAT(net({-1, 3, 1, 1}).nodes("Split", {"x"}, {"a", "y"}, 1).run({1, 2, 3}), ElementsAre(3))
      << "the last part is smaller";
  EXPECT_THAT(Network({-1, 1, 1, 1}, 19).node("Relu", {"x"}, "y").error(), HasSubstr("operator set 1 to 18"));
}

TEST(OnnxImport, FormulasOfActivationsBecomeOneLayer) {
  Network net({-1, 2});
  net.weight("half", {}, {0.5F}).weight("one", {1}, {1}).weight("root", {}, {1.41421356F}).weight("six", {}, {6});
  net.weight("three", {}, {3}).weight("zero", {}, {0});
  Network gelu = Network(net)
                     .node("Div", {"x", "root"}, "d")
                     .node("Erf", {"d"}, "e")
                     .node("Add", {"e", "one"}, "a")
                     .node("Mul", {"x", "a"}, "m")
                     .node("Mul", {"m", "half"}, "y");
  EXPECT_EQ(gelu.types(), "Input Activation");
  EXPECT_THAT(gelu.run({1, -1}), ElementsAre(FloatNear(0.841345F, 1e-6F), FloatNear(-0.158655F, 1e-6F)));
  Network hard = Network(net)
                     .node("Add", {"x", "three"}, "a")
                     .node("Clip", {"a", "zero", "six"}, "c")
                     .node("Mul", {"x", "c"}, "m")
                     .node("Div", {"m", "six"}, "y");
  EXPECT_EQ(hard.types(), "Input Activation");
  // Another curve, and a part of the formula that is read elsewhere, stay what they are.
  EXPECT_EQ(Network(net).node("Sigmoid", {"x"}, "s").node("Mul", {"s", "s"}, "y").types(), "Input Activation Multiply");
  EXPECT_EQ(Network(net).node("Sigmoid", {"x"}, "s").node("Mul", {"x", "s"}, "m").node("Add", {"m", "s"}, "y").types(),
            "Input Activation Multiply Add");
}

TEST(OnnxImport, TakesAndRepeatsPositions) {
  Network net({-1, 4, 1, 1});
  const auto gather = [&](const Dims& dims, const Dims& indices) {
    return Network(net).integers("i", dims, indices).node("Gather", {"x", "i"}, "y", {{"axis", Index{1}}});
  };
  EXPECT_THAT(gather({3}, {2, 1, -1}).run({1, 2, 3, 4}), ElementsAre(3, 2, 4));
  EXPECT_THAT(gather({2, 2}, {0, 0, 2, 3}).run_as_is({1, 2, 3, 4}), ElementsAre(1, 3, 1, 4)) << "channels last";
  EXPECT_EQ(gather({}, {1}).import().output_shape().elements(), 1);
  EXPECT_THAT(gather({1}, {4}).error(), HasSubstr("indices into 4, got 4"));
  EXPECT_THAT(Network(net).integers("r", {4}, {1, 2, 1, 1}).node("Tile", {"x", "r"}, "y").run({1, 2, 3, 4}),
              ElementsAre(1, 2, 3, 4, 1, 2, 3, 4));
}

TEST(OnnxImport, GraphsThatMixTheBatchAreImportedWhole) {
  const Network turned = Network({2, 3}).node("Transpose", {"x"}, "y", {{"perm", Dims{1, 0}}});
  EXPECT_EQ(turned.import().input_shape(), Shape({2, 3}));
  EXPECT_THAT(turned.run_as_is({1, 2, 3, 4, 5, 6}), ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_THAT(Network({3}).node("Softmax", {"x"}, "y").run_as_is({0, 0, 0}), ElementsAre(1 / 3.0F, 1 / 3.0F, 1 / 3.0F));
  EXPECT_THAT(Network({}).node("ReduceSum", {"x"}, "y").run_as_is({5}), ElementsAre(5)) << "a tensor without axes";
  EXPECT_THAT(Network({-1, 3}).node("Transpose", {"x"}, "y", {{"perm", Dims{1, 0}}}).error(),
              HasSubstr("the batch to stay the first axis"))
      << "of a batch of unknown size";
}

TEST(OnnxImport, NamesAreOfOneTensor) {
  EXPECT_THAT(Network({1, 1, 2, 2}).node("Relu", {"x"}, "y").node("Sigmoid", {"x"}, "y").error(),
              HasSubstr("a name of its own for every tensor, got a second 'y'"));
  EXPECT_THAT(Network({1, 1, 2, 2}).node("Relu", {"y"}, "y").error(), HasSubstr("an earlier node"));
  EXPECT_THAT(Network({1, 1, 2, 2}).node("Relu", {"x"}, "").error(), HasSubstr("no node with that output"));
}

TEST(OnnxImport, SmallFilesCannotAskForMuch) {
  constexpr Index kHuge = Index{1} << 39;
  EXPECT_THAT(Network({-1, kHuge, 1, 1}).weight("s", {1}, {0.5F}).node("PRelu", {"x", "s"}, "y").error(),
              HasSubstr("at most 16777224 numbers more among the network's constants, got [549755813888]"));
  EXPECT_THAT(Network({1, kHuge, 4, 1}).node("Relu", {"x"}, "y").error(), HasSubstr("2^40 numbers each"));
  EXPECT_THAT(Network({Index{1} << 62, 1, 1, 1}).node("Relu", {"x"}, "y").error(), HasSubstr("2^20 images"));
  EXPECT_THAT(Network({1, 1, 1, 1}).weight("w", {0, kHuge, kHuge}, {}).error(), HasSubstr("at most 2^31 elements"));

  EXPECT_THAT(Network({-1, kHuge}).weight("b", {1}, {0.5F}).node("Add", {"x", "b"}, "y").error(),
              HasSubstr("extents from 1 to"));
  EXPECT_THAT(Network({-1, 1, 2, 2})
                  .integers("p", {8}, {0, 0, std::numeric_limits<Index>::min(), 0, 0, 0, 0, 0})
                  .node("Pad", {"x", "p"}, "y")
                  .error(),
              HasSubstr("each of at most 1048576"));

  Network copies({1, 1, 1, 1});
  copies.integers("n", {1}, {6'000'000});
  for (const char* const name : {"a", "b", "c"}) copies.node("ConstantOfShape", {"n"}, name);
  EXPECT_THAT(copies.error(), HasSubstr("'c' (ConstantOfShape, opset 13): expected at most 4777"));

  Network doubled({1, 1 << 20, 1, 1});
  std::string last = "x";
  for (int i = 0; i < 60; ++i) {
    const std::string next = i == 59 ? "y" : fmt::format("t{}", i);
    doubled.node("Concat", {last, last}, next, {{"axis", Index{1}}});
    last = next;
  }
  EXPECT_THAT(doubled.error(), HasSubstr("extents from 1 to 2147483647"));
}

}  // namespace
}  // namespace saccade::internal
