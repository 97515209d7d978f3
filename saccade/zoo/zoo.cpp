#include "saccade/zoo/zoo.h"

#include <algorithm>
#include <array>

#include "saccade/base/error.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/view.h"

namespace saccade::zoo {
namespace {

constexpr std::array kEntries{
    Entry{"lenet5", "LeNet-5: two 5x5 convolutions, three dense layers", &lenet5},
    Entry{"mlp", "784-1200-1200-1200-10: the dense baseline", &mlp},
    Entry{"vgg_small", "six 3x3 convolutions with batch normalisation, for 32x32 colour images; more for larger ones",
          &vgg_small},
};

/// Convolution, batch normalisation, ReLU: the bias would be subtracted again, so there is none.
Node conv_bn_relu(const Node& x, Index filters) {
  const Node conv = Conv2D{{.filters = filters,
                            .kernel = 3,
                            .padding = same,
                            .use_bias = false,
                            .kernel_initializer = Initializer::he_normal()}}(x);
  return ActivationLayer{{.activation = relu}}(BatchNorm{{.momentum = 0.9F}}(conv));
}

}  // namespace

Model lenet5(const Shape& image, Index classes) {
  return Sequential("lenet5", {
                                  Input{image},
                                  Conv2D{{.filters = 6, .kernel = 5, .padding = same, .activation = relu}},
                                  MaxPool2D{{.pool = 2}},
                                  Conv2D{{.filters = 16, .kernel = 5, .padding = valid, .activation = relu}},
                                  MaxPool2D{{.pool = 2}},
                                  Flatten{},
                                  Dense{{.units = 120, .activation = relu}},
                                  Dense{{.units = 84, .activation = relu}},
                                  Dense{{.units = classes}},
                              });
}

Model mlp(const Shape& image, Index classes) {
  return Sequential("mlp", {
                               Input{image},
                               Flatten{},
                               Dense{{.units = 1200, .activation = relu}},
                               Dense{{.units = 1200, .activation = relu}},
                               Dense{{.units = 1200, .activation = relu}},
                               Dense{{.units = classes}},
                           });
}

Model vgg_small(const Shape& image, Index classes) {
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

std::span<const Entry> entries() { return kEntries; }

Model build(std::string_view name, const Shape& image, Index classes) {
  std::string known;
  for (const Entry& entry : kEntries) {
    if (entry.name == name) return entry.build(image, classes);
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  throw ValueError({.where = "network",
                    .expected = "one of " + known + ", or a .safetensors file",
                    .got = "'" + std::string(name) + "'",
                    .fix = "saccade summary --help lists them"});
}

}  // namespace saccade::zoo
