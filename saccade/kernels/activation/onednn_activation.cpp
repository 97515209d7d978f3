#include <array>

#include "saccade/base/aligned_buffer.h"
#include "saccade/base/parallel.h"
#include "saccade/kernels/activation/onednn_activation_internal.h"
#include "saccade/kernels/onednn/onednn_internal.h"
#include "saccade/kernels/onednn/shard_calls_internal.h"

namespace saccade::kernels::onednn {
namespace {

using dnnl::algorithm;
using dnnl::memory;

/// The primitive for a shard of `elements`; throws dnnl::error when there is none.
dnnl::primitive_desc_base describe(const ActivationProblem& p, Index elements) {
  const memory::desc shape({elements}, memory::data_type::f32, memory::format_tag::a);
  algorithm forward = algorithm::eltwise_relu, from_result = algorithm::eltwise_relu_use_dst_for_bwd;
  float alpha = p.negative_slope;
  if (p.activation == Activation::sigmoid || p.activation == Activation::tanh) {
    const bool sigmoid = p.activation == Activation::sigmoid;
    forward = sigmoid ? algorithm::eltwise_logistic : algorithm::eltwise_tanh;
    from_result = sigmoid ? algorithm::eltwise_logistic_use_dst_for_bwd : algorithm::eltwise_tanh_use_dst_for_bwd;
    alpha = 0.0F;
  }
  if (p.pass == Pass::forward) {
    return dnnl::eltwise_forward::primitive_desc({dnnl::prop_kind::forward_inference, forward, shape, alpha, 0.0F},
                                                 attributes(), engine());
  }
  const dnnl::eltwise_forward::primitive_desc hint({dnnl::prop_kind::forward_training, from_result, shape, alpha, 0.0F},
                                                   attributes(), engine());
  return dnnl::eltwise_backward::primitive_desc({from_result, shape, shape, alpha, 0.0F}, attributes(), engine(), hint);
}

CutPrimitives describe(const ActivationProblem& p) {
  const SingleThreadScope single;
  const Shards shards = cut_by_memory(p.elements, 1);
  return {shards, {describe(p, shards.images), describe(p, shards.last())}};
}

class OneDnnActivation final : public ActivationKernel {
 public:
  explicit OneDnnActivation(const ActivationProblem& p) : OneDnnActivation(p, describe(p)) {}

  void run(const ActivationBuffers& b) override {
    parallel_for(calls_.count(), [&](Index shard) {
      if (forward_) {
        calls_.execute(shard, own_.bytes(), {calls_.part(b.src, shard).data(), calls_.part(b.dst, shard).data()});
      } else {
        calls_.execute(shard, own_.bytes(),
                       {calls_.part(b.dst_in, shard).data(), calls_.part(b.grad_dst, shard).data(),
                        calls_.part(b.grad_src, shard).data()});
      }
    });
  }

 private:
  static constexpr std::array kForward{DNNL_ARG_SRC, DNNL_ARG_DST};
  static constexpr std::array kBackward{DNNL_ARG_DST, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_SRC};

  OneDnnActivation(const ActivationProblem& p, const CutPrimitives& d)
      : forward_(p.pass == Pass::forward),
        calls_(d.shards, d.primitives, forward_ ? std::span<const int>(kForward) : std::span<const int>(kBackward),
               scratch_),
        own_(usize(scratch_.size_bytes())) {}

  bool forward_;
  ScratchLayout scratch_;
  ShardCalls calls_;
  AlignedBuffer own_;
};

/// Where oneDNN computes something else than the contract says.
std::string difference(const ActivationProblem& p) {
  const bool forward = p.pass == Pass::forward;
  switch (p.activation) {
    case Activation::linear:
      return "oneDNN computes 1 x + 0, which loses the sign of -0";
    case Activation::relu:
    case Activation::relu6:
      if (forward) return "oneDNN's ReLU turns NaN into 0";
      return "oneDNN multiplies the gradient by the slope 0, which makes infinity NaN";
    case Activation::leaky_relu:
      if (!forward) return "oneDNN gives a result of NaN the slope 1";
      return p.negative_slope == 0.0F ? "oneDNN's ReLU turns NaN into 0" : "";
    case Activation::softmax:
    case Activation::log_softmax:
      return "softmax is not element-wise";
    case Activation::clip:
    case Activation::elu:
    case Activation::hard_sigmoid:
    case Activation::swish:
    case Activation::hard_swish:
    case Activation::gelu:
    case Activation::gelu_tanh:
      return "left to our own vectors";
    case Activation::sigmoid:
    case Activation::tanh:
      break;
  }
  return {};
}

}  // namespace

std::string decline_activation(const ActivationProblem& p) {
  if (std::string reason = difference(p); !reason.empty()) return reason;
  if (p.elements == 0) return "there is nothing to compute";
  return decline_plain_loops([&] { return describe(p); });
}

std::unique_ptr<ActivationKernel> make_activation(const ActivationProblem& p) {
  return std::make_unique<OneDnnActivation>(p);
}

}  // namespace saccade::kernels::onednn
