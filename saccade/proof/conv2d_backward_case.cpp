#include <algorithm>
#include <cmath>

#include "saccade/kernels/conv2d/reference.h"
#include "saccade/kernels/conv2d_backward/conv2d_backward.h"
#include "saccade/proof/cases.h"
#include "saccade/proof/conv2d_id.h"
#include "saccade/proof/conv2d_norm.h"
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
      : problem_(problem), both_(find_kernel(kernels::conv2d_backward_implementations(), problem, name)) {
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
    auto buffers = weighted_buffers<Conv2DBuffers>(views, problem_.bias, scratch);
    std::vector<double> sums(usize(2 * problem_.ic), std::nan(""));
    if (problem_.norm) {
      buffers.norm = norm_of(problem_, views);
      buffers.norm_sums = sums;
    }
    for (const auto* found : {&both_, &data_, &weights_}) {
      if (found->kernel) found->kernel->run(buffers);
    }
    if (problem_.norm) finish(views, sums);
  }

 private:
  /// The gradients of src, factor and offset, from that of the value behind them and its sums.
  void finish(const Views<float>& v, std::span<const double> sums) const {
    const NormOperands of(problem_);
    const std::size_t channels = usize(problem_.ic);
    for (std::size_t i = 0; i < v.gradients[0].size(); ++i) v.gradients[0][i] *= v.operands[of.factor][i % channels];
    for (std::size_t c = 0; c < channels; ++c) {
      v.gradients[of.offset][c] = static_cast<float>(sums[c]);
      v.gradients[of.factor][c] = static_cast<float>(sums[channels + c]);
    }
  }

  Conv2DProblem problem_;
  Found<Conv2DKernel> both_, data_, weights_;
};

/// Operands src, weight, bias, and a norm's coefficients; all their gradients but the mean's come from one backward
/// pass, which is all there is.
class Conv2DBackwardCase final : public CaseOf<Conv2DBackwardCase> {
 public:
  explicit Conv2DBackwardCase(const Conv2DProblem& problem) : problem_(problem) {}

  std::string_view operation() const override { return "conv2d_backward"; }
  std::string id() const override { return problem_.id(); }
  std::vector<Operand> operands() const override {
    std::vector<Operand> operands{{"src", problem_.src_elements(), Gradient::data},
                                  {"weight", problem_.weight_elements(), Gradient::data}};
    if (problem_.bias) operands.push_back({"bias", problem_.oc, Gradient::data});
    add_norm_operands(problem_, Gradient::data, operands);
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
    // The longer of the sums for a weight and for a pixel, and a norm's own steps. Its sums go over those for all
    // pixels.
    const Index pixel = p.kh * p.kw * (p.oc / p.groups);
    const Index norm = p.norm ? p.n * p.ih * p.iw + pixel + 6 : 0;
    return static_cast<double>(std::max({p.n * p.oh() * p.ow(), pixel, norm}) + 1);
  }
  std::vector<std::string_view> implementations() const override {
    std::vector<std::string_view> names = names_of(kernels::conv2d_backward_implementations());
    names.insert(names.end(), {"onednn", "reference"});
    return names;
  }
  std::unique_ptr<Prepared> prepare(std::string_view implementation) const override {
    return std::make_unique<PreparedBoth>(problem_, implementation);
  }

  void magnitude(Pass pass, const Views<double>& views) const override;

  template <class T>
  void compute(Pass pass, const Views<T>& v) const {
    const Conv2DProblem& p = problem_;
    const std::vector<T> src = read_source(p, v);
    const T* const weight = v.operands[1].data();
    if (pass == Pass::forward) {
      return kernels::reference::conv2d_forward(p, src.data(), weight, p.bias ? v.operands[2].data() : nullptr,
                                                v.results[0].data());
    }
    kernels::reference::conv2d_backward_data(p, v.grad_dst.data(), weight, v.gradients[0].data());
    kernels::reference::conv2d_backward_weights(p, src.data(), v.grad_dst.data(), v.gradients[1].data(),
                                                p.bias ? v.gradients[2].data() : nullptr);
    if (!p.norm) return;
    const NormOperands of(p);
    const T* const factor = v.operands[of.factor].data();
    kernels::reference::normalise_source_backward(
        p, v.operands[0].data(), v.operands[of.mean].data(), factor, v.operands[of.offset].data(),
        v.gradients[0].data(), v.gradients[0].data(), v.gradients[of.factor].data(), v.gradients[of.offset].data());
    for (Index i = 0; i < p.src_elements(); ++i) v.gradients[0][usize(i)] *= factor[i % p.ic];
  }

 private:
  Conv2DProblem problem_;
};

void Conv2DBackwardCase::magnitude(Pass pass, const Views<double>& views) const {
  // An activation takes away.
  Conv2DProblem linear = problem_;
  if (linear.norm) linear.norm = Activation::linear;
  Conv2DBackwardCase(linear).Case::magnitude(pass, views);
}

}  // namespace

std::unique_ptr<Case> parse_conv2d_backward(std::string_view id) {
  Conv2DProblem problem = read_conv2d("conv2d_backward", id);
  problem.activation = Activation::linear;
  return std::make_unique<Conv2DBackwardCase>(problem);
}

}  // namespace saccade::proof
