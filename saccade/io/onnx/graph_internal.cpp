#include "saccade/io/onnx/graph_internal.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>

#include "saccade/base/error.h"
#include "saccade/io/half_internal.h"
#include "saccade/io/quote_internal.h"

namespace saccade::internal {
namespace {

using onnx::TensorProto;
constexpr const char* kExportAgain = "the file is damaged; export the network again";
constexpr Index kNewestOpset = 18;  // the newest that the operators are read after

std::string data_type_text(int type) {
  return onnx::TensorProto_DataType_IsValid(type)
             ? onnx::TensorProto_DataType_Name(static_cast<onnx::TensorProto_DataType>(type))
             : fmt::format("type {}", type);
}

/// The elements of raw_data, which is little-endian as this machine is.
template <class Stored, class To, class Convert>
std::vector<To> convert_raw(const std::string& raw, Convert convert) {
  std::vector<To> values(raw.size() / sizeof(Stored));
  for (std::size_t i = 0; i < values.size(); ++i) {
    Stored stored{};
    std::memcpy(&stored, raw.data() + i * sizeof(Stored), sizeof(Stored));
    values[i] = convert(stored);
  }
  return values;
}

template <class Field>
auto to_floats(const Field& field) {
  return std::vector<float>(field.begin(), field.end());
}
template <class Field>
auto to_indices(const Field& field) {
  return std::vector<Index>(field.begin(), field.end());
}

/// Reads one TensorProto.
class TensorReader {
 public:
  TensorReader(const TensorProto& proto, std::string where) : proto_(proto), where_(std::move(where)) {}

  Constant read() const {
    if (proto_.data_location() == TensorProto::EXTERNAL || proto_.external_data_size() > 0) {
      throw FormatError({.where = where_,
                         .expected = "numbers inside the file",
                         .got = "a reference to another file",
                         .fix = "export the network as one file"});
    }
    if (proto_.has_segment()) fail("a whole tensor", "a segment of one");
    const std::vector<Index> dims(proto_.dims().begin(), proto_.dims().end());
    if (std::ranges::any_of(dims, [](Index dim) { return dim < 0; })) fail("dims of zero or more", dims_text(dims));
    const std::optional<Index> elements = checked_product(dims);
    if (!elements || *elements > kMaxElements) fail("at most 2^31 elements", dims_text(dims));
    Constant constant{dims, proto_.has_raw_data() ? read_raw(*elements) : read_fields()};
    if (constant.elements() != *elements) {
      fail(fmt::format("{} elements for dims {}", *elements, dims_text(dims)), std::to_string(constant.elements()));
    }
    return constant;
  }

 private:
  using Values = decltype(Constant::values);
  static constexpr Index kMaxElements = std::numeric_limits<std::int32_t>::max();

  [[noreturn]] void fail(std::string expected, std::string got) const {
    throw FormatError({.where = where_, .expected = std::move(expected), .got = std::move(got), .fix = kExportAgain});
  }
  [[noreturn]] void fail_type() const {
    throw FormatError({.where = where_,
                       .expected = "FLOAT, FLOAT16, BFLOAT16, DOUBLE, BOOL or an integer type",
                       .got = data_type_text(proto_.data_type()),
                       .fix = "export the network with float32 weights"});
  }

  template <class Stored, class To, class Convert>
  Values raw(Index elements, Convert convert) const {
    const std::string& bytes = proto_.raw_data();
    if (bytes.size() != usize(elements) * sizeof(Stored)) {
      fail(fmt::format("{} bytes of raw_data for {} elements of {}", usize(elements) * sizeof(Stored), elements,
                       data_type_text(proto_.data_type())),
           std::to_string(bytes.size()));
    }
    return convert_raw<Stored, To>(bytes, convert);
  }
  template <class Stored>
  Values raw_integers(Index elements) const {
    return raw<Stored, Index>(elements, [](Stored value) { return static_cast<Index>(value); });
  }

  Values read_raw(Index elements) const {
    switch (proto_.data_type()) {
      case TensorProto::FLOAT:
        return raw<float, float>(elements, [](float value) { return value; });
      case TensorProto::DOUBLE:
        return raw<double, float>(elements, [](double value) { return static_cast<float>(value); });
      case TensorProto::FLOAT16:
        return raw<std::uint16_t, float>(elements, float_from_half);
      case TensorProto::BFLOAT16:
        return raw<std::uint16_t, float>(elements, float_from_bfloat16);
      case TensorProto::INT64:
        return raw_integers<std::int64_t>(elements);
      case TensorProto::INT32:
        return raw_integers<std::int32_t>(elements);
      case TensorProto::UINT32:
        return raw_integers<std::uint32_t>(elements);
      case TensorProto::INT16:
        return raw_integers<std::int16_t>(elements);
      case TensorProto::UINT16:
        return raw_integers<std::uint16_t>(elements);
      case TensorProto::INT8:
        return raw_integers<std::int8_t>(elements);
      case TensorProto::UINT8:
      case TensorProto::BOOL:
        return raw_integers<std::uint8_t>(elements);
      default:
        fail_type();
    }
  }

