#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "saccade/kernels/choose.h"
#include "saccade/kernels/kernel.h"

namespace saccade::kernels {

/// Inverted dropout: dst = keep ? src / (1 - rate) : 0, each unit kept with probability 1 - rate. dst may be src,
/// grad_src may be grad_dst. The mask is addressed: unit i of row r draws from Stream(seed, step, r, slot), so it does
/// not depend on threads or on other layers. oneDNN has no primitive for it.
struct DropoutProblem {
  Index rows = 1;      ///< Images of the batch.
  Index elements = 1;  ///< Units a row.
  float rate = 0.5F;   ///< 0 <= rate < 1
  std::string id() const;
};

struct DropoutBuffers {
  std::uint64_t seed = 0;
  std::uint32_t step = 0;  ///< Optimiser steps made so far.
  std::uint32_t slot = 0;  ///< Which layer.
  std::span<const float> src, grad_dst;
  std::span<float> dst, grad_src;
  std::span<std::byte> saved;
};

using DropoutKernel = TwinKernel<DropoutBuffers>;
using DropoutImplementation = Implementation<DropoutProblem, DropoutKernel>;
std::span<const DropoutImplementation> dropout_implementations();

}  // namespace saccade::kernels
