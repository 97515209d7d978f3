#pragma once
#include <cstdint>

#include "saccade/base/integer.h"

namespace saccade::kernels {

/// What a kernel computes. `training` forward passes keep what the backward pass will want.
enum class Pass : std::uint8_t {
  forward,           ///< dst from src (and weight, bias).
  backward_data,     ///< grad_src from grad_dst.
  backward_weights,  ///< grad_weight and grad_bias from src and grad_dst.
};

/// A prepared computation: the problem is fixed, memory is handed in at each run. A run allocates nothing, may be made
/// from one thread at a time, shares its work out with parallel_for, and gives the same bits for any number of threads.
/// Every output is written whole (never added to). Spans must have exactly the size the problem says, and must not
/// overlap unless the operation's header allows it.
template <class Buffers>
class Kernel {
 public:
  Kernel() = default;
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  virtual ~Kernel() = default;

  /// Bytes of 64-byte aligned working memory that run() wants in buffers.scratch; its content need not survive.
  virtual Index scratch_bytes() const { return 0; }
  virtual void run(const Buffers& buffers) = 0;
};

/// A forward computation and its backward twin, where the second needs what the first remembered (buffers.saved).
template <class Buffers>
class TwinKernel {
 public:
  TwinKernel() = default;
  TwinKernel(const TwinKernel&) = delete;
  TwinKernel& operator=(const TwinKernel&) = delete;
  virtual ~TwinKernel() = default;

  virtual Index scratch_bytes() const { return 0; }
  /// Bytes of buffers.saved, 64-byte aligned, that must survive from forward() to backward().
  virtual Index saved_bytes() const { return 0; }
  virtual void forward(const Buffers& buffers) = 0;
  virtual void backward(const Buffers& buffers) = 0;
};

}  // namespace saccade::kernels
