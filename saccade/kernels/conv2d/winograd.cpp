#include "saccade/kernels/conv2d/winograd.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "saccade/base/aligned_buffer.h"
#include "saccade/base/parallel.h"
#include "saccade/kernels/conv2d/winograd_transform_internal.h"
#include "saccade/kernels/gemm/small_gemm_internal.h"
#include "saccade/kernels/scratch.h"

namespace saccade::kernels {
namespace {

using winograd::Tiles;

constexpr Index kVector = 16;  // Channels come in multiples of the widest vector.
constexpr Index kPanel = 64;   // Columns of one product.
constexpr Index kRows = 24;    // Its rows: tiles, at most,
constexpr Index kFewRows = 8;  // and at least, where there are so many.

/// The size of the last of the pieces of `step` that an extent is cut into.
constexpr Index last_of(Index extent, Index step) noexcept { return extent - (ceil_divide(extent, step) - 1) * step; }

/// Floats from one slice to the next: the slices' lines of the same tile must not share a set of the first cache, whose ways
/// repeat every 4 KiB.
constexpr Index slice_stride(Index elements) noexcept { return round_up(elements, 1024) + kVector; }

/// What a pass costs in multiply-adds: of the products, of the transforms of tiles, and of those of the filter, which is
/// read once a tap but written and read again once a slice. The factors were measured.
Index cost(const Conv2DProblem& p, Index m) {
  const bool backward = p.pass == Pass::backward_data;
  const Index tiles = p.n * ceil_divide(backward ? p.ih : p.oh(), m) * ceil_divide(backward ? p.iw : p.ow(), m);
  const Index of_filter = backward ? 60 : p.constant_weight ? 10 : 30;
  return winograd::slices(m) * (tiles * (p.ic * p.oc + 12 * (p.ic + p.oc)) + of_filter * p.ic * p.oc);
}

/// Whether the filter is transformed in the first run alone.
bool keeps_filter(const Conv2DProblem& p) { return p.constant_weight && p.pass == Pass::forward; }

Index choose_m(const Conv2DProblem& p) { return cost(p, 4) <= cost(p, 2) ? 4 : 2; }

/// The tiles of a pass: those that are read with what stands around them, and those of m x m pixels.
struct Geometry {
  Tiles wide, narrow;
  Index count;       // tiles of the batch
  Index chunk;       // tiles that are worked on together
  Index rows;        // of one product; a chunk has whole ones
  bool own = false;  // each thread takes chunks of its own
  // Rows of the transformed filter that are made and multiplied at a time: fewer than all only where one chunk has all tiles,
  // because another one would have them made again.
  Index filter_rows;

