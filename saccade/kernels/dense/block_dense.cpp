#include "saccade/kernels/dense/block_dense.h"

#include <algorithm>

#include "saccade/base/parallel.h"
#include "saccade/kernels/activation/in_place_internal.h"
#include "saccade/kernels/dense/blocks_internal.h"
#include "saccade/kernels/permute/permute.h"
#include "saccade/kernels/scratch.h"

namespace saccade::kernels {
namespace {

// With fewer rows oneDNN is as fast, and with more the copies pay that it makes.
constexpr Index kLeastRows = 48, kMostRows = 192;
// Backward, a smaller weight is not worth the transpositions.
constexpr Index kLeastInputs = 64, kLeastSide = 96;

/// A task makes a few columns of dst, of all rows, so that the weights are read once. The bias is where its sums begin.
class BlockForward final : public DenseKernel {
 public:
  explicit BlockForward(const DenseProblem& p)
      : p_(p),
        halves_(equal_blocks(p.m, ceil_divide(p.m, 2))),
        columns_{p.u, 64},
        inner_(equal_blocks(p.k, 256)),
        products_(halves_, columns_, inner_,
                  {.a_stride = p.k, .b_stride = p.u, .c_stride = p.u, .add = true, .fetches = true}),
        activation_(p.activation, p.m * p.u) {}

  void run(const DenseBuffers& b) override {
    // The last tasks are halves, so that threads end at about the same time.
    const Index whole = std::max<Index>(columns_.count() - 2, 0);
    parallel_for(whole + 2 * (columns_.count() - whole), [&](Index task) {
      if (task < whole) return make_columns(b, task, 0, 2);
      const Index half = task - whole;
      make_columns(b, whole + half / 2, half % 2, half % 2 + 1);
    });
    activation_.run(b.dst);
  }

 private:
  /// Of the halves of the batch from `first` up to `end`.
  void make_columns(const DenseBuffers& b, Index column, Index first, Index end) const {
    const Index u = columns_.begin(column), columns = columns_.length(column);
    const Index first_row = halves_.begin(first), end_row = halves_.begin(end - 1) + halves_.length(end - 1);
    float* const dst = b.dst.data() + u;
    for (Index m = first_row; m < end_row; ++m) {
      if (p_.bias) {
        std::copy_n(b.bias.data() + u, columns, dst + m * p_.u);
      } else {
        std::fill_n(dst + m * p_.u, columns, 0.0F);
      }
    }
    for (Index inner = 0; inner < inner_.count(); ++inner) {
      const Index k = inner_.begin(inner);
      const float* const weight = b.weight.data() + k * p_.u + u;
      const float* const next = inner_.is_last(inner) ? b.weight.data() + u + columns : weight + inner_.size * p_.u;
      for (Index half = first; half < end; ++half) {
        const Index m = halves_.begin(half);
        products_.at(half, column, inner)(b.src.data() + m * p_.k + k, weight, dst + m * p_.u,
                                          half == first ? next : weight);
      }
    }
  }

  DenseProblem p_;
  Blocks halves_, columns_, inner_;
  BlockGemm products_;
  InPlaceActivation activation_;
};

std::unique_ptr<PermuteKernel> transposition(Index rows, Index columns) {
  const PermuteProblem problem{.extents = {rows, columns}, .order = {1, 0}};
  return choose(permute_implementations(), problem).kernel;
}

/// grad_src^T = weight * grad_dst^T: the weights are read as they lie, once, a number at a time, and vectors are rows.
class BlockBackwardData final : public DenseKernel {
 public:
  explicit BlockBackwardData(const DenseProblem& p)
      : p_(p),
        inputs_(even_blocks(p.k, 40)),
        rows_(equal_blocks(p.m, 128, 16)),
        units_(equal_blocks(p.u, 400)),
        first_(inputs_, rows_, units_, {.a_stride = p.u, .b_stride = p.m, .c_stride = p.m}),
        more_(inputs_, rows_, units_, {.a_stride = p.u, .b_stride = p.m, .c_stride = p.m, .add = true}),
        transpose_grad_dst_(transposition(p.m, p.u)),
        transpose_grad_src_(transposition(p.k, p.m)),
        grad_dst_(scratch_.add(p.m * p.u * kFloatBytes)),
        grad_src_(scratch_.add(p.m * p.k * kFloatBytes)) {}

  Index scratch_bytes() const override { return scratch_.size_bytes(); }

  void run(const DenseBuffers& b) override {
    const std::span grad_dst(floats_at(b.scratch, grad_dst_), usize(p_.m * p_.u));
    const std::span grad_src(floats_at(b.scratch, grad_src_), usize(p_.m * p_.k));
    transpose_grad_dst_->run({.src = b.grad_dst, .dst = grad_dst});
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
    transpose_grad_src_->run({.src = grad_src, .dst = b.grad_src});
  }

 private:
  DenseProblem p_;
  Blocks inputs_, rows_, units_;
  BlockGemm first_, more_;
  std::unique_ptr<PermuteKernel> transpose_grad_dst_, transpose_grad_src_;
  ScratchLayout scratch_;
  Index grad_dst_, grad_src_;
};

}  // namespace

std::string decline_block_dense(const DenseProblem& p) {
  if (is_softmax(p.activation)) return "softmax is a kernel of its own";
  if (p.pass == Pass::backward_weights) return "the gradient of the weights is oneDNN's";
  if (p.rows_alike) return "its results must not depend on the number of rows, for which there are others, too";
  if (p.m < kLeastRows) return "there are too few rows";
  if (p.m > kMostRows) return "there are so many rows that oneDNN's copies pay";
  const bool backward = p.pass != Pass::forward;
  if (p.k < (backward ? kLeastSide : kLeastInputs)) return "there are too few inputs";
  if (p.u < (backward ? kLeastSide : 1)) return "there are too few units";
  return decline_blocks();
}

std::unique_ptr<DenseKernel> make_block_dense(const DenseProblem& p) {
  if (p.pass == Pass::forward) return std::make_unique<BlockForward>(p);
  return std::make_unique<BlockBackwardData>(p);
}

}  // namespace saccade::kernels
