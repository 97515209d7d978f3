#include "saccade/io/architecture_internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/io/in_file_internal.h"
#include "saccade/io/json_internal.h"
#include "saccade/io/quote_internal.h"
#include "saccade/nn/registry.h"

namespace saccade::internal {
namespace {

constexpr std::size_t kMaxLayers = 10'000;
constexpr std::size_t kMaxTextBytes = 1000;

class OptionWriter final : public OptionVisitor {
 public:
  OrderedJson take() { return std::move(options_); }

  using OptionVisitor::visit;
  void visit(std::string_view name, bool& value) override { add(name, value); }
  void visit(std::string_view name, Index& value) override { add(name, value); }
  void visit(std::string_view name, float& value) override { add(name, stored_float(value)); }
  void visit(std::string_view name, std::string& value) override { add(name, value); }
  void visit(std::string_view name, Size2& value) override { add(name, {value.h, value.w}); }
  void visit(std::string_view name, std::optional<Size2>& value) override {
    add(name, value ? OrderedJson{value->h, value->w} : OrderedJson());
  }
  void visit(std::string_view name, Shape& value) override {
    OrderedJson extents = OrderedJson::array();
    for (const Index extent : value.extents()) extents.push_back(extent);
    add(name, std::move(extents));
  }

 private:
  void add(std::string_view name, OrderedJson value) { options_[std::string(name)] = std::move(value); }

  OrderedJson options_ = OrderedJson::object();
};

/// Assigns the options that the JSON holds and leaves the others at their defaults.
class OptionReader final : public OptionVisitor {
 public:
  OptionReader(const Json& options, std::string layer) : options_(options), layer_(std::move(layer)) {}

  /// Throws when the JSON holds an option that the layer did not ask for.
  void finish() const {
    for (const auto& [name, value] : options_.items()) {
      if (seen_.contains(name)) continue;
      throw FormatError({.where = layer_,
                         .expected = fmt::format("options among {}", fmt::join(seen_, ", ")),
                         .got = quote(name),
                         .fix = "the network may come from a newer version of Saccade"});
    }
  }

  using OptionVisitor::visit;
  void visit(std::string_view name, bool& value) override {
    if (const Json* json = find(name)) value = read_bool(*json, where(name));
  }
  void visit(std::string_view name, Index& value) override {
    if (const Json* json = find(name)) value = read_index(*json, where(name));
  }
  void visit(std::string_view name, float& value) override {
    if (const Json* json = find(name)) value = read_float(*json, where(name));
  }
  void visit(std::string_view name, std::string& value) override {
    const Json* json = find(name);
    if (json == nullptr) return;
    value = read_string(*json, where(name));
    if (value.size() > kMaxTextBytes) {
      throw FormatError({.where = where(name),
                         .expected = fmt::format("at most {} bytes of text", kMaxTextBytes),
                         .got = fmt::format("{}", value.size()),
                         .fix = "the file is damaged"});
    }
  }
  void visit(std::string_view name, Size2& value) override {
    if (const Json* json = find(name)) value = read_size2(*json, where(name));
  }
  void visit(std::string_view name, std::optional<Size2>& value) override {
    const Json* json = find(name);
    if (json == nullptr) return;
    value.reset();
    if (!json->is_null()) value = read_size2(*json, where(name));
  }
  void visit(std::string_view name, Shape& value) override {
    const Json* json = find(name);
    if (json == nullptr) return;
    std::vector<Index> extents;
    for (const Json& extent : read_array(*json, where(name))) extents.push_back(read_index(extent, where(name)));
    value = Shape(extents);
  }

 private:
  const Json* find(std::string_view name) {
    seen_.emplace(name);
    const auto found = options_.find(std::string(name));
    return found == options_.end() ? nullptr : &*found;
  }

  std::string where(std::string_view name) const { return fmt::format("{}, option '{}'", layer_, name); }

  static Size2 read_size2(const Json& json, const std::string& where) {
    if (!json.is_array() || json.size() != 2) {
      throw FormatError(
          {.where = where, .expected = "[height, width]", .got = show(json), .fix = "the file is damaged"});
    }
    return {read_index(json[0], where), read_index(json[1], where)};
  }

  const Json& options_;
  std::string layer_;
  std::set<std::string> seen_;
};

/// Nodes by name. They are dropped last first: each holds its inputs, and freeing a long chain from its end takes one
/// call inside another for every layer.
class Nodes {
 public:
  Nodes() = default;
  Nodes(const Nodes&) = delete;
  Nodes& operator=(const Nodes&) = delete;
  ~Nodes() {
    while (!nodes_.empty()) nodes_.pop_back();
  }