  Geometry(const Conv2DProblem& p, const WinogradChunks& chunks) {
    const Tiles src{.m = 0, .h = p.ih, .w = p.iw, .c = p.ic, .rows = 0, .columns = 0, .y = 0, .x = 0};
    const Tiles dst{.m = 0, .h = p.oh(), .w = p.ow(), .c = p.oc, .rows = 0, .columns = 0, .y = 0, .x = 0};
    const bool backward = p.pass == Pass::backward_data;
    wide = backward ? dst : src;
    narrow = backward ? src : dst;
    wide.y = backward ? p.ph.before - 2 : -p.ph.before;
    wide.x = backward ? p.pw.before - 2 : -p.pw.before;
    const Index m = choose_m(p);
    for (Tiles* tiles : {&wide, &narrow}) {
      tiles->m = m;
      tiles->rows = ceil_divide(narrow.h, m);
      tiles->columns = ceil_divide(narrow.w, m);
    }
    count = p.n * narrow.per_image();
    filter_rows = wide.c;
    const Index tile_bytes = winograd::slices(m) * (p.ic + p.oc) * kFloatBytes;
    const auto tiles_in = [&](Index bytes, Index least) { return std::max(least, bytes / tile_bytes); };
    if (p.pass == Pass::backward_weights) {
      own = winograd::slices(m) * p.ic * p.oc * kFloatBytes <= chunks.own_sums_bytes;
      chunk = tiles_in(own ? chunks.own_bytes : chunks.shared_bytes, chunks.least_summed_tiles);
    } else {
      chunk = tiles_in(chunks.own_bytes, kRows);
      if (winograd::slices(m) * p.ic * p.oc * kFloatBytes <= chunks.own_filter_bytes) {
        own = true;
        chunk = std::min(chunk, std::max(kFewRows, ceil_divide(count, chunks.least_own)));
      } else {
        own = ceil_divide(count, chunk) >= chunks.least_own;
        const Index row_bytes = winograd::slices(m) * narrow.c * kFloatBytes;
        if (!own && !keeps_filter(p) && count * tile_bytes <= chunks.blocked_bytes) {
          chunk = count;
          filter_rows = std::max(kVector, std::min(wide.c, chunks.filter_block_bytes / row_bytes / kVector * kVector));
          while (wide.c % filter_rows != 0) filter_rows -= kVector;
        } else if (!own) {
          chunk = tiles_in(chunks.shared_bytes, kRows);
        }
      }
    }
    chunk = std::min(chunk, ceil_divide(count, ceil_divide(count, chunk)));
    rows = ceil_divide(chunk, ceil_divide(chunk, kRows));
    chunk = std::min(count, round_up(chunk, rows));
  }
};

/// Tiles one task transforms: about as many floats as stay in the second cache.
Index tiles_of_task(const Geometry& g, Index c) {
  constexpr Index kFloats = 32768;
  return std::max<Index>(1, kFloats / (winograd::slices(g.wide.m) * c));
}

/// c [rows, to] (+)= a [rows, inner] * b, b in panels of kPanel columns. Rows of a are `from` apart.
class PanelProduct {
 public:
  struct Shape {
    Index rows, inner, from, to;
    bool add;
  };

  explicit PanelProduct(const Shape& s)
      : s_(s), whole_(make(s, std::min(kPanel, s.to))), last_(make(s, last_of(s.to, kPanel))) {}

  void operator()(const float* a, const float* b, float* c) const {
    for (Index panel = 0; panel < s_.to; panel += kPanel) {
      (s_.to - panel < kPanel ? last_ : whole_)(a, b + panel * s_.inner, c + panel);
    }
  }

 private:
  static SmallGemm make(const Shape& s, Index columns) {
    return SmallGemm({.rows = s.rows,
                      .columns = columns,
                      .inner = s.inner,
                      .a_stride = s.from,
                      .b_stride = columns,
                      .c_stride = s.to,
                      .add = s.add});
  }

  Shape s_;
  SmallGemm whole_, last_;
};

/// Forward and backward_data, which is forward with the filters turned and their channels exchanged.
class WinogradData final : public Conv2DKernel {
 public:
  WinogradData(const Conv2DProblem& p, const WinogradChunks& chunks)
      : p_(p),
        g_(p, chunks),
        from_(g_.wide.c),
        to_(g_.narrow.c),
        slices_(winograd::slices(g_.wide.m)),
        filter_stride_(slice_stride(g_.filter_rows * to_)),
        wide_stride_(slice_stride(g_.chunk * from_)),
        narrow_stride_(slice_stride(g_.chunk * to_)),
        slots_(g_.own ? thread_count() : 1),
        zeros_(usize(from_)) {
    for (const bool add : {false, true}) {
      if (add && g_.filter_rows == from_) break;
      for (const Index rows : {g_.rows, last_of(g_.count, g_.rows)}) {
        products_.emplace_back(
            PanelProduct::Shape{.rows = rows, .inner = g_.filter_rows, .from = from_, .to = to_, .add = add});
      }
    }
    wide_ = scratch_.add(slots_ * slices_ * wide_stride_ * kFloatBytes);
    narrow_ = scratch_.add(slots_ * slices_ * narrow_stride_ * kFloatBytes);
    const Index filter_bytes = slices_ * filter_stride_ * kFloatBytes;
    if (keeps_filter(p)) {
      kept_filter_.emplace(usize(filter_bytes));
    } else {
      filter_ = scratch_.add(filter_bytes);
    }
  }

