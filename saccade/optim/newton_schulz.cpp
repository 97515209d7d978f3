#include <algorithm>
#include <cmath>

#include "saccade/base/parallel.h"
#include "saccade/kernels/update/squares.h"
#include "saccade/optim/newton_schulz_internal.h"

namespace saccade::internal {
namespace {

constexpr float kA = 3.4445F, kB = -4.7750F, kC = 2.0315F;
constexpr Index kGrain = 16384;  // elements worth a thread's while

/// y = p x + q y, element by element.
void combine(float p, std::span<const float> x, float q, std::span<float> y) {
  parallel_ranges(isize(y.size()), kGrain, [&](Index begin, Index end) {
    for (std::size_t i = usize(begin); i < usize(end); ++i) y[i] = p * x[i] + q * y[i];
  });
}

}  // namespace

NewtonSchulz::Product NewtonSchulz::product(kernels::Pass pass, Index m, Index k, Index u) {
  auto choice = choose(kernels::dense_implementations(),
                       kernels::DenseProblem{.pass = pass, .m = m, .k = k, .u = u, .bias = false});
  Tensor scratch(Shape{choice.kernel->scratch_bytes()}, DType::uint8);
  return {std::move(choice.kernel), std::move(scratch)};
}

void NewtonSchulz::run(Product& product, kernels::DenseBuffers buffers) {
  buffers.scratch = std::as_writable_bytes(product.scratch.uint8s());
  product.kernel->run(buffers);
}

NewtonSchulz::NewtonSchulz(Index rows, Index columns) : wide_(rows < columns) {
  const Index side = std::min(rows, columns);
  // As a dense layer has them, with weights W, inputs S and gradients D: S^T D, D W^T and S W.
  gram_ = wide_ ? product(kernels::Pass::backward_data, rows, rows, columns)
                : product(kernels::Pass::backward_weights, rows, columns, columns);
  square_ = product(kernels::Pass::forward, side, side, side);
  apply_ = product(kernels::Pass::forward, rows, side, columns);
  gram_matrix_ = Tensor(Shape{side, side});
  polynomial_ = Tensor(Shape{side, side});
  applied_ = Tensor(Shape{rows, columns});
}

void NewtonSchulz::run(std::span<float> x, Index rounds) {
  const auto norm = static_cast<float>(std::sqrt(kernels::sum_of_squares(x)));
  if (norm == 0.0F) return;
  combine(0.0F, x, 1.0F / norm, x);
  const std::span<float> gram = gram_matrix_.floats(), polynomial = polynomial_.floats(), applied = applied_.floats();
  for (Index round = 0; round < rounds; ++round) {
    run(gram_, wide_ ? kernels::DenseBuffers{.weight = x, .grad_dst = x, .grad_src = gram}
                     : kernels::DenseBuffers{.src = x, .grad_dst = x, .grad_weight = gram});
    run(square_, {.src = gram, .weight = gram, .dst = polynomial});
    combine(kB, gram, kC, polynomial);
    run(apply_, wide_ ? kernels::DenseBuffers{.src = polynomial, .weight = x, .dst = applied}
                      : kernels::DenseBuffers{.src = x, .weight = polynomial, .dst = applied});
    combine(1.0F, applied, kA, x);
  }
}

}  // namespace saccade::internal
