#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/view.h"
#include "saccade/zoo/blocks_internal.h"
#include "saccade/zoo/zoo.h"

namespace saccade::zoo {
namespace {

struct Convolution {
  std::string name;
  Index filters, kernel, stride, padding;
};

Conv2D convolution(const Convolution& o) {
  return Conv2D{{.filters = o.filters,
                 .kernel = o.kernel,
                 .strides = o.stride,
                 .padding = all_sides(o.padding),
                 .activation = relu,
                 .kernel_initializer = Initializer::he_normal(),
                 .name = o.name}};
}

Dense hidden(std::string name) {
  return Dense{
      {.units = 4096, .activation = relu, .kernel_initializer = Initializer::he_normal(), .name = std::move(name)}};
}

}  // namespace

Graph alexnet(const Shape& image, Index classes) {
  const MaxPool2D pool{{.pool = 3, .strides = 2}};
  return Sequential("alexnet",
                    {
                        Input{image},
                        convolution({.name = "features_0", .filters = 64, .kernel = 11, .stride = 4, .padding = 2}),
                        pool,
                        convolution({.name = "features_3", .filters = 192, .kernel = 5, .stride = 1, .padding = 2}),
                        pool,
                        convolution({.name = "features_6", .filters = 384, .kernel = 3, .stride = 1, .padding = 1}),
                        convolution({.name = "features_8", .filters = 256, .kernel = 3, .stride = 1, .padding = 1}),
                        convolution({.name = "features_10", .filters = 256, .kernel = 3, .stride = 1, .padding = 1}),
                        pool,
                        Flatten{},
                        Dropout{{.rate = 0.5F}},
                        hidden("classifier_1"),
                        Dropout{{.rate = 0.5F}},
                        hidden("classifier_4"),
                        Dense{{.units = classes, .name = "classifier_6"}},
                    });
}

}  // namespace saccade::zoo
