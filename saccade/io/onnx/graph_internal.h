#pragma once
#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "saccade/io/onnx/constant_internal.h"

namespace saccade::internal {

using OnnxAttribute =
    std::variant<float, Index, std::string, Constant, std::vector<float>, std::vector<Index>, std::vector<std::string>>;

/// One node of an ONNX graph. Its attributes are asked for by name, and those that nobody asked for can be listed: an
/// operator that overlooks an attribute would compute something else than the file says.
class OnnxNode {
 public:
  std::string op;    ///< "Conv"
  std::string name;  ///< Its own, or its first output's.
  Index opset = 0;   ///< Version of the operator set that the file imports.
  std::string file;
  std::vector<std::string> inputs;  ///< An optional one that was left out is empty.
  std::vector<std::string> outputs;
  std::map<std::string, OnnxAttribute> attributes;

  bool has(std::string_view attribute) const { return attributes.contains(std::string(attribute)); }
  bool has_input(std::size_t i) const { return i < inputs.size() && !inputs[i].empty(); }

  /// The attribute, or `otherwise` when the node has none. Throw FormatError when it is of another type.
  Index integer(const std::string& attribute, Index otherwise) const;
  float number(const std::string& attribute, float otherwise) const;
  std::string text(const std::string& attribute, const std::string& otherwise) const;
  std::vector<Index> integers(const std::string& attribute, const std::vector<Index>& otherwise) const;
  std::vector<float> numbers(const std::string& attribute, const std::vector<float>& otherwise) const;
  /// Throws FormatError when there is none.
  const Constant& tensor(const std::string& attribute) const;
  /// Throws FormatError when the node has an attribute that none of the calls above asked for.
  void check_all_asked() const;

  /// "squeezenet.onnx: node 'conv1' (Conv, opset 7)", for error messages.
  std::string where() const;

 private:
  template <class T>
  const T* find(const std::string& attribute, std::string_view type) const;
  mutable std::set<std::string> asked_;
};

/// Before the names of what save_onnx adds to a file's metadata: see facts_internal.h.
inline constexpr std::string_view kOnnxFactPrefix = "saccade.";

struct OnnxValueInfo {
  std::string name;
  std::vector<Index> dims;  ///< -1 where the file gives a name or nothing.
};

/// What an ONNX file holds, as far as it concerns inference, in plain types.
struct OnnxGraph {
  std::string file;
  std::string name;
  Index opset = 0;
  std::map<std::string, std::string> facts;  ///< What save_onnx added, without prefix. Empty in other files.
  std::vector<OnnxValueInfo> inputs;         ///< Without those that are initialised.
  std::vector<OnnxValueInfo> outputs;
  std::map<std::string, Constant> initializers;
  std::vector<OnnxNode> nodes;  ///< In the file's order, which the standard demands to be topological.
};

/// Reads the bytes of an .onnx file; `file` is what messages call it. Throws FormatError for what is no ONNX model,
/// tensors whose data and dims disagree, types that cannot become float or Index, and data kept in other files.
OnnxGraph read_onnx_graph(std::span<const std::byte> bytes, const std::string& file);

/// Reads the bytes of one serialised TensorProto (.pb), as ONNX's test data has them.
Constant read_onnx_tensor(std::span<const std::byte> bytes, const std::string& file);

}  // namespace saccade::internal
