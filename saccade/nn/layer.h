#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/nn/operation.h"
#include "saccade/nn/options.h"

namespace saccade {

/// A parameter that a layer asks for. Its full name is "<layer>.<name>".
struct ParameterSpec {
  std::string name;
  Shape shape;
  Initializer initializer;
  Parameter::Role role = Parameter::Role::weight;
  float l2 = 0.0F;
};

/// An immutable description of one layer: its options, what shapes it makes, which parameters it needs, and how to
/// compute it.
/// Weights live in the Model, memory in the Plan, so one layer object may stand in several networks.
class Layer {
 public:
  virtual ~Layer() = default;

  virtual std::string_view type() const = 0;    ///< "Conv2D", the registry's name for it.
  virtual const std::string& name() const = 0;  ///< As given; empty when the network should choose one.
  virtual void describe(OptionVisitor& visitor) const = 0;
  /// How many inputs it takes: {1, 1} for most, {2, many} for merging layers, {0, 0} for Input.
  virtual std::pair<int, int> input_count() const { return {1, 1}; }
  /// Shape of one output image from the shapes of the input images. The one place where shapes are computed and
  /// checked.
  /// Throws ShapeError or ValueError.
  virtual Shape infer(std::span<const Shape> src) const = 0;
  virtual std::vector<ParameterSpec> parameters(std::span<const Shape> /*src*/) const { return {}; }
  /// Multiplications followed by an addition, for one image.
  virtual Index multiply_adds(std::span<const Shape> /*src*/) const { return 0; }
  /// The activation of its output; linear for layers that have none.
  virtual Activation activation() const { return Activation::linear; }
  /// The same layer with a bias and with this activation, where it has none: what batch normalisation behind it folds
  /// into. Null for layers that cannot.
  virtual std::shared_ptr<const Layer> with_bias_and(Activation /*activation*/) const { return nullptr; }
  /// Whether it makes something else of the same images at each step of training.
  virtual bool is_random() const { return false; }
  virtual std::unique_ptr<Operation> prepare(const PrepareContext& context) const = 0;

 protected:
  /// "conv2d 'c2'", for error messages.
  std::string label() const;
};

/// "Conv2D" -> "conv2d", "MaxPool2D" -> "max_pool2d": the stem of automatic names.
std::string snake_case(std::string_view type);

/// A point of a network under construction: the output of a layer. Cheap to copy.
class Node {
 public:
  /// Throws ShapeError or ValueError when the layer cannot take these inputs.
  Node(std::shared_ptr<const Layer> layer, std::vector<Node> inputs);

  const Layer& layer() const noexcept { return *data_->layer; }
  std::shared_ptr<const Layer> shared_layer() const noexcept { return data_->layer; }
  std::span<const Node> inputs() const noexcept { return data_->inputs; }
  /// Of one image, without the batch axis.
  const Shape& shape() const noexcept { return data_->shape; }
  friend bool operator==(const Node& a, const Node& b) noexcept { return a.data_ == b.data_; }
  const void* identity() const noexcept { return data_.get(); }

 private:
  struct Data {
    std::shared_ptr<const Layer> layer;
    std::vector<Node> inputs;
    Shape shape;
  };
  std::shared_ptr<const Data> data_;
};

/// Derives what every layer class needs from its options: `Derived::kType`, and `Derived::visit(Options&,
/// OptionVisitor&)` which names every option but `name`. Call a layer on a node to build a graph: `Node y =
/// Conv2D{{.filters = 8}}(x);`
template <class Derived, class Options>
class LayerOf : public Layer {
 public:
  explicit LayerOf(Options options = {}) : options_(std::move(options)) {}

  const Options& options() const noexcept { return options_; }
  std::string_view type() const override { return Derived::kType; }
  const std::string& name() const override { return options_.name; }
  void describe(OptionVisitor& visitor) const override {
    Options copy = options_;
    Derived::visit(copy, visitor);
  }
  static std::shared_ptr<const Layer> make(OptionVisitor& reader, std::string name) {
    Options options;
    Derived::visit(options, reader);
    options.name = std::move(name);
    return std::make_shared<Derived>(std::move(options));
  }

  Node operator()(const Node& input) const { return (*this)(std::vector<Node>{input}); }
  Node operator()(std::vector<Node> inputs) const {
    return Node(std::make_shared<Derived>(static_cast<const Derived&>(*this)), std::move(inputs));
  }

 protected:
  Options options_;
};

/// Any layer, as the elements of Sequential's list.
class AnyLayer {
 public:
  template <class L>
  requires std::derived_from<L, Layer> AnyLayer(L layer) : layer_(std::make_shared<L>(std::move(layer))) {}
  AnyLayer(std::shared_ptr<const Layer> layer) : layer_(std::move(layer)) {}
  const std::shared_ptr<const Layer>& get() const noexcept { return layer_; }

 private:
  std::shared_ptr<const Layer> layer_;
};

}  // namespace saccade
