#pragma once
#include <span>

namespace saccade::kernels {

/// The sum of x^2, in double. The order of the additions is fixed by the length alone: the same bits for any number of
/// threads and on any machine.
double sum_of_squares(std::span<const float> values);

/// grad += 2 * l2 * weight, the gradient of l2 * sum(w^2). Returns l2 * sum_of_squares(weight), the loss it belongs to.
/// The spans have equal lengths and do not overlap.
double add_l2(std::span<const float> weight, std::span<float> grad, float l2);

}  // namespace saccade::kernels
