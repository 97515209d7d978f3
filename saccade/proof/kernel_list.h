#pragma once
#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "saccade/kernels/choose.h"
#include "saccade/proof/case.h"

namespace saccade::proof {

/// One kernel of a list, found by name: the kernel, or why it declined.
template <class Kernel>
struct Found {
  std::unique_ptr<Kernel> kernel;
  std::string declined;
};

template <class Problem, class Kernel>
Found<Kernel> find_kernel(std::span<const kernels::Implementation<Problem, Kernel>> list, const Problem& problem,
                          std::string_view name) {
  kernels::Choice<Kernel> choice = kernels::choose(list, problem, name);
  std::string declined = choice.kernel ? "" : "there is no such implementation";
  if (!choice.explanation.declined.empty()) declined = choice.explanation.declined.front().reason;
  return {std::move(choice.kernel), std::move(declined)};
}

/// Buffers of an operation with operands src, weight and perhaps bias (conv2d, dense), and one result.
template <class Buffers>
Buffers weighted_buffers(const Views<float>& v, bool bias, std::span<std::byte> scratch) {
  return {.src = v.operands[0],
          .weight = v.operands[1],
          .bias = bias ? v.operands[2] : std::span<const float>(),
          .grad_dst = v.grad_dst,
          .dst = v.results[0],
          .grad_src = v.gradients[0],
          .grad_weight = v.gradients[1],
          .grad_bias = bias ? v.gradients[2] : std::span<float>(),
          .scratch = scratch};
}

/// For operations whose passes are kernels of their own (conv2d, dense), or that have one alone: one kernel a pass. to_buffers(pass, views,
/// scratch) makes the operation's buffers.
template <class Problem, class Kernel, class ToBuffers>
class PreparedPasses final : public Prepared {
 public:
  PreparedPasses(std::span<const kernels::Implementation<Problem, Kernel>> list, Problem problem,
                 std::span<const Pass> passes, std::string_view name, ToBuffers to_buffers)
      : to_buffers_(std::move(to_buffers)) {
    for (Found<Kernel>& found : found_) found.declined = "the case has no such pass";
    for (const Pass pass : passes) {
      if constexpr (requires { problem.pass; }) problem.pass = pass;
      found_[index(pass)] = find_kernel(list, problem, name);
    }
  }

  std::string declined(Pass pass) const override { return found_[index(pass)].declined; }

  Index scratch_bytes() const override {
    Index bytes = 0;
    for (const Found<Kernel>& found : found_) {
      if (found.kernel && found.kernel->scratch_bytes() > bytes) bytes = found.kernel->scratch_bytes();
    }
    return bytes;
  }

  void run(Pass pass, const Views<float>& views, std::span<std::byte> scratch, std::span<std::byte>) override {
    found_[index(pass)].kernel->run(to_buffers_(pass, views, scratch));
  }

 private:
  static std::size_t index(Pass pass) { return static_cast<std::size_t>(pass); }

  ToBuffers to_buffers_;
  std::array<Found<Kernel>, 3> found_;
};

/// For operations whose forward and backward passes are one kernel (pool2d): to_buffers(views, scratch, saved).
template <class Problem, class Kernel, class ToBuffers>
class PreparedTwin final : public Prepared {
 public:
  PreparedTwin(std::span<const kernels::Implementation<Problem, Kernel>> list, const Problem& problem,
               std::string_view name, ToBuffers to_buffers)
      : to_buffers_(std::move(to_buffers)), found_(find_kernel(list, problem, name)) {}

  std::string declined(Pass) const override { return found_.declined; }
  Index scratch_bytes() const override { return found_.kernel ? found_.kernel->scratch_bytes() : 0; }
  Index saved_bytes() const override { return found_.kernel ? found_.kernel->saved_bytes() : 0; }

  void run(Pass pass, const Views<float>& views, std::span<std::byte> scratch, std::span<std::byte> saved) override {
    const auto buffers = to_buffers_(views, scratch, saved);
    if (pass == Pass::forward) {
      found_.kernel->forward(buffers);
    } else {
      found_.kernel->backward(buffers);
    }
  }

 private:
  ToBuffers to_buffers_;
  Found<Kernel> found_;
};

/// Deduces the template arguments.
template <class List, class Problem, class ToBuffers>
std::unique_ptr<Prepared> prepare_passes(List list, const Problem& problem, std::span<const Pass> passes,
                                         std::string_view name, ToBuffers to_buffers) {
  using Kernel = typename decltype(list.front().make(problem))::element_type;
  return std::make_unique<PreparedPasses<Problem, Kernel, ToBuffers>>(list, problem, passes, name,
                                                                      std::move(to_buffers));
}

template <class List, class Problem, class ToBuffers>
std::unique_ptr<Prepared> prepare_twin(List list, const Problem& problem, std::string_view name, ToBuffers to_buffers) {
  using Kernel = typename decltype(list.front().make(problem))::element_type;
  return std::make_unique<PreparedTwin<Problem, Kernel, ToBuffers>>(list, problem, name, std::move(to_buffers));
}

}  // namespace saccade::proof
