#pragma once
#include <span>
#include <string>

#include "saccade/kernels/activation/activation.h"
#include "saccade/kernels/choose.h"
#include "saccade/kernels/kernel.h"

namespace saccade::kernels {

struct WeightUpdate;

/// Fully connected layer.
///   forward:           dst[m,u] = act(bias[u] + sum over k of src[m,k] * weight[k,u])
///   backward_data:     grad_src[m,k] = sum over u of grad_dst[m,u] * weight[k,u]
///   backward_weights:  grad_weight[k,u] = sum over m of src[m,k] * grad_dst[m,u];  grad_bias[u] = sum over m of
///   grad_dst[m,u]
/// src [m,k], weight [k,u] (Keras's kernel), bias [u], dst [m,u]; float32, row-major, dense.
struct DenseProblem {
  Pass pass = Pass::forward;
  Index m = 1;  ///< Rows: images of the batch.
  Index k = 1;  ///< Inputs.
  Index u = 1;  ///< Units.
  bool bias = true;
  Activation activation = Activation::linear;  ///< Forward only, never softmax.
  /// Forward only: each row's results must be the same bits however many rows there are, as the features of frozen layers
  /// are, which are kept from one batch for another.
  bool rows_alike = false;

  Index multiply_adds() const { return m * k * u; }
  std::string id() const;  ///< "m128k784u1200", then "_nobias" and "_relu" where that is so.
};

struct DenseBuffers {
  std::span<const float> src, weight, bias, grad_dst;
  std::span<float> dst, grad_src, grad_weight, grad_bias;
  std::span<std::byte> scratch;
  const WeightUpdate* update = nullptr;  ///< dense_update_implementations() alone.
};

using DenseKernel = Kernel<DenseBuffers>;
using DenseImplementation = Implementation<DenseProblem, DenseKernel>;
std::span<const DenseImplementation> dense_implementations();

/// backward_weights that hands grad_weight to DenseBuffers::update, piece by piece, while it is in the cache. Of the span
/// grad_weight they make working memory. A problem that all of them decline is not worth it.
std::span<const DenseImplementation> dense_update_implementations();

}  // namespace saccade::kernels
