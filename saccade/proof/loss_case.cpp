#include <algorithm>
#include <cmath>

#include "saccade/kernels/loss/loss.h"
#include "saccade/kernels/loss/reference.h"
#include "saccade/proof/cases.h"
#include "saccade/proof/id_reader.h"
#include "saccade/proof/kernel_list.h"

namespace saccade::proof {
namespace {

using kernels::LossBuffers;
using kernels::LossProblem;

constexpr double kRange = 6.0;  // of the logits

/// What a case is made of besides the problem.
struct LossOptions {
  bool dense = false;  ///< Targets instead of labels.
  bool sample_weight = false;
  bool class_weight = false;
};

/// The loss's buffers from a case's views: labels become integers.
class LossInputs {
 public:
  template <class T>
  LossBuffers buffers(const LossOptions& options, const Views<T>& v) {
    LossBuffers b;
    if (options.dense) {
      b.targets = take(v.operands[1], targets_);
    } else {
      labels_.clear();
      for (const T& label : v.operands[1]) labels_.push_back(static_cast<std::int32_t>(kernels::branch_value(label)));
      b.labels = labels_;
    }
    if (options.sample_weight) b.sample_weight = take(v.operands[2], sample_weight_);
    if (options.class_weight) b.class_weight = take(v.operands[3], class_weight_);
    return b;
  }

 private:
  template <class T>
  static std::span<const float> take(std::span<const T> values, std::vector<float>& floats) {
    floats.clear();
    for (const T& value : values) floats.push_back(static_cast<float>(kernels::branch_value(value)));
    return floats;
  }

  std::vector<std::int32_t> labels_;
  std::vector<float> targets_, sample_weight_, class_weight_;
};

/// The kernel of a loss: the backward pass is the same computation with `grad` wanted.
class PreparedLoss final : public Prepared {
 public:
  PreparedLoss(const LossProblem& problem, const LossOptions& options, std::string_view name)
      : options_(options), found_(find_kernel(kernels::loss_implementations(), problem, name)) {}

  std::string declined(Pass) const override { return found_.declined; }

  void run(Pass pass, const Views<float>& v, std::span<std::byte>, std::span<std::byte>) override {
    LossBuffers b = inputs_.buffers(options_, v);
    b.prediction = v.operands[0];
    b.row_loss = v.results[0];
    if (pass == Pass::backward_data) {
      b.scale = v.grad_dst[0];
      b.grad = v.gradients[0];
    }
    found_.kernel->run(b);
  }

 private:
  LossOptions options_;
  Found<kernels::LossKernel> found_;
  LossInputs inputs_;
};

/// Operands prediction, labels or targets, sample_weight, class_weight; result row_loss.
class LossCase final : public CaseOf<LossCase> {
 public:
  LossCase(const LossProblem& problem, const LossOptions& options) : problem_(problem), options_(options) {}

  std::string_view operation() const override { return "loss"; }
  std::string id() const override;
  std::vector<Operand> operands() const override;
  std::vector<Result> results() const override { return {{"row_loss", problem_.rows}}; }
  std::vector<Pass> passes() const override { return {Pass::forward, Pass::backward_data}; }
  /// One number for the whole batch: the kernel's `scale`.
  Domain grad_dst_domain() const override { return {.integer_low = 3, .integer_high = 3, .only_integers = true}; }
  double flops(Pass) const override { return 0.0; }
  double bytes(Pass pass) const override {
    return (pass == Pass::forward ? 4.0 : 8.0) * static_cast<double>(problem_.rows * problem_.classes);
  }
  bool exact(Pass) const override { return false; }
  /// Sums are kept in double; exp's argument is off by a rounding of its size, and exp itself by two.
  double rounding(Pass) const override { return 2.0 * kRange + 4.0; }
  void magnitude(Pass pass, const Views<double>& views) const override;
  std::vector<std::string_view> implementations() const override { return names_of(kernels::loss_implementations()); }
  std::unique_ptr<Prepared> prepare(std::string_view implementation) const override {
    return std::make_unique<PreparedLoss>(problem_, options_, implementation);
  }

