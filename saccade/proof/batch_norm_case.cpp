#include <algorithm>
#include <cmath>

#include "saccade/kernels/norm/batch_norm.h"
#include "saccade/kernels/norm/reference.h"
#include "saccade/kernels/problem_id.h"
#include "saccade/proof/cases.h"
#include "saccade/proof/fused_activation.h"
#include "saccade/proof/id_reader.h"
#include "saccade/proof/kernel_list.h"

namespace saccade::proof {
namespace {

using kernels::BatchNormBuffers;
using kernels::BatchNormProblem;
using kernels::reference::Sum;

/// Mean and 1 / sqrt(variance + epsilon) of every channel.
template <class T>
struct Statistics {
  std::vector<Sum<T>> mean, inverse;
};

/// Operands src, gamma, beta and the moving statistics before, perhaps a shortcut; results dst and the moving statistics
/// after.
class BatchNormCase final : public CaseOf<BatchNormCase> {
 public:
  BatchNormCase(const BatchNormProblem& problem, double mean) : problem_(problem), mean_(mean) {}

  std::string_view operation() const override { return "batch_norm"; }
  std::string id() const override;
  std::vector<Operand> operands() const override;
  std::vector<Result> results() const override {
    return {{"dst", elements()}, {"moving_mean", problem_.c}, {"moving_variance", problem_.c}};
  }
  std::vector<Pass> passes() const override { return {Pass::forward, Pass::backward_data, Pass::backward_weights}; }
  double flops(Pass) const override { return 0.0; }
  double bytes(Pass pass) const override;
  bool exact(Pass) const override { return false; }
  /// Sums are kept in double: the formula's own steps, and those that a mean rounded to float brings.
  double rounding(Pass) const override { return 12.0 + rounding_of(problem_.activation); }
  void magnitude(Pass pass, const Views<double>& views) const override;
  std::vector<std::string_view> implementations() const override {
    return names_of(kernels::batch_norm_implementations());
  }
  std::unique_ptr<Prepared> prepare(std::string_view implementation) const override;

  template <class T>
  void compute(Pass pass, const Views<T>& v) const;

 private:
  enum { kSrc, kGamma, kBeta, kMovingMean, kMovingVariance, kShortcut };

  Index elements() const { return problem_.rows * problem_.c; }
  template <class T>
  Statistics<T> statistics(const Views<T>& v) const;

