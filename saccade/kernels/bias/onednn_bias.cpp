#include <array>

#include "saccade/base/parallel.h"
#include "saccade/kernels/bias/onednn_bias_internal.h"
#include "saccade/kernels/onednn/onednn_internal.h"
#include "saccade/kernels/onednn/shard_calls_internal.h"

namespace saccade::kernels::onednn {
namespace {

using dnnl::memory;

/// The primitive for a shard of `rows`; throws dnnl::error when there is none.
dnnl::primitive_desc_base describe(const BiasProblem& p, Index rows) {
  const memory::desc shape({rows, p.c}, memory::data_type::f32, memory::format_tag::ab);
  const memory::desc bias({1, p.c}, memory::data_type::f32, memory::format_tag::ab);
  return dnnl::binary::primitive_desc({dnnl::algorithm::binary_add, shape, bias, shape}, attributes(), engine());
}

CutPrimitives describe(const BiasProblem& p) {
  const SingleThreadScope single;
  const Shards shards = cut_by_memory(p.rows, p.c);
  return {shards, {describe(p, shards.images), describe(p, shards.last())}};
}

class OneDnnBias final : public BiasKernel {
 public:
  explicit OneDnnBias(const CutPrimitives& d) : calls_(d.shards, d.primitives, kArguments, scratch_) {}

  Index scratch_bytes() const override { return scratch_.size_bytes(); }

  void run(const BiasBuffers& b) override {
    parallel_for(calls_.count(), [&](Index shard) {
      calls_.execute(shard, b.scratch,
                     {calls_.part(b.src, shard).data(), b.bias.data(), calls_.part(b.dst, shard).data()});
    });
  }

 private:
  static constexpr std::array kArguments{DNNL_ARG_SRC_0, DNNL_ARG_SRC_1, DNNL_ARG_DST};

  ScratchLayout scratch_;
  ShardCalls calls_;
};

}  // namespace

std::string decline_bias(const BiasProblem& p) {
  if (p.pass != Pass::forward) return "oneDNN adds up the gradient in float, the contract in double";
  if (p.rows == 0 || p.c == 0) return "there is nothing to compute";
  return decline_plain_loops([&] { return describe(p); });
}

std::unique_ptr<BiasKernel> make_bias(const BiasProblem& p) { return std::make_unique<OneDnnBias>(describe(p)); }

}  // namespace saccade::kernels::onednn
