#include "saccade/train/whitening.h"

#define EIGEN_DONT_PARALLELIZE  // OpenMP would start threads beside our own, and cut sums by their number
#include <Eigen/Core>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/nn/conv2d.h"
#include "saccade/tensor/symmetric_eigen.h"
#include "saccade/train/evaluate.h"

namespace saccade {
namespace {

using Matrix = Eigen::MatrixXd;

/// The convolution that alone reads the images, and whose filter can be whitened.
const GraphNode& first_convolution(const Model& net) {
  const auto fail = [&](const std::string& got) {
    throw ShapeError(
        {.where = fmt::format("whitening of network '{}'", net.name()),
         .expected = "a first convolution of stride 1 with 2 h w c filters for kernels of h x w and c channels",
         .got = got,
         .fix = "leave its first layer as it is, or give it that shape"});
  };
  const GraphNode* first = nullptr;
  for (const GraphNode& node : net.nodes()) {
    if (std::ranges::find(node.inputs, std::size_t{0}) == node.inputs.end()) continue;
    if (first != nullptr) fail("several layers that read the images");
    first = &node;
  }
  const auto* const convolution = first == nullptr ? nullptr : dynamic_cast<const Conv2D*>(first->layer.get());
  if (convolution == nullptr) fail(first == nullptr ? "no layer" : std::string(first->layer->type()));
  const Conv2DOptions& o = convolution->options();
  const Index patch = o.kernel.h * o.kernel.w * net.input_shape()[-1];
  if (o.strides != Size2(1) || o.dilation != Size2(1) || o.groups != 1 || o.filters != 2 * patch) {
    fail(fmt::format("'{}' with {} filters for patches of {} numbers, strides {}x{}, dilation {}x{} and {} groups",
                     first->name, o.filters, patch, o.strides.h, o.strides.w, o.dilation.h, o.dilation.w, o.groups));
  }
  return *first;
}

/// mean(p p^T) over all patches of kernel size that lie within the images.
Matrix second_moments(const data::Dataset& images, const Preprocessing& preprocessing, const Size2& kernel,
                      Index count) {
  const Shape shape = images.image_shape();
  const Index height = shape[0] - kernel.h + 1, width = shape[1] - kernel.w + 1, row = kernel.w * shape[2];
  std::vector<float> image(usize(shape.elements()));
  Matrix patches(kernel.h * row, height * width), sum = Matrix::Zero(patches.rows(), patches.rows());
  for (Index n = 0; n < count; ++n) {
    images.read(n * images.size() / count, preprocessing, image);
    for (Index y = 0; y < height; ++y)
      for (Index x = 0; x < width; ++x)
        for (Index dy = 0; dy < kernel.h; ++dy) {
          const float* const from = image.data() + ((y + dy) * shape[1] + x) * shape[2];
          for (Index i = 0; i < row; ++i) patches(dy * row + i, y * width + x) = static_cast<double>(from[i]);
        }
    sum.selfadjointView<Eigen::Lower>().rankUpdate(patches);
  }
  return sum / static_cast<double>(count * height * width);
}

}  // namespace

void whiten_first_layer(Model& net, const data::Dataset& images, const WhiteningOptions& options) {
  if (options.images < 1 || !(options.epsilon > 0.0) || !std::isfinite(options.epsilon)) {
    throw ValueError({.where = "whitening",
                      .expected = "at least one image, and a positive finite epsilon",
                      .got = fmt::format("images {}, epsilon {}", options.images, options.epsilon),
                      .fix = "leave both out"});
  }
  const GraphNode& layer = first_convolution(net);
  check_fit(net, images);
  const Size2 kernel = dynamic_cast<const Conv2D&>(*layer.layer).options().kernel;
  const Matrix moments = second_moments(images, net.preprocessing, kernel, std::min(options.images, images.size()));
  Parameter& weight = net.parameter(layer.name + ".weight");
  const std::span<float> filter = weight.value.floats();  // [patch, filters]
  const Index patch = moments.rows();
  const SymmetricEigen solved = symmetric_eigen({moments.data(), usize(moments.size())}, patch);
  for (Index k = 0; k < patch; ++k) {
    const double scale = 1.0 / std::sqrt(std::max(0.0, solved.values[usize(k)]) + options.epsilon);
    for (Index i = 0; i < patch; ++i) {
      const auto value = static_cast<float>(solved.vectors[usize(k * patch + i)] * scale);
      filter[usize(i * 2 * patch + k)] = value;
      filter[usize(i * 2 * patch + patch + k)] = -value;
    }
  }
  weight.trainable = false;
  for (Parameter& p : net.parameters()) {
    if (p.name == layer.name + ".bias") std::ranges::fill(p.value.floats(), 0.0F);
  }
}

}  // namespace saccade
