#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "saccade/base/aligned_buffer.h"
#include "saccade/base/parallel.h"
#include "saccade/kernels/activation/in_place_internal.h"
#include "saccade/kernels/conv2d/depthwise_simd.h"
#include "saccade/kernels/conv2d/onednn_conv2d_internal.h"
#include "saccade/kernels/conv2d/pieces_internal.h"
#include "saccade/kernels/onednn/onednn_internal.h"
#include "saccade/kernels/onednn/shard_calls_internal.h"
#include "saccade/kernels/scratch.h"

namespace saccade::kernels::onednn {
namespace {

using dnnl::algorithm;
using dnnl::memory;
using dnnl::prop_kind;
using Tag = memory::format_tag;

// Shards of backward_weights. Below so many multiply-adds one is not worth its start. Each also writes filters of its own,
// which are read again to be added up; so many pixels in each make that a small part of its work. But two shards there are
// in any case, for two cores.
constexpr Index kLeastWork = 1'000'000;
constexpr Index kMostShards = 16;
constexpr Index kLeastPixels = 512;

memory::desc images_desc(Index n, Index c, Index h, Index w) {
  return {{n, c, h, w}, memory::data_type::f32, Tag::nhwc};
}

memory::desc weight_desc(const Conv2DProblem& p, Tag ungrouped, Tag grouped) {
  if (p.groups == 1) return {{p.oc, p.ic, p.kh, p.kw}, memory::data_type::f32, ungrouped};
  return {{p.groups, p.oc / p.groups, p.ic / p.groups, p.kh, p.kw}, memory::data_type::f32, grouped};
}

memory::desc hwio(const Conv2DProblem& p) { return weight_desc(p, Tag::hwio, Tag::hwigo); }

/// The primitive with the filter in layout `weight`; throws dnnl::error when there is none.
dnnl::primitive_desc_base describe(const Conv2DProblem& p, const memory::desc& weight) {
  const memory::desc src = images_desc(p.n, p.ic, p.ih, p.iw);
  const memory::desc dst = images_desc(p.n, p.oc, p.oh(), p.ow());
  const bool with_bias = p.bias && p.pass != Pass::backward_data;
  const memory::desc bias = with_bias ? memory::desc({p.oc}, memory::data_type::f32, Tag::x) : memory::desc();
  const memory::dims strides{p.sh, p.sw}, dilates{p.dh - 1, p.dw - 1};
  const memory::dims before{p.ph.before, p.pw.before}, after{p.ph.after, p.pw.after};
  const algorithm direct = algorithm::convolution_direct;

  using Forward = dnnl::convolution_forward;
  const prop_kind kind = p.pass == Pass::forward ? prop_kind::forward_inference : prop_kind::forward_training;
  const Forward::desc forward(kind, direct, src, weight, bias, dst, strides, dilates, before, after);
  if (p.pass == Pass::forward) return Forward::primitive_desc(forward, attributes(), engine());

  const Forward::primitive_desc hint(forward, attributes(), engine());
  if (p.pass == Pass::backward_data) {
    using Backward = dnnl::convolution_backward_data;
    const Backward::desc backward(direct, src, weight, dst, strides, dilates, before, after);
    return Backward::primitive_desc(backward, attributes(), engine(), hint);
  }
  using Backward = dnnl::convolution_backward_weights;
  const Backward::desc backward(direct, src, weight, bias, dst, strides, dilates, before, after);
  return Backward::primitive_desc(backward, attributes(), engine(), hint);
}

memory::desc any_layout(const Conv2DProblem& p) { return weight_desc(p, Tag::any, Tag::any); }

// ---- Forward and backward_data ----

/// The pieces' primitives, which all take the filter in one layout: the one that oneDNN prefers for the largest piece.
struct PiecesDescription {
  std::vector<Conv2DPiece> pieces;
  std::vector<dnnl::primitive_desc_base> primitives;  // of each piece
  memory::desc weight;
};

PiecesDescription describe_pieces(const Conv2DProblem& p) {
  const SingleThreadScope single;
  PiecesDescription d{.pieces = cut_into_pieces(p), .primitives = {}, .weight = {}};
  const Conv2DPiece& largest =
      *std::ranges::max_element(d.pieces, {}, [](const Conv2DPiece& piece) { return piece.problem.multiply_adds(); });
  d.weight = describe(largest.problem, any_layout(p)).query_md(dnnl::query::exec_arg_md, DNNL_ARG_WEIGHTS);
  for (std::size_t i = 0; i < d.pieces.size(); ++i) {
    const bool as_before = i > 0 && d.pieces[i].problem == d.pieces[i - 1].problem;
    d.primitives.push_back(as_before ? d.primitives.back() : describe(d.pieces[i].problem, d.weight));
  }
  return d;
}

/// The filter is brought into oneDNN's layout, then every piece runs by itself.
class DataPass final : public Conv2DKernel {
 public:
  explicit DataPass(const Conv2DProblem& p) : DataPass(p, describe_pieces(p)) {}

