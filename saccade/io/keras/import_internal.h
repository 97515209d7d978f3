#pragma once
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/io/hdf5_internal.h"
#include "saccade/io/keras/config_internal.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/model.h"

namespace saccade::internal {

/// A weight that a layer of Keras's has, in Keras's shape; its numbers stand in our order.
struct KerasWeight {
  std::string name;  ///< "kernel"
  Shape shape;
  std::string parameter;  ///< Ours, in full: "conv.weight". Empty for what becomes no parameter.
  bool learns = true;
};

/// A layer, or a model with its layers, as the weights of a file are ordered.
struct KerasUnit {
  std::string name, class_name;
  bool trainable = true;
  std::vector<KerasWeight> weights;
  std::vector<KerasUnit> inside;
};

/// One step of what a model does to its images first: y = x * scale + offset, or y = (x - mean) / sqrt(variance).
struct KerasPreprocessing {
  bool normalises = false;
  std::vector<float> factor;  ///< scale, or the variance; one number or one a channel.
  std::vector<float> term;    ///< offset, or the mean.
  std::string weights{};      ///< Where these two are weights of the file instead: what their `parameter` begins with.
  friend bool operator==(const KerasPreprocessing&, const KerasPreprocessing&) = default;
};

/// A model whose weights are still to be read.
struct KerasNetwork {
  Graph graph;
  KerasUnit root;
  std::vector<KerasPreprocessing> preprocessing;
  /// Parameters that Keras leaves out (batch normalisation without scale or center), with the number that they are.
  std::map<std::string, float> constants;
  std::vector<std::string> frozen;  ///< Parameters of ours.
};

/// Where our files keep class names: an attribute of the root, or an entry of the archive. Keras overlooks it.
inline constexpr const char* kKerasClassNames = "saccade.class_names.json";

/// Version of Keras that wrote a file: some names mean something else since version 3.
enum class KerasVersion : std::uint8_t { two, three };

/// One layer of Keras's about to become layers of ours.
class LayerImport {
 public:
  struct Result {
    std::vector<KerasWeight> weights;
    std::map<std::string, float> constants;
  };

  /// A name like the one given that no other layer has.
  using Unused = std::function<std::string(std::string)>;

  LayerImport(const KerasLayerConfig& layer, const Unused& unused, std::vector<Node> inputs, KerasVersion version,
              std::string where)
      : layer_(layer),
        name_(unused(layer.name)),
        unused_(unused),
        inputs_(std::move(inputs)),
        version_(version),
        where_(std::move(where)) {}

  /// The name that our layer shall have.
  const std::string& name() const noexcept { return name_; }
  /// A name for one of several layers of ours: "conv_activation".
  std::string part(std::string_view what) const { return unused_(name_ + "_" + std::string(what)); }
  const std::string& class_name() const noexcept { return layer_.class_name; }
  KerasVersion version() const noexcept { return version_; }
  const Node& input() const noexcept { return inputs_.front(); }
  const std::vector<Node>& inputs() const noexcept { return inputs_; }
  Index channels() const { return input().shape()[-1]; }
  /// Throws FormatError unless the input is [height, width, channels].
  const Shape& image() const;

  // Options, under Keras's names. Throw FormatError where they are of another kind, or not there and not `otherwise`.
  const Json* find(const std::string& key) const;
  Index integer(const std::string& key, std::optional<Index> otherwise = {}) const;
  float number(const std::string& key, std::optional<float> otherwise = {}) const;
  bool boolean(const std::string& key, bool otherwise) const;
  std::string text(const std::string& key, const std::string& otherwise) const;
  Size2 size(const std::string& key, std::optional<Size2> otherwise = {}) const;
  Padding padding() const;
  /// The last axis of the input, or another that says the same.
  void require_last_axis(const std::string& key) const;
  /// Throws FormatError unless images have their channels last, as TensorFlow's default is.
  void require_channels_last() const;
  /// "activation".
  ActivationOptions activation() const;
  float l2() const;

  void add_weight(KerasWeight weight) const { result_.weights.push_back(std::move(weight)); }
  void add_constant(const std::string& parameter, float value) const { result_.constants[parameter] = value; }
  const Result& result() const noexcept { return result_; }

  std::string where(const std::string& key) const { return where_ + ", " + key; }
  [[noreturn]] void fail(std::string expected, std::string got,
                         std::string fix = "change the model, or export it to ONNX") const;

 private:
  const KerasLayerConfig& layer_;
  std::string name_;
  Unused unused_;
  std::vector<Node> inputs_;
  KerasVersion version_;
  std::string where_;
  mutable Result result_;
};

/// A class of Keras's that becomes layers.
struct KerasClass {
  std::string_view name;
  Node (*import)(const LayerImport& layer);
};
std::span<const KerasClass> keras_classes();

/// The graph of a model, before any memory for weights is taken. Throws FormatError, naming the layer, its class and what is
/// supported.
KerasNetwork import_keras(const KerasModelConfig& config, KerasVersion version, const std::string& file);

/// What the steps together do to images of so many channels.
Preprocessing preprocessing_of(std::span<const KerasPreprocessing> steps, Index channels, const std::string& file);

/// The values of a network's weights, by our parameters' names.
using KerasValues = std::map<std::string, Tensor>;
/// From the group of an .h5 file that has "layer_names" (version 2 and its like).
KerasValues read_named_weights(const KerasUnit& root, Hdf5File& file, const std::string& group,
                               const std::string& name);
/// From model.weights.h5 of a .keras archive: layers/conv2d/vars/0.
KerasValues read_numbered_weights(const KerasUnit& root, Hdf5File& file, const std::string& name);

/// What Keras calls a class in that file: "BatchNormalization" is "batch_normalization".
std::string keras_snake_case(std::string_view class_name);

/// The network with its weights, which must all be there.
Model finish_keras(KerasNetwork network, KerasValues values, const std::string& file);

}  // namespace saccade::internal
