#pragma once
#include "saccade/kernels/conv2d/conv2d.h"
#include "saccade/nn/layer.h"

namespace saccade {

struct DepthwiseConv2DOptions {
  Size2 kernel = 3;
  Size2 strides = 1;
  Padding padding = valid;
  Size2 dilation = 1;
  Index depth_multiplier = 1;  ///< Filters for each input channel.
  Activation activation = Activation::linear;
  bool use_bias = true;
  Initializer kernel_initializer = Initializer::glorot_uniform();  ///< Keras: depthwise_initializer.
  Initializer bias_initializer = Initializer::zeros();
  float l2 = 0.0F;
  std::string name{};
};

/// Convolution of each channel by itself: with m = depth_multiplier,
///   y[oh,ow,c*m + i] = act(bias[c*m + i] + sum over kh,kw of x[oh*sh + kh*dh - pt, ow*sw + kw*dw - pl, c] *
///   weight[kh,kw,c,i])
/// Input [h,w,c], output [oh,ow,c*m] with oh as in Conv2D; parameters weight [kh,kw,c,m] and bias [c*m]. The same as
/// Conv2D with groups = c and c*m filters, whose weight has the same order in memory. Source: keras.layers.DepthwiseConv2D.
class DepthwiseConv2D final : public LayerOf<DepthwiseConv2D, DepthwiseConv2DOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "DepthwiseConv2D";
  static void visit(DepthwiseConv2DOptions& options, OptionVisitor& visitor);

  Shape infer(std::span<const Shape> src) const override;
  std::vector<ParameterSpec> parameters(std::span<const Shape> src) const override;
  Index multiply_adds(std::span<const Shape> src) const override;
  Activation activation() const override { return options_.activation; }
  std::shared_ptr<const Layer> with_bias_and(Activation activation) const override;
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override;
  /// What its kernel computes, without the activation, for so many images of that shape.
  kernels::Conv2DProblem problem(Index batch, const Shape& src) const;
};

}  // namespace saccade