  Index scratch_bytes() const override { return scratch_.size_bytes(); }

  void run(const Conv2DBuffers& b) override {
    const float* weight = b.weight.data();
    if (reorder_) {
      std::byte* const blocked = kept_weight_ ? kept_weight_->bytes().data() : b.scratch.data() + blocked_weight_;
      if (!is_kept_) {
        reorder_->set(0, b.weight.data());
        reorder_->set(1, blocked);
        reorder_->set_scratchpad(b.scratch.data() + reorder_scratchpad_);
        reorder_->execute();
        is_kept_ = kept_weight_.has_value();
      }
      weight = reinterpret_cast<const float*>(blocked);
    }
    parallel_for(isize(pieces_.size()), [&](Index i) { run_piece(pieces_[usize(i)], b, weight); });
  }

 private:
  struct Piece {
    Index first_src, first_dst, dst_elements;
    Call call;
    Index scratchpad;
    InPlaceActivation activation;
  };

  DataPass(const Conv2DProblem& p, const PiecesDescription& d)
      : backward_(p.pass == Pass::backward_data), has_bias_(p.bias && !backward_) {
    const SingleThreadScope single;
    for (std::size_t i = 0; i < d.pieces.size(); ++i) {
      const auto& [problem, first_src, first_dst] = d.pieces[i];
      pieces_.push_back({.first_src = first_src,
                         .first_dst = first_dst,
                         .dst_elements = problem.dst_elements(),
                         .call = Call(dnnl::primitive(d.primitives[i].get()), d.primitives[i], arguments(p)),
                         .scratchpad = 0,
                         .activation = InPlaceActivation(p.activation, problem.dst_elements())});
      pieces_.back().scratchpad = scratch_.add(pieces_.back().call.scratchpad_bytes());
    }
    if (d.weight == hwio(p)) return;
    reorder_.emplace(make_reorder(hwio(p), d.weight));
    if (p.constant_weight && p.pass == Pass::forward) {
      kept_weight_.emplace(d.weight.get_size());
    } else {
      blocked_weight_ = scratch_.add(isize(d.weight.get_size()));
    }
    reorder_scratchpad_ = scratch_.add(reorder_->scratchpad_bytes());
  }

  static std::span<const int> arguments(const Conv2DProblem& p) {
    static constexpr std::array kForward{DNNL_ARG_SRC, DNNL_ARG_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS};
    static constexpr std::array kBackward{DNNL_ARG_DIFF_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS};
    if (p.pass == Pass::backward_data) return kBackward;
    return std::span<const int>(kForward).first(p.bias ? 4 : 3);
  }

  void run_piece(Piece& piece, const Conv2DBuffers& b, const float* weight) const {
    Call& call = piece.call;
    call.set(0, (backward_ ? b.grad_src.data() : b.src.data()) + piece.first_src);
    call.set(1, (backward_ ? b.grad_dst.data() : b.dst.data()) + piece.first_dst);
    call.set(2, weight);
    if (has_bias_) call.set(3, b.bias.data());
    call.set_scratchpad(b.scratch.data() + piece.scratchpad);
    call.execute();
    if (!backward_) piece.activation.run(b.dst.subspan(usize(piece.first_dst), usize(piece.dst_elements)));
  }

  bool backward_, has_bias_;
  ScratchLayout scratch_;
  std::vector<Piece> pieces_;
  std::optional<Call> reorder_;
  std::optional<AlignedBuffer> kept_weight_;  // of a constant weight, from the first run on
  bool is_kept_ = false;
  Index blocked_weight_ = 0;
  Index reorder_scratchpad_ = 0;
};

// ---- Backward_weights ----

/// Both kinds of shards write the filter in one layout, which oneDNN prefers for the whole ones.
struct ShardsDescription {
  Shards shards;
  WholeAndLast primitives;
  memory::desc weight;
};

ShardsDescription describe_shards(const Conv2DProblem& p) {
  const SingleThreadScope single;
  const Index pixels = p.n * p.oh() * p.ow();
  const Index most = std::clamp<Index>(pixels / kLeastPixels, 2, kMostShards);
  ShardsDescription d{
      .shards = Shards::cut(p.n, p.multiply_adds() / p.n, kLeastWork, most), .primitives = {}, .weight = {}};
  Conv2DProblem shard = p;
  shard.n = d.shards.images;
  d.primitives.whole = describe(shard, any_layout(p));
  d.weight = d.primitives.whole.query_md(dnnl::query::exec_arg_md, DNNL_ARG_DIFF_WEIGHTS);
  shard.n = d.shards.last();
  d.primitives.last = shard.n == d.shards.images ? d.primitives.whole : describe(shard, d.weight);
  return d;
}

/// Every shard writes gradients of its own, which are added up in the order of the shards.
class WeightPass final : public Conv2DKernel {
 public:
  explicit WeightPass(const Conv2DProblem& p) : WeightPass(p, describe_shards(p)) {}