  void add(const std::string& name, Node node) {
    positions_.emplace(name, nodes_.size());
    nodes_.push_back(std::move(node));
  }
  const Node* find(const std::string& name) const {
    const auto found = positions_.find(name);
    return found == positions_.end() ? nullptr : &nodes_[found->second];
  }
  const std::vector<Node>& all() const { return nodes_; }

 private:
  std::map<std::string, std::size_t> positions_;
  std::vector<Node> nodes_;
};

constexpr const char* kDamaged = "the file is damaged, or comes from a newer version of Saccade";

void read_layer(const Json& json, const std::string& file, std::size_t number, Nodes& nodes,
                const CheckParameters& check) {
  const std::string place = fmt::format("{}: layer {}", file, number);
  const std::string name = read_string(read_member(read_object(json, place), "name", place), place + ", name");
  const std::string layer = fmt::format("{}: layer {}", file, quote(name));
  for (const auto& [key, value] : json.items()) {
    if (key == "type" || key == "name" || key == "inputs" || key == "options") continue;
    throw FormatError(
        {.where = layer, .expected = "type, name, inputs and options", .got = quote(key), .fix = kDamaged});
  }
  if (name.empty() || nodes.find(name) != nullptr) {
    throw FormatError({.where = place,
                       .expected = "a name of its own",
                       .got = name.empty() ? "an empty one" : quote(name) + " again",
                       .fix = kDamaged});
  }
  std::vector<Node> inputs;
  std::vector<Shape> shapes;
  for (const Json& input : read_array(read_member(json, "inputs", layer), layer + ", inputs")) {
    const Node* node = nodes.find(read_string(input, layer + ", inputs"));
    if (node == nullptr) {
      throw FormatError({.where = layer + ", inputs",
                         .expected = "the name of a layer before it",
                         .got = show(input),
                         .fix = kDamaged});
    }
    inputs.push_back(*node);
    shapes.push_back(node->shape());
  }
  const std::string type = read_string(read_member(json, "type", layer), layer + ", type");
  const RegisteredLayer& registered = in_file(
      layer, [&]() -> auto& { return registered_layer(type); });
  OptionReader reader(read_object(read_member(json, "options", layer), layer + ", options"), layer);
  const std::shared_ptr<const Layer> made = in_file(layer, [&] { return registered.make(reader, name); });
  reader.finish();
  in_file(file, [&] {
    nodes.add(name, Node(made, std::move(inputs)));
    check(name, made->parameters(shapes));
  });
}

}  // namespace

std::string format_architecture(const Model& model) {
  OrderedJson layers = OrderedJson::array();
  for (const Model::GraphNode& node : model.nodes()) {
    OptionWriter writer;
    node.layer->describe(writer);
    OrderedJson inputs = OrderedJson::array();
    for (const std::size_t input : node.inputs) inputs.push_back(model.nodes()[input].name);
    layers.push_back(
        {{"type", node.layer->type()}, {"name", node.name}, {"inputs", std::move(inputs)}, {"options", writer.take()}});
  }
  return format_json({{"name", model.name()}, {"layers", std::move(layers)}});
}

Model parse_architecture(std::string_view text, const std::string& file, const CheckParameters& check) {
  const std::string where = file + ": architecture";
  const Json json = parse_json(text, where);
  const std::string name = read_string(read_member(read_object(json, where), "name", where), where + ", name");
  const Json& layers = read_array(read_member(json, "layers", where), where + ", layers");
  if (layers.empty() || layers.size() > kMaxLayers || json.size() != 2) {
    throw FormatError(
        {.where = where,
         .expected = fmt::format("a name and 1 to {} layers", kMaxLayers),
         .got = json.size() != 2 ? fmt::format("{} members", json.size()) : fmt::format("{} layers", layers.size()),
         .fix = kDamaged});
  }
  Nodes nodes;
  for (std::size_t i = 0; i < layers.size(); ++i) read_layer(layers[i], file, i, nodes, check);
  Model model =
      in_file(file, [&] { return Model(Graph(name, nodes.all().front(), nodes.all().back()), Model::Weights::zeros); });
  if (model.nodes().size() != layers.size()) {
    throw FormatError({.where = where,
                       .expected = "layers that all lead to the last one",
                       .got = fmt::format("{} of {} that do", model.nodes().size(), layers.size()),
                       .fix = kDamaged});
  }
  return model;
}

}  // namespace saccade::internal
