#pragma once
#include "saccade/kernels/conv2d/conv2d.h"
#include "saccade/nn/layer.h"

namespace saccade {

struct Conv2DTransposeOptions {
  Index filters = 0;  ///< Output channels, at least 1.
  Size2 kernel = 1;
  Size2 strides = 1;  ///< How many times higher and wider the output is, about.
  Padding padding = valid;
  /// Rows and columns added below and to the right, fewer than the strides; explicit padding only (the other two say how
  /// large the output is).
  Size2 output_padding = 0;
  Size2 dilation = 1;
  Index groups = 1;  ///< Input channels and filters are split into so many independent convolutions.
  Activation activation = Activation::linear;
  bool use_bias = true;
  Initializer kernel_initializer = Initializer::glorot_uniform();
  Initializer bias_initializer = Initializer::zeros();
  float l2 = 0.0F;
  std::string name{};
};

/// Transposed convolution: the gradient of Conv2D with respect to its input, as a layer of its own. Every input pixel adds
/// the filter, times its value, to the output:
///   y[ih*sh + kh*dh - pt, iw*sw + kw*dw - pl, f] += x[ih,iw,c] * weight[kh,kw,f,c]
/// and then act(y + bias). Input [h,w,c]; parameters weight [kh,kw,filters/groups,c] and bias [filters]; output height
///   valid     h*sh + max(extent - sh, 0), with extent = (kh-1)*dh + 1
///   same      h*sh
///   explicit  (h-1)*sh + extent - pt - pb + output_padding, as in PyTorch and ONNX
/// Throws ValueError for options out of range, ShapeError for inputs that do not fit. Source:
/// keras.layers.Conv2DTranspose, torch.nn.ConvTranspose2d.
class Conv2DTranspose final : public LayerOf<Conv2DTranspose, Conv2DTransposeOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "Conv2DTranspose";
  static void visit(Conv2DTransposeOptions& options, OptionVisitor& visitor);

  Shape infer(std::span<const Shape> src) const override;
  std::vector<ParameterSpec> parameters(std::span<const Shape> src) const override;
  Index multiply_adds(std::span<const Shape> src) const override;
  Activation activation() const override { return options_.activation; }
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override;

 private:
  /// The convolution whose backward pass this is: from this layer's output to its input.
  kernels::Conv2DProblem problem(Index batch, const Shape& src) const;
};

}  // namespace saccade
