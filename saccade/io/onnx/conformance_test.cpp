#include <fmt/format.h>
#include <gmock/gmock.h>
#include <onnx/onnx_pb.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <map>

#include "saccade/base/error.h"
#include "saccade/io/onnx/testing_internal.h"

namespace saccade::internal {
namespace {

namespace fs = std::filesystem;

/// ONNX's own cases, one folder each: model.onnx, and inputs and outputs in test_data_set_0.
const fs::path kCases = "/usr/share/libonnx-testdata/data";
const fs::path kDocs = fs::path(__FILE__).parent_path() / "../../../docs/onnx.md";

enum class Outcome : std::uint8_t { passed, unsupported };

/// A tensor as ONNX has it, with its numbers in the order in which the network has those of an edge, or back.
std::vector<float> in_order(const Constant& tensor, const ImportedNetwork& network, const std::vector<Index>& order) {
  std::vector<Index> axes = order;
  if (network.batched) axes.insert(axes.begin(), 0);
  return transpose(tensor, axes).floats();
}
Constant from_order(std::vector<float> values, const ImportedNetwork& network, std::vector<Index> dims) {
  std::vector<Index> axes = network.output_order, stored, back(dims.size());
  if (network.batched) axes.insert(axes.begin(), 0);
  for (std::size_t k = 0; k < axes.size(); ++k) {
    stored.push_back(dims[usize(axes[k])]);
    back[usize(axes[k])] = isize(k);
  }
  return transpose(Constant::of(stored, std::move(values)), back);
}

/// A case: its inputs and outputs, and what the file says they are called.
struct CaseFiles {
  std::vector<std::byte> model;
  std::string name;
  std::vector<std::string> inputs, outputs;
  std::vector<Constant> input_values, output_values;
};

CaseFiles read_case(const fs::path& folder, const OnnxGraph& graph) {
  CaseFiles c{.model = read_file(folder / "model.onnx"), .name = folder.filename().string()};
  const auto read = [&](const char* what, std::size_t i) {
    return load_onnx_tensor(folder / "test_data_set_0" / fmt::format("{}_{}.pb", what, i));
  };
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    c.inputs.push_back(graph.inputs[i].name);
    c.input_values.push_back(read("input", i));
  }
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    c.outputs.push_back(graph.outputs[i].name);
    c.output_values.push_back(read("output", i));
  }
  return c;
}

/// The network that reads `inputs` from one row of numbers, one after another: what a case does with several tensors that
/// are not known beforehand, though networks have one input.
std::vector<std::byte> with_one_input(const CaseFiles& c, const std::vector<std::size_t>& inputs) {
  onnx::ModelProto model;
  model.ParseFromArray(c.model.data(), static_cast<int>(c.model.size()));
  onnx::GraphProto& graph = *model.mutable_graph();
  onnx::GraphProto rest = graph;
  graph.clear_node();
  graph.clear_input();
  const auto add_integers = [&](const std::string& name, std::span<const Index> values) {
    onnx::TensorProto& tensor = *graph.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(onnx::TensorProto::INT64);
    tensor.add_dims(isize(values.size()));
    tensor.mutable_int64_data()->Assign(values.begin(), values.end());
  };
  const auto add_node = [&](const char* op, const std::vector<std::string>& from, const std::string& to) {
    onnx::NodeProto& node = *graph.add_node();
    node.set_op_type(op);
    for (const std::string& name : from) node.add_input(name);
    node.add_output(to);
    return &node;
  };
  const bool has_inputs = model.opset_import(0).version() >= 10;  // of Slice
  Index end = 0;
  for (const std::size_t i : inputs) {
    const std::string part = fmt::format("part {}", i);
    const Index start = end;
    end += c.input_values[i].elements();
    if (has_inputs) {
      add_integers(part + " start", std::array{start});
      add_integers(part + " end", std::array{end});
      add_node("Slice", {"all inputs", part + " start", part + " end"}, part);
    } else {
      onnx::NodeProto* slice = add_node("Slice", {"all inputs"}, part);
      for (const auto& [name, value] : {std::pair{"starts", start}, {"ends", end}}) {
        onnx::AttributeProto& attribute = *slice->add_attribute();
        attribute.set_name(name);
        attribute.set_type(onnx::AttributeProto::INTS);
        attribute.add_ints(value);
      }
    }
    add_integers(part + " dims", c.input_values[i].dims);
    add_node("Reshape", {part, part + " dims"}, c.inputs[i]);
  }
  onnx::ValueInfoProto& all = *graph.add_input();
  all.set_name("all inputs");
  all.mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(end);
  for (const onnx::ValueInfoProto& input : rest.input()) {
    const auto is_one = [&](std::size_t i) { return c.inputs[i] == input.name(); };
    if (std::ranges::none_of(inputs, is_one)) *graph.add_input() = input;
  }
  for (const onnx::NodeProto& node : rest.node()) *graph.add_node() = node;
  const std::string bytes = model.SerializeAsString();
  const auto span = std::as_bytes(std::span(bytes));
  return {span.begin(), span.end()};
}

