#include "saccade/cli/filter_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <iostream>
#include <iterator>
#include <memory>
#include <numeric>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/cli/parse_numbers.h"
#include "saccade/image/color.h"
#include "saccade/image/decode.h"
#include "saccade/image/encode.h"
#include "saccade/image/filter.h"
#include "saccade/kernels/window.h"

namespace saccade::cli {
namespace {

struct FilterRequest {
  std::string image;
  std::string kernel;
  std::string output;
  std::string stride = "1";
  std::string padding = "same";
  std::string border = "constant";
  float border_value = 0.0F;
  std::optional<double> scale;
  double offset = 0.0;
  bool grayscale = false;
  Index max_pixels = DecodeLimits{}.max_pixels;
  std::string explain;
  bool list = false;
};

// ---- Matrices as text ----

std::string number_text(double value) { return fmt::format("{:.6g}", value == 0.0 ? 0.0 : value); }

/// A matrix as lines of equal length, its columns flush right.
template <class Number>
std::vector<std::string> draw(const std::vector<Number>& values, Index width) {
  std::vector<std::string> words;
  for (const Number value : values) words.push_back(number_text(static_cast<double>(value)));
  const std::size_t column = std::ranges::max(words, {}, &std::string::size).size();
  std::vector<std::string> drawn(words.size() / usize(width));
  for (std::size_t i = 0; i < words.size(); ++i) drawn[i / usize(width)] += fmt::format("  {:>{}}", words[i], column);
  return drawn;
}

std::string list_text() {
  std::string text;
  for (const NamedFilter& named : named_filters()) {
    text += fmt::format("{}{:<16} {}\n", text.empty() ? "" : "\n", named.name, named.meaning);
    const std::vector<std::string> rows = draw(named.kernel.weights, named.kernel.width);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const bool divided = named.divisor != 1 && i == rows.size() / 2;
      text += fmt::format("{}{}\n", rows[i], divided ? fmt::format("   / {}", named.divisor) : "");
    }
    if (const auto factors = separate(named.kernel)) {
      text += fmt::format("  separable: {} down, {} across\n", fmt::join(factors->column, " "),
                          fmt::join(factors->row, " "));
    }
  }
  return text;
}

// ---- One pixel explained ----

/// What the command was asked to do, read from its options.
struct Task {
  FilterKernel kernel;
  FilterOptions options;
  std::string scale_text;  ///< What the sum undergoes before the offset: " / 9", " * 0.5", or nothing.
  std::optional<std::pair<Index, Index>> explained;  ///< Row and column of the result.
};

Task read_task(const FilterRequest& request) {
  Task task;
  const std::size_t first = request.kernel.find_first_not_of(' ');
  if (first != std::string::npos && std::isalpha(static_cast<unsigned char>(request.kernel[first])) != 0) {
    const NamedFilter& named = filter_named(request.kernel);
    task.kernel = named.kernel;
    task.options.scale = 1.0 / static_cast<double>(named.divisor);
    if (named.divisor != 1) task.scale_text = fmt::format(" / {}", named.divisor);
  } else {
    task.kernel = parse_kernel(request.kernel);
  }
  if (request.scale) {
    task.options.scale = *request.scale;
    task.scale_text = *request.scale == 1.0 ? "" : fmt::format(" * {}", number_text(*request.scale));
  }
  const auto strides = parse_pair(request.stride, 'x', true);
  if (!strides) {
    throw ValueError({.where = "filter: --stride",
                      .expected = "a whole number, or rows x columns",
                      .got = fmt::format("'{}'", request.stride),
                      .fix = "write e.g. 2 or 2x1"});
  }
  task.options.row_stride = strides->first;
  task.options.column_stride = strides->second;
  task.options.padding = filter_padding_named(request.padding);
  task.options.border = border_named(request.border);
  task.options.border_value = request.border_value;
  task.options.offset = request.offset;
  if (!request.explain.empty()) {
    task.explained = parse_pair(request.explain, ',', false);
    if (!task.explained) {
      throw ValueError({.where = "filter: --explain",
                        .expected = "ROW,COLUMN of a pixel of the result",
                        .got = fmt::format("'{}'", request.explain),
                        .fix = "write e.g. 40,120; both are counted from 0 at the top left"});
    }
  }
  if (!request.output.empty()) require_image_ending(request.output);
  // The smallest picture that the kernel fits on shows what is wrong with the rest before a large one is read.
  filtered_size({.height = task.kernel.height, .width = task.kernel.width, .channels = 1}, task.kernel, task.options);
  return task;
}

/// "1 - 2 + 3 = 2"; only the sum when there are many terms.
std::string sum_text(std::span<const double> terms, double sum) {
  constexpr std::size_t kMostTerms = 25;
  if (terms.size() > kMostTerms) return fmt::format("sum of {} products = {}", terms.size(), number_text(sum));
  std::string text = number_text(terms[0]);
  for (const double term : terms.subspan(1)) {
    text += fmt::format(" {} {}", term < 0 ? '-' : '+', number_text(std::abs(term)));
  }
  return fmt::format("{} = {}", text, number_text(sum));
}

/// The rows (or columns) of the picture under the kernel; some may lie outside.
struct Reach {
  Index first, last;
  bool outside;

