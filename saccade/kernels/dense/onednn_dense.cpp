#include <oneapi/dnnl/dnnl.h>

#include <algorithm>

#include "saccade/base/parallel.h"
#include "saccade/kernels/activation/formula.h"
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
  const SingleThreadScope single;
  dnnl::error::wrap_c_api(dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', rows, columns, inner, 1.0F,
                                     a.data, a.stride, b.data, b.stride, 0.0F, c.data, c.stride),
                          "oneDNN could not multiply matrices");
}

/// Size of the pieces that `extent` is cut into: at most `most` of them, none smaller than `least`.
Index block_size(Index extent, Index least, Index most, Index multiply_adds) {
  const Index by_work = ceil_divide(kLeastWork * extent, std::max<Index>(multiply_adds, 1));
  return std::max({least, ceil_divide(extent, most), by_work});
}

/// dst = act(dst + bias) for a block of columns; the block was just written and is still in the cache.
void add_bias_and_activate(const DenseProblem& p, Index rows, Index columns, const float* bias, Matrix<float> dst) {
  for (Index row = 0; row < rows; ++row) {
    float* const line = dst.data + row * dst.stride;
    if (p.bias) {
      for (Index u = 0; u < columns; ++u) line[u] += bias[u];
    }
    if (p.activation == Activation::relu) {
      for (Index u = 0; u < columns; ++u) line[u] = line[u] < 0.0F ? 0.0F : line[u];
    } else if (p.activation != Activation::linear) {
      for (Index u = 0; u < columns; ++u) line[u] = activate(p.activation, line[u]);
    }
  }
}

class DenseForward final : public DenseKernel {
 public:
  explicit DenseForward(const DenseProblem& p)
      : p_(p),
        rows_(p.m < kFewRows ? p.m : block_size(p.m, kFewRows, 8, p.multiply_adds())),
        columns_(p.m < kFewRows ? block_size(p.u, 64, 8, p.multiply_adds()) : p.u) {}

  void run(const DenseBuffers& b) override {
    const Index across = ceil_divide(p_.u, columns_);
    parallel_for(ceil_divide(p_.m, rows_) * across, [&](Index block) {
      const Index m = block / across * rows_, u = block % across * columns_;
      const Index rows = std::min(rows_, p_.m - m), columns = std::min(columns_, p_.u - u);
      const Matrix<float> dst{b.dst.data() + m * p_.u + u, p_.u};
      multiply(rows, columns, p_.k, {b.src.data() + m * p_.k, p_.k}, {b.weight.data() + u, p_.u}, dst);
      add_bias_and_activate(p_, rows, columns, b.bias.data() + u, dst);
    });
  }

 private:
  DenseProblem p_;
  Index rows_, columns_;
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
  if (p.activation == Activation::softmax) return "softmax is a kernel of its own";
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
