#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <set>

#include "saccade/io/onnx/curves_internal.h"

namespace saccade::internal {
namespace {

/// The values of a function at the places where curves are compared.
constexpr std::size_t kPlaces = 33;
using Curve = std::array<double, kPlaces>;

template <class Function>
Curve curve_of(Function f) {
  Curve curve;
  for (std::size_t i = 0; i < kPlaces; ++i) curve[i] = f(-8.0 + 0.5 * static_cast<double>(i));
  return curve;
}

double sigmoid_of(double x) { return 1.0 / (1.0 + std::exp(-x)); }
double clamped(double x, double low, double high) { return std::min(std::max(x, low), high); }

struct KnownCurve {
  const char* op;
  const char* approximate;  ///< The attribute of Gelu.
  Curve curve;
};

const std::array<KnownCurve, 4>& known_curves() {
  static const std::array<KnownCurve, 4> kCurves{{
      {"Swish", nullptr, curve_of([](double x) { return x * sigmoid_of(x); })},
      {"HardSwish", nullptr, curve_of([](double x) { return x * clamped(x + 3.0, 0.0, 6.0) / 6.0; })},
      {"Gelu", "none", curve_of([](double x) { return x * std::erfc(-x / std::numbers::sqrt2) / 2.0; })},
      {"Gelu", "tanh", curve_of([](double x) {
         const double slope = std::sqrt(2.0 * std::numbers::inv_pi);
         return x * (1.0 + std::tanh(slope * (x + 0.044715 * x * x * x))) / 2.0;
       })},
  }};
  return kCurves;
}

const KnownCurve* find_known(const Curve& curve) {
  constexpr double kTolerance = 1e-5;  // of numbers around 1; constants in files are floats
  for (const KnownCurve& known : known_curves()) {
    const auto agrees = [](double a, double b) { return std::abs(a - b) <= kTolerance * std::max(1.0, std::abs(b)); };
    if (std::ranges::equal(curve, known.curve, agrees)) return &known;
  }
  return nullptr;
}

class CurveFinder {
 public:
  explicit CurveFinder(OnnxGraph& graph) : graph_(graph) {
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      for (const std::string& output : graph.nodes[i].outputs) producers_.emplace(output, i);
      for (const std::string& input : graph.nodes[i].inputs) readers_[input].insert(i);
    }
    for (const OnnxValueInfo& output : graph.outputs) readers_[output.name].insert(graph.nodes.size());
  }

  void run() {
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const std::string& op = graph_.nodes[i].op;
      const bool is_pair = graph_.nodes[i].inputs.size() == 2 && graph_.nodes[i].outputs.size() == 1;
      if (is_pair && (op == "Mul" || op == "Div")) join_at(i);
    }
    std::size_t next = 0;
    std::erase_if(graph_.nodes, [&](const OnnxNode&) { return dropped_.contains(next++); });
  }

 private:
  /// What the nodes looked at so far compute.
  using Values = std::map<std::size_t, std::optional<Curve>>;

  /// The tensors two steps above the node: one of them is what a curve starts from.
  std::vector<std::string> starts(const OnnxNode& node) const {
    std::vector<std::string> result;
    for (const std::string& input : node.inputs) {
      const auto producer = producers_.find(input);
      result.push_back(input);
      if (producer == producers_.end()) continue;
      const std::vector<std::string>& above = graph_.nodes[producer->second].inputs;
      if (above.size() <= 2) result.insert(result.end(), above.begin(), above.end());
    }
    return result;
  }

  void join_at(std::size_t last) {
    for (const std::string& x : starts(graph_.nodes[last])) {
      if (x.empty() || scalar(x)) continue;
      Values values;
      const std::optional<Curve> curve = value(graph_.nodes[last].outputs[0], x, values);
      const KnownCurve* known = curve ? find_known(*curve) : nullptr;
      std::set<std::size_t> used;
      for (const auto& [i, ignored] : values) used.insert(i);
      if (!known || !is_closed(used, last)) continue;
      OnnxNode& node = graph_.nodes[last];
      node.op = known->op;
      node.inputs = {x};
      node.attributes.clear();
      if (known->approximate) node.attributes.emplace("approximate", known->approximate);
      used.erase(last);
      dropped_.insert(used.begin(), used.end());
      return;
    }
  }

