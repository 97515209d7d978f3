#include <fmt/format.h>

#include "saccade/nn/conv2d.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/merge.h"
#include "saccade/nn/pool2d.h"
#include "saccade/zoo/zoo.h"

namespace saccade::zoo {
namespace {

Conv2D convolution(std::string name, Index filters, Index kernel) {
  return Conv2D{{.filters = filters,
                 .kernel = kernel,
                 .padding = same,
                 .activation = relu,
                 .kernel_initializer = Initializer::he_normal(),
                 .name = std::move(name)}};
}

/// Few 1x1 filters, then 1x1 and 3x3 filters side by side.
Node fire(const Node& x, int number, Index squeeze, Index expand) {
  const std::string name = fmt::format("features_{}", number);
  const Node y = convolution(name + "_squeeze", squeeze, 1)(x);
  return Concatenate{}(
      {convolution(name + "_expand1x1", expand, 1)(y), convolution(name + "_expand3x3", expand, 3)(y)});
}

/// 3x3, stride 2; a window that reaches beyond the image is kept (PyTorch's ceil_mode).
Node pool(const Node& x) {
  const auto beyond = [](Index side) { return side > 3 ? (side - 3) % 2 : 0; };
  return MaxPool2D{{.pool = 3, .strides = 2, .padding = pads(0, beyond(x.shape()[0]), 0, beyond(x.shape()[1]))}}(x);
}

}  // namespace

Graph squeezenet1_1(const Shape& image, Index classes) {
  const Node first = input(image);
  Node x = Conv2D{{.filters = 64,
                   .kernel = 3,
                   .strides = 2,
                   .activation = relu,
                   .kernel_initializer = Initializer::he_normal(),
                   .name = "features_0"}}(first);
  x = fire(fire(pool(x), 3, 16, 64), 4, 16, 64);
  x = fire(fire(pool(x), 6, 32, 128), 7, 32, 128);
  x = pool(x);
  x = fire(fire(x, 9, 48, 192), 10, 48, 192);
  x = fire(fire(x, 11, 64, 256), 12, 64, 256);
  x = Dropout{{.rate = 0.5F}}(x);
  x = Conv2D{{.filters = classes,
              .activation = relu,
              .kernel_initializer = Initializer::truncated_normal(0.01),
              .name = "classifier_1"}}(x);
  return {"squeezenet1_1", first, GlobalAveragePool2D{}(x)};
}

}  // namespace saccade::zoo