  Values read_fields() const {
    const auto halves = [this](auto convert) {
      std::vector<float> values;
      for (const std::int32_t bits : proto_.int32_data()) values.push_back(convert(static_cast<std::uint16_t>(bits)));
      return values;
    };
    switch (proto_.data_type()) {
      case TensorProto::FLOAT:
        return to_floats(proto_.float_data());
      case TensorProto::DOUBLE: {
        std::vector<float> narrowed;
        for (const double value : proto_.double_data()) narrowed.push_back(static_cast<float>(value));
        return to_floats(narrowed);
      }
      case TensorProto::FLOAT16:
        return halves(float_from_half);
      case TensorProto::BFLOAT16:
        return halves(float_from_bfloat16);
      case TensorProto::INT64:
        return to_indices(proto_.int64_data());
      case TensorProto::INT32:
      case TensorProto::INT16:
      case TensorProto::UINT16:
      case TensorProto::INT8:
      case TensorProto::UINT8:
      case TensorProto::BOOL:
        return to_indices(proto_.int32_data());
      case TensorProto::UINT32:
        return to_indices(proto_.uint64_data());
      default:
        fail_type();
    }
  }

  const TensorProto& proto_;
  std::string where_;
};

template <class Proto>
Proto parse(std::span<const std::byte> bytes, const std::string& file, const char* what) {
  Proto proto;
  const bool fits = bytes.size() <= usize(std::numeric_limits<int>::max());
  if (!fits || !proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw FormatError({.where = file,
                       .expected = what,
                       .got = fits ? "bytes that are none" : fmt::format("{} bytes, more than 2 GiB", bytes.size()),
                       .fix = "check that this is the file, and get or export it again"});
  }
  return proto;
}

class GraphReader {
 public:
  GraphReader(const onnx::ModelProto& model, const std::string& file) : model_(model), file_(file) {}

  OnnxGraph read() {
    const onnx::GraphProto& graph = model_.graph();
    result_.file = file_;
    result_.name = graph.name();
    result_.opset = read_opset();
    for (const onnx::StringStringEntryProto& entry : model_.metadata_props()) {
      if (!entry.key().starts_with(kOnnxFactPrefix)) continue;
      result_.facts.insert_or_assign(entry.key().substr(kOnnxFactPrefix.size()), entry.value());
    }
    for (const TensorProto& tensor : graph.initializer()) {
      const std::string where = fmt::format("{}: tensor {}", file_, quote(tensor.name()));
      result_.initializers.insert_or_assign(tensor.name(), TensorReader(tensor, where).read());
    }
    if (graph.sparse_initializer_size() > 0) {
      throw FormatError({.where = file_,
                         .expected = "dense tensors",
                         .got = fmt::format("{} sparse ones", graph.sparse_initializer_size()),
                         .fix = "export the network without sparse weights"});
    }
    for (const onnx::ValueInfoProto& value : graph.input()) {
      if (!result_.initializers.contains(value.name())) result_.inputs.push_back(read_value(value));
    }
    for (const onnx::ValueInfoProto& value : graph.output()) result_.outputs.push_back(read_value(value));
    for (const onnx::NodeProto& node : graph.node()) result_.nodes.push_back(read_node(node));
    return std::move(result_);
  }

 private:
  Index read_opset() const {
    Index version = 0;
    for (const onnx::OperatorSetIdProto& set : model_.opset_import()) {
      if (set.domain().empty() || set.domain() == "ai.onnx") version = set.version();
    }
    if (version < 1 || version > kNewestOpset) {
      throw FormatError({.where = file_,
                         .expected = fmt::format("an ONNX model of operator set 1 to {}", kNewestOpset),
                         .got = version == 0 ? "none" : std::to_string(version),
                         .fix = fmt::format("export it with opset_version={}", kNewestOpset)});
    }
    return version;
  }

  static OnnxValueInfo read_value(const onnx::ValueInfoProto& value) {
    OnnxValueInfo info{value.name(), {}};
    for (const auto& dim : value.type().tensor_type().shape().dim()) {
      info.dims.push_back(dim.has_dim_value() ? dim.dim_value() : -1);
    }
    return info;
  }

  OnnxNode read_node(const onnx::NodeProto& proto) const {
    OnnxNode node;
    node.op = proto.op_type();
    node.opset = result_.opset;
    node.file = file_;
    node.inputs.assign(proto.input().begin(), proto.input().end());
    node.outputs.assign(proto.output().begin(), proto.output().end());
    node.name = proto.name().empty() && !node.outputs.empty() ? node.outputs.front() : proto.name();
    if (!proto.domain().empty() && proto.domain() != "ai.onnx") node.op = proto.domain() + "." + proto.op_type();
    for (const onnx::AttributeProto& attribute : proto.attribute()) {
      node.attributes.insert_or_assign(attribute.name(), read_attribute(attribute, node));
    }
    return node;
  }

