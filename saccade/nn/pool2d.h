#pragma once
#include <optional>

#include "saccade/kernels/pool2d/pool2d.h"
#include "saccade/nn/layer.h"

namespace saccade {

struct Pool2DOptions {
  Size2 pool = 2;                  ///< Height and width of the window (Keras: pool_size).
  std::optional<Size2> strides{};  ///< Left out: as large as the window.
  Padding padding = valid;
  Size2 dilation = 1;  ///< Pixels from one of the window to the next.
  std::string name{};
};

struct GlobalPool2DOptions {
  bool keepdims = false;  ///< [1, 1, channels] instead of [channels].
  std::string name{};
};

/// What the four pooling layers share: they differ in the kind of pooling and in where their window comes from.
class PoolLayer {
 public:
  static Shape infer(const std::string& where, const Pool2DOptions& options, const Shape& src);
  static std::unique_ptr<Operation> prepare(kernels::PoolKind kind, const Pool2DOptions& options,
                                            const PrepareContext& context);
  static void visit(Pool2DOptions& options, OptionVisitor& visitor);
  static Shape infer_global(const std::string& where, const GlobalPool2DOptions& options, const Shape& src);
  static std::unique_ptr<Operation> prepare_global(kernels::PoolKind kind, const PrepareContext& context);
};

/// The largest pixel of each window, channel by channel; padding never wins, and the gradient goes to the first
/// maximum.
/// Input [h,w,c], output [oh,ow,c]. Source: keras.layers.MaxPooling2D, tf.nn.max_pool2d.
class MaxPool2D final : public LayerOf<MaxPool2D, Pool2DOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "MaxPool2D";
  static void visit(Pool2DOptions& options, OptionVisitor& visitor) { PoolLayer::visit(options, visitor); }
  Shape infer(std::span<const Shape> src) const override { return PoolLayer::infer(label(), options_, src[0]); }
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override {
    return PoolLayer::prepare(kernels::PoolKind::max, options_, context);
  }
};

/// The mean of the real pixels of each window (padding is not counted), channel by channel.
/// Input [h,w,c], output [oh,ow,c]. Source: keras.layers.AveragePooling2D, tf.nn.avg_pool2d.
class AveragePool2D final : public LayerOf<AveragePool2D, Pool2DOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "AveragePool2D";
  static void visit(Pool2DOptions& options, OptionVisitor& visitor) { PoolLayer::visit(options, visitor); }
  Shape infer(std::span<const Shape> src) const override { return PoolLayer::infer(label(), options_, src[0]); }
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override {
    return PoolLayer::prepare(kernels::PoolKind::average, options_, context);
  }
};

/// The largest pixel of each channel: input [h,w,c], output [c] or, with keepdims, [1,1,c].
class GlobalMaxPool2D final : public LayerOf<GlobalMaxPool2D, GlobalPool2DOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "GlobalMaxPool2D";
  static void visit(GlobalPool2DOptions& options, OptionVisitor& visitor) {
    visitor.visit("keepdims", options.keepdims);
  }
  Shape infer(std::span<const Shape> src) const override { return PoolLayer::infer_global(label(), options_, src[0]); }
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override {
    return PoolLayer::prepare_global(kernels::PoolKind::max, context);
  }
};

/// The mean of each channel: input [h,w,c], output [c] or, with keepdims, [1,1,c].
class GlobalAveragePool2D final : public LayerOf<GlobalAveragePool2D, GlobalPool2DOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "GlobalAveragePool2D";
  static void visit(GlobalPool2DOptions& options, OptionVisitor& visitor) {
    visitor.visit("keepdims", options.keepdims);
  }
  Shape infer(std::span<const Shape> src) const override { return PoolLayer::infer_global(label(), options_, src[0]); }
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override {
    return PoolLayer::prepare_global(kernels::PoolKind::average, context);
  }
};

}  // namespace saccade