/// What the network makes of these inputs for one of its outputs, the other inputs being known; the difference from what
/// is expected. Throws Error when the case cannot be imported.
double run_case(const CaseFiles& c, const std::vector<std::size_t>& runtime, std::size_t output) {
  OnnxRequest request{.output = c.outputs[output]};
  Constant x = c.input_values[runtime.front()];
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    if (std::ranges::find(runtime, i) == runtime.end()) request.bound.insert_or_assign(c.inputs[i], c.input_values[i]);
  }
  if (!x.is_float()) throw ValueError({.where = "images", .expected = "floats", .got = "others", .fix = ""});
  if (runtime.size() > 1) {
    std::vector<float> all;
    for (const std::size_t i : runtime)
      all.insert(all.end(), c.input_values[i].floats().begin(), c.input_values[i].floats().end());
    const Index count = isize(all.size());
    x = Constant::of({count}, std::move(all));
  }
  ImportedNetwork network = import_onnx(runtime.size() > 1 ? with_one_input(c, runtime) : c.model, c.name, request);
  const Index batch = network.batched ? x.dims.front() : 1;
  Plan plan(network.model, batch, PlanMode::inference);
  const std::vector<float> images = in_order(x, network, network.input_order);
  const std::span<const float> y = plan.forward(images);
  std::vector<Index> dims = network.output_dims;
  if (network.batched) dims.front() = batch;
  return error_between(from_order({y.begin(), y.end()}, network, std::move(dims)), c.output_values[output]);
}

/// Whether all outputs of floating-point numbers can be computed from these inputs; of MaxPool and Dropout, which add
/// indices and masks, the first. What is computed must be right.
Outcome prove_inputs(const CaseFiles& c, const std::vector<std::size_t>& runtime, std::string& reason) {
  constexpr double kTolerance = 1e-5;
  try {
    for (std::size_t output = 0; output < c.outputs.size(); ++output) {
      if (output > 0 && !c.output_values[output].is_float()) continue;
      EXPECT_LE(run_case(c, runtime, output), kTolerance)
          << c.name << " output " << output << " of input " << runtime.front();
    }
    return Outcome::passed;
  } catch (const Error& error) {
    reason = error.what();
    return Outcome::unsupported;
  }
}

/// A case passes when its output can be computed from its first input, the others being known, or from all of them.
Outcome prove_case(const fs::path& folder, const OnnxGraph& graph) {
  const CaseFiles c = read_case(folder, graph);
  if (c.outputs.empty() || c.inputs.empty()) return Outcome::unsupported;
  std::string reason, ignored;
  Outcome outcome = prove_inputs(c, {0}, reason);
  std::vector<std::size_t> floats;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    if (c.input_values[i].is_float() && c.input_values[i].elements() > 0) floats.push_back(i);
    if (i > 0 && c.input_values[i].is_float()) prove_inputs(c, {i}, ignored);
  }
  if (floats.size() > 1 && prove_inputs(c, floats, ignored) == Outcome::passed) outcome = Outcome::passed;
  if (outcome == Outcome::unsupported) reason += "; together: " + ignored;
  if (outcome == Outcome::unsupported && std::getenv("SACCADE_SHOW_UNSUPPORTED") != nullptr) {
    std::cout << "unsupported " << c.name << ": " << reason << "\n";
  }
  return outcome;
}

TEST(OnnxConformance, NoCaseFailsAndTheDocsListThemAll) {
  if (!fs::exists(kCases)) GTEST_SKIP() << "no " << kCases << "; install libonnx-testdata";
  std::map<std::string, std::array<int, 2>> counts;  // by operator; a case of several nodes counts as a network
  for (const char* const group : {"node", "simple", "pytorch-converted", "pytorch-operator"}) {
    for (const auto& entry : fs::directory_iterator(kCases / group)) {
      std::string op = "other";
      Outcome outcome = Outcome::unsupported;
      try {
        const OnnxGraph graph = read_onnx_graph(read_file(entry.path() / "model.onnx"), entry.path().string());
        op = graph.nodes.size() == 1 ? graph.nodes.front().op : "networks of several nodes";
        outcome = prove_case(entry.path(), graph);
      } catch (const Error&) {  // of strings or sequences
      }
      ++counts[op][static_cast<std::size_t>(outcome)];
    }
  }
  std::string table = "| operator | cases that pass | not imported |\n|---|---|---|\n";
  for (const auto& [op, count] : counts) {
    if (count[0] > 0) table += fmt::format("| {} | {} | {} |\n", op, count[0], count[1]);
  }
  std::string docs = read_text_file(kDocs);
  constexpr std::string_view kBegin = "<!-- the conformance test writes this table -->\n", kEnd = "\n<!-- end -->";
  const std::size_t begin = docs.find(kBegin) + kBegin.size();
  const std::size_t end = docs.find(kEnd);
  ASSERT_LE(begin, end) << kDocs;
  if (std::getenv("SACCADE_UPDATE_DOCS") != nullptr) {
    write_file(kDocs, docs.replace(begin, end - begin, table));
  } else {
    EXPECT_EQ(docs.substr(begin, end - begin), table)
        << "run this test with SACCADE_UPDATE_DOCS=1 to write docs/onnx.md";
  }
}

}  // namespace
}  // namespace saccade::internal
