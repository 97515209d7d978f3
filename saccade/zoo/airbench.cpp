#include <fmt/format.h>

#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/view.h"
#include "saccade/zoo/zoo.h"

namespace saccade::zoo {
namespace {

Node activate(const Node& x) { return ActivationLayer{{.activation = gelu}}(x); }

Node convolve(const Node& x, Index filters, const std::string& name) {
  return Conv2D{{.filters = filters,
                 .kernel = 3,
                 .padding = same,
                 .use_bias = false,
                 .kernel_initializer = Initializer::dirac(),
                 .name = name}}(x);
}

Node normalise(const Node& x, const std::string& name) {
  return BatchNorm{{.momentum = 0.6F, .epsilon = 1e-5F, .scale = false, .name = name}}(x);
}

}  // namespace

Graph airbench94(const Shape& image, Index classes) {
  const Node first = input(image);
  const Index patch = 2;
  Node x = activate(
      Conv2D{{.filters = 2 * patch * patch * image[-1], .kernel = patch, .padding = valid, .name = "whiten"}}(first));
  int group = 0;
  for (const Index filters : {64, 256, 256}) {
    const auto name = [group](const char* layer) { return fmt::format("layers_{}_{}", group + 1, layer); };
    // Pooling first spares the normalisation three quarters of its work.
    x = MaxPool2D{{.pool = 2}}(convolve(x, filters, name("conv1")));
    x = activate(normalise(x, name("norm1")));
    x = activate(normalise(convolve(x, filters, name("conv2")), name("norm2")));
    ++group;
  }
  x = GlobalMaxPool2D{}(x);
  // Small logits at first: of the size of the scale that the source multiplies them with.
  const auto width = static_cast<double>(x.shape()[-1]);
  return {"airbench94", first,
          Dense{{.units = classes,
                 .use_bias = false,
                 .kernel_initializer = Initializer::random_normal(1.0 / width),
                 .name = "head"}}(x)};
}

}  // namespace saccade::zoo