  std::string text() const { return first == last ? fmt::format("{}", first) : fmt::format("{} to {}", first, last); }
};

Reach reach_of(Index out, Index in, Index side, Index stride, FilterPadding padding) {
  const Index before = padding == FilterPadding::same ? kernels::same_pads(in, side, stride, 1).before : 0;
  const Index first = out * stride - before;
  return {.first = first, .last = first + side - 1, .outside = first < 0 || first + side > in};
}

/// The window, the kernel, the products, their sum and what becomes of it, for one channel of one pixel.
std::string explain_channel(const Tensor& image, const Task& task, Index row, Index column, Index channel, int result) {
  const std::vector<float> window = filter_window(image, task.kernel, task.options, row, column, channel);
  std::vector<double> products;
  for (std::size_t i = 0; i < window.size(); ++i) {
    products.push_back(static_cast<double>(window[i]) * static_cast<double>(task.kernel.weights[i]));
  }
  const double sum = std::accumulate(products.begin(), products.end(), 0.0);
  const auto left = draw(window, task.kernel.width);
  const auto middle = draw(task.kernel.weights, task.kernel.width);
  const auto right = draw(products, task.kernel.width);
  constexpr std::string_view kLeft = "  picture", kMiddle = "  kernel";
  const std::size_t left_width = std::max(left[0].size(), kLeft.size());
  const std::size_t middle_width = std::max(middle[0].size(), kMiddle.size());
  const auto line = [&](std::string_view a, char times, std::string_view b, char equals, std::string_view c) {
    return fmt::format("{:<{}}   {}   {:<{}}   {}   {}\n", a, left_width, times, b, middle_width, equals, c);
  };
  std::string text = line(kLeft, ' ', kMiddle, ' ', "  products");
  for (std::size_t i = 0; i < left.size(); ++i) {
    const bool centre = i == left.size() / 2;
    text += line(left[i], centre ? 'x' : ' ', middle[i], centre ? '=' : ' ', right[i]);
  }
  text += fmt::format("  sum    {}\n", sum_text(products, sum));
  const double value = task.options.scale * sum + task.options.offset;
  std::string steps = number_text(sum) + task.scale_text;
  if (task.options.offset != 0.0) {
    steps += fmt::format(" {} {}", task.options.offset < 0 ? '-' : '+', number_text(std::abs(task.options.offset)));
  }
  if (steps != number_text(sum)) steps += " = " + number_text(value);
  if (number_text(value) != number_text(result)) {
    const bool outside = value < 0.0 || value > 255.0;
    steps += fmt::format(", {} {}", outside ? "clipped to" : "rounded to", result);
  }
  return text + fmt::format("  pixel  {}\n", steps);
}

std::string explain(const Tensor& image, const Tensor& result, const Task& task) {
  const auto [row, column] = *task.explained;
  const ImageSize size = image_size(image, "filter"), out = image_size(result, "filter");
  // Throws for a place outside the result.
  static_cast<void>(filter_window(image, task.kernel, task.options, row, column, 0));
  const Reach rows = reach_of(row, size.height, task.kernel.height, task.options.row_stride, task.options.padding);
  const Reach columns =
      reach_of(column, size.width, task.kernel.width, task.options.column_stride, task.options.padding);
  std::string text = fmt::format("row {}, column {} of the result ({} x {}): the kernel lies on rows {}, columns {}\n",
                                 row, column, out.height, out.width, rows.text(), columns.text());
  if (rows.outside || columns.outside) {
    const bool constant = task.options.border == Border::constant;
    text += fmt::format("outside the picture ({} x {}): {}{}\n", size.height, size.width, name_of(task.options.border),
                        constant ? " " + number_text(static_cast<double>(task.options.border_value)) : "");
  }
  constexpr std::array kNames{"red", "green", "blue"};
  const Index colors = size.channels == 1 ? 1 : 3;
  for (Index c = 0; c < colors; ++c) {
    text += colors == 1 ? "\n" : fmt::format("\n{}\n", kNames[usize(c)]);
    const int value = result.uint8s()[usize((row * out.width + column) * out.channels + c)];
    text += explain_channel(image, task, row, column, c, value);
  }
  return text;
}

// ---- The command ----

Tensor read_input(const FilterRequest& request) {
  Tensor image;
  const DecodeOptions options{.limits = {.max_pixels = request.max_pixels}};
  if (request.image == "-") {
    const std::string bytes{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
    image = decode(std::as_bytes(std::span(bytes)), "standard input", options);
  } else {
    image = read_image(request.image, options);
  }
  return request.grayscale ? convert_color(std::move(image), ColorMode::grayscale) : image;
}

void require_arguments(const FilterRequest& request) {
  const auto require = [](bool given, const char* what) {
    if (!given) {
      throw ValueError({.where = "saccade filter",
                        .expected = what,
                        .got = "none",
                        .fix = "try: saccade filter photo.jpg --kernel sobel-x -o edges.png"});
    }
  };
  require(!request.image.empty(), "an image, or --list");
  require(!request.kernel.empty(), "--kernel");
  require(!request.output.empty() || !request.explain.empty(), "--output or --explain");
}

void filter_image(const FilterRequest& request, Console& console) {
  if (request.list) {
    console.out << list_text();
    return;
  }
  require_arguments(request);
  const Task task = read_task(request);
  const Tensor image = read_input(request);
  const Tensor result = filter(image, task.kernel, task.options);
  if (task.explained) console.out << explain(image, result, task);
  if (request.output.empty()) return;
  write_image(request.output, result);
  const Shape& shape = result.shape();
  console.out << fmt::format("{}: {} x {} x {} (height x width x channels)\n", request.output, shape[0], shape[1],
                             shape[2]);
}

}  // namespace

void add_filter_command(const Command& program, Console& console) {
  const auto request = std::make_shared<FilterRequest>();
  const Command command =
      program.add_command("filter", "Run an image kernel over a picture, or explain one pixel of it");
  command.add("IMAGE", request->image, "an image file, or - for standard input");
  command
      .add("-k,--kernel", request->kernel, "a name (see --list), or rows between semicolons: \"0 1 0; 1 1 1; 0 1 0\"")
      .type("NAME|MATRIX");
  command.add("-o,--output", request->output, "where to write the result: .png, .jpg, .webp, .ppm or .pgm")
      .type("FILE");
  command.add("--stride", request->stride, "pixels the kernel moves at a time, or rows x columns: 2x1").type("N|RxC");
  command.add("--padding", request->padding, "same: the result is as large as the picture; valid: no outside");
  command.add("--border", request->border, "what is outside: constant, nearest, reflect, mirror or wrap");
  command.add("--border-value", request->border_value, "the value outside, for --border constant [0]");
  command.add("--scale", request->scale, "multiplies each sum (default 1, or what keeps the brightness of a blur)")
      .type("NUMBER");
  command.add("--offset", request->offset, "added then [0]; 128 shows negative sums too");
  command.add("--grayscale", request->grayscale, "turn the picture grey first");
  command.add("--max-pixels", request->max_pixels, "largest picture to decode, height times width", 1);
  command.add("--explain", request->explain, "print how this pixel of the result comes about, counted from 0")
      .type("ROW,COLUMN");
  command.add("--list", request->list, "draw every named kernel, and say what it does");
  command.footer(
      "The kernel is laid on the picture as it stands, as in a network: pixel = sum of products * scale + offset, "
      "rounded\n"
      "and clipped to 0..255. Colours are filtered one by one; alpha is kept.\n"
      "Examples:\n"
      "  saccade filter photo.jpg --kernel sobel-x -o edges.png\n"
      "  saccade filter photo.jpg --kernel \"-1 0 1; -2 0 2; -1 0 1\" --scale 0.5 --offset 128 -o edges.png\n"
      "  saccade filter photo.jpg --kernel gaussian-blur-5 --border mirror --stride 2 -o half.png\n"
      "  saccade filter photo.jpg --kernel sharpen --grayscale --explain 40,120\n"
      "  saccade filter --list");
  command.action([request, &console] { filter_image(*request, console); });
}

}  // namespace saccade::cli
