#include <array>

#include "saccade/base/aligned_buffer.h"
#include "saccade/base/parallel.h"
#include "saccade/kernels/onednn/onednn_internal.h"
#include "saccade/kernels/onednn/shard_calls_internal.h"
#include "saccade/kernels/softmax/onednn_softmax_internal.h"

namespace saccade::kernels::onednn {
namespace {

using dnnl::memory;

/// The primitive for a shard of `rows`; throws dnnl::error when there is none.
dnnl::primitive_desc_base describe(const SoftmaxProblem& p, Index rows) {
  const memory::desc shape({rows, p.classes}, memory::data_type::f32, memory::format_tag::ab);
  const dnnl::softmax_forward::primitive_desc hint({dnnl::prop_kind::forward_training, shape, 1}, attributes(),
                                                   engine());
  return dnnl::softmax_backward::primitive_desc({shape, shape, 1}, attributes(), engine(), hint);
}

CutPrimitives describe(const SoftmaxProblem& p) {
  const SingleThreadScope single;
  const Shards shards = cut_by_memory(p.rows, p.classes);
  return {shards, {describe(p, shards.images), describe(p, shards.last())}};
}

class OneDnnSoftmaxGradient final : public SoftmaxKernel {
 public:
  explicit OneDnnSoftmaxGradient(const CutPrimitives& d)
      : calls_(d.shards, d.primitives, kArguments, scratch_), own_(usize(scratch_.size_bytes())) {}

  void run(const SoftmaxBuffers& b) override {
    parallel_for(calls_.count(), [&](Index shard) {
      calls_.execute(shard, own_.bytes(),
                     {calls_.part(b.dst_in, shard).data(), calls_.part(b.grad_dst, shard).data(),
                      calls_.part(b.grad_src, shard).data()});
    });
  }

 private:
  static constexpr std::array kArguments{DNNL_ARG_DST, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_SRC};

  ScratchLayout scratch_;
  ShardCalls calls_;
  AlignedBuffer own_;
};

}  // namespace

std::string decline_softmax(const SoftmaxProblem& p) {
  if (p.pass == Pass::forward) return "oneDNN leaves 0 beside a NaN or an infinity, where the whole row has no answer";
  if (p.log) return "the logarithm is ours";
  if (p.rows == 0 || p.classes == 0) return "there is nothing to compute";
  return decline_plain_loops([&] { return describe(p); });
}

std::unique_ptr<SoftmaxKernel> make_softmax(const SoftmaxProblem& p) {
  return std::make_unique<OneDnnSoftmaxGradient>(describe(p));
}

}  // namespace saccade::kernels::onednn
