#pragma once
#include <cstddef>
#include <vector>

#include "saccade/kernels/conv2d/reference.h"
#include "saccade/proof/case.h"

namespace saccade::proof {

/// The coefficients of a convolution's norm (Conv2DProblem::norm), which follow its other operands: mean, factor,
/// offset.
struct NormOperands {
  std::size_t mean, factor, offset;

  explicit NormOperands(const kernels::Conv2DProblem& p) : mean(p.bias ? 3 : 2), factor(mean + 1), offset(mean + 2) {}
};

/// Adds them, if there are any. `gradient` is that of factor and offset.
inline void add_norm_operands(const kernels::Conv2DProblem& p, Gradient gradient, std::vector<Operand>& operands) {
  if (!p.norm) return;
  operands.push_back({.name = "mean", .elements = p.ic, .subtracted = true});
  operands.push_back({"factor", p.ic, gradient});
  operands.push_back({"offset", p.ic, gradient});
}

inline kernels::ChannelNorm norm_of(const kernels::Conv2DProblem& p, const Views<float>& v) {
  const NormOperands of(p);
  return {v.operands[of.mean], v.operands[of.factor], v.operands[of.offset]};
}

/// What the definition of a convolution reads: src, or what the norm makes of it.
template <class T>
std::vector<T> read_source(const kernels::Conv2DProblem& p, const Views<T>& v) {
  std::vector<T> src(v.operands[0].begin(), v.operands[0].end());
  if (!p.norm) return src;
  const NormOperands of(p);
  kernels::reference::normalise_source(p, v.operands[0].data(), v.operands[of.mean].data(),
                                       v.operands[of.factor].data(), v.operands[of.offset].data(), src.data());
  return src;
}

}  // namespace saccade::proof
