#pragma once
#include <algorithm>
#include <span>
#include <vector>

#include "saccade/kernels/kernel.h"
#include "saccade/nn/operation.h"

namespace saccade {

/// The Buffers of a Kernel<Buffers>.
template <class Kernel>
struct BuffersOf;
template <class Buffers>
struct BuffersOf<kernels::Kernel<Buffers>> {
  using Type = Buffers;
};

/// A layer without parameters and with one input, whose two passes are kernels of one list: the backward kernel is there
/// when it will be called. Its gradient depends on the input where `reads_src`, and else on grad_dst alone.
template <class Problem, class Kernel>
class KernelPairOperation final : public Operation {
 public:
  KernelPairOperation(std::span<const kernels::Implementation<Problem, Kernel>> list, Problem problem, bool backward,
                      bool reads_src)
      : forward_(choose(list, problem)), reads_src_(reads_src) {
    problem.pass = kernels::Pass::backward_data;
    if (backward) backward_ = choose(list, problem);
  }

  OperationMemory memory() const override {
    Index scratch = forward_.kernel->scratch_bytes();
    if (backward_.kernel) scratch = std::max(scratch, backward_.kernel->scratch_bytes());
    return {.scratch_bytes = scratch, .backward_reads_src = reads_src_};
  }
  void forward(const ForwardBuffers& b) override { forward_.kernel->run(buffers(b.src[0], {}, b.dst, {}, b.scratch)); }
  void backward(const BackwardBuffers& b) override {
    if (b.grad_src[0].empty()) return;
    backward_.kernel->run(buffers(b.src[0], b.grad_dst, {}, b.grad_src[0], b.scratch));
  }
  std::vector<Part> explain() const override {
    std::vector<Part> parts{{"forward", forward_.explanation}};
    if (backward_.kernel) parts.push_back({"backward_data", backward_.explanation});
    return parts;
  }

 private:
  /// Those of kernels without working memory have no such member.
  static auto buffers(std::span<const float> src, std::span<const float> grad_dst, std::span<float> dst,
                      std::span<float> grad_src, std::span<std::byte> scratch) {
    typename BuffersOf<Kernel>::Type buffers;
    buffers.src = src;
    buffers.grad_dst = grad_dst;
    buffers.dst = dst;
    buffers.grad_src = grad_src;
    if constexpr (requires { buffers.scratch; }) buffers.scratch = scratch;
    return buffers;
  }
  kernels::Choice<Kernel> forward_, backward_;
  bool reads_src_;
};

}  // namespace saccade
