#include "saccade/nn/registry.h"

#include <fmt/format.h>

#include <array>

#include "saccade/base/error.h"
#include "saccade/nn/arithmetic.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/conv2d_transpose.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/depthwise_conv2d.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/input.h"
#include "saccade/nn/local_response_norm.h"
#include "saccade/nn/merge.h"
#include "saccade/nn/pad.h"
#include "saccade/nn/permute.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/prelu.h"
#include "saccade/nn/reduce.h"
#include "saccade/nn/resample.h"
#include "saccade/nn/slice.h"
#include "saccade/nn/up_sampling2d.h"
#include "saccade/nn/view.h"
#include "saccade/nn/zero_padding2d.h"

namespace saccade {
namespace {

constexpr std::array kLayers{
    RegisteredLayer{"Activation", &ActivationLayer::make},
    RegisteredLayer{"Add", &Add::make},
    RegisteredLayer{"Arithmetic", &Arithmetic::make},
    RegisteredLayer{"AveragePool2D", &AveragePool2D::make},
    RegisteredLayer{"BatchNorm", &BatchNorm::make},
    RegisteredLayer{"Concatenate", &Concatenate::make},
    RegisteredLayer{"Conv2D", &Conv2D::make},
    RegisteredLayer{"Conv2DTranspose", &Conv2DTranspose::make},
    RegisteredLayer{"Dense", &Dense::make},
    RegisteredLayer{"DepthwiseConv2D", &DepthwiseConv2D::make},
    RegisteredLayer{"Dropout", &Dropout::make},
    RegisteredLayer{"Flatten", &Flatten::make},
    RegisteredLayer{"GlobalAveragePool2D", &GlobalAveragePool2D::make},
    RegisteredLayer{"GlobalMaxPool2D", &GlobalMaxPool2D::make},
    RegisteredLayer{"Input", &Input::make},
    RegisteredLayer{"LocalResponseNorm", &LocalResponseNorm::make},
    RegisteredLayer{"MaxPool2D", &MaxPool2D::make},
    RegisteredLayer{"Multiply", &Multiply::make},
    RegisteredLayer{"PReLU", &PReLU::make},
    RegisteredLayer{"Pad", &Pad::make},
    RegisteredLayer{"Permute", &Permute::make},
    RegisteredLayer{"Reduce", &Reduce::make},
    RegisteredLayer{"Resample", &Resample::make},
    RegisteredLayer{"Reshape", &Reshape::make},
    RegisteredLayer{"Slice", &Slice::make},
    RegisteredLayer{"UpSampling2D", &UpSampling2D::make},
    RegisteredLayer{"ZeroPadding2D", &ZeroPadding2D::make},
};

}  // namespace

std::span<const RegisteredLayer> registered_layers() { return kLayers; }

const RegisteredLayer& registered_layer(std::string_view type) {
  std::string known;
  for (const RegisteredLayer& layer : kLayers) {
    if (layer.type == type) return layer;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", layer.type);
  }
  throw ValueError({.where = "layer type",
                    .expected = "one of " + known,
                    .got = fmt::format("'{}'", type),
                    .fix = "the network may come from a newer version of Saccade"});
}

}  // namespace saccade
