#pragma once
#include "saccade/kernels/conv2d/conv2d.h"
#include "saccade/nn/layer.h"

namespace saccade {

struct Conv2DOptions {
  Index filters = 0;  ///< Output channels, at least 1.
  Size2 kernel = 1;   ///< Height and width of the filter (Keras: kernel_size).
  Size2 strides = 1;
  Padding padding = valid;
  Size2 dilation = 1;  ///< 1 is dense (Keras: dilation_rate).
  Index groups = 1;    ///< Input channels and filters are split into so many independent convolutions.
  Activation activation = Activation::linear;
  bool use_bias = true;
  Initializer kernel_initializer = Initializer::glorot_uniform();
  Initializer bias_initializer = Initializer::zeros();
  float l2 = 0.0F;  ///< Adds l2 * sum(weight^2) to the loss (Keras: kernel_regularizer=L2(l2)).
  std::string name{};
};

/// Convolution with learned filters:
///   y[oh,ow,oc] = act(bias[oc] + sum over kh,kw,i of x[oh*sh + kh*dh - pt, ow*sw + kw*dw - pl, i] *
///   weight[kh,kw,i,oc])
/// Input [h,w,c], output [oh,ow,filters]; parameters weight [kh,kw,c/groups,filters] (HWIO) and bias [filters].
/// oh = floor((h + pt + pb - ((kh-1)*dh+1)) / sh) + 1; SAME pads so that oh = ceil(h / sh).
/// Throws ValueError for options out of range, ShapeError for inputs that do not fit. Source: keras.layers.Conv2D,
/// tf.nn.conv2d.
class Conv2D final : public LayerOf<Conv2D, Conv2DOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "Conv2D";
  static void visit(Conv2DOptions& options, OptionVisitor& visitor);

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