  Index scratch_bytes() const override { return scratch_.size_bytes(); }

  void run(const Conv2DBuffers& b) override {
    const bool forward = p_.pass == Pass::forward;
    const float* const src = forward ? b.src.data() : b.grad_dst.data();
    const float* const bias = forward && p_.bias ? b.bias.data() : nullptr;
    float* const dst = forward ? b.dst.data() : b.grad_src.data();
    const bool relu = p_.activation == Activation::relu;
    float* const filter = kept_filter_ ? floats_at(kept_filter_->bytes(), 0) : floats_at(b.scratch, filter_);
    const bool blocked = g_.filter_rows < from_;
    if (!blocked && !is_kept_) transform_filter(b.weight.data(), 0, filter);
    is_kept_ = kept_filter_.has_value();
    const auto run_chunk = [&](Index slot, Index chunk) {
      const Index first = chunk * g_.chunk, count = std::min(g_.chunk, g_.count - first);
      float* const wide = floats_at(b.scratch, wide_) + slot * slices_ * wide_stride_;
      float* const narrow = floats_at(b.scratch, narrow_) + slot * slices_ * narrow_stride_;
      parallel_ranges(count, tiles_of_task(g_, from_), [&](Index begin, Index end) {
        winograd::transform_source(g_.wide, src, zeros_.data(), first + begin, end - begin, wide + begin * from_,
                                   wide_stride_);
      });
      for (Index row = 0; row < from_; row += g_.filter_rows) {
        if (blocked) transform_filter(b.weight.data(), row, filter);
        multiply(first, count, row, wide + row, filter, narrow);
      }
      parallel_ranges(count, tiles_of_task(g_, to_), [&](Index begin, Index end) {
        winograd::transform_result(g_.narrow, narrow + begin * to_, narrow_stride_, first + begin, end - begin, bias,
                                   relu, dst);
      });
    };
    const Index chunks = ceil_divide(g_.count, g_.chunk);
    if (g_.own) {
      parallel_slots(slots_, chunks, run_chunk);
    } else {
      for (Index chunk = 0; chunk < chunks; ++chunk) run_chunk(0, chunk);
    }
  }

 private:
  /// Adds to narrow what the filter's rows from `filter_row` on give; the first ones write it.
  void multiply(Index first, Index count, Index filter_row, const float* wide, const float* filter,
                float* narrow) const {
    const Index blocks = ceil_divide(count, g_.rows);
    parallel_for(slices_ * blocks, [&](Index task) {
      const Index slice = task / blocks, row = task % blocks * g_.rows;
      const bool is_last = first + row + g_.rows >= g_.count;
      products_[(filter_row > 0 ? 2U : 0U) + (is_last ? 1U : 0U)](wide + slice * wide_stride_ + row * from_,
                                                                  filter + slice * filter_stride_,
                                                                  narrow + slice * narrow_stride_ + row * to_);
    });
  }

  /// g_.filter_rows rows of the filter.
  void transform_filter(const float* weight, Index first, float* filter) const {
    const winograd::FilterLayout layout{.from = from_,
                                        .to = to_,
                                        .width = kPanel,
                                        .first = first,
                                        .rows = g_.filter_rows,
                                        .backward = p_.pass == Pass::backward_data};
    parallel_ranges(g_.filter_rows, 2 * kVector, [&](Index begin, Index end) {
      winograd::transform_filter(g_.wide.m, layout, weight, first + begin, first + end, filter, filter_stride_);
    });
  }

