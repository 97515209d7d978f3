#pragma once
#include "saccade/nn/layer.h"

namespace saccade {

/// The operation of layers that only rename their input's axes, or do nothing at inference.
class ViewOperation final : public Operation {
 public:
  OperationMemory memory() const override { return {.view = true}; }
  void forward(const ForwardBuffers& /*buffers*/) override {}
  void backward(const BackwardBuffers& /*buffers*/) override {}
};

struct FlattenOptions {
  std::string name{};
};

/// All axes of an image in one row, row-major: [h,w,c] becomes [h*w*c] with element (i*w + j)*c + k. Moves no data.
/// Source: keras.layers.Flatten with channels_last.
class Flatten final : public LayerOf<Flatten, FlattenOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "Flatten";
  static void visit(FlattenOptions& /*options*/, OptionVisitor& /*visitor*/) {}
  Shape infer(std::span<const Shape> src) const override { return {src[0].elements()}; }
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override;
};

struct ReshapeOptions {
  Shape shape{};  ///< Of one image, without the batch axis.
  std::string name{};
};

/// The same elements, row-major, under another shape. Throws ShapeError when the counts differ. Source:
/// keras.layers.Reshape.
class Reshape final : public LayerOf<Reshape, ReshapeOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "Reshape";
  static void visit(ReshapeOptions& options, OptionVisitor& visitor) { visitor.visit("shape", options.shape); }
  Shape infer(std::span<const Shape> src) const override;
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override;
};

}  // namespace saccade
