#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <vector>

#include "saccade/base/parallel.h"
#include "saccade/kernels/activation/in_place_internal.h"
#include "saccade/kernels/dense/onednn_dense_internal.h"
#include "saccade/kernels/onednn/onednn_internal.h"

namespace saccade::kernels::onednn {
namespace {

constexpr Index kLeastWork = 50'000;  // Multiply-adds below which a block is not worth its start.
constexpr Index kFewRows = 16;        // Fewer rows than this are cut by columns.

/// A dense row-major matrix, or a block of one.
template <class T>
struct Matrix {
  T* data;
  Index stride;  // elements from one row to the next
  bool transposed = false;
};

/// c = a * b, c [rows, columns], a [rows, inner], b [inner, columns]; one thread.
void multiply(Index rows, Index columns, Index inner, Matrix<const float> a, Matrix<const float> b, Matrix<float> c) {
  const CallScope scope;
  dnnl::error::wrap_c_api(dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', rows, columns, inner, 1.0F,
                                     a.data, a.stride, b.data, b.stride, 0.0F, c.data, c.stride),
                          "oneDNN could not multiply matrices");
}

/// Size of the pieces that `extent` is cut into: at most `most` of them, none smaller than `least`.
Index block_size(Index extent, Index least, Index most, Index multiply_adds) {
  const Index by_work = ceil_divide(kLeastWork * extent, std::max<Index>(multiply_adds, 1));
  return std::max({least, ceil_divide(extent, most), by_work});
}

/// Blocks of rows, or blocks of columns when there are only a few rows. The bias is added, and the activation taken, while
/// a block is still in the cache.
class DenseForward final : public DenseKernel {
 public:
  explicit DenseForward(const DenseProblem& p)
      : p_(p),
        rows_(p.m < kFewRows ? p.m : block_size(p.m, kFewRows, 8, p.multiply_adds())),
        columns_(p.m < kFewRows ? block_size(p.u, 64, 8, p.multiply_adds()) : p.u) {
    // A block of columns is not one piece of memory; its rows are.
    const Index pieces = columns_ < p.u ? ceil_divide(p.u, columns_) : ceil_divide(p.m, rows_);
    for (Index i = 0; i < pieces; ++i) {
      const Index elements =
          columns_ < p.u ? std::min(columns_, p.u - i * columns_) : std::min(rows_, p.m - i * rows_) * p.u;
      activations_.emplace_back(p.activation, elements);
    }
  }

  void run(const DenseBuffers& b) override {
    if (columns_ < p_.u) {
      parallel_for(ceil_divide(p_.u, columns_), [&](Index block) { run_columns(b, block); });
    } else {
      parallel_for(ceil_divide(p_.m, rows_), [&](Index block) { run_rows(b, block); });
    }
  }

 private:
  void run_rows(const DenseBuffers& b, Index block) const {
    const Index m = block * rows_;
    const Index rows = std::min(rows_, p_.m - m);
    float* const dst = b.dst.data() + m * p_.u;
    multiply(rows, p_.u, p_.k, {b.src.data() + m * p_.k, p_.k}, {b.weight.data(), p_.u}, {dst, p_.u});
    for (Index row = 0; row < rows; ++row) add_bias(b.bias.data(), dst + row * p_.u, p_.u);
    activations_[usize(block)].run({dst, usize(rows * p_.u)});
  }

  void run_columns(const DenseBuffers& b, Index block) const {
    const Index u = block * columns_;
    const Index columns = std::min(columns_, p_.u - u);
    float* const dst = b.dst.data() + u;
    multiply(p_.m, columns, p_.k, {b.src.data(), p_.k}, {b.weight.data() + u, p_.u}, {dst, p_.u});
    for (Index row = 0; row < p_.m; ++row) {
      add_bias(b.bias.data() + u, dst + row * p_.u, columns);
      activations_[usize(block)].run({dst + row * p_.u, usize(columns)});
    }
  }

  void add_bias(const float* bias, float* row, Index columns) const {
    if (!p_.bias) return;
    for (Index u = 0; u < columns; ++u) row[u] += bias[u];
  }

  DenseProblem p_;
  Index rows_, columns_;
  std::vector<InPlaceActivation> activations_;  // one a block
};

class DenseBackwardData final : public DenseKernel {
 public:
  explicit DenseBackwardData(const DenseProblem& p) : p_(p), columns_(block_size(p.k, 16, 4, p.multiply_adds())) {}

  void run(const DenseBuffers& b) override {
    parallel_ranges(p_.k, columns_, [&](Index begin, Index end) {
      multiply(p_.m, end - begin, p_.u, {b.grad_dst.data(), p_.u}, {b.weight.data() + begin * p_.u, p_.u, true},
               {b.grad_src.data() + begin, p_.k});
    });
  }

 private:
  DenseProblem p_;
  Index columns_;
};

class DenseBackwardWeights final : public DenseKernel {
 public:
  explicit DenseBackwardWeights(const DenseProblem& p) : p_(p), rows_(block_size(p.k, 16, 8, p.multiply_adds())) {}

  void run(const DenseBuffers& b) override {
    const Index blocks = ceil_divide(p_.k, rows_);
    parallel_for(blocks + (p_.bias ? 1 : 0), [&](Index block) {
      if (block == blocks) return add_rows(b);
      const Index k = block * rows_;
      multiply(std::min(rows_, p_.k - k), p_.u, p_.m, {b.src.data() + k, p_.k, true}, {b.grad_dst.data(), p_.u},
               {b.grad_weight.data() + k * p_.u, p_.u});
    });
  }

 private:
  void add_rows(const DenseBuffers& b) const {
    std::fill(b.grad_bias.begin(), b.grad_bias.end(), 0.0F);
    float* const sum = b.grad_bias.data();
    for (Index m = 0; m < p_.m; ++m) {
      const float* const row = b.grad_dst.data() + m * p_.u;
      for (Index u = 0; u < p_.u; ++u) sum[u] += row[u];
    }
  }

  DenseProblem p_;
  Index rows_;
};

}  // namespace

std::string decline_dense(const DenseProblem& p) {
  if (p.multiply_adds() == 0) return "there is nothing to compute";
  if (is_softmax(p.activation)) return "softmax is a kernel of its own";
  return {};
}

std::unique_ptr<DenseKernel> make_dense(const DenseProblem& p) {
  switch (p.pass) {
    case Pass::forward:
      return std::make_unique<DenseForward>(p);
    case Pass::backward_data:
      return std::make_unique<DenseBackwardData>(p);
    case Pass::backward_weights:
      return std::make_unique<DenseBackwardWeights>(p);
  }
  return nullptr;
}

}  // namespace saccade::kernels::onednn
