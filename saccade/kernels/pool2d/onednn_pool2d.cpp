#include <array>
#include <cstddef>
#include <optional>

#include "saccade/base/parallel.h"
#include "saccade/kernels/onednn/onednn_internal.h"
#include "saccade/kernels/onednn/shard_calls_internal.h"
#include "saccade/kernels/pool2d/onednn_pool2d_internal.h"

namespace saccade::kernels::onednn {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

constexpr Index kLeastWork = 100'000;  // Comparisons or additions below which a shard is not worth its start.
constexpr Index kMostShards = 16;
constexpr Index kMostWindowPixels = 256;

struct Pair {
  dnnl::pooling_forward::primitive_desc forward;
  dnnl::pooling_backward::primitive_desc backward;
};

/// The primitives for a shard of `images`; throws dnnl::error when there are none.
Pair describe(const Pool2DProblem& p, Index images) {
  const memory::desc src({images, p.c, p.ih, p.iw}, memory::data_type::f32, Tag::nhwc);
  const memory::desc dst({images, p.c, p.oh(), p.ow()}, memory::data_type::f32, Tag::nhwc);
  const memory::dims strides{p.sh, p.sw}, kernel{p.kh, p.kw};
  const memory::dims before{p.ph.before, p.pw.before}, after{p.ph.after, p.pw.after};
  const dnnl::algorithm kind =
      p.kind == PoolKind::max ? dnnl::algorithm::pooling_max : dnnl::algorithm::pooling_avg_exclude_padding;
  const dnnl::prop_kind pass = p.training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;

  Pair pair;
  pair.forward = {{pass, kind, src, dst, strides, kernel, before, after}, attributes(), engine()};
  if (p.training) {
    pair.backward = {{kind, src, dst, strides, kernel, before, after}, attributes(), engine(), pair.forward};
  }
  return pair;
}

struct Descriptions {
  Shards shards;
  Pair whole, last;
};

Descriptions describe(const Pool2DProblem& p) {
  const SingleThreadScope single;
  Descriptions d;
  d.shards = Shards::cut(p.n, p.dst_elements() / p.n * p.kh * p.kw, kLeastWork, kMostShards);
  d.whole = describe(p, d.shards.images);
  d.last = d.shards.last() == d.shards.images ? d.whole : describe(p, d.shards.last());
  return d;
}

class OneDnnPool2D final : public Pool2DKernel {
 public:
  explicit OneDnnPool2D(const Pool2DProblem& p) : OneDnnPool2D(p, describe(p)) {}

  Index scratch_bytes() const override { return scratch_.size_bytes(); }
  Index saved_bytes() const override { return saved_stride_ * forward_.count(); }

  void forward(const Pool2DBuffers& b) override {
    parallel_for(forward_.count(), [&](Index shard) {
      forward_.execute(shard, b.scratch,
                       {forward_.part(b.src, shard).data(), forward_.part(b.dst, shard).data(), saved(b, shard)});
    });
  }

  void backward(const Pool2DBuffers& b) override {
    parallel_for(backward_->count(), [&](Index shard) {
      backward_->execute(
          shard, b.scratch,
          {backward_->part(b.grad_dst, shard).data(), backward_->part(b.grad_src, shard).data(), saved(b, shard)});
    });
  }

 private:
  static constexpr std::array kForward{DNNL_ARG_SRC, DNNL_ARG_DST, DNNL_ARG_WORKSPACE};
  static constexpr std::array kBackward{DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_SRC, DNNL_ARG_WORKSPACE};

  OneDnnPool2D(const Pool2DProblem& p, const Descriptions& d)
      : keeps_(p.training && p.kind == PoolKind::max),
        forward_(d.shards, {d.whole.forward, d.last.forward}, std::span(kForward).first(keeps_ ? 3 : 2), scratch_),
        saved_stride_(keeps_ ? round_up(isize(d.whole.forward.workspace_desc().get_size()), kLine) : 0) {
    if (!p.training) return;
    backward_.emplace(d.shards, WholeAndLast{d.whole.backward, d.last.backward},
                      std::span(kBackward).first(keeps_ ? 3 : 2), scratch_);
  }

  const std::byte* saved(const Pool2DBuffers& b, Index shard) const { return b.saved.data() + shard * saved_stride_; }

  static constexpr Index kLine = 64;

  bool keeps_;
  ScratchLayout scratch_;
  ShardCalls forward_;
  std::optional<ShardCalls> backward_;
  Index saved_stride_;
};

}  // namespace

std::string decline_pool2d(const Pool2DProblem& p) {
  if (p.src_elements() == 0 || p.dst_elements() == 0) return "there is nothing to compute";
  if (p.kind == PoolKind::max && p.kh * p.kw > kMostWindowPixels) return "the window has more than 256 pixels";
  if (p.ph.before >= p.kh || p.ph.after >= p.kh || p.pw.before >= p.kw || p.pw.after >= p.kw) {
    return "a window may lie wholly in the padding";
  }
  if (p.dh != 1 || p.dw != 1) return "the window is dilated";
  try {
    const Descriptions d = describe(p);
    if (is_plain_loop(d.whole.forward) || is_plain_loop(d.last.forward)) return "oneDNN has only a plain loop for it";
  } catch (const dnnl::error& error) {
    return std::string("oneDNN: ") + error.what();
  }
  return {};
}

std::unique_ptr<Pool2DKernel> make_pool2d(const Pool2DProblem& p) { return std::make_unique<OneDnnPool2D>(p); }

}  // namespace saccade::kernels::onednn
