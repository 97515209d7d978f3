#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saccade/kernels/choose.h"
#include "saccade/kernels/update/update.h"
#include "saccade/tensor/parameter.h"
#include "saccade/tensor/shape.h"

namespace saccade {

/// What a layer is told when a plan prepares it. Shapes are of one image, without the batch axis.
struct PrepareContext {
  Index batch = 1;
  std::vector<Shape> src;
  Shape dst;
  bool training = false;             ///< A backward pass may follow each forward pass.
  std::vector<bool> wants_grad_src;  ///< One an input: whether backward must write its gradient.
  std::vector<const Parameter*> parameters;
  bool constant_parameters = false;  ///< They are the same in every forward pass, so they may be prepared in the first.
  std::uint32_t slot = 0;            ///< The layer's own number in the network, to address its random streams.

  /// Whether backward() will be called: in training, where an input wants its gradient or a parameter learns.
  bool runs_backward() const {
    return training && (std::ranges::find(wants_grad_src, true) != wants_grad_src.end() ||
                        std::ranges::any_of(parameters, [](const Parameter* p) { return p->learns(); }));
  }
};

/// What an operation asks of the plan's memory.
struct OperationMemory {
  Index saved_bytes = 0;    ///< Survives from forward to backward.
  Index scratch_bytes = 0;  ///< Alive during one call.
  bool backward_reads_src = false;
  bool backward_reads_dst = false;
  std::optional<std::size_t> backward_src{};  ///< Of several inputs, the only one that backward reads.
  bool in_place = false;  ///< dst may be one src that backward does not read, and its grad_src may be grad_dst:
  std::size_t in_place_input = 0;  ///< that of this input.
  bool view = false;               ///< dst *is* src under another shape: neither pass does anything.
};

/// Where a run stands in training; addresses the random streams of stochastic layers.
struct StepAddress {
  std::uint64_t seed = 0;
  std::uint32_t step = 0;  ///< Optimiser steps made before this one.
};

struct ForwardBuffers {
  std::span<const std::span<const float>> src;
  std::span<float> dst;
  std::span<Parameter* const> parameters;
  std::span<std::byte> saved, scratch;
  StepAddress address;
};

/// src and dst are there when the operation said it reads them. An empty grad_src is not wanted. Gradients of
/// parameters that learn are written whole into Parameter::grad. grad_dst may be used as working memory. A parameter that
/// has an update may be updated at once instead, when its gradient is there and its value is no longer wanted.
struct BackwardBuffers {
  std::span<const std::span<const float>> src;
  std::span<const float> dst;
  std::span<float> grad_dst;
  std::span<const std::span<float>> grad_src;
  std::span<Parameter* const> parameters;
  std::span<std::byte> saved, scratch;
  std::span<kernels::WeightUpdate> updates;
};

/// A layer made ready for one batch size: shapes fixed, implementations chosen. Runs allocate nothing.
class Operation {
 public:
  Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  virtual ~Operation() = default;

  virtual OperationMemory memory() const = 0;
  virtual void forward(const ForwardBuffers& buffers) = 0;
  virtual void backward(const BackwardBuffers& buffers) = 0;
  /// Which implementation runs each part ("forward", "backward_data", ...), and why not a faster one.
  struct Part {
    std::string part;
    kernels::Explanation explanation;
  };
  virtual std::vector<Part> explain() const { return {}; }
};

}  // namespace saccade
