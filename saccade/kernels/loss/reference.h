#pragma once
#include <algorithm>
#include <cmath>
#include <span>

#include "saccade/kernels/loss/loss.h"
#include "saccade/kernels/reference_sum.h"
#include "saccade/kernels/scalar.h"

namespace saccade::kernels::reference {

/// Probabilities are kept this far from 0 and 1 (Keras's epsilon).
inline constexpr double kProbabilityMargin = 1e-7;

/// What row r should predict for class c, smoothed.
inline double loss_target(const LossProblem& problem, const LossBuffers& given, std::size_t r, std::size_t c) {
  const double t =
      given.targets.empty() ? (usize(given.labels[r]) == c ? 1.0 : 0.0) : given.targets[r * usize(problem.classes) + c];
  if (problem.kind == LossProblem::Kind::mean_squared_error) return t;
  const double smoothing = problem.label_smoothing;
  return t * (1.0 - smoothing) + smoothing / static_cast<double>(problem.classes);
}

/// w_r of the contract.
inline double loss_weight(const LossProblem& problem, const LossBuffers& given, std::size_t r) {
  double weight = given.sample_weight.empty() ? 1.0 : given.sample_weight[r];
  if (!given.class_weight.empty()) {
    std::size_t label = 0;
    if (given.targets.empty()) {
      label = usize(given.labels[r]);
    } else {
      const auto row = given.targets.subspan(r * usize(problem.classes), usize(problem.classes));
      label = static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
    }
    weight *= given.class_weight[label];
  }
  return weight;
}

/// One row: returns its loss without its weight and, when wanted, leaves in grad the derivative times `factor`.
template <class T, class Target>
Sum<T> softmax_cross_entropy_row(std::span<const T> z, const Target& target, double factor, std::span<T> grad) {
  T largest = z[0];
  for (const T& value : z) {
    if (branch_value(value) > branch_value(largest)) largest = value;
  }
  const Sum<T> shift = Sum<T>(largest);
  Sum<T> sum(0);
  for (const T& value : z) sum += std::exp(Sum<T>(value) - shift);
  const Sum<T> log_sum = std::log(sum);
  Sum<T> loss(0);
  double total = 0.0;
  for (std::size_t c = 0; c < z.size(); ++c) {
    const double t = target(c);
    total += t;
    // A class nobody asks for adds nothing, even when its logit is minus infinity.
    if (t != 0.0) loss -= t * (Sum<T>(z[c]) - shift - log_sum);
  }
  for (std::size_t c = 0; c < grad.size(); ++c) {
    grad[c] = T(factor * (std::exp(Sum<T>(z[c]) - shift) / sum * total - target(c)));
  }
  return loss;
}

template <class T, class Target>
Sum<T> cross_entropy_row(std::span<const T> p, const Target& target, double factor, std::span<T> grad) {
  Sum<T> sum(0);
  for (const T& value : p) sum += Sum<T>(value);
  const auto clipped = [&](std::size_t c) {
    const double q = branch_value(Sum<T>(p[c]) / sum);
    return q < kProbabilityMargin || q > 1.0 - kProbabilityMargin;
  };
  const auto clip = [&](std::size_t c) {
    const Sum<T> q = Sum<T>(p[c]) / sum;
    if (!clipped(c)) return q;
    return Sum<T>(branch_value(q) < kProbabilityMargin ? kProbabilityMargin : 1.0 - kProbabilityMargin);
  };
  Sum<T> loss(0);
  double free_total = 0.0;
  for (std::size_t c = 0; c < p.size(); ++c) {
    loss -= target(c) * std::log(clip(c));
    if (!clipped(c)) free_total += target(c);
  }
  for (std::size_t c = 0; c < grad.size(); ++c) {
    const Sum<T> own = clipped(c) ? Sum<T>(0) : target(c) * sum / Sum<T>(p[c]);
    grad[c] = T(factor * (free_total - own) / sum);
  }
  return loss;
}

template <class T, class Target>
Sum<T> mean_squared_error_row(std::span<const T> p, const Target& target, double factor, std::span<T> grad) {
  const double classes = static_cast<double>(p.size());
  Sum<T> loss(0);
  for (std::size_t c = 0; c < p.size(); ++c) {
    const Sum<T> difference = Sum<T>(p[c]) - target(c);
    loss += difference * difference;
    if (!grad.empty()) grad[c] = T(factor * 2.0 * difference / classes);
  }
  return loss / classes;
}

/// Labels, targets, weights and scale are taken from `given`, everything that is differentiated comes in T.
template <class T>
void loss(const LossProblem& problem, const LossBuffers& given, std::span<const T> prediction, std::span<T> row_loss,
          std::span<T> grad) {
  const std::size_t classes = usize(problem.classes);
  for (std::size_t r = 0; r < usize(problem.rows); ++r) {
    const double weight = loss_weight(problem, given, r);
    const double factor = weight * static_cast<double>(given.scale);
    const auto target = [&](std::size_t c) { return loss_target(problem, given, r, c); };
    const std::span<const T> row = prediction.subspan(r * classes, classes);
    const std::span<T> grad_row = grad.empty() ? grad : grad.subspan(r * classes, classes);
    Sum<T> loss(0);
    switch (problem.kind) {
      case LossProblem::Kind::softmax_cross_entropy:
        loss = softmax_cross_entropy_row<T>(row, target, factor, grad_row);
        break;
      case LossProblem::Kind::cross_entropy:
        loss = cross_entropy_row<T>(row, target, factor, grad_row);
        break;
      case LossProblem::Kind::mean_squared_error:
        loss = mean_squared_error_row<T>(row, target, factor, grad_row);
        break;
    }
    row_loss[r] = T(weight * loss);
  }
}

}  // namespace saccade::kernels::reference
