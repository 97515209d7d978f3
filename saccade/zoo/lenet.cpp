#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/view.h"
#include "saccade/zoo/zoo.h"

namespace saccade::zoo {

Graph lenet5(const Shape& image, Index classes) {
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

Graph mlp(const Shape& image, Index classes) {
  return Sequential("mlp", {
                               Input{image},
                               Flatten{},
                               Dense{{.units = 1200, .activation = relu}},
                               Dense{{.units = 1200, .activation = relu}},
                               Dense{{.units = 1200, .activation = relu}},
                               Dense{{.units = classes}},
                           });
}

}  // namespace saccade::zoo
