#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "saccade/base/aligned_buffer.h"
#include "saccade/base/integer.h"
#include "saccade/proof/case.h"

namespace saccade::proof {

/// A float array between two walls of known values, 64-byte aligned; damage to a wall is a write out of bounds.
class WalledArray {
 public:
  explicit WalledArray(Index elements);

  std::span<float> values() { return {begin_, elements_}; }
  std::span<const float> values() const { return {begin_, elements_}; }
  void fill(float value);
  /// Whether both walls stand.
  bool intact() const;

 private:
  AlignedBuffer memory_;
  float* begin_ = nullptr;
  std::size_t elements_ = 0;
};

/// Real values (integers where the domain has only integers), or integers; addressed by (seed, slot).
std::vector<float> draw_reals(const Domain& domain, Index elements, std::uint64_t seed, std::uint32_t slot);
std::vector<float> draw_integers(const Domain& domain, Index elements, std::uint64_t seed, std::uint32_t slot);

/// The drawn inputs of a case.
struct Inputs {
  std::vector<std::vector<float>> operands;
  std::vector<float> grad_dst;

  static Inputs reals(const Case& c, std::uint64_t seed);
  static Inputs integers(const Case& c, std::uint64_t seed);
};

/// Numbers in memory as plans have theirs, on which speed depends.
template <class T>
using Array = std::vector<T, AlignedAllocator<T>>;

/// Arrays of another number type for a whole case, filled from inputs; results and gradients start at zero.
template <class T>
struct Arrays {
  std::vector<Array<T>> operands, results, gradients;
  Array<T> grad_dst;

  Arrays(const Case& c, const Inputs& inputs) : grad_dst(inputs.grad_dst.begin(), inputs.grad_dst.end()) {
    for (const std::vector<float>& operand : inputs.operands) operands.emplace_back(operand.begin(), operand.end());
    for (const Result& result : c.results()) results.emplace_back(usize(result.elements));
    for (const Operand& operand : c.operands()) {
      gradients.emplace_back(usize(operand.gradient == Gradient::none ? 0 : operand.elements));
    }
  }

  Views<T> views() {
    Views<T> views;
    for (Array<T>& operand : operands) views.operands.emplace_back(operand);
    for (Array<T>& result : results) views.results.emplace_back(result);
    views.grad_dst = grad_dst;
    for (Array<T>& gradient : gradients) views.gradients.emplace_back(gradient);
    return views;
  }
};

/// Results and gradients of every pass by the reference.
template <class T>
Arrays<T> run_reference(const Case& c, const Inputs& inputs) {
  Arrays<T> arrays(c, inputs);
  for (const Pass pass : c.passes()) c.reference(pass, arrays.views());
  return arrays;
}

/// Case::magnitude of every pass.
Arrays<double> run_magnitude(const Case& c, const Inputs& inputs);

}  // namespace saccade::proof