  template <class T>
  void compute(Pass pass, const Views<T>& v) const {
    LossInputs inputs;
    LossBuffers given = inputs.buffers(options_, v);
    if (pass == Pass::forward) {
      return kernels::reference::loss<T>(problem_, given, v.operands[0], v.results[0], std::span<T>());
    }
    given.scale = static_cast<float>(kernels::branch_value(v.grad_dst[0]));
    std::vector<T> row_loss(usize(problem_.rows));
    kernels::reference::loss<T>(problem_, given, v.operands[0], row_loss, v.gradients[0]);
  }

 private:
  LossProblem problem_;
  LossOptions options_;
};

std::string LossCase::id() const {
  std::string id = problem_.id();
  if (options_.dense) id += "_dense";
  if (options_.sample_weight) id += "_sample_weight";
  if (options_.class_weight) id += "_class_weight";
  return id;
}

std::vector<Operand> LossCase::operands() const {
  const Index elements = problem_.rows * problem_.classes;
  // Probabilities stay away from the clip, where there is no derivative.
  const bool probabilities = problem_.kind == LossProblem::Kind::cross_entropy;
  const Domain prediction{.low = probabilities ? 0.05 : -kRange, .high = probabilities ? 1.0 : kRange};
  const Domain labels{
      .integer_low = 0, .integer_high = static_cast<std::int32_t>(problem_.classes) - 1, .only_integers = true};
  const Domain positive{.low = 0.1, .high = 2.0, .integer_low = 1};
  return {{"prediction", elements, Gradient::data, prediction},
          options_.dense ? Operand{"targets", elements, Gradient::none, {.low = 0.0, .high = 1.0, .integer_low = 0}}
                         : Operand{"labels", problem_.rows, Gradient::none, labels},
          {"sample_weight", problem_.rows, Gradient::none, positive},
          {"class_weight", problem_.classes, Gradient::none, positive}};
}

/// Each row's loss and gradient with the differences made sums.
void LossCase::magnitude(Pass pass, const Views<double>& v) const {
  compute(pass, v);
  LossInputs inputs;
  const LossBuffers given = inputs.buffers(options_, v);
  for (std::size_t r = 0; r < usize(problem_.rows); ++r) {
    const double weight = kernels::reference::loss_weight(problem_, given, r);
    double total = 0.0;
    for (std::size_t c = 0; c < usize(problem_.classes); ++c) {
      total += std::abs(kernels::reference::loss_target(problem_, given, r, c));
    }
    if (pass == Pass::forward) v.results[0][r] = std::abs(v.results[0][r]) + weight * (total + 1.0);
    if (pass == Pass::forward) continue;
    for (std::size_t c = 0; c < usize(problem_.classes); ++c) {
      const double own = std::abs(kernels::reference::loss_target(problem_, given, r, c));
      double& gradient = v.gradients[0][r * usize(problem_.classes) + c];
      gradient = std::abs(gradient) + 2.0 * weight * std::abs(v.grad_dst[0]) * own;
    }
  }
}

}  // namespace

std::unique_ptr<Case> parse_loss(std::string_view id) {
  LossProblem p;
  LossOptions options;
  IdReader reader("loss", id);
  reader.number("r", p.rows);
  reader.number("c", p.classes);
  double smoothing = 0.0;
  reader.real("s", smoothing);
  p.label_smoothing = static_cast<float>(smoothing);
  // The longer name first, which ends like the other.
  if (reader.word("softmax_cross_entropy")) {
    p.kind = LossProblem::Kind::softmax_cross_entropy;
  } else if (reader.word("cross_entropy")) {
    p.kind = LossProblem::Kind::cross_entropy;
  } else if (reader.word("mean_squared_error")) {
    p.kind = LossProblem::Kind::mean_squared_error;
  } else {
    reader.fail("_softmax_cross_entropy, _cross_entropy or _mean_squared_error", "none of them");
  }
  options.dense = reader.word("dense");
  options.sample_weight = reader.word("sample_weight");
  options.class_weight = reader.word("class_weight");
  reader.finish();
  reader.require_size({p.rows, p.classes});
  return std::make_unique<LossCase>(p, options);
}

}  // namespace saccade::proof
