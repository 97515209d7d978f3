#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/kernels/choose.h"
#include "saccade/kernels/kernel.h"

namespace saccade::kernels {

enum class ArithmeticKind : std::uint8_t {
  add,       ///< a + b
  subtract,  ///< a - b; Keras: Subtract
  multiply,  ///< a * b
  divide,    ///< a / b
};
std::string_view name_of(ArithmeticKind kind) noexcept;  ///< "add"

/// Two arrays, element by element; where one of them has an extent of 1, it is repeated along that axis (numpy's
/// broadcasting between arrays of one rank). backward_data writes the gradients of both, or of the one that is wanted:
/// that of a repeated array is summed up over its repetitions.
struct ArithmeticProblem {
  Pass pass = Pass::forward;
  ArithmeticKind kind = ArithmeticKind::add;
  std::vector<Index> a, b;  ///< Extents, as many of each; on every axis they are equal or one of them is 1.
  std::vector<Index> dst() const;
  std::string id() const;  ///< "a2a3b1b3_multiply"
};

/// backward_data: either gradient may be empty when it is not wanted. The arrays must not overlap.
struct ArithmeticBuffers {
  std::span<const float> a, b, grad_dst;
  std::span<float> dst, grad_a, grad_b;
};

using ArithmeticKernel = Kernel<ArithmeticBuffers>;
using ArithmeticImplementation = Implementation<ArithmeticProblem, ArithmeticKernel>;
std::span<const ArithmeticImplementation> arithmetic_implementations();

}  // namespace saccade::kernels
