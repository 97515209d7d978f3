#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "saccade/kernels/merge/merge.h"
#include "saccade/nn/arena.h"
#include "saccade/nn/model.h"

namespace saccade {
namespace internal {
struct Fold;
struct Join;
}  // namespace internal

enum class PlanMode : std::uint8_t {
  inference,  ///< Forward passes only; dropout is off, batch normalisation uses its moving statistics.
  constant,   ///< Inference with parameters that stay as the first forward() finds them: batch normalisation and
  ///< activations are folded into the convolution before them, filters are brought into the best layout once.
  training,  ///< Forward, then backward: batch statistics, dropout, gradients of every parameter that learns.
};

/// A part of a network: what lies between the output of one node, which forward() is given in place of images, and the
/// output of another, which it returns. Positions in Model::nodes().
struct PlanPart {
  std::size_t first = 0;                 ///< The Input: the images themselves.
  std::optional<std::size_t> last = {};  ///< Left out: the network's output.
  /// In training, backward() also writes input_grad(). Frozen layers then keep their weights and statistics, drop nothing, and
  /// pass gradients on; a network that is frozen throughout has a backward pass, too.
  bool wants_grad = false;
};

/// What a plan does for one node of its network, for those who measure it.
struct PlanStep {
  std::size_t node = 0;  ///< Its position in Model::nodes().
  std::string name;
  bool computes = false;  ///< Not for views, nor where another step does this one's work.
  Index elements = 0;  ///< Of what it writes, batch included; of a pooling that is computed with it, the pooled image.
  bool backward_reads_dst = false;  ///< That is read again.
  std::vector<Operation::Part> parts;
};

/// A model made ready to run with one batch size: an implementation chosen for every operation, memory laid out in one
/// arena in which buffers are reused as soon as nobody reads them any more. forward() and backward() allocate nothing.
///
///   Plan plan(net, 128, PlanMode::training);
///   std::span<const float> logits = plan.forward(images);
///   ... write d(loss)/d(logits) into plan.output_grad() ...
///   plan.backward();                       // fills Parameter::grad of every parameter that learns
///
/// In training, what lies below the first layer that learns runs as with PlanMode::constant: those parameters must not
/// change after the first forward().
///
/// The model must outlive the plan, and must not be moved, assigned, frozen or unfrozen meanwhile. One thread at a
/// time.
class Plan {
 public:
  /// Throws ValueError when something behind part.first reads what lies before it.
  Plan(Model& model, Index batch, PlanMode mode, const PlanPart& part = {});
  Plan(Plan&&) noexcept;
  Plan& operator=(Plan&&) noexcept;
  ~Plan();

  Index batch() const noexcept { return batch_; }
  PlanMode mode() const noexcept { return mode_; }

  /// images: NHWC [batch, ...input_shape] as the model's preprocessing leaves them (of a part: the output of part.first); they
  /// must stay until backward() is done.
  /// Returns the output [batch, ...output_shape], valid until the next forward(). Throws ShapeError for another size.
  std::span<const float> forward(std::span<const float> images, StepAddress address = {});
  /// Where d(loss)/d(output) goes before backward(); training only. Working memory: backward() may overwrite it.
  std::span<float> output_grad();
  /// Writes Parameter::grad (whole, not added) of every parameter that learns. Where it pays, it makes one of `updates`
  /// (Optimizer::begin_step) instead, and sets `done`: what the gradient's memory holds then is of no use.
  void backward(std::span<kernels::WeightUpdate> updates = {});
  /// After backward(), with PlanPart::wants_grad: d(loss)/d(what forward() was given), [batch, ...]. Valid until the next forward().
  std::span<const float> input_grad() const;

  /// One for each node after the first, in the order of forward().
  std::vector<PlanStep> steps() const;
  /// From now on calls `after` behind each step of forward() and backward(), with the node's position; nobody when empty.
  void observe(std::function<void(std::size_t node)> after) { observer_ = std::move(after); }
  /// One paragraph a layer: which implementation computes each part, and why the faster ones declined.
  std::string explain() const;
  /// Memory for activations, gradients of activations and scratch.
  Index arena_bytes() const noexcept { return arena_.size_bytes(); }

 private:
  struct Step;
  void prepare(Model& model, const PlanPart& part);
  /// A step that is handed its values from outside.
  Step make_input(const GraphNode& node) const;
  /// A step of a graph node by itself, without its operation.
  Step make_step(Model& model, const GraphNode& node) const;
  /// Has the step compute with its parameters as a batch normalisation behind it changes them.
  static void fold(Model& model, const internal::Fold& fold, Step& step);
  /// Has the step do the work of several, which stand before it or are its own.
  void join(Model& model, const internal::Join& join, Step& step);
  void plan_forward_memory();
  void plan_backward_memory();
  void bind_memory();
  /// When, in the arena's reckoning, a step's two passes happen.
  Index forward_time(std::size_t step) const;
  Index backward_time(std::size_t step) const;
  /// Whether somebody else, or the backward pass, still reads this step's output once its one reader has run.
  bool is_kept(std::size_t step) const;
  /// Memory that step's output shares (views and in-place operations), or its own.
  void share_or_add(std::size_t step);

  Index batch_;
  PlanMode mode_;
  std::size_t first_ = 0;
  Arena arena_;
  bool folded_ = false;
  std::function<void(std::size_t)> observer_;
  std::vector<Step> steps_;  // one a graph node, in the model's order; those before first_ are empty, it is the Input
};

}  // namespace saccade