  Index scratch_bytes() const override { return scratch_.size_bytes(); }

  void run(const Conv2DBuffers& b) override {
    float* const weights = floats_at(b.scratch, partial_weights_);
    float* const biases = floats_at(b.scratch, partial_biases_);
    parallel_for(calls_.count(), [&](Index shard) {
      calls_.execute(shard, b.scratch,
                     {calls_.part(b.src, shard).data(), calls_.part(b.grad_dst, shard).data(),
                      weights + shard * weight_stride_, biases + shard * bias_stride_});
    });
    add_up(weights, weight_stride_, reorder_ ? weights : b.grad_weight.data(), weight_elements_);
    if (bias_elements_ != 0) add_up(biases, bias_stride_, b.grad_bias.data(), bias_elements_);
    if (!reorder_) return;
    reorder_->set(0, weights);
    reorder_->set(1, b.grad_weight.data());
    reorder_->set_scratchpad(b.scratch.data() + reorder_scratchpad_);
    reorder_->execute();
  }

 private:
  static constexpr std::array kArguments{DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_BIAS};

  WeightPass(const Conv2DProblem& p, const ShardsDescription& d)
      : calls_(d.shards, d.primitives, std::span(kArguments).first(p.bias ? 4 : 3), scratch_),
        weight_elements_(isize(d.weight.get_size() / sizeof(float))),
        weight_stride_(round_up(weight_elements_, kLine)),
        bias_elements_(p.bias ? p.oc : 0),
        bias_stride_(round_up(bias_elements_, kLine)) {
    partial_weights_ = scratch_.add(calls_.count() * weight_stride_ * kFloatBytes);
    partial_biases_ = scratch_.add(calls_.count() * bias_stride_ * kFloatBytes);
    if (d.weight == hwio(p)) return;
    reorder_.emplace(make_reorder(d.weight, hwio(p)));
    reorder_scratchpad_ = scratch_.add(reorder_->scratchpad_bytes());
  }

  void add_up(const float* partials, Index stride, float* sum, Index elements) const {
    const Index count = calls_.count();
    parallel_ranges(elements, kGrain, [=](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        float total = partials[i];
        for (Index shard = 1; shard < count; ++shard) total += partials[shard * stride + i];
        sum[i] = total;
      }
    });
  }

  static constexpr Index kLine = 16;      // floats of a cache line: partial sums of two shards share none
  static constexpr Index kGrain = 16384;  // elements a thread adds up at a time

  ScratchLayout scratch_;
  ShardCalls calls_;
  Index weight_elements_, weight_stride_;
  Index bias_elements_, bias_stride_;
  Index partial_weights_ = 0;
  Index partial_biases_ = 0;
  std::optional<Call> reorder_;
  Index reorder_scratchpad_ = 0;
};

}  // namespace

std::string decline_conv2d(const Conv2DProblem& p) {
  if (p.src_elements() == 0 || p.dst_elements() == 0) return "there is nothing to compute";
  if (is_softmax(p.activation)) return "softmax is a kernel of its own";
  const bool large = p.kh > 3 || p.kw > 3;
  if (large && p.pass == Pass::backward_weights && simd::decline_depthwise(p).empty()) {
    return "oneDNN takes ten times as long as our own for depthwise filters above 3x3";
  }
  try {
    bool plain = false;
    if (p.pass == Pass::backward_weights) {
      const ShardsDescription d = describe_shards(p);
      plain = is_plain_loop(d.primitives.whole) || is_plain_loop(d.primitives.last);
    } else {
      plain = std::ranges::any_of(describe_pieces(p).primitives, is_plain_loop);
    }
    if (plain) return "oneDNN has only a plain loop for it";
  } catch (const dnnl::error& error) {
    return std::string("oneDNN: ") + error.what();
  }
  return {};
}

std::unique_ptr<Conv2DKernel> make_conv2d(const Conv2DProblem& p) {
  if (p.pass == Pass::backward_weights) return std::make_unique<WeightPass>(p);
  return std::make_unique<DataPass>(p);
}

}  // namespace saccade::kernels::onednn
