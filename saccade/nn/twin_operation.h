#pragma once
#include <utility>
#include <vector>

#include "saccade/kernels/kernel.h"
#include "saccade/nn/operation.h"

namespace saccade {

/// The explanation of an operation that is one kernel, as the list that Operation::explain returns.
inline std::vector<Operation::Part> explain_one(std::string part, const kernels::Explanation& explanation) {
  return {{std::move(part), explanation}};
}

/// An operation without parameters that is one TwinKernel: pooling.
template <class Buffers>
class TwinOperation final : public Operation {
 public:
  explicit TwinOperation(kernels::Choice<kernels::TwinKernel<Buffers>> choice) : choice_(std::move(choice)) {}

  OperationMemory memory() const override {
    return {.saved_bytes = choice_.kernel->saved_bytes(), .scratch_bytes = choice_.kernel->scratch_bytes()};
  }
  void forward(const ForwardBuffers& b) override {
    choice_.kernel->forward({.src = b.src[0], .dst = b.dst, .saved = b.saved, .scratch = b.scratch});
  }
  void backward(const BackwardBuffers& b) override {
    if (b.grad_src[0].empty()) return;
    choice_.kernel->backward(
        {.grad_dst = b.grad_dst, .grad_src = b.grad_src[0], .saved = b.saved, .scratch = b.scratch});
  }
  std::vector<Part> explain() const override { return explain_one("forward and backward", choice_.explanation); }

 private:
  kernels::Choice<kernels::TwinKernel<Buffers>> choice_;
};

}  // namespace saccade
