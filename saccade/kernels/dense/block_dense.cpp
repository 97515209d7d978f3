#include "saccade/kernels/dense/block_dense.h"

#include <algorithm>
#include <array>

#include "saccade/base/parallel.h"
#include "saccade/kernels/activation/in_place_internal.h"
#include "saccade/kernels/dense/blocks_internal.h"
#include "saccade/kernels/permute/permute.h"
#include "saccade/kernels/scratch.h"

namespace saccade::kernels {
namespace {

// With fewer, oneDNN is as fast.
constexpr Index kLeastRows = 48, kLeastSide = 64;

/// A task makes a few columns of dst for a pair of blocks of rows, so that the weights are read once for up to 128 rows.
/// The bias is where its sums begin, and the activation is taken while they are in the cache.
class Forward final : public DenseKernel {
 public:
  explicit Forward(const DenseProblem& p)
      : p_(p),
        rows_(equal_blocks(p.m, 64)),
        columns_{p.u, 64},
        inner_(equal_blocks(p.k, 256)),
        products_(rows_, columns_, inner_,
                  {.a_stride = p.k, .b_stride = p.u, .c_stride = p.u, .add = true, .fetches = true}),
        activate_{InPlaceActivation(p.activation, columns_.size),
                  InPlaceActivation(p.activation, columns_.length(columns_.count() - 1))} {}

  void run(const DenseBuffers& b) override {
    // The last tasks are halves, so that threads end at about the same time.
    const Index pairs = ceil_divide(rows_.count(), 2), whole = std::max<Index>(columns_.count() - 2, 0);
    parallel_for(whole * pairs + (columns_.count() - whole) * rows_.count(), [&](Index task) {
      if (task < whole * pairs) {
        const Index row = task % pairs * 2;
        return make_columns(b, row, std::min(row + 2, rows_.count()), task / pairs);
      }
      task -= whole * pairs;
      const Index row = task % rows_.count();
      make_columns(b, row, row + 1, whole + task / rows_.count());
    });
  }

 private:
  /// Of the blocks from first_row up to end_row.
  void make_columns(const DenseBuffers& b, Index first_row, Index end_row, Index column) const {
    const Index u = columns_.begin(column), columns = columns_.length(column);
    const Index first = rows_.begin(first_row), end = rows_.begin(end_row - 1) + rows_.length(end_row - 1);
    float* const dst = b.dst.data() + u;
    for (Index m = first; m < end; ++m) {
      if (p_.bias) {
        std::copy_n(b.bias.data() + u, columns, dst + m * p_.u);
      } else {
        std::fill_n(dst + m * p_.u, columns, 0.0F);
      }
    }
    for (Index inner = 0; inner < inner_.count(); ++inner) {
      const Index k = inner_.begin(inner);
      const float* const weight = b.weight.data() + k * p_.u + u;
      const float* const next =
          inner_.is_last(inner) ? b.weight.data() + u + columns : weight + inner_.size * p_.u;
      for (Index row = first_row; row < end_row; ++row) {
        const Index m = rows_.begin(row);
        products_.at(row, column, inner)(b.src.data() + m * p_.k + k, weight, dst + m * p_.u,
                                         row == first_row ? next : weight);
      }
    }
    const InPlaceActivation& activation = activate_[columns_.is_last(column) ? 1 : 0];
    for (Index m = first; m < end; ++m) activation.run({dst + m * p_.u, usize(columns)});
  }

  DenseProblem p_;
  Blocks rows_, columns_, inner_;
  BlockGemm products_;
  std::array<InPlaceActivation, 2> activate_;  // a row of whole blocks, and of the last one
};

std::unique_ptr<PermuteKernel> exchange_of(Index rows, Index columns) {
  const PermuteProblem problem{.extents = {rows, columns}, .order = {1, 0}};
  return choose(permute_implementations(), problem).kernel;
}

/// grad_src^T = weight * grad_dst^T: the weights are read as they lie, once, a number at a time, and vectors are rows.
class BackwardData final : public DenseKernel {
 public:
  explicit BackwardData(const DenseProblem& p)
      : p_(p),
        inputs_(even_blocks(p.k, 40)),
        rows_(equal_blocks(p.m, 128, 16)),
        units_(equal_blocks(p.u, 200)),
        first_(inputs_, rows_, units_, {.a_stride = p.u, .b_stride = p.m, .c_stride = p.m}),
        more_(inputs_, rows_, units_, {.a_stride = p.u, .b_stride = p.m, .c_stride = p.m, .add = true}),
        exchange_grad_dst_(exchange_of(p.m, p.u)),
        exchange_grad_src_(exchange_of(p.k, p.m)),
        grad_dst_(scratch_.add(p.m * p.u * kFloatBytes)),
        grad_src_(scratch_.add(p.m * p.k * kFloatBytes)) {}

  Index scratch_bytes() const override { return scratch_.size_bytes(); }

  void run(const DenseBuffers& b) override {
    const std::span grad_dst(floats_at(b.scratch, grad_dst_), usize(p_.m * p_.u));
    const std::span grad_src(floats_at(b.scratch, grad_src_), usize(p_.m * p_.k));
    exchange_grad_dst_->run({.src = b.grad_dst, .dst = grad_dst});
    parallel_for(rows_.count() * inputs_.count(), [&](Index task) {
      const Index row = task / inputs_.count(), input = task % inputs_.count();
      const Index m = rows_.begin(row), k = inputs_.begin(input);
      for (Index unit = 0; unit < units_.count(); ++unit) {
        const Index u = units_.begin(unit);
        (unit == 0 ? first_ : more_)
            .at(input, row, unit)(b.weight.data() + k * p_.u + u, grad_dst.data() + u * p_.m + m,
                                  grad_src.data() + k * p_.m + m);
      }
    });
    exchange_grad_src_->run({.src = grad_src, .dst = b.grad_src});
  }

 private:
  DenseProblem p_;
  Blocks inputs_, rows_, units_;
  BlockGemm first_, more_;
  std::unique_ptr<PermuteKernel> exchange_grad_dst_, exchange_grad_src_;
  ScratchLayout scratch_;
  Index grad_dst_, grad_src_;
};

}  // namespace

std::string decline_block_dense(const DenseProblem& p) {
  if (is_softmax(p.activation)) return "softmax is a kernel of its own";
  if (p.pass == Pass::backward_weights) return "the gradient of the weights is oneDNN's";
  if (p.m < kLeastRows) return "there are too few rows";
  if (p.k < kLeastSide) return "there are too few inputs";
  if (p.u < kLeastSide) return "there are too few units";
  return SmallGemm::decline();
}

std::unique_ptr<DenseKernel> make_block_dense(const DenseProblem& p) {
  if (p.pass == Pass::forward) return std::make_unique<Forward>(p);
  return std::make_unique<BackwardData>(p);
}

}  // namespace saccade::kernels
