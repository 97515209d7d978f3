#include <algorithm>

#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/depthwise_conv2d.h"
#include "saccade/nn/elementwise.h"
#include "saccade/zoo/blocks_internal.h"

namespace saccade::zoo {
namespace {

Node normalise(const Node& x, const ConvNorm& o) {
  const Node y = BatchNorm{{.momentum = o.momentum, .epsilon = o.epsilon, .name = o.norm}}(x);
  return o.activation == Activation::linear ? y : ActivationLayer{{.activation = o.activation}}(y);
}

}  // namespace

Node conv_norm(const Node& x, const ConvNorm& o) {
  return normalise(Conv2D{{.filters = o.filters,
                           .kernel = o.kernel,
                           .strides = o.stride,
                           .padding = o.padding,
                           .use_bias = false,
                           .kernel_initializer = Initializer::he_normal(),
                           .name = o.conv}}(x),
                   o);
}

Node depthwise_norm(const Node& x, const ConvNorm& o) {
  // What one output adds up is kh * kw numbers; in the shape of the weights [kh, kw, c, 1] those are the fan out.
  const Initializer he = Initializer::variance_scaling({.scale = 2.0, .mode = FanMode::fan_out});
  return normalise(DepthwiseConv2D{{.kernel = o.kernel,
                                    .strides = o.stride,
                                    .padding = o.padding,
                                    .use_bias = false,
                                    .kernel_initializer = he,
                                    .name = o.conv}}(x),
                   o);
}

Index multiple_of_8(double channels) {
  const Index rounded = std::max<Index>(8, static_cast<Index>(channels + 4.0) / 8 * 8);
  return static_cast<double>(rounded) < 0.9 * channels ? rounded + 8 : rounded;
}

}  // namespace saccade::zoo
