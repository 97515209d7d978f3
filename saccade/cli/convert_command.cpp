#include "saccade/cli/convert_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <ostream>
#include <string_view>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/base/place_of.h"
#include "saccade/base/printable.h"
#include "saccade/cli/inputs.h"
#include "saccade/cli/parse_numbers.h"
#include "saccade/io/network_file.h"
#include "saccade/io/safetensors.h"
#include "saccade/io/torch_weights.h"
#include "saccade/zoo/surgery.h"
#include "saccade/zoo/zoo.h"

namespace saccade::cli {
namespace {

struct ConvertRequest {
  std::string from, to;
  std::string preprocessing;
  std::optional<double> scale;
  std::string mean, deviation;
  std::string channel_order;
  std::string class_names;
  std::string model, input;
  std::optional<Index> classes;
  std::string names = "saccade";
};

/// What the images of a family of pretrained networks go through.
struct NamedPreprocessing {
  std::string_view name;
  std::string_view help;
  Preprocessing values;
  bool blue_first = false;
};

const std::vector<NamedPreprocessing>& named_preprocessings() {
  static const std::vector<NamedPreprocessing> kNamed = {
      {"none", "0..255 as they are", Preprocessing::none()},
      {"unit", "0..1", {}},
      {"torch",
       "0..1, ImageNet's mean and deviation (torchvision, timm)",
       {.mean = {0.485F, 0.456F, 0.406F}, .deviation = {0.229F, 0.224F, 0.225F}}},
      {"tf", "-1..1 (Keras's MobileNets)", {.scale = 1.0F / 127.5F, .mean = {1.0F, 1.0F, 1.0F}}},
      {"caffe",
       "blue, green, red; ImageNet's mean taken away (Keras's ResNet50, VGG, SqueezeNet)",
       {.scale = 1.0F, .mean = {103.939F, 116.779F, 123.68F}},
       true},
  };
  return kNamed;
}

const NamedPreprocessing& preprocessing_named(const std::string& name) {
  std::vector<std::string_view> names;
  for (const NamedPreprocessing& named : named_preprocessings()) names.push_back(named.name);
  return named_preprocessings()[place_of(name, names, "convert: --preprocessing", "or give --scale, --mean and --std")];
}

/// "0.485,0.456,0.406"
std::vector<float> numbers_a_channel(const std::string& flag, const std::string& text) {
  std::vector<float> numbers = parse_numbers<float>(text);
  if (!numbers.empty()) return numbers;
  throw ValueError({.where = "convert: " + flag,
                    .expected = "numbers with commas between them, one a channel",
                    .got = fmt::format("'{}'", text),
                    .fix = fmt::format("write e.g. {} 0.485,0.456,0.406", flag)});
}

/// One name a line; a WordNet id in front of it, as ImageNet's lists have, is left out, and so are a byte order mark and
/// blank lines at the end.
std::vector<std::string> read_class_names(const std::string& path) {
  std::vector<std::string> names;
  const std::string text = read_text_file(path, Index{1} << 24);
  std::string_view rest = text;
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (rest.starts_with(kByteOrderMark)) rest.remove_prefix(kByteOrderMark.size());
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const bool has_id =
        line.size() > 10 && line[0] == 'n' && line[9] == ' ' && std::ranges::all_of(line.substr(1, 8), is_digit);
    names.emplace_back(has_id ? line.substr(10) : line);
  }
  while (!names.empty() && names.back().empty()) names.pop_back();
  return names;
}

void set_class_names(Model& net, const std::string& path) {
  net.class_names = read_class_names(path);
  const Index outputs = net.output_shape().elements();
  if (const auto blank = std::ranges::find(net.class_names, ""); blank != net.class_names.end()) {
    throw ValueError({.where = fmt::format("{}: line {}", path, blank - net.class_names.begin() + 1),
                      .expected = "a class name",
                      .got = "a blank line",
                      .fix = "name every output of the network"});
  }
  if (isize(net.class_names.size()) == outputs) return;
  throw ValueError({.where = path,
                    .expected = fmt::format("{} lines, a class name for each output of the network", outputs),
                    .got = std::to_string(net.class_names.size()),
                    .fix = "give the list that the network was trained with"});
}

/// Overwrites what the options name.
void set_preprocessing(Model& net, const ConvertRequest& request) {
  bool blue_first = false;
  if (!request.preprocessing.empty()) {
    const NamedPreprocessing& named = preprocessing_named(request.preprocessing);
    net.preprocessing = named.values;
    blue_first = named.blue_first;
  }
  if (request.scale) net.preprocessing.scale = static_cast<float>(*request.scale);
  if (!request.mean.empty()) net.preprocessing.mean = numbers_a_channel("--mean", request.mean);
  if (!request.deviation.empty()) net.preprocessing.deviation = numbers_a_channel("--std", request.deviation);
  if (!request.channel_order.empty()) blue_first = request.channel_order == "bgr";
  net.preprocessing.validate(net.input_shape()[-1]);
  if (blue_first) zoo::reverse_input_channels(net);
}

/// A network of the zoo with the weights of a file.
Model fill_network(const ConvertRequest& request) {
  const zoo::Entry& entry = zoo::find_entry(request.model);
  const Shape image = request.input.empty() ? entry.image : parse_shape(request.input, "convert: --input");
  Model net(entry.graph(image, request.classes.value_or(entry.classes)), Model::Weights::zeros);
  take_weights(net, request.from);
  net.preprocessing = Preprocessing::none();
  return net;
}

void check(const ConvertRequest& request) {
  if (!can_be_saved(request.to)) {
    throw ValueError({.where = "convert: TO",
                      .expected = fmt::format("a file whose name ends in {}", network_endings()),
                      .got = fmt::format("'{}'", request.to),
                      .fix = "write e.g. net.safetensors"});
  }
  constexpr std::array<std::string_view, 2> kNames = {"saccade", "torch"};
  const bool torch = kNames[place_of(request.names, kNames, "convert: --names")] == "torch";
  if (torch && !request.to.ends_with(".safetensors")) {
    throw ValueError({.where = "convert: --names torch",
                      .expected = "a .safetensors file, which PyTorch reads weights from",
                      .got = fmt::format("'{}'", request.to),
                      .fix = "write e.g. weights.safetensors"});
  }
  if (!request.channel_order.empty() && request.channel_order != "rgb" && request.channel_order != "bgr") {
    throw ValueError({.where = "convert: --channel-order",
                      .expected = "rgb or bgr",
                      .got = fmt::format("'{}'", request.channel_order),
                      .fix = "say which order the network was trained with"});
  }
  if (request.model.empty() && (!request.input.empty() || request.classes)) {
    throw ValueError({.where = "convert: --input and --classes",
                      .expected = "--model, whose image size and outputs they are",
                      .got = "none",
                      .fix = "leave them out: the file says both"});
  }
  if (request.preprocessing.empty()) return;
  if (preprocessing_named(request.preprocessing).blue_first && request.channel_order == "rgb") {
    throw ValueError({.where = "convert: --channel-order",
                      .expected = fmt::format("bgr, as --preprocessing {} says", request.preprocessing),
                      .got = "'rgb'",
                      .fix = "leave one of them out, and give --scale and --mean instead"});
  }
}

void convert(const ConvertRequest& request, Console& console) {
  check(request);
  Model net = request.model.empty() ? load_network(request.from) : fill_network(request);
  set_preprocessing(net, request);
  if (!request.class_names.empty()) set_class_names(net, request.class_names);
  if (request.names == "torch") {
    const NamedTensors tensors = torch_state_dict(net);
    std::vector<TensorEntry> entries;
    for (const auto& [name, tensor] : tensors) entries.push_back({name, &tensor});
    write_safetensors(request.to, entries);
  } else {
    save_network(net, request.to);
  }
  console.err << fmt::format("{}: {} parameters, {} to {} outputs\n", printable(request.to), net.parameter_count(),
                             net.input_shape().to_string(), net.output_shape().elements());
}

}  // namespace

