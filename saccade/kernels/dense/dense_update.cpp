#include "saccade/kernels/dense/dense_update.h"

#include <algorithm>

#include "saccade/base/parallel.h"
#include "saccade/kernels/dense/blocks_internal.h"
#include "saccade/kernels/update/update.h"

namespace saccade::kernels {
namespace {

constexpr Index kTaskGradients = 57600;   // With weights and moments they are about as large as the second cache.
constexpr Index kUpdateLeastInputs = 64;  // Fewer do not make tasks for all threads.

class DenseUpdate final : public DenseKernel {
 public:
  explicit DenseUpdate(const DenseProblem& p)
      : p_(p),
        inputs_(even_blocks(p.k, std::clamp<Index>(kTaskGradients / p.u, 6, 48))),
        units_{p.u, 64},
        rows_(equal_blocks(p.m, 128)),
        first_(inputs_, units_, rows_, shape(p, false)),
        more_(inputs_, units_, rows_, shape(p, true)) {}

  void run(const DenseBuffers& b) override {
    // Each thread has room for the gradients of one task.
    const Index room = inputs_.size * p_.u;
    parallel_slots(p_.k / inputs_.size, inputs_.count() + (p_.bias ? 1 : 0), [&](Index slot, Index input) {
      if (input == inputs_.count()) return add_rows(b);
      const std::span grad = b.grad_weight.subspan(usize(slot * room), usize(inputs_.length(input) * p_.u));
      multiply(b, input, grad.data());
      b.update->run(inputs_.begin(input) * p_.u, grad);
    });
  }

 private:
  static SmallGemm::Shape shape(const DenseProblem& p, bool add) {
    return {.a_stride = p.k, .b_stride = p.u, .c_stride = p.u, .a_transposed = true, .add = add, .fetches = true};
  }

  void multiply(const DenseBuffers& b, Index input, float* grad) const {
    for (Index row = 0; row < rows_.count(); ++row) {
      const float* const src = b.src.data() + rows_.begin(row) * p_.k + inputs_.begin(input);
      const float* const grad_dst = b.grad_dst.data() + rows_.begin(row) * p_.u;
      for (Index unit = 0; unit < units_.count(); ++unit) {
        const Index u = units_.begin(unit), next = units_.is_last(unit) ? 0 : units_.begin(unit + 1);
        (row == 0 ? first_ : more_).at(input, unit, row)(src, grad_dst + u, grad + u, grad_dst + next);
      }
    }
  }

  void add_rows(const DenseBuffers& b) const {
    float* const sum = b.grad_bias.data();
    std::fill_n(sum, p_.u, 0.0F);
    for (Index m = 0; m < p_.m; ++m) {
      const float* const row = b.grad_dst.data() + m * p_.u;
      for (Index u = 0; u < p_.u; ++u) sum[u] += row[u];
    }
  }

  DenseProblem p_;
  Blocks inputs_, units_, rows_;
  BlockGemm first_, more_;
};

}  // namespace

std::string decline_dense_update(const DenseProblem& p) {
  if (p.pass != Pass::backward_weights) return "it is for the gradient of weights";
  if (p.multiply_adds() == 0) return "there is nothing to compute";
  if (p.k < kUpdateLeastInputs) return "there are too few inputs";
  return decline_blocks();
}

std::unique_ptr<DenseKernel> make_dense_update(const DenseProblem& p) { return std::make_unique<DenseUpdate>(p); }

}  // namespace saccade::kernels
