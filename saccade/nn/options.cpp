#include "saccade/nn/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "saccade/base/error.h"

namespace saccade {
namespace {

constexpr std::array kActivations{
    Activation::linear,       Activation::relu,      Activation::leaky_relu, Activation::relu6,       Activation::elu,
    Activation::sigmoid,      Activation::tanh,      Activation::swish,      Activation::hard_swish,  Activation::gelu,
    Activation::hard_sigmoid, Activation::gelu_tanh, Activation::softmax,    Activation::log_softmax, Activation::clip};

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

}  // namespace

std::string Size2::to_string() const { return fmt::format("{}x{}", h, w); }

kernels::Pads Padding::rows(Index in, Index k, Index stride, Index dilation) const noexcept {
  return kind_ == Kind::same ? kernels::same_pads(in, k, stride, dilation) : rows_;
}

kernels::Pads Padding::columns(Index in, Index k, Index stride, Index dilation) const noexcept {
  return kind_ == Kind::same ? kernels::same_pads(in, k, stride, dilation) : columns_;
}

std::string Padding::to_string() const {
  if (kind_ == Kind::valid) return "valid";
  if (kind_ == Kind::same) return "same";
  return fmt::format("{},{},{},{}", rows_.before, rows_.after, columns_.before, columns_.after);
}

Padding pads(Index top, Index bottom, Index left, Index right) {
  constexpr Index kMost = 2'147'483'647;  // as for every other size of a layer
  if (std::max({top, bottom, left, right}) > kMost) {
    throw ValueError({.where = "padding",
                      .expected = fmt::format("at most {} pixels on each side", kMost),
                      .got = fmt::format("{},{},{},{}", top, bottom, left, right),
                      .fix = ""});
  }
  if (std::min({top, bottom, left, right}) < 0) {
    throw ValueError({.where = "padding",
                      .expected = "zero or more pixels on each side",
                      .got = fmt::format("{},{},{},{}", top, bottom, left, right),
                      .fix = "crop the input instead of padding by a negative number"});
  }
  return {kernels::Pads{top, bottom}, kernels::Pads{left, right}};
}

Padding Padding::parse(std::string_view text) {
  const std::string word = lower(text);
  if (word == "valid") return valid;
  if (word == "same") return same;
  std::array<Index, 4> sides{};
  const char* position = word.data();
  const char* const end = word.data() + word.size();
  bool good = true;
  for (std::size_t i = 0; i < sides.size() && good; ++i) {
    const auto [next, code] = std::from_chars(position, end, sides[i]);
    const bool last = i + 1 == sides.size();
    good = code == std::errc{} && (last ? next == end : next != end && *next == ',');
    position = last ? next : next + 1;
  }
  if (!good) {
    throw ValueError({.where = "padding",
                      .expected = "valid, same or four numbers top,bottom,left,right",
                      .got = fmt::format("'{}'", text),
                      .fix = "write e.g. same, or 1,1,2,2"});
  }
  return pads(sides[0], sides[1], sides[2], sides[3]);
}

Activation parse_activation(std::string_view text) {
  const std::string word = lower(text);
  if (word == "silu") return swish;
  if (word == "hard_silu") return hard_swish;
  std::string known;
  for (const Activation activation : kActivations) {
    if (word == name_of(activation)) return activation;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", name_of(activation));
  }
  throw ValueError({.where = "activation", .expected = "one of " + known, .got = fmt::format("'{}'", text), .fix = ""});
}

void OptionVisitor::visit(std::string_view name, Padding& value) {
  std::string text = value.to_string();
  visit(name, text);
  value = Padding::parse(text);
}

void OptionVisitor::visit(std::string_view name, Activation& value) {
  std::string text(name_of(value));
  visit(name, text);
  value = parse_activation(text);
}

void OptionVisitor::visit(std::string_view name, Initializer& value) {
  std::string text = value.to_string();
  visit(name, text);
  value = Initializer::parse(text);
}

}  // namespace saccade
