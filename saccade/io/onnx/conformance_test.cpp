#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <cstdlib>
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

/// Throws Error when the case cannot be imported; otherwise the difference between our output and the expected one.
double run_case(OnnxGraph graph, const fs::path& folder) {
  std::map<std::string, Constant> bound;
  Constant images;
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    Constant value = load_onnx_tensor(folder / "test_data_set_0" / fmt::format("input_{}.pb", i));
    if (i == 0) {
      images = std::move(value);  // the others are weights, and numbers known at import
    } else {
      bound.insert_or_assign(graph.inputs[i].name, std::move(value));
    }
  }
  if (!graph.outputs.empty()) graph.outputs.resize(1);
  Model model = Importer(std::move(graph), std::move(bound)).run();
  if (!images.is_float()) throw ValueError({.where = "images", .expected = "floats", .got = "others", .fix = ""});
  return error_between(run(model, images), load_onnx_tensor(folder / "test_data_set_0/output_0.pb"));
}

TEST(OnnxConformance, NoCaseFailsAndTheDocsListThemAll) {
  if (!fs::exists(kCases)) GTEST_SKIP() << "no " << kCases << "; install libonnx-testdata";
  std::map<std::string, std::array<int, 2>> counts;  // by operator; a case of several nodes counts as a network
  for (const char* const group : {"node", "simple", "pytorch-converted", "pytorch-operator"}) {
    for (const auto& entry : fs::directory_iterator(kCases / group)) {
      std::string op = "other";
      Outcome outcome = Outcome::passed;
      try {
        OnnxGraph graph = read_onnx_graph(read_file(entry.path() / "model.onnx"), entry.path().filename().string());
        op = graph.nodes.size() == 1 ? graph.nodes.front().op : "networks of several nodes";
        EXPECT_LE(run_case(std::move(graph), entry.path()), 1e-5) << entry.path();
      } catch (const Error&) {
        outcome = Outcome::unsupported;
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
