#include "saccade/nn/layer.h"

#include <fmt/format.h>

#include <cctype>
#include <utility>

#include "saccade/base/error.h"

namespace saccade {

std::string snake_case(std::string_view type) {
  std::string words(type);
  if (const std::size_t at_relu = words.find("ReLU"); at_relu != std::string::npos) words.replace(at_relu, 4, "Relu");
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(i < words.size() ? words[i] : ' '); };
  std::string name;
  for (std::size_t i = 0; i < words.size(); ++i) {
    // A capital starts a word where a small letter stands before or after it ("MaxPool2D", "Conv2DTranspose").
    const bool starts =
        i > 0 && std::isupper(at(i)) != 0 && (std::islower(at(i - 1)) != 0 || std::islower(at(i + 1)) != 0);
    if (starts) name += '_';
    name += static_cast<char>(std::tolower(at(i)));
  }
  return name;
}

std::string Layer::label() const {
  const std::string stem = snake_case(type());
  return name().empty() ? stem : fmt::format("{} '{}'", stem, name());
}

Node::Node(std::shared_ptr<const Layer> layer, std::vector<Node> inputs) {
  const auto [least, most] = layer->input_count();
  const int count = static_cast<int>(inputs.size());
  if (count < least || count > most) {
    const std::string bounds = least == most ? fmt::format("{}", least) : fmt::format("at least {}", least);
    throw ValueError({.where = snake_case(layer->type()),
                      .expected = fmt::format("{} input{}", bounds, least == 1 ? "" : "s"),
                      .got = fmt::format("{}", count),
                      .fix = "start a chain with Input, and merge branches with Add or Concatenate"});
  }
  std::vector<Shape> shapes;
  for (const Node& input : inputs) shapes.push_back(input.shape());
  const Shape shape = layer->infer(shapes);
  data_ = std::make_shared<const Data>(Data{std::move(layer), std::move(inputs), shape});
}

}  // namespace saccade
