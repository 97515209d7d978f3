#pragma once
#include <cmath>

#include "saccade/kernels/update/update.h"

namespace saccade::internal {

/// What Adam's kernel wants in step t = 1, 2, ...
inline kernels::UpdateNumbers adam_numbers(double beta_1, double beta_2, double epsilon, double learning_rate,
                                           Index t) {
  const auto power = static_cast<double>(t);
  const double alpha = learning_rate * std::sqrt(1.0 - std::pow(beta_2, power)) / (1.0 - std::pow(beta_1, power));
  return {.rate = static_cast<float>(alpha),
          .one_minus_beta_1 = static_cast<float>(1.0 - beta_1),
          .one_minus_beta_2 = static_cast<float>(1.0 - beta_2),
          .epsilon = static_cast<float>(epsilon)};
}

}  // namespace saccade::internal
