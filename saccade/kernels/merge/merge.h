#pragma once
#include <span>
#include <string>
#include <vector>

#include "saccade/kernels/choose.h"
#include "saccade/kernels/kernel.h"

namespace saccade::kernels {

/// Sum of several inputs: dst = src_0 + src_1 + ... (in that order). dst may be src_0. The gradient of each input is
/// grad_dst itself.
struct AddProblem {
  Index inputs = 2;
  Index elements = 1;
  std::string id() const;
};

/// Inputs side by side along the last axis: dst[r, :] = src_0[r, :], src_1[r, :], ...
/// backward_data cuts grad_dst up again.
struct ConcatProblem {
  Pass pass = Pass::forward;
  Index rows = 1;               ///< Product of all axes but the last.
  std::vector<Index> channels;  ///< Last extent of each input.
  std::string id() const;
};

struct AddBuffers {
  std::span<const std::span<const float>> src;
  std::span<float> dst;
};

struct ConcatBuffers {
  std::span<const std::span<const float>> src;
  std::span<float> dst;
  std::span<const float> grad_dst;
  std::span<const std::span<float>> grad_src;  ///< An empty span is an input whose gradient nobody wants.
};

using AddKernel = Kernel<AddBuffers>;
using AddImplementation = Implementation<AddProblem, AddKernel>;
std::span<const AddImplementation> add_implementations();

using ConcatKernel = Kernel<ConcatBuffers>;
using ConcatImplementation = Implementation<ConcatProblem, ConcatKernel>;
std::span<const ConcatImplementation> concat_implementations();

}  // namespace saccade::kernels
