#include <array>
#include <cstddef>
#include <span>

#include "saccade/base/parallel.h"
#include "saccade/kernels/norm/onednn_batch_norm_internal.h"
#include "saccade/kernels/onednn/onednn_internal.h"
#include "saccade/kernels/onednn/shard_calls_internal.h"

namespace saccade::kernels::onednn {
namespace {

using dnnl::memory;
using dnnl::normalization_flags;
using dnnl::prop_kind;

const normalization_flags kFlags =
    normalization_flags::use_global_stats | normalization_flags::use_scale | normalization_flags::use_shift;

CutPrimitives describe(const BatchNormProblem& p, bool backward) {
  const SingleThreadScope single;
  const auto primitive = [&](Index rows) -> dnnl::primitive_desc_base {
    const memory::desc shape({rows, p.c, 1, 1}, memory::data_type::f32, memory::format_tag::nhwc);
    const prop_kind pass = backward ? prop_kind::forward_training : prop_kind::forward_inference;
    const dnnl::batch_normalization_forward::primitive_desc forward({pass, shape, p.epsilon, kFlags}, attributes(),
                                                                    engine());
    if (!backward) return forward;
    return dnnl::batch_normalization_backward::primitive_desc({prop_kind::backward, shape, shape, p.epsilon, kFlags},
                                                              attributes(), engine(), forward);
  };
  const Shards shards = cut_by_memory(p.rows, p.c);
  return {shards, {primitive(shards.images), primitive(shards.last())}};
}

/// Outside training only. Each shard adds up its part of grad_gamma and grad_beta; the parts are added in double.
class OneDnnBatchNorm final : public BatchNormKernel {
 public:
  explicit OneDnnBatchNorm(const BatchNormProblem& p)
      : c_(usize(p.c)),
        forward_(describe(p, false).shards, describe(p, false).primitives, kForward, scratch_),
        backward_(describe(p, true).shards, describe(p, true).primitives, kBackward, scratch_),
        sums_(scratch_.add(backward_.count() * 2 * p.c * isize(sizeof(float)))),
        unwanted_(scratch_.add(p.rows * p.c * isize(sizeof(float)))) {}

  Index scratch_bytes() const override { return scratch_.size_bytes(); }

  void forward(const BatchNormBuffers& b) override {
    parallel_for(forward_.count(), [&](Index shard) {
      forward_.execute(shard, b.scratch,
                       {forward_.part(b.src, shard).data(), b.moving_mean.data(), b.moving_variance.data(),
                        b.gamma.data(), b.beta.data(), forward_.part(b.dst, shard).data()});
    });
  }

  void backward(const BatchNormBuffers& b) override {
    // The primitive always writes all three gradients, and wants a shift, which it does not read: gamma stands there.
    float* const sums = reinterpret_cast<float*>(b.scratch.data() + sums_);
    std::span<float> grad_src = b.grad_src;
    if (grad_src.empty()) grad_src = {reinterpret_cast<float*>(b.scratch.data() + unwanted_), b.src.size()};
    parallel_for(backward_.count(), [&](Index shard) {
      float* const grad_gamma = sums + usize(shard) * 2 * c_;
      backward_.execute(shard, b.scratch,
                        {backward_.part(b.src, shard).data(), b.moving_mean.data(), b.moving_variance.data(),
                         backward_.part(b.grad_dst, shard).data(), b.gamma.data(), b.gamma.data(),
                         backward_.part(grad_src, shard).data(), grad_gamma, grad_gamma + c_});
    });
    add_up(sums, b.grad_gamma);
    add_up(sums + c_, b.grad_beta);
  }

 private:
  static constexpr std::array kForward{DNNL_ARG_SRC,   DNNL_ARG_MEAN,  DNNL_ARG_VARIANCE,
                                       DNNL_ARG_SCALE, DNNL_ARG_SHIFT, DNNL_ARG_DST};
  static constexpr std::array kBackward{DNNL_ARG_SRC,      DNNL_ARG_MEAN,       DNNL_ARG_VARIANCE,
                                        DNNL_ARG_DIFF_DST, DNNL_ARG_SCALE,      DNNL_ARG_SHIFT,
                                        DNNL_ARG_DIFF_SRC, DNNL_ARG_DIFF_SCALE, DNNL_ARG_DIFF_SHIFT};

  /// gradient[c] = sum over the shards of parts[shard][c]; nothing when nobody wants it.
  void add_up(const float* parts, std::span<float> gradient) const {
    for (std::size_t c = 0; c < gradient.size(); ++c) {
      double sum = 0.0;
      for (std::size_t shard = 0; shard < usize(backward_.count()); ++shard) sum += parts[shard * 2 * c_ + c];
      gradient[c] = static_cast<float>(sum);
    }
  }

  std::size_t c_;
  ScratchLayout scratch_;
  ShardCalls forward_, backward_;
  Index sums_, unwanted_;  // Offsets in the scratch memory.
};

}  // namespace

std::string decline_batch_norm(const BatchNormProblem& p) {
  if (p.training) return "oneDNN adds up the statistics of the batch in float, the contract in double";
  if (p.residual || p.activation != Activation::linear) return "oneDNN's ReLU makes 0 of NaN, and it adds no shortcut";
  if (p.rows == 0 || p.c == 0) return "there is nothing to compute";
  std::string reason = decline_plain_loops([&] { return describe(p, false); });
  return reason.empty() ? decline_plain_loops([&] { return describe(p, true); }) : reason;
}

std::unique_ptr<BatchNormKernel> make_batch_norm(const BatchNormProblem& p) {
  return std::make_unique<OneDnnBatchNorm>(p);
}

}  // namespace saccade::kernels::onednn