void add_convert_command(const Command& program, Console& console) {
  const auto request = std::make_shared<ConvertRequest>();
  const Command command =
      program.add_command("convert", "Turn a network from elsewhere into one of Saccade's, or take one elsewhere");
  command
      .add("FROM", request->from,
           "an .onnx, .keras, .h5 or .safetensors file, or a run folder; with --model a file of weights")
      .required();
  command.add("TO", request->to, "a .safetensors file, or an .onnx, .keras or .h5 file for other programs").required();
  std::string known = "what its images go through:";
  for (const NamedPreprocessing& named : named_preprocessings())
    known += fmt::format("\n{}: {}", named.name, named.help);
  command.add("--preprocessing", request->preprocessing, known).type("NAME");
  command.add("--scale", request->scale, "multiply pixels by this");
  command.add("--mean", request->mean, "then subtract, a number a channel in the network's order").type("A,B,C");
  command.add("--std", request->deviation, "then divide by, a number a channel in the network's order").type("A,B,C");
  command.add("--channel-order", request->channel_order, "rgb or bgr: the order the network was trained with")
      .type("ORDER");
  command.add("--class-names", request->class_names, "text file, the name of an output a line").type("FILE");
  command
      .add("--model", request->model,
           "FROM has the weights (.pth, .pt, .safetensors, .h5) of this network of the zoo (saccade summary --help)")
      .type("NAME");
  command.add("--input", request->input, "its image shape, where it is not the usual one").type("HxWxC");
  command.add("--classes", request->classes, "its outputs, where they are not as usual", 1);
  command.add("--names", request->names, "torch: the weights of TO as PyTorch names and lays them out").type("NAMES");
  command.footer(
      "An ONNX file does not say what its images went through, nor what its classes are called. Say it here, once:\n"
      "it is stored with the network, and evaluate, predict and train do the same to their images.\n"
      "Examples:\n"
      "  saccade convert resnet20.onnx resnet20.safetensors --preprocessing torch\n"
      "  saccade convert squeezenet.onnx squeezenet.safetensors --preprocessing caffe --class-names imagenet.txt\n"
      "  saccade convert model.keras net.safetensors --class-names flowers.txt\n"
      "  saccade convert resnet18.pth net.safetensors --model resnet18 --preprocessing torch\n"
      "  saccade convert runs/flowers flowers.onnx\n"
      "  saccade convert runs/flowers flowers.keras\n"
      "  saccade convert runs/flowers weights.safetensors --names torch");
  command.action([request, &console] { convert(*request, console); });
}

}  // namespace saccade::cli
