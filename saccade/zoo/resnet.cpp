#include <fmt/format.h>

#include <array>

#include "saccade/nn/dense.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/merge.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/zero_padding2d.h"
#include "saccade/zoo/blocks_internal.h"
#include "saccade/zoo/zoo.h"

namespace saccade::zoo {
namespace {

/// One residual block. `name`: "layer1_0".
struct Block {
  std::string name;
  Index filters = 0;
  Index stride = 1;
};

ConvNorm numbered(const Block& block, int number, Index filters, Index kernel, Index stride, Activation activation) {
  return {.conv = fmt::format("{}_conv{}", block.name, number),
          .norm = fmt::format("{}_bn{}", block.name, number),
          .filters = filters,
          .kernel = kernel,
          .stride = stride,
          .padding = all_sides(kernel / 2),
          .activation = activation};
}

Node add_relu(const Node& a, const Node& b) { return ActivationLayer{{.activation = relu}}(Add{}({a, b})); }

/// The input itself, or a 1x1 convolution where shapes change.
Node projection(const Node& x, const Block& block, Index channels) {
  if (block.stride == 1 && x.shape()[2] == channels) return x;
  return conv_norm(x, {.conv = block.name + "_downsample_0",
                       .norm = block.name + "_downsample_1",
                       .filters = channels,
                       .kernel = 1,
                       .stride = block.stride,
                       .activation = Activation::linear});
}

Node two_convolutions(const Node& x, const Block& block) {
  const Node y = conv_norm(x, numbered(block, 1, block.filters, 3, block.stride, relu));
  return conv_norm(y, numbered(block, 2, block.filters, 3, 1, Activation::linear));
}

Node basic_block(const Node& x, const Block& block) {
  return add_relu(two_convolutions(x, block), projection(x, block, block.filters));
}

Node bottleneck(const Node& x, const Block& block) {
  const Index channels = 4 * block.filters;
  Node y = conv_norm(x, numbered(block, 1, block.filters, 1, 1, relu));
  y = conv_norm(y, numbered(block, 2, block.filters, 3, block.stride, relu));
  y = conv_norm(y, numbered(block, 3, channels, 1, 1, Activation::linear));
  return add_relu(y, projection(x, block, channels));
}

/// Every stride-th pixel, and channels of zeros on both sides: no weights ("option A").
Node zero_padded_block(const Node& x, const Block& block) {
  const Index missing = block.filters - x.shape()[2];
  Node shortcut = x;
  if (block.stride > 1) shortcut = MaxPool2D{{.pool = 1, .strides = block.stride}}(shortcut);
  if (missing > 0) {
    shortcut = ZeroPadding2D{{.padding = pads(0, 0, 0, 0),
                              .channels_before = missing / 2,
                              .channels_after = missing - missing / 2}}(shortcut);
  }
  return add_relu(two_convolutions(x, block), shortcut);
}

/// Stages of so many blocks; each but the first halves the image, and each doubles the filters.
template <std::size_t kStages>
Node stages(Node x, Node (*block)(const Node&, const Block&), const std::array<int, kStages>& blocks, Index filters) {
  for (std::size_t stage = 0; stage < kStages; ++stage, filters *= 2) {
    for (int i = 0; i < blocks[stage]; ++i) {
      x = block(
          x,
          {.name = fmt::format("layer{}_{}", stage + 1, i), .filters = filters, .stride = stage > 0 && i == 0 ? 2 : 1});
    }
  }
  return x;
}

Graph resnet(std::string name, const Shape& image, Index classes, Node (*block)(const Node&, const Block&),
             const std::array<int, 4>& blocks) {
  const Node first = input(image);
  Node x = conv_norm(
      first, {.conv = "conv1", .norm = "bn1", .filters = 64, .kernel = 7, .stride = 2, .padding = all_sides(3)});
  x = MaxPool2D{{.pool = 3, .strides = 2, .padding = all_sides(1)}}(x);
  x = GlobalAveragePool2D{}(stages(x, block, blocks, 64));
  return {std::move(name), first, Dense{{.units = classes, .name = "fc"}}(x)};
}

/// 6 * blocks + 2 layers.
Graph cifar_resnet(std::string name, const Shape& image, Index classes, int blocks) {
  const Node first = input(image);
  Node x = conv_norm(first, {.conv = "conv1", .norm = "bn1", .filters = 16});
  x = GlobalAveragePool2D{}(stages(x, zero_padded_block, std::array{blocks, blocks, blocks}, 16));
  return {std::move(name), first, Dense{{.units = classes, .name = "linear"}}(x)};
}

}  // namespace

Graph resnet18(const Shape& image, Index classes) {
  return resnet("resnet18", image, classes, basic_block, {2, 2, 2, 2});
}
Graph resnet34(const Shape& image, Index classes) {
  return resnet("resnet34", image, classes, basic_block, {3, 4, 6, 3});
}
Graph resnet50(const Shape& image, Index classes) {
  return resnet("resnet50", image, classes, bottleneck, {3, 4, 6, 3});
}

Graph resnet20(const Shape& image, Index classes) { return cifar_resnet("resnet20", image, classes, 3); }
Graph resnet32(const Shape& image, Index classes) { return cifar_resnet("resnet32", image, classes, 5); }
Graph resnet56(const Shape& image, Index classes) { return cifar_resnet("resnet56", image, classes, 9); }

}  // namespace saccade::zoo
