#pragma once
#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/io/layout_internal.h"
#include "saccade/nn/model.h"

// What the exporters of layers to ONNX share.
namespace saccade::internal {

/// A node's output in the ONNX graph.
struct Value {
  std::string name;
  std::optional<Shape> flattened{};  ///< Of a row: the image [h, w, c] whose numbers ONNX has channels first.
};

/// One layer about to become ONNX nodes. Its own tensors are called "<layer>.<what>", which no layer is.
class LayerExport {
 public:
  LayerExport(const Model& model, const GraphNode& node, std::vector<Value> inputs, onnx::GraphProto& graph)
      : model_(model), node_(node), inputs_(std::move(inputs)), graph_(graph) {}

  template <class L>
  const auto& options() const {
    return dynamic_cast<const L&>(*node_.layer).options();
  }
  const Value& input(std::size_t i = 0) const { return inputs_[i]; }
  const std::vector<Value>& inputs() const { return inputs_; }
  const Shape& src(std::size_t i = 0) const { return model_.nodes()[node_.inputs[i]].shape; }
  const Shape& dst() const { return node_.shape; }
  const std::string& output() const { return node_.name; }
  std::string own(std::string_view what) const { return fmt::format("{}.{}", node_.name, what); }
  bool has_parameter(std::string_view name) const {
    return std::ranges::find(model_.parameters(), own(name), &Parameter::name) != model_.parameters().end();
  }
  /// The layer's parameter, with other dims for the same numbers if given.
  Constant parameter(std::string_view name, std::vector<Index> dims = {}) const {
    const Tensor& value = model_.parameter(own(name)).value;
    if (dims.empty()) dims.assign(value.shape().extents().begin(), value.shape().extents().end());
    const std::span<const float> floats = value.floats();
    return Constant::of(std::move(dims), std::vector<float>(floats.begin(), floats.end()));
  }

  /// Adds an initialised tensor and returns its name.
  std::string add(std::string_view what, const Constant& values) const {
    onnx::TensorProto& tensor = *graph_.add_initializer();
    tensor.set_name(own(what));
    for (const Index dim : values.dims) tensor.add_dims(dim);
    tensor.set_data_type(values.is_float() ? onnx::TensorProto::FLOAT : onnx::TensorProto::INT64);
    std::visit([&](const auto& v) { tensor.set_raw_data(v.data(), v.size() * sizeof(v[0])); }, values.values);
    return own(what);
  }
  std::string add(std::string_view what, float value) const { return add(what, Constant::of({}, std::vector{value})); }
  std::string add_parameter(std::string_view name, std::vector<Index> dims = {}) const {
    return add(name, parameter(name, std::move(dims)));
  }

  /// Adds a node; the first to be called so has the layer's name, the others that of their output.
  onnx::NodeProto& add_node(const char* op, const std::vector<std::string>& inputs, const std::string& output) const {
    onnx::NodeProto& node = *graph_.add_node();
    node.set_op_type(op);
    // Names of nodes are unique, too: ONNX Runtime loads no other networks. The last node writes what the first is called.
    node.set_name(first_ ? node_.name : output == node_.name ? own("output") : output);
    first_ = false;
    for (const std::string& input : inputs) node.add_input(input);
    node.add_output(output);
    return node;
  }

  /// Throws ValueError, naming the layer.
  [[noreturn]] void fail(std::string expected, std::string got) const {
    throw ValueError({.where = fmt::format("layer '{}'", node_.name),
                      .expected = std::move(expected) + ", where networks are exported to ONNX",
                      .got = std::move(got),
                      .fix = "save the network as .safetensors"});
  }
  /// For layers that look at where in a row a number stands.
  void require_image_order() const {
    for (const Value& value : inputs_) {
      if (!value.flattened) continue;
      throw ValueError({.where = fmt::format("layer '{}'", node_.name),
                        .expected = "an image, or a row that was none, where networks are exported to ONNX",
                        .got = "a flattened image of several channels and pixels",
                        .fix = "put a Dense layer or global pooling before it"});
    }
  }

 private:
  const Model& model_;
  const GraphNode& node_;
  std::vector<Value> inputs_;
  onnx::GraphProto& graph_;
  mutable bool first_ = true;
};

inline void set(onnx::NodeProto& node, const char* name, Index value) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_i(value);
}
inline void set(onnx::NodeProto& node, const char* name, float value) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::FLOAT);
  attribute.set_f(value);
}
inline void set(onnx::NodeProto& node, const char* name, const char* value) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::STRING);
  attribute.set_s(value);
}
inline void set(onnx::NodeProto& node, const char* name, const std::vector<Index>& values) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INTS);
  for (const Index value : values) attribute.add_ints(value);
}

// Layers that work along axes. ONNX counts those of an image [N, channels, height, width]: the innermost comes first.
Value export_arithmetic(const LayerExport& l);
Value export_concatenate(const LayerExport& l);
Value export_pad(const LayerExport& l);
Value export_permute(const LayerExport& l);
Value export_reduce(const LayerExport& l);
Value export_resample(const LayerExport& l);
Value export_reshape(const LayerExport& l);
Value export_slice(const LayerExport& l);

}  // namespace saccade::internal
