#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "saccade/kernels/loss/loss.h"
#include "saccade/nn/model.h"

namespace saccade {

struct CrossEntropyOptions {
  float label_smoothing = 0.0F;  ///< a: targets become t (1 - a) + a / classes, 0 <= a < 1.
  std::vector<float>
      class_weight{};  ///< One a class, or empty for 1. The mean still divides by the number of images, as in Keras.
};

/// What training minimises: the mean over the batch of one number an image. Labels are class numbers, or dense targets
/// (one-hot).
class Loss {
 public:
  using Kind = kernels::LossProblem::Kind;

  Loss(Kind kind, CrossEntropyOptions options);
  Kind kind() const noexcept { return kind_; }
  const CrossEntropyOptions& options() const noexcept { return options_; }
  std::string_view name() const noexcept;
  /// Throws ValueError when the network's last activation and the loss do not go together (softmax twice, or not at
  /// all), and ShapeError when the output is not one row of classes.
  void check(const Model& model) const;

 private:
  Kind kind_;
  CrossEntropyOptions options_;
};

/// From logits: -log softmax(z)[label]. For networks that end without an activation: faster and more exact than
/// softmax followed by
/// CrossEntropy. Keras: SparseCategoricalCrossentropy / CategoricalCrossentropy(from_logits=True).
class SoftmaxCrossEntropy : public Loss {
 public:
  explicit SoftmaxCrossEntropy(CrossEntropyOptions options = {});
};

/// From probabilities: -log p[label], p rescaled to sum 1 and clipped to [1e-7, 1 - 1e-7]. For networks that end in
/// softmax.
/// Keras: SparseCategoricalCrossentropy / CategoricalCrossentropy.
class CrossEntropy : public Loss {
 public:
  explicit CrossEntropy(CrossEntropyOptions options = {});
};

/// Mean over the outputs of (y - t)^2. Keras: MeanSquaredError.
class MeanSquaredError : public Loss {
 public:
  MeanSquaredError();
};

/// Targets of one batch: class numbers, or dense rows [batch, classes]; the other is empty. sample_weight is one an
/// image, or empty.
struct Targets {
  std::span<const std::int32_t> labels{};
  std::span<const float> dense{};
  std::span<const float> sample_weight{};
};

/// A loss made ready for one batch size. Runs allocate nothing.
class LossOperation {
 public:
  LossOperation(const Loss& loss, Index batch, Index classes);

  /// Returns the sum over the batch of the images' losses (the mean is this over batch). Unless it is empty, `grad`
  /// becomes the gradient of the *mean* with respect to the prediction [batch, classes]. Throws ValueError for a label
  /// out of range.
  double run(std::span<const float> prediction, const Targets& targets, std::span<float> grad);
  /// Losses of the single images of the last run.
  std::span<const float> row_loss() const noexcept { return row_loss_; }

 private:
  Index batch_, classes_;
  std::vector<float> class_weight_;
  std::vector<float> row_loss_;
  kernels::Choice<kernels::LossKernel> choice_;
};

}  // namespace saccade
