#include <fmt/format.h>

#include "saccade/nn/dense.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/merge.h"
#include "saccade/nn/pool2d.h"
#include "saccade/zoo/blocks_internal.h"
#include "saccade/zoo/zoo.h"

namespace saccade::zoo {
namespace {

struct Stage {
  Index expansion, kernel, stride, filters;
  int blocks;
};

/// TensorFlow's defaults for these networks.
ConvNorm step(std::string conv, std::string norm, Index filters, Index kernel, Index stride, Activation activation) {
  return {.conv = std::move(conv),
          .norm = std::move(norm),
          .filters = filters,
          .kernel = kernel,
          .stride = stride,
          .activation = activation,
          .momentum = 0.99F,
          .epsilon = 1e-3F};
}

/// An inverted residual block; `name` is "blocks_1_0".
Node block(const Node& x, const std::string& name, const Stage& stage, Index stride) {
  const Index channels = x.shape()[2];
  Node y = x;
  if (stage.expansion == 1) {
    y = depthwise_norm(y, step(name + "_conv_dw", name + "_bn1", 0, stage.kernel, stride, relu6));
    y = conv_norm(y, step(name + "_conv_pw", name + "_bn2", stage.filters, 1, 1, Activation::linear));
  } else {
    y = conv_norm(y, step(name + "_conv_pw", name + "_bn1", channels * stage.expansion, 1, 1, relu6));
    y = depthwise_norm(y, step(name + "_conv_dw", name + "_bn2", 0, stage.kernel, stride, relu6));
    y = conv_norm(y, step(name + "_conv_pwl", name + "_bn3", stage.filters, 1, 1, Activation::linear));
  }
  return stride == 1 && channels == stage.filters ? Add{}({x, y}) : y;
}

}  // namespace

Graph efficientnet_lite0(const Shape& image, Index classes) {
  const Node first = input(image);
  Node x = conv_norm(first, step("conv_stem", "bn1", 32, 3, 2, relu6));
  int number = 0;
  for (const Stage& stage : {Stage{1, 3, 1, 16, 1},
                             {6, 3, 2, 24, 2},
                             {6, 5, 2, 40, 2},
                             {6, 3, 2, 80, 3},
                             {6, 5, 1, 112, 3},
                             {6, 5, 2, 192, 4},
                             {6, 3, 1, 320, 1}}) {
    for (int i = 0; i < stage.blocks; ++i) {
      x = block(x, fmt::format("blocks_{}_{}", number, i), stage, i == 0 ? stage.stride : 1);
    }
    ++number;
  }
  x = conv_norm(x, step("conv_head", "bn2", 1280, 1, 1, relu6));
  x = Dropout{{.rate = 0.2F}}(GlobalAveragePool2D{}(x));
  return {"efficientnet_lite0", first, Dense{{.units = classes, .name = "classifier"}}(x)};
}

}  // namespace saccade::zoo