  static OnnxAttribute read_attribute(const onnx::AttributeProto& proto, const OnnxNode& node) {
    const std::string where = fmt::format("{}: attribute {}", node.where(), quote(proto.name()));
    switch (proto.type()) {
      case onnx::AttributeProto::FLOAT:
        return proto.f();
      case onnx::AttributeProto::INT:
        return Index{proto.i()};
      case onnx::AttributeProto::STRING:
        return proto.s();
      case onnx::AttributeProto::TENSOR:
        return TensorReader(proto.t(), where).read();
      case onnx::AttributeProto::FLOATS:
        return to_floats(proto.floats());
      case onnx::AttributeProto::INTS:
        return to_indices(proto.ints());
      case onnx::AttributeProto::STRINGS:
        return std::vector<std::string>(proto.strings().begin(), proto.strings().end());
      default:
        throw FormatError({.where = where,
                           .expected = "a number, text, tensor or list of them",
                           .got = onnx::AttributeProto_AttributeType_Name(proto.type()),
                           .fix = "networks with subgraphs (If, Loop) cannot be imported"});
    }
  }

  const onnx::ModelProto& model_;
  const std::string& file_;
  OnnxGraph result_;
};

}  // namespace

Index product(std::span<const Index> dims) {
  return std::accumulate(dims.begin(), dims.end(), Index{1}, std::multiplies<>());
}

std::optional<Index> checked_product(std::span<const Index> dims) {
  Index product = 1;
  bool is_empty = false;
  for (const Index dim : dims) {
    is_empty = is_empty || dim == 0;
    const auto next = dim < 0 ? std::nullopt : checked_multiply(product, std::max(dim, Index{1}));
    if (!next) return std::nullopt;
    product = *next;
  }
  return is_empty ? 0 : product;
}

std::string dims_text(std::span<const Index> dims) {
  std::vector<std::string> texts;
  for (const Index dim : dims) texts.push_back(dim < 0 ? "?" : std::to_string(dim));
  return fmt::format("[{}]", fmt::join(texts, ", "));
}

std::string OnnxNode::where() const { return fmt::format("{}: node {} ({}, opset {})", file, quote(name), op, opset); }

template <class T>
const T* OnnxNode::find(const std::string& attribute, std::string_view type) const {
  asked_.insert(attribute);
  const auto found = attributes.find(attribute);
  if (found == attributes.end()) return nullptr;
  if (const T* value = std::get_if<T>(&found->second)) return value;
  throw FormatError({.where = where(),
                     .expected = fmt::format("attribute {} to be {}", attribute, type),
                     .got = "another type",
                     .fix = kExportAgain});
}

Index OnnxNode::integer(const std::string& attribute, Index otherwise) const {
  const Index* value = find<Index>(attribute, "a whole number");
  return value ? *value : otherwise;
}
float OnnxNode::number(const std::string& attribute, float otherwise) const {
  const float* value = find<float>(attribute, "a number");
  return value ? *value : otherwise;
}
std::string OnnxNode::text(const std::string& attribute, const std::string& otherwise) const {
  const std::string* value = find<std::string>(attribute, "text");
  return value ? *value : otherwise;
}
std::vector<Index> OnnxNode::integers(const std::string& attribute, const std::vector<Index>& otherwise) const {
  const auto* value = find<std::vector<Index>>(attribute, "a list of whole numbers");
  return value ? *value : otherwise;
}
std::vector<float> OnnxNode::numbers(const std::string& attribute, const std::vector<float>& otherwise) const {
  const auto* value = find<std::vector<float>>(attribute, "a list of numbers");
  return value ? *value : otherwise;
}

const Constant& OnnxNode::tensor(const std::string& attribute) const {
  const Constant* value = find<Constant>(attribute, "a tensor");
  if (value) return *value;
  throw FormatError(
      {.where = where(), .expected = fmt::format("attribute {}", attribute), .got = "none", .fix = kExportAgain});
}

void OnnxNode::check_all_asked() const {
  for (const auto& [attribute, value] : attributes) {
    if (asked_.contains(attribute)) continue;
    throw FormatError({.where = where(),
                       .expected = "only attributes that the importer knows",
                       .got = quote(attribute),
                       .fix = "export the network with standard operators"});
  }
}

OnnxGraph read_onnx_graph(std::span<const std::byte> bytes, const std::string& file) {
  return GraphReader(parse<onnx::ModelProto>(bytes, file, "an ONNX model"), file).read();
}

Constant read_onnx_tensor(std::span<const std::byte> bytes, const std::string& file) {
  return TensorReader(parse<onnx::TensorProto>(bytes, file, "an ONNX tensor"), file).read();
}

}  // namespace saccade::internal
