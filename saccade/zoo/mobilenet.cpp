#include <fmt/format.h>

#include "saccade/base/error.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/merge.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/view.h"
#include "saccade/zoo/blocks_internal.h"
#include "saccade/zoo/zoo.h"

namespace saccade::zoo {
namespace {

void check(std::string_view network, const MobileNetOptions& options) {
  if (options.alpha >= 0.05F && options.alpha <= 10.0F) return;
  throw ValueError({.where = fmt::format("{}: alpha", network),
                    .expected = "a width from 0.05 to 10",
                    .got = fmt::format("{}", options.alpha),
                    .fix = "1 is the published network"});
}

/// "mobilenet_v1", and "mobilenet_v1_0.25" for another width.
std::string full_name(std::string_view network, const MobileNetOptions& options) {
  return options.alpha == 1.0F ? std::string(network) : fmt::format("{}_{}", network, options.alpha);
}

/// Keras's defaults for batch normalisation.
ConvNorm keras(std::string name, Index filters, Index kernel, Index stride) {
  return {.conv = name,
          .norm = name + "_bn",
          .filters = filters,
          .kernel = kernel,
          .stride = stride,
          .activation = relu6,
          .momentum = 0.99F,
          .epsilon = 1e-3F};
}

/// 1x1 to `expansion` times the channels, depthwise 3x3, 1x1 back to few; added to the input where shapes agree.
Node inverted_residual(const Node& x, int number, Index filters, Index expansion, Index stride) {
  const Index channels = x.shape()[2];
  const std::string name = fmt::format("features_{}_conv", number);
  int part = 0;
  const auto torch = [&](std::string conv, std::string norm, Index width, Index kernel, Index step, Activation act) {
    return ConvNorm{.conv = std::move(conv),
                    .norm = std::move(norm),
                    .filters = width,
                    .kernel = kernel,
                    .stride = step,
                    .padding = all_sides(kernel / 2),
                    .activation = act};
  };
  const auto conv = [&] { return fmt::format("{}_{}_0", name, part); };
  const auto norm = [&] { return fmt::format("{}_{}_1", name, part); };
  Node y = x;
  if (expansion != 1) {
    y = conv_norm(y, torch(conv(), norm(), channels * expansion, 1, 1, relu6));
    ++part;
  }
  y = depthwise_norm(y, torch(conv(), norm(), 0, 3, stride, relu6));
  ++part;
  y = conv_norm(y, torch(fmt::format("{}_{}", name, part), fmt::format("{}_{}", name, part + 1), filters, 1, 1,
                         Activation::linear));
  return stride == 1 && channels == filters ? Add{}({x, y}) : y;
}

}  // namespace

Graph mobilenet_v1(const Shape& image, Index classes, const MobileNetOptions& options) {
  check("mobilenet_v1", options);
  const auto width = [&](Index channels) {
    return std::max<Index>(1, static_cast<Index>(static_cast<float>(channels) * options.alpha));
  };
  const Node first = input(image);
  Node x = conv_norm(first, keras("conv1", width(32), 3, 2));
  struct Separable {
    Index filters, stride;
  };
  int number = 1;
  for (const Separable s : {Separable{64, 1},
                            {128, 2},
                            {128, 1},
                            {256, 2},
                            {256, 1},
                            {512, 2},
                            {512, 1},
                            {512, 1},
                            {512, 1},
                            {512, 1},
                            {512, 1},
                            {1024, 2},
                            {1024, 1}}) {
    ConvNorm depthwise = keras(fmt::format("conv_dw_{}", number), 0, 3, s.stride);
    if (s.stride == 2) depthwise.padding = pads(0, 1, 0, 1);  // whether the side is even or odd
    x = depthwise_norm(x, depthwise);
    x = conv_norm(x, keras(fmt::format("conv_pw_{}", number), width(s.filters), 1, 1));
    ++number;
  }
  x = Dropout{{.rate = 1e-3F}}(GlobalAveragePool2D{{.keepdims = true}}(x));
  x = Conv2D{{.filters = classes, .name = "conv_preds"}}(x);
  return {full_name("mobilenet_v1", options), first, Flatten{}(x)};
}

Graph mobilenet_v1(const Shape& image, Index classes) { return mobilenet_v1(image, classes, {}); }

Graph mobilenet_v2(const Shape& image, Index classes, const MobileNetOptions& options) {
  check("mobilenet_v2", options);
  const auto width = [&](Index channels) {
    return multiple_of_8(static_cast<double>(channels) * static_cast<double>(options.alpha));
  };
  const Node first = input(image);
  Node x = conv_norm(first, {.conv = "features_0_0",
                             .norm = "features_0_1",
                             .filters = width(32),
                             .stride = 2,
                             .padding = all_sides(1),
                             .activation = relu6});
  struct Stage {
    Index expansion, filters;
    int blocks;
    Index stride;
  };
  int number = 1;
  for (const Stage& s : {Stage{1, 16, 1, 1},
                         {6, 24, 2, 2},
                         {6, 32, 3, 2},
                         {6, 64, 4, 2},
                         {6, 96, 3, 1},
                         {6, 160, 3, 2},
                         {6, 320, 1, 1}}) {
    for (int i = 0; i < s.blocks; ++i) {
      x = inverted_residual(x, number++, width(s.filters), s.expansion, i == 0 ? s.stride : 1);
    }
  }
  x = conv_norm(x, {.conv = "features_18_0",
                    .norm = "features_18_1",
                    .filters = std::max<Index>(1280, width(1280)),
                    .kernel = 1,
                    .activation = relu6});
  x = Dropout{{.rate = 0.2F}}(GlobalAveragePool2D{}(x));
  return {full_name("mobilenet_v2", options), first, Dense{{.units = classes, .name = "classifier_1"}}(x)};
}

Graph mobilenet_v2(const Shape& image, Index classes) { return mobilenet_v2(image, classes, {}); }

}  // namespace saccade::zoo
