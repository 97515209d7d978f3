#pragma once
#include <memory>
#include <span>

#include "saccade/kernels/dense/dense.h"
#include "saccade/tensor/tensor.h"

namespace saccade::internal {

/// The nearest matrix with orthonormal rows or columns, roughly: of G = U S V^T it makes U S' V^T with every singular value
/// of S' between 0.7 and 1.2 or so (those that are next to nothing beside the largest stay small). Each round takes
///   X = a X + X (b A + c A^2),  A = X^T X    (X^T first where there are fewer rows than columns)
/// after X = G / |G|, with a, b, c = 3.4445, -4.7750, 2.0315: an odd polynomial of the singular values that lifts small ones
/// fast and never settles at 1, which a step along X does not need. Source: Jordan et al. 2024, "Muon: an optimizer for
/// hidden layers in neural networks".
class NewtonSchulz {
 public:
  NewtonSchulz(Index rows, Index columns);

  /// Replaces x [rows, columns], row-major. Zeros stay zeros. Same bits for any number of threads; allocates nothing.
  void run(std::span<float> x, Index rounds);

 private:
  struct Product {
    std::unique_ptr<kernels::DenseKernel> kernel;
    Tensor scratch;
  };
  static Product product(kernels::Pass pass, Index m, Index k, Index u);
  static void run(Product& product, kernels::DenseBuffers buffers);

  bool wide_;  // fewer rows than columns
  Product gram_, square_, apply_;
  Tensor gram_matrix_, polynomial_, applied_;
};

}  // namespace saccade::internal
