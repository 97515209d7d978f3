#pragma once
#include <array>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "saccade/kernels/choose.h"
#include "saccade/kernels/kernel.h"

namespace saccade::kernels {

/// How a gradient g changes a weight w. Element by element, in float, in the order written (no fused multiply-add), so
/// every implementation gives the same bits. s0, s1, s2 are the slots: memory from step to step, zero at the start.
///
/// A slot that decays below the smallest normal float becomes zero: subnormal numbers are slow to compute with, and the
/// rounding would keep a dying average at 7e-45 for ever.
enum class UpdateRule : std::uint8_t {
  sgd,                        ///< w -= g * rate
  momentum,                   ///< s0 = s0 * momentum - g * rate;  w += s0
  nesterov,                   ///< s0 = s0 * momentum - g * rate;  w += s0 * momentum - g * rate
  rmsprop,                    ///< s0 = rho * s0 + one_minus_rho * g^2;  w -= rate * g / sqrt(s0 + epsilon)
  rmsprop_momentum,           ///< the same with s1 = momentum * s1 + rate * g / sqrt(s0 + epsilon);  w -= s1
  rmsprop_centered,           ///< s1 = rho * s1 + one_minus_rho * g;  sqrt(max(s0 - s1^2, 0) + epsilon) as the root
  rmsprop_centered_momentum,  ///< both: s1 the mean gradient, s2 the momentum
  adam,                       ///< s0 += (g - s0) * one_minus_beta_1;  s1 += (g^2 - s1) * one_minus_beta_2;
                              ///< w -= s0 * rate / (sqrt(s1) + epsilon)
  amsgrad,                    ///< adam with s2 = max(s2, s1) under the root
};

inline constexpr std::array kUpdateRules = {UpdateRule::sgd,
                                            UpdateRule::momentum,
                                            UpdateRule::nesterov,
                                            UpdateRule::rmsprop,
                                            UpdateRule::rmsprop_momentum,
                                            UpdateRule::rmsprop_centered,
                                            UpdateRule::rmsprop_centered_momentum,
                                            UpdateRule::adam,
                                            UpdateRule::amsgrad};
inline constexpr int kMaxUpdateSlots = 3;

std::string_view name_of(UpdateRule rule) noexcept;  ///< "adam"
int slot_count(UpdateRule rule) noexcept;            ///< How many of s0, s1, s2 the rule uses.

struct UpdateProblem {
  UpdateRule rule = UpdateRule::sgd;
  std::string id() const;
};

/// The numbers of one step. Only those that the rule names are read.
struct UpdateNumbers {
  float rate = 0.0F;  ///< The learning rate; for adam, learning_rate * sqrt(1 - beta_2^t) / (1 - beta_1^t).
  float momentum = 0.0F;
  float rho = 0.0F;
  float one_minus_rho = 0.0F;
  float one_minus_beta_1 = 0.0F;
  float one_minus_beta_2 = 0.0F;
  float epsilon = 0.0F;
  float clip_value = std::numeric_limits<float>::infinity();
  float average_momentum = 0.0F;
  float one_minus_average_momentum = 1.0F;
};

/// A run of consecutive elements of one weight, the piece of work of one thread. In this order:
///   g *= grad_scale                          unless it is 1
///   g = clip_value  where g > clip_value, g = -clip_value where g < -clip_value; NaN stays
///   w -= w * decay                           unless it is 0
///   the rule
///   average = average_momentum * average + one_minus_average_momentum * w    unless it is null
/// grad is written only by the first two. No memory may overlap, and no two slices of a run may share any.
struct UpdateSlice {
  float* weight = nullptr;
  float* grad = nullptr;
  std::array<float*, kMaxUpdateSlots> slots{};  ///< The first slot_count() are not null.
  float* average = nullptr;
  Index elements = 0;
  float grad_scale = 1.0F;
  float decay = 0.0F;  ///< learning rate * weight decay
};

/// Elements of a slice that are worth a thread's while and keep it in the second-level cache: 8192 * 5 arrays = 160 KB.
inline constexpr Index kUpdateSliceElements = 8192;

/// The update of a whole weight while its gradient is made: whoever makes that hands it over piece by piece, as it leaves
/// the processor, so that it need not go to memory and come back.
struct WeightUpdate {
  UpdateRule rule = UpdateRule::sgd;
  UpdateNumbers numbers;
  UpdateSlice whole;  ///< Without grad.
  bool done = false;  ///< Every element has been updated.

  /// Updates the elements from `first` on by their gradients, which may be changed. Several pieces may be at the same time.
  void run(Index first, std::span<float> grad) const;
};

struct UpdateBuffers {
  std::span<const UpdateSlice> slices;
  UpdateNumbers numbers;
};

using UpdateKernel = Kernel<UpdateBuffers>;
using UpdateImplementation = Implementation<UpdateProblem, UpdateKernel>;
std::span<const UpdateImplementation> update_implementations();

}  // namespace saccade::kernels
