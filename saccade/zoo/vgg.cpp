#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/view.h"
#include "saccade/zoo/blocks_internal.h"
#include "saccade/zoo/zoo.h"

namespace saccade::zoo {
namespace {

constexpr Index kPool = 0;

/// `layers`: the filters of 3x3 convolutions, and kPool. Numbered as in torchvision, where each activation counts too.
Graph vgg(std::string name, const Shape& image, Index classes, std::initializer_list<Index> layers) {
  const Node first = input(image);
  Node x = first;
  int number = 0;
  for (const Index filters : layers) {
    if (filters == kPool) {
      x = MaxPool2D{{.pool = 2}}(x);
      number += 1;
      continue;
    }
    x = Conv2D{{.filters = filters,
                .kernel = 3,
                .padding = same,
                .activation = relu,
                .kernel_initializer = Initializer::he_normal(),
                .name = fmt::format("features_{}", number)}}(x);
    number += 2;
  }
  x = Flatten{}(x);
  for (const char* dense : {"classifier_0", "classifier_3"}) {
    x = Dense{{.units = 4096, .activation = relu, .kernel_initializer = Initializer::he_normal(), .name = dense}}(x);
    x = Dropout{{.rate = 0.5F}}(x);
  }
  return {std::move(name), first, Dense{{.units = classes, .name = "classifier_6"}}(x)};
}

Node conv_bn_relu(const Node& x, Index filters) { return conv_norm(x, {.filters = filters, .epsilon = 1e-3F}); }

}  // namespace

Graph vgg11(const Shape& image, Index classes) {
  return vgg("vgg11", image, classes, {64, kPool, 128, kPool, 256, 256, kPool, 512, 512, kPool, 512, 512, kPool});
}

Graph vgg16(const Shape& image, Index classes) {
  return vgg("vgg16", image, classes,
             {64, 64, kPool, 128, 128, kPool, 256, 256, 256, kPool, 512, 512, 512, kPool, 512, 512, 512, kPool});
}

Graph vgg_small(const Shape& image, Index classes) {
  const Node first = input(image);
  Node x = first;
  // Each of these halves the picture at a small cost, until the groups below see what they see of 32x32.
  for (Index side = std::min(image[0], image[1]); side >= 64; side /= 2) {
    x = MaxPool2D{{.pool = 2}}(conv_bn_relu(x, 16));
  }
  for (const Index filters : {32, 64, 128}) {
    x = conv_bn_relu(conv_bn_relu(x, filters), filters);
    x = MaxPool2D{{.pool = 2}}(x);
    x = Dropout{{.rate = 0.2F}}(x);
  }
  x = GlobalAveragePool2D{}(x);
  return {"vgg_small", first, Dense{{.units = classes}}(x)};
}

}  // namespace saccade::zoo
