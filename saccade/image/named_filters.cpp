#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include "saccade/base/error.h"
#include "saccade/base/place_of.h"
#include "saccade/image/filter.h"
#include "saccade/image/filter_internal.h"

namespace saccade {
namespace {

constexpr std::array<std::string_view, kBorders.size()> kBorderNames{"constant", "nearest", "reflect", "mirror",
                                                                     "wrap"};
constexpr std::array<std::string_view, 2> kPaddingNames{"valid", "same"};

FilterKernel of_3_rows(std::vector<float> weights) { return {.height = 3, .width = 3, .weights = std::move(weights)}; }

std::vector<NamedFilter> make_table() {
  return {
      {"identity", of_3_rows({0, 0, 0, 0, 1, 0, 0, 0, 0}), 1, "the picture as it is"},
      {"box-blur", of_3_rows({1, 1, 1, 1, 1, 1, 1, 1, 1}), 9, "blurs: the mean of nine pixels"},
      {"gaussian-blur", of_3_rows({1, 2, 1, 2, 4, 2, 1, 2, 1}), 16, "blurs softly: near pixels count more"},
      {"gaussian-blur-5",
       {.height = 5, .width = 5, .weights = {1,  4, 6, 4,  1,  4,  16, 24, 16, 4, 6, 24, 36,
                                             24, 6, 4, 16, 24, 16, 4,  1,  4,  6, 4, 1}},
       256,
       "blurs softly and further"},
      {"sharpen", of_3_rows({0, -1, 0, -1, 5, -1, 0, -1, 0}), 1, "a pixel against its four neighbours: crisper edges"},
      {"sobel-x", of_3_rows({-1, 0, 1, -2, 0, 2, -1, 0, 1}), 1, "vertical edges: bright where it brightens rightwards"},
      {"sobel-y", of_3_rows({-1, -2, -1, 0, 0, 0, 1, 2, 1}), 1,
       "horizontal edges: bright where it brightens downwards"},
      {"prewitt-x", of_3_rows({-1, 0, 1, -1, 0, 1, -1, 0, 1}), 1, "vertical edges, all three rows alike"},
      {"prewitt-y", of_3_rows({-1, -1, -1, 0, 0, 0, 1, 1, 1}), 1, "horizontal edges, all three columns alike"},
      {"laplacian", of_3_rows({0, 1, 0, 1, -4, 1, 0, 1, 0}), 1, "edges of every direction: bright on their dark side"},
      {"outline", of_3_rows({-1, -1, -1, -1, 8, -1, -1, -1, -1}), 1,
       "what differs from its surroundings; flat is black"},
      {"emboss", of_3_rows({-2, -1, 0, -1, 1, 1, 0, 1, 2}), 1, "a relief, lit from the top left"},
  };
}

[[noreturn]] void fail_to_parse(std::string_view text, std::string expected, std::string got) {
  throw ValueError({.where = fmt::format("kernel '{}'", text),
                    .expected = std::move(expected),
                    .got = std::move(got),
                    .fix = "write rows between semicolons: \"-1 0 1; -2 0 2; -1 0 1\""});
}

/// Cuts `text` at any of `separators`; empty pieces are kept.
std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> pieces;
  for (;;) {
    const std::size_t end = text.find_first_of(separators);
    pieces.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return pieces;
    text.remove_prefix(end + 1);
  }
}

/// A number, all of `text`; NaN when it is none.
double number_in(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : std::nan("");
}

float weight_in(std::string_view word, std::string_view text) {
  const std::size_t slash = word.find('/');
  double value = number_in(word.substr(0, slash));
  if (slash != std::string_view::npos) value /= number_in(word.substr(slash + 1));
  const auto weight = static_cast<float>(value);
  if (!std::isfinite(weight)) fail_to_parse(text, "finite numbers or fractions", fmt::format("'{}'", word));
  return weight;
}

}  // namespace

std::string_view name_of(Border border) noexcept { return kBorderNames[static_cast<std::size_t>(border)]; }

Border border_named(std::string_view name) {
  return kBorders[place_of(name, kBorderNames, fmt::format("border '{}'", name))];
}

std::string_view name_of(FilterPadding padding) noexcept { return kPaddingNames[static_cast<std::size_t>(padding)]; }

FilterPadding filter_padding_named(std::string_view name) {
  return static_cast<FilterPadding>(place_of(name, kPaddingNames, fmt::format("padding '{}'", name)));
}

std::span<const NamedFilter> named_filters() {
  static const std::vector<NamedFilter> table = make_table();
  return table;
}

const NamedFilter& filter_named(std::string_view name) {
  std::vector<std::string_view> names;
  for (const NamedFilter& filter : named_filters()) names.push_back(filter.name);
  return named_filters()[place_of(name, names, fmt::format("kernel '{}'", name))];
}

FilterKernel parse_kernel(std::string_view text) {
  FilterKernel kernel;
  for (const std::string_view line : split(text, ";")) {
    Index width = 0;
    for (const std::string_view word : split(line, " ,\t\n")) {
      if (word.empty()) continue;
      kernel.weights.push_back(weight_in(word, text));
      ++width;
    }
    if (width == 0) fail_to_parse(text, "numbers in every row", fmt::format("none in row {}", kernel.height + 1));
    if (kernel.height > 0 && width != kernel.width) {
      fail_to_parse(text, fmt::format("{} numbers in row {}, as in the first", kernel.width, kernel.height + 1),
                    fmt::format("{}", width));
    }
    kernel.width = width;
    ++kernel.height;
  }
  filter_internal::check_kernel(kernel);
  return kernel;
}

}  // namespace saccade
