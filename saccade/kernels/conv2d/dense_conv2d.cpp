#include "saccade/kernels/conv2d/dense_conv2d.h"

#include <utility>

#include "saccade/kernels/dense/dense.h"

namespace saccade::kernels {
namespace {

class DenseConv2D final : public Conv2DKernel {
 public:
  explicit DenseConv2D(std::unique_ptr<DenseKernel> dense) : dense_(std::move(dense)) {}

  Index scratch_bytes() const override { return dense_->scratch_bytes(); }

  void run(const Conv2DBuffers& b) override {
    dense_->run({.src = b.src,
                 .weight = b.weight,
                 .bias = b.bias,
                 .grad_dst = b.grad_dst,
                 .dst = b.dst,
                 .grad_src = b.grad_src,
                 .grad_weight = b.grad_weight,
                 .grad_bias = b.grad_bias,
                 .scratch = b.scratch});
  }

 private:
  std::unique_ptr<DenseKernel> dense_;
};

}  // namespace

std::string decline_dense_conv2d(const Conv2DProblem& p) {
  if (p.groups != 1) return "it is grouped";
  const bool whole = p.kh == p.ih && p.kw == p.iw && p.ph == Pads{} && p.pw == Pads{};
  const bool dilated = (p.kh > 1 && p.dh > 1) || (p.kw > 1 && p.dw > 1);
  if (!whole || dilated) return "the window is not the whole image";
  if (p.src_elements() == 0 || p.dst_elements() == 0) return "there is nothing to compute";
  if (is_softmax(p.activation)) return "softmax is a kernel of its own";
  return {};
}

std::unique_ptr<Conv2DKernel> make_dense_conv2d(const Conv2DProblem& p) {
  const DenseProblem dense{
      .pass = p.pass, .m = p.n, .k = p.ih * p.iw * p.ic, .u = p.oc, .bias = p.bias, .activation = p.activation};
  return std::make_unique<DenseConv2D>(choose(dense_implementations(), dense).kernel);
}

}  // namespace saccade::kernels
