#pragma once
#include <memory>
#include <string>
#include <vector>

#include "saccade/kernels/conv2d/conv2d.h"
#include "saccade/nn/checks.h"
#include "saccade/nn/layer.h"

namespace saccade::internal {

// What Conv2D, DepthwiseConv2D and Conv2DTranspose have in common, and some of it Dense: options of the same names.

/// The parameters "weight", of that shape, and "bias" of so many numbers where the options want one.
template <class Options>
std::vector<ParameterSpec> weight_and_bias(const Options& o, const Shape& weight, Index biases) {
  std::vector<ParameterSpec> specs{
      {.name = "weight", .shape = weight, .initializer = o.kernel_initializer, .l2 = o.l2}};
  if (o.use_bias) specs.push_back({.name = "bias", .shape = {biases}, .initializer = o.bias_initializer});
  return specs;
}

/// Layer::with_bias_and() of a layer of type L with these options.
template <class L, class Options>
std::shared_ptr<const Layer> with_bias_and(Options options, Activation activation) {
  if (options.activation != Activation::linear) return nullptr;
  options.use_bias = true;
  options.activation = activation;
  return std::make_shared<L>(std::move(options));
}

/// Throws ValueError where the window's size, strides or dilation are out of range.
template <class Options>
void check_window(const std::string& where, const Options& o) {
  checks::positive(where, "kernel", o.kernel);
  checks::positive(where, "strides", o.strides);
  checks::positive(where, "dilation", o.dilation);
}

/// The problem, whose images have their sizes, with the window and padding of the options.
template <class Options>
kernels::Conv2DProblem with_window(kernels::Conv2DProblem p, const Options& o) {
  p.kh = o.kernel.h;
  p.kw = o.kernel.w;
  p.sh = o.strides.h;
  p.sw = o.strides.w;
  p.dh = o.dilation.h;
  p.dw = o.dilation.w;
  p.ph = o.padding.rows(p.ih, p.kh, p.sh, p.dh);
  p.pw = o.padding.columns(p.iw, p.kw, p.sw, p.dw);
  return p;
}

/// Throws ShapeError unless the groups divide both.
void check_groups(const std::string& where, Index channels, Index filters, Index groups);
/// The shape of one output image. Throws ShapeError when the window does not fit into the input.
Shape convolved_shape(const std::string& where, const kernels::Conv2DProblem& p);
/// The convolution made ready.
std::unique_ptr<Operation> prepare_convolution(kernels::Conv2DProblem p, Activation activation,
                                               const PrepareContext& context);

}  // namespace saccade::internal