  /// Whether nobody else reads what the nodes but the last compute.
  bool is_closed(const std::set<std::size_t>& used, std::size_t last) const {
    for (const std::size_t i : used) {
      if (i == last) continue;
      for (const std::string& output : graph_.nodes[i].outputs) {
        const auto readers = readers_.find(output);
        if (readers != readers_.end() && !std::ranges::includes(used, readers->second)) return false;
      }
    }
    return true;
  }

  /// The one number that a tensor is, if it is a constant.
  std::optional<double> scalar(const std::string& tensor) const {
    const Constant* constant = nullptr;
    if (const auto found = graph_.initializers.find(tensor); found != graph_.initializers.end()) {
      constant = &found->second;
    } else if (const auto producer = producers_.find(tensor); producer != producers_.end()) {
      const OnnxNode& node = graph_.nodes[producer->second];
      if (node.op == "Constant" && node.has("value")) constant = &node.tensor("value");
    }
    if (!constant || !constant->is_float() || constant->elements() != 1) return std::nullopt;
    return static_cast<double>(constant->floats().front());
  }

  /// The tensor as a function of x alone, or nothing; `values` collects the nodes that compute it.
  std::optional<Curve> value(const std::string& tensor, const std::string& x, Values& values) const {
    constexpr std::size_t kMostNodes = 12;
    if (tensor == x) return curve_of([](double place) { return place; });
    if (const auto number = scalar(tensor)) return curve_of([&](double) { return *number; });
    const auto producer = producers_.find(tensor);
    if (producer == producers_.end() || dropped_.contains(producer->second)) return std::nullopt;
    if (const auto known = values.find(producer->second); known != values.end()) return known->second;
    if (values.size() >= kMostNodes) return std::nullopt;
    values.emplace(producer->second, std::nullopt);
    return values[producer->second] = of_node(graph_.nodes[producer->second], x, values);
  }

  std::optional<Curve> of_node(const OnnxNode& node, const std::string& x, Values& values) const {
    static const std::set<std::string_view> kOfTwo{"Add", "Sub", "Mul", "Div", "Pow"};
    static const std::set<std::string_view> kOfOne{"Clip", "Erf", "HardSigmoid", "Sigmoid", "Tanh"};
    const bool two = kOfTwo.contains(node.op) && node.inputs.size() == 2;
    if (!two && (!kOfOne.contains(node.op) || node.inputs.empty())) return std::nullopt;
    const std::optional<Curve> a = value(node.inputs[0], x, values);
    const std::optional<Curve> b = two ? value(node.inputs[1], x, values) : a;
    if (!a || !b) return std::nullopt;
    Curve result;
    for (std::size_t i = 0; i < kPlaces; ++i)
      result[i] = two ? of_two(node.op, (*a)[i], (*b)[i]) : of_one(node, (*a)[i]);
    return result;
  }

  static double of_two(const std::string& op, double a, double b) {
    if (op == "Add") return a + b;
    if (op == "Sub") return a - b;
    if (op == "Mul") return a * b;
    return op == "Div" ? a / b : std::pow(a, b);
  }

  double of_one(const OnnxNode& node, double a) const {
    if (node.op == "Sigmoid") return sigmoid_of(a);
    if (node.op == "Tanh") return std::tanh(a);
    if (node.op == "Erf") return std::erf(a);
    if (node.op == "HardSigmoid") {
      return clamped(
          static_cast<double>(node.number("alpha", 0.2F)) * a + static_cast<double>(node.number("beta", 0.5F)), 0.0,
          1.0);
    }
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const auto bound = [&](const char* attribute, std::size_t input, double otherwise) {
      if (node.has(attribute)) return static_cast<double>(node.number(attribute, 0.0F));
      return node.has_input(input) ? scalar(node.inputs[input]).value_or(std::nan("")) : otherwise;
    };
    const double low = bound("min", 1, -kInfinity), high = bound("max", 2, kInfinity);
    return std::isnan(low) || std::isnan(high) ? std::nan("") : clamped(a, low, high);
  }

  OnnxGraph& graph_;
  std::map<std::string, std::size_t> producers_;
  std::map<std::string, std::set<std::size_t>> readers_;
  std::set<std::size_t> dropped_;
};

}  // namespace

void join_curves(OnnxGraph& graph) { CurveFinder(graph).run(); }

}  // namespace saccade::internal
