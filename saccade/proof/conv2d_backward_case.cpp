#include <algorithm>

#include "saccade/kernels/conv2d/reference.h"
#include "saccade/kernels/conv2d_backward/conv2d_backward.h"
#include "saccade/proof/cases.h"
#include "saccade/proof/conv2d_id.h"
#include "saccade/proof/kernel_list.h"

namespace saccade::proof {
namespace {

using kernels::Conv2DBuffers;
using kernels::Conv2DKernel;
using kernels::Conv2DProblem;

/// One kernel that computes both gradients or, of conv2d's implementations, a kernel for either.
class PreparedBoth final : public Prepared {
 public:
  PreparedBoth(Conv2DProblem problem, std::string_view name)
      : bias_(problem.bias), both_(find_kernel(kernels::conv2d_backward_implementations(), problem, name)) {
    const auto names = names_of(kernels::conv2d_backward_implementations());
    if (std::ranges::find(names, name) != names.end()) return;
    problem.pass = Pass::backward_data;
    data_ = find_kernel(kernels::conv2d_implementations(), problem, name);
    problem.pass = Pass::backward_weights;
    weights_ = find_kernel(kernels::conv2d_implementations(), problem, name);
    both_.declined = data_.kernel ? weights_.declined : data_.declined;
  }

  std::string declined(Pass) const override { return both_.declined; }

  Index scratch_bytes() const override {
    Index bytes = 0;
    for (const auto* found : {&both_, &data_, &weights_}) {
      if (found->kernel) bytes = std::max(bytes, found->kernel->scratch_bytes());
    }
    return bytes;
  }

  void run(Pass, const Views<float>& views, std::span<std::byte> scratch, std::span<std::byte>) override {
    const auto buffers = weighted_buffers<Conv2DBuffers>(views, bias_, scratch);
    for (const auto* found : {&both_, &data_, &weights_}) {
      if (found->kernel) found->kernel->run(buffers);
    }
  }

 private:
  bool bias_;
  Found<Conv2DKernel> both_, data_, weights_;
};

/// Operands src, weight, bias; all their gradients come from one backward pass, which is all there is.
class Conv2DBackwardCase final : public CaseOf<Conv2DBackwardCase> {
 public:
  explicit Conv2DBackwardCase(const Conv2DProblem& problem) : problem_(problem) {}

  std::string_view operation() const override { return "conv2d_backward"; }
  std::string id() const override { return problem_.id(); }
  std::vector<Operand> operands() const override {
    std::vector<Operand> operands{{"src", problem_.src_elements(), Gradient::data},
                                  {"weight", problem_.weight_elements(), Gradient::data}};
    if (problem_.bias) operands.push_back({"bias", problem_.oc, Gradient::data});
    return operands;
  }
  std::vector<Result> results() const override { return {{"dst", problem_.dst_elements()}}; }
  std::vector<Pass> passes() const override { return {Pass::backward_data}; }
  double flops(Pass) const override { return 4.0 * static_cast<double>(problem_.multiply_adds()); }
  double bytes(Pass) const override {
    const Conv2DProblem& p = problem_;
    return 4.0 * static_cast<double>(2 * p.src_elements() + 2 * p.weight_elements() + p.dst_elements());
  }
  double rounding(Pass) const override {
    const Conv2DProblem& p = problem_;
    // The longer of the sums for a weight and for a pixel.
    return static_cast<double>(std::max(p.n * p.oh() * p.ow(), p.kh * p.kw * (p.oc / p.groups)) + 1);
  }
  std::vector<std::string_view> implementations() const override {
    std::vector<std::string_view> names = names_of(kernels::conv2d_backward_implementations());
    names.insert(names.end(), {"onednn", "reference"});
    return names;
  }
  std::unique_ptr<Prepared> prepare(std::string_view implementation) const override {
    return std::make_unique<PreparedBoth>(problem_, implementation);
  }

  template <class T>
  void compute(Pass pass, const Views<T>& v) const {
    const Conv2DProblem& p = problem_;
    const T *const src = v.operands[0].data(), *const weight = v.operands[1].data();
    if (pass == Pass::forward) {
      return kernels::reference::conv2d_forward(p, src, weight, p.bias ? v.operands[2].data() : nullptr,
                                                v.results[0].data());
    }
    kernels::reference::conv2d_backward_data(p, v.grad_dst.data(), weight, v.gradients[0].data());
    kernels::reference::conv2d_backward_weights(p, src, v.grad_dst.data(), v.gradients[1].data(),
                                                p.bias ? v.gradients[2].data() : nullptr);
  }

 private:
  Conv2DProblem problem_;
};

}  // namespace

std::unique_ptr<Case> parse_conv2d_backward(std::string_view id) {
  Conv2DProblem problem = read_conv2d("conv2d_backward", id);
  problem.activation = Activation::linear;
  return std::make_unique<Conv2DBackwardCase>(problem);
}

}  // namespace saccade::proof
