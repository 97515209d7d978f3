#include "saccade/nn/tf.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "saccade/base/error.h"
#include "saccade/kernels/conv2d/conv2d.h"
#include "saccade/kernels/pool2d/pool2d.h"
#include "saccade/nn/checks.h"

namespace saccade::tf::nn {
namespace {

void require_rank4(std::string_view function, std::string_view argument, const Tensor& tensor, std::string_view axes) {
  if (tensor.shape().rank() == 4) return;
  throw ShapeError({.where = fmt::format("{}: {}", function, argument),
                    .expected = fmt::format("4 axes {}", axes),
                    .got = tensor.shape().to_string(),
                    .fix = "reshape it, with 1 for a single image or channel"});
}

Size2 middle_of(std::string_view function, std::string_view argument, std::span<const Index> four) {
  const bool good = four.size() == 4 && four[0] == 1 && four[3] == 1 && four[1] >= 1 && four[2] >= 1;
  if (!good) {
    throw ValueError({.where = fmt::format("{}: {}", function, argument),
                      .expected = "four numbers {1, height, width, 1}, the first and last 1, the others at least 1",
                      .got = fmt::format("{{{}}}", fmt::join(four, ", ")),
                      .fix = "windows move over height and width only"});
  }
  return {four[1], four[2]};
}

Padding parse_padding(std::string_view function, std::string_view text) {
  if (text == "SAME") return same;
  if (text == "VALID") return valid;
  throw ValueError({.where = fmt::format("{}: padding", function),
                    .expected = "SAME or VALID",
                    .got = fmt::format("'{}'", text),
                    .fix = ""});
}

Tensor pool(std::string_view function, kernels::PoolKind kind, const Tensor& value, std::span<const Index> ksize,
            std::span<const Index> strides, std::string_view padding_text) {
  require_rank4(function, "value", value, "[batch, height, width, channels]");
  const Size2 window = middle_of(function, "ksize", ksize);
  const Size2 stride = middle_of(function, "strides", strides);
  const Padding padding = parse_padding(function, padding_text);
  const Shape& shape = value.shape();
  const kernels::Pool2DProblem problem{.kind = kind,
                                       .n = shape[0],
                                       .ih = shape[1],
                                       .iw = shape[2],
                                       .c = shape[3],
                                       .kh = window.h,
                                       .kw = window.w,
                                       .sh = stride.h,
                                       .sw = stride.w,
                                       .ph = padding.rows(shape[1], window.h, stride.h, 1),
                                       .pw = padding.columns(shape[2], window.w, stride.w, 1),
                                       .training = false};
  checks::window_fits(std::string(function), "height", problem.ih, problem.kh, problem.ph);
  checks::window_fits(std::string(function), "width", problem.iw, problem.kw, problem.pw);
  Tensor result({problem.n, problem.oh(), problem.ow(), problem.c});
  const auto choice = choose(kernels::pool2d_implementations(), problem);
  AlignedBuffer scratch(usize(choice.kernel->scratch_bytes()));
  AlignedBuffer saved(usize(choice.kernel->saved_bytes()));
  choice.kernel->forward(
      {.src = value.floats(), .dst = result.floats(), .saved = saved.bytes(), .scratch = scratch.bytes()});
  return result;
}

}  // namespace

Tensor conv2d(const Tensor& input, const Tensor& filter, std::span<const Index> strides,
              std::string_view padding_text) {
  constexpr std::string_view kFunction = "tf::nn::conv2d";
  require_rank4(kFunction, "input", input, "[batch, height, width, channels]");
  require_rank4(kFunction, "filter", filter, "[height, width, in channels, out channels]");
  const Size2 stride = middle_of(kFunction, "strides", strides);
  const Padding padding = parse_padding(kFunction, padding_text);
  const Shape& in = input.shape();
  const Shape& window = filter.shape();
  if (in[3] != window[2]) {
    throw ShapeError({.where = std::string(kFunction),
                      .expected = fmt::format("a filter for the input's {} channels", in[3]),
                      .got = fmt::format("filter {} for {}", window.to_string(), window[2]),
                      .fix = "the filter's third extent is the number of input channels"});
  }
  checks::positive(std::string(kFunction), "filter", {window[0], window[1]});
  const kernels::Conv2DProblem problem{.n = in[0],
                                       .ih = in[1],
                                       .iw = in[2],
                                       .ic = in[3],
                                       .oc = window[3],
                                       .kh = window[0],
                                       .kw = window[1],
                                       .sh = stride.h,
                                       .sw = stride.w,
                                       .ph = padding.rows(in[1], window[0], stride.h, 1),
                                       .pw = padding.columns(in[2], window[1], stride.w, 1),
                                       .bias = false};
  checks::window_fits(std::string(kFunction), "height", problem.ih, problem.kh, problem.ph);
  checks::window_fits(std::string(kFunction), "width", problem.iw, problem.kw, problem.pw);
  Tensor result({problem.n, problem.oh(), problem.ow(), problem.oc});
  const auto choice = choose(kernels::conv2d_implementations(), problem);
  AlignedBuffer scratch(usize(choice.kernel->scratch_bytes()));
  choice.kernel->run(
      {.src = input.floats(), .weight = filter.floats(), .dst = result.floats(), .scratch = scratch.bytes()});
  return result;
}

Tensor conv2d(const Tensor& input, const Tensor& filter, std::initializer_list<Index> strides,
              std::string_view padding) {
  return conv2d(input, filter, std::span<const Index>(strides.begin(), strides.size()), padding);
}

Tensor max_pool(const Tensor& value, std::initializer_list<Index> ksize, std::initializer_list<Index> strides,
                std::string_view padding) {
  return pool("tf::nn::max_pool", kernels::PoolKind::max, value, {ksize.begin(), ksize.size()},
              {strides.begin(), strides.size()}, padding);
}

Tensor avg_pool(const Tensor& value, std::initializer_list<Index> ksize, std::initializer_list<Index> strides,
                std::string_view padding) {
  return pool("tf::nn::avg_pool", kernels::PoolKind::average, value, {ksize.begin(), ksize.size()},
              {strides.begin(), strides.size()}, padding);
}

}  // namespace saccade::tf::nn