  Conv2DProblem p_;
  Geometry g_;
  Index from_, to_, slices_;
  Index filter_stride_, wide_stride_, narrow_stride_;
  Index slots_;                         // parts of the scratch memory for transformed tiles
  std::vector<PanelProduct> products_;  // [add][last rows]
  std::vector<float> zeros_;
  ScratchLayout scratch_;
  Index wide_ = 0, narrow_ = 0, filter_ = 0;
  std::optional<AlignedBuffer> kept_filter_;  // of a constant weight, from the first run on
  bool is_kept_ = false;
};

/// Chunk by chunk, sums [ic, oc] += wide^T * narrow in each slice. Where the sums are small, groups of chunks have sums of their
/// own, which are added up in order.
class WinogradWeights final : public Conv2DKernel {
 public:
  WinogradWeights(const Conv2DProblem& p, const WinogradChunks& chunks)
      : p_(p),
        g_(p, chunks),
        slices_(winograd::slices(g_.wide.m)),
        sums_stride_(slice_stride(p.ic * p.oc)),
        wide_stride_(slice_stride(g_.chunk * p.ic)),
        narrow_stride_(slice_stride(g_.chunk * p.oc)),
        chunks_(ceil_divide(g_.count, g_.chunk)),
        chunks_of_group_(g_.own ? ceil_divide(chunks_, chunks.most_groups) : chunks_),
        groups_(ceil_divide(chunks_, chunks_of_group_)),
        slots_(std::min<Index>(groups_, thread_count())),
        zeros_(usize(std::max(p.ic, p.oc))) {
    wide_ = scratch_.add(slots_ * slices_ * wide_stride_ * kFloatBytes);
    narrow_ = scratch_.add(slots_ * slices_ * narrow_stride_ * kFloatBytes);
    sums_ = scratch_.add(groups_ * slices_ * sums_stride_ * kFloatBytes);
    if (p.bias) biases_ = scratch_.add(groups_ * p.oc * kFloatBytes);
    for (const Index inner : {g_.chunk, last_of(g_.count, g_.chunk)}) {
      for (const Index rows : {std::min(kPanel, p.ic), last_of(p.ic, kPanel)}) {
        for (const Index columns : {std::min(kPanel, p.oc), last_of(p.oc, kPanel)}) {
          products_.emplace_back(SmallGemm::Shape{.rows = rows,
                                                  .columns = columns,
                                                  .inner = inner,
                                                  .a_stride = p.ic,
                                                  .b_stride = p.oc,
                                                  .c_stride = p.oc,
                                                  .a_transposed = true,
                                                  .add = true});
        }
      }
    }
  }

  Index scratch_bytes() const override { return scratch_.size_bytes(); }

  void run(const Conv2DBuffers& b) override {
    if (groups_ > 1) {
      parallel_slots(slots_, groups_, [&](Index slot, Index group) { sum_group(b, slot, group); });
    } else {
      sum_group(b, 0, 0);
    }
    const Index elements = p_.ic * p_.oc, group_elements = slices_ * sums_stride_;
    float* const sums = floats_at(b.scratch, sums_);
    parallel_ranges(elements, 64 * kVector, [&](Index begin, Index end) {
      for (Index group = 1; group < groups_; ++group) {
        for (Index slice = 0; slice < slices_; ++slice) {
          float* const sum = sums + slice * sums_stride_;
          const float* const addend = sum + group * group_elements;
          for (Index i = begin; i < end; ++i) sum[i] += addend[i];
        }
      }
      winograd::transform_filter_gradient(g_.wide.m, sums, sums_stride_, begin, end, elements, b.grad_weight.data());
    });
    if (!p_.bias) return;
    std::ranges::fill(b.grad_bias, 0.0F);
    winograd::add_rows(floats_at(b.scratch, biases_), groups_, p_.oc, b.grad_bias.data());
  }

