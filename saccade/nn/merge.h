#pragma once
#include "saccade/nn/layer.h"

namespace saccade {

struct AddOptions {
  std::string name{};
};

/// The sum of two or more inputs of one shape: y = x_0 + x_1 + ... Each input's gradient is y's. Source:
/// keras.layers.Add.
class Add final : public LayerOf<Add, AddOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "Add";
  static void visit(AddOptions& /*options*/, OptionVisitor& /*visitor*/) {}
  std::pair<int, int> input_count() const override;
  Shape infer(std::span<const Shape> src) const override;
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override;
};

struct MultiplyOptions {
  std::string name{};
};

/// The product of two inputs of one shape, or of an image [h,w,c] and one factor a channel [1,1,c], in either order: the
/// gate of squeeze and excite. Source: keras.layers.Multiply.
class Multiply final : public LayerOf<Multiply, MultiplyOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "Multiply";
  static void visit(MultiplyOptions& /*options*/, OptionVisitor& /*visitor*/) {}
  std::pair<int, int> input_count() const override { return {2, 2}; }
  Shape infer(std::span<const Shape> src) const override;
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override;
};

struct ConcatenateOptions {
  Index axis = -1;  ///< Of one image, the batch not counted; negative ones count from the end.
  std::string name{};
};

/// Two or more inputs side by side along one axis, the channels unless told otherwise: [h,w,a] and [h,w,b] give
/// [h,w,a+b]. Source: keras.layers.Concatenate, which counts the batch as axis 0.
class Concatenate final : public LayerOf<Concatenate, ConcatenateOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "Concatenate";
  static void visit(ConcatenateOptions& options, OptionVisitor& visitor) { visitor.visit("axis", options.axis); }
  std::pair<int, int> input_count() const override;
  Shape infer(std::span<const Shape> src) const override;
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override;
};

}  // namespace saccade