  BatchNormProblem problem_;
  double mean_;  ///< Of src: a large one makes its squares cancel.
};

std::string BatchNormCase::id() const {
  std::string id = problem_.id();
  if (mean_ == 0.0) return id;
  return id.insert(std::min(id.find('_'), id.size()), kernels::problem_id({{"m", static_cast<Index>(mean_)}}));
}

std::vector<Operand> BatchNormCase::operands() const {
  const Domain src{.low = mean_ - 1.0, .high = mean_ + 1.0};
  const Domain variance{.low = 0.5, .high = 2.0, .integer_low = 1};
  std::vector<Operand> operands{{"src", elements(), Gradient::data, src},
                                {"gamma", problem_.c, Gradient::weights},
                                {"beta", problem_.c, Gradient::weights},
                                {"moving_mean", problem_.c, Gradient::none, src},
                                {"moving_variance", problem_.c, Gradient::none, variance}};
  if (problem_.residual) operands.push_back({"shortcut", elements(), Gradient::data});
  return operands;
}

double BatchNormCase::bytes(Pass pass) const {
  // Statistics and result each need a walk of their own; when nothing is learned the first falls away. A shortcut is
  // read; backward, its gradient is written, and the activation's result read.
  const bool function = problem_.activation != Activation::linear;
  const double more_backward =
      problem_.residual ? (function ? 2.0 : 1.0) : (function && !problem_.training ? 1.0 : 0.0);
  const double walks[] = {(problem_.training ? 3.0 : 2.0) + (problem_.residual ? 1.0 : 0.0),
                          (problem_.training ? 5.0 : 2.0) + more_backward, 2.0};
  return 4.0 * walks[static_cast<std::size_t>(pass)] * static_cast<double>(elements());
}

std::unique_ptr<Prepared> BatchNormCase::prepare(std::string_view implementation) const {
  return prepare_twin(kernels::batch_norm_implementations(), problem_, implementation,
                      [p = problem_](const Views<float>& v, std::span<std::byte> scratch, std::span<std::byte> saved) {
                        // Read and written in place. A backward pass has only gradients to write; outside training it
                        // reads the statistics, which are what the forward pass left alone.
                        std::ranges::copy(v.operands[kMovingMean], v.results[1].begin());
                        std::ranges::copy(v.operands[kMovingVariance], v.results[2].begin());
                        return BatchNormBuffers{
                            .src = v.operands[kSrc],
                            .shortcut = p.residual ? v.operands[kShortcut] : std::span<const float>(),
                            .gamma = v.operands[kGamma],
                            .beta = v.operands[kBeta],
                            .dst_in = v.results[0],
                            .grad_dst = v.grad_dst,
                            .moving_mean = v.results[1],
                            .moving_variance = v.results[2],
                            .dst = v.results[0],
                            .grad_src = v.gradients[kSrc],
                            .grad_shortcut = p.residual ? v.gradients[kShortcut] : std::span<float>(),
                            .grad_gamma = v.gradients[kGamma],
                            .grad_beta = v.gradients[kBeta],
                            .saved = saved,
                            .scratch = scratch};
                      });
}

template <class T>
Statistics<T> BatchNormCase::statistics(const Views<T>& v) const {
  Statistics<T> result;
  for (Index c = 0; c < problem_.c; ++c) {
    kernels::reference::ChannelMoments<T> moments{Sum<T>(v.operands[kMovingMean][usize(c)]),
                                                  Sum<T>(v.operands[kMovingVariance][usize(c)])};
    if (problem_.training) moments = kernels::reference::channel_moments<T>(problem_, v.operands[kSrc], c);
    result.mean.push_back(moments.mean);
    result.inverse.push_back(1.0 / std::sqrt(moments.variance + static_cast<double>(problem_.epsilon)));
  }
  return result;
}

template <class T>
void BatchNormCase::compute(Pass pass, const Views<T>& v) const {
  namespace reference = kernels::reference;
  const std::span<const T> src = v.operands[kSrc], gamma = v.operands[kGamma], beta = v.operands[kBeta];
  if (pass == Pass::forward) {
    std::ranges::copy(v.operands[kMovingMean], v.results[1].begin());
    std::ranges::copy(v.operands[kMovingVariance], v.results[2].begin());
    std::vector<Sum<T>> saved(usize(2 * problem_.c));
    const std::span<const T> shortcut = problem_.residual ? v.operands[kShortcut] : std::span<const T>();
    return reference::batch_norm_forward<T>(problem_, src, shortcut, gamma, beta, v.results[1], v.results[2],
                                            v.results[0], saved);
  }
  const Statistics<T> used = statistics(v);
  const auto wanted = [&](std::size_t operand, Pass of) {
    return pass == of && operand < v.gradients.size() ? v.gradients[operand] : std::span<T>();
  };
  reference::batch_norm_backward<T>(problem_, src, gamma, beta, v.results[0], v.grad_dst, used.mean, used.inverse,
                                    wanted(kSrc, Pass::backward_data), wanted(kShortcut, Pass::backward_data),
                                    wanted(kGamma, Pass::backward_weights), wanted(kBeta, Pass::backward_weights));
}

/// The formulas with every difference made a sum.
void BatchNormCase::magnitude(Pass pass, const Views<double>& v) const {
  const Statistics<double> used = statistics(v);
  const double rows = static_cast<double>(problem_.rows);
  const auto shortcut = [&](std::size_t i) { return problem_.residual ? std::abs(v.operands[kShortcut][i]) : 0.0; };
  for (std::size_t c = 0; c < usize(problem_.c); ++c) {
    // At least 1, the size of a deviation: a large mean is no excuse.
    const auto normalised = [&](std::size_t i) {
      return std::abs(v.operands[kSrc][i] - used.mean[c]) * used.inverse[c] + 1.0;
    };
    const double gamma = std::abs(v.operands[kGamma][c]);
    double sum = 0.0, dot = 0.0;
    for (std::size_t i = c; i < usize(elements()); i += usize(problem_.c)) {
      sum += std::abs(v.grad_dst[i]);
      dot += std::abs(v.grad_dst[i]) * normalised(i);
    }
    for (std::size_t i = c; i < usize(elements()); i += usize(problem_.c)) {
      if (pass == Pass::forward) v.results[0][i] = gamma * normalised(i) + std::abs(v.operands[kBeta][c]) + shortcut(i);
      if (pass != Pass::backward_data) continue;
      const double shared = problem_.training ? (sum + normalised(i) * dot) / rows : 0.0;
      if (problem_.residual) v.gradients[kShortcut][i] = std::abs(v.grad_dst[i]);
      v.gradients[kSrc][i] = gamma * used.inverse[c] * (std::abs(v.grad_dst[i]) + shared);
    }
    if (pass == Pass::forward) {
      v.results[1][c] = std::abs(v.operands[kMovingMean][c]) + std::abs(used.mean[c]);
      v.results[2][c] = v.operands[kMovingVariance][c] + 1.0 / (used.inverse[c] * used.inverse[c]);
    } else if (pass == Pass::backward_weights) {
      v.gradients[kGamma][c] = dot;
      v.gradients[kBeta][c] = sum;
    }
  }
}

}  // namespace

std::unique_ptr<Case> parse_batch_norm(std::string_view id) {
  BatchNormProblem p;
  IdReader reader("batch_norm", id);
  reader.number("r", p.rows);
  reader.number("c", p.c);
  Index mean = 0;
  reader.number("m", mean, 0);
  p.training = !reader.word("frozen");
  p.residual = reader.word("residual");
  p.activation = read_activation(reader);
  reader.finish();
  reader.require_size({p.rows, p.c});
  if (p.residual && gradient_needs_src(p.activation)) {
    reader.fail("an activation whose gradient is a function of its result", std::string(name_of(p.activation)));
  }
  return std::make_unique<BatchNormCase>(p, static_cast<double>(mean));
}

}  // namespace saccade::proof