 private:
  void sum_group(const Conv2DBuffers& b, Index slot, Index group) const {
    float* const wide = floats_at(b.scratch, wide_) + slot * slices_ * wide_stride_;
    float* const narrow = floats_at(b.scratch, narrow_) + slot * slices_ * narrow_stride_;
    float* const bias = p_.bias ? floats_at(b.scratch, biases_) + group * p_.oc : nullptr;
    if (p_.bias) std::fill(bias, bias + p_.oc, 0.0F);
    const Index first_chunk = group * chunks_of_group_;
    for (Index chunk = first_chunk; chunk < std::min(chunks_, first_chunk + chunks_of_group_); ++chunk) {
      const Index first = chunk * g_.chunk, count = std::min(g_.chunk, g_.count - first);
      parallel_ranges(count, tiles_of_task(g_, p_.ic + p_.oc), [&](Index begin, Index end) {
        winograd::transform_source(g_.wide, b.src.data(), zeros_.data(), first + begin, end - begin,
                                   wide + begin * p_.ic, wide_stride_);
        winograd::transform_gradient(g_.narrow, b.grad_dst.data(), zeros_.data(), first + begin, end - begin,
                                     narrow + begin * p_.oc, narrow_stride_);
      });
      const Index blocks = ceil_divide(p_.ic, kPanel), tasks = slices_ * blocks;
      float* const sums = floats_at(b.scratch, sums_) + group * slices_ * sums_stride_;
      parallel_for(tasks + (p_.bias ? 1 : 0), [&](Index task) {
        if (task == tasks) {
          const Index ones = winograd::side(g_.wide.m) + 1;  // the slice of point (1, 1)
          return winograd::add_rows(narrow + ones * narrow_stride_, count, p_.oc, bias);
        }
        const Index slice = task / blocks, row = task % blocks * kPanel;
        float* const sum = sums + slice * sums_stride_ + row * p_.oc;
        if (chunk == first_chunk) std::fill(sum, sum + std::min(kPanel, p_.ic - row) * p_.oc, 0.0F);
        multiply(chunk == chunks_ - 1, row, wide + slice * wide_stride_, narrow + slice * narrow_stride_, sum);
      });
    }
  }

  void multiply(bool last_chunk, Index row, const float* wide, const float* narrow, float* sum) const {
    for (Index column = 0; column < p_.oc; column += kPanel) {
      const SmallGemm& product =
          products_[(last_chunk ? 4U : 0U) + (row + kPanel >= p_.ic ? 2U : 0U) + (column + kPanel >= p_.oc ? 1U : 0U)];
      product(wide + row, narrow + column, sum + column);
    }
  }

  Conv2DProblem p_;
  Geometry g_;
  Index slices_;
  Index sums_stride_, wide_stride_, narrow_stride_;
  Index chunks_, chunks_of_group_, groups_;
  Index slots_;                      // parts of the scratch memory for transformed tiles
  std::vector<SmallGemm> products_;  // [last chunk][last rows][last columns]
  std::vector<float> zeros_;
  ScratchLayout scratch_;
  Index wide_ = 0, narrow_ = 0, sums_ = 0, biases_ = 0;
};

}  // namespace

std::string decline_winograd(const Conv2DProblem& p) {
  if (p.kh != 3 || p.kw != 3) return "the filter is not 3 x 3";
  if (p.sh != 1 || p.sw != 1) return "the stride is not 1";
  if (p.dh != 1 || p.dw != 1) return "it is dilated";
  if (p.groups != 1) return "it is grouped";
  if (p.ic % kVector != 0 || p.oc % kVector != 0) return "channels are no multiples of 16";
  if (exact_convolutions()) return "exact convolutions are asked for";
  if (p.src_elements() == 0 || p.dst_elements() == 0) return "there is nothing to compute";
  if (p.activation != Activation::linear && p.activation != Activation::relu) return "the activation is not relu";
  if (cost(p, choose_m(p)) > p.multiply_adds()) return "there are too few pixels for the size of its filter";
  return SmallGemm::decline();
}

std::unique_ptr<Conv2DKernel> make_winograd(const Conv2DProblem& p) { return make_winograd(p, {}); }

std::unique_ptr<Conv2DKernel> make_winograd(const Conv2DProblem& p, const WinogradChunks& chunks) {
  if (p.pass == Pass::backward_weights) return std::make_unique<WinogradWeights>(p, chunks);
  return std::make_unique<WinogradData>(p, chunks);
}

}  // namespace saccade::kernels
