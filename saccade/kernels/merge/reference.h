#pragma once
#include <span>

#include "saccade/kernels/merge/merge.h"

namespace saccade::kernels::reference {

template <class T>
void add(const AddProblem& problem, std::span<const std::span<const T>> src, std::span<T> dst) {
  for (std::size_t i = 0; i < usize(problem.elements); ++i) {
    T sum = src[0][i];
    for (std::size_t k = 1; k < usize(problem.inputs); ++k) sum += src[k][i];
    dst[i] = sum;
  }
}

template <class T>
void concat_forward(const ConcatProblem& problem, std::span<const std::span<const T>> src, std::span<T> dst) {
  std::size_t i = 0;
  for (std::size_t r = 0; r < usize(problem.rows); ++r) {
    for (std::size_t k = 0; k < problem.channels.size(); ++k) {
      const std::size_t channels = usize(problem.channels[k]);
      for (std::size_t c = 0; c < channels; ++c) dst[i++] = src[k][r * channels + c];
    }
  }
}

template <class T>
void concat_backward_data(const ConcatProblem& problem, std::span<const T> grad_dst,
                          std::span<const std::span<T>> grad_src) {
  std::size_t i = 0;
  for (std::size_t r = 0; r < usize(problem.rows); ++r) {
    for (std::size_t k = 0; k < problem.channels.size(); ++k) {
      const std::size_t channels = usize(problem.channels[k]);
      for (std::size_t c = 0; c < channels; ++c, ++i) {
        if (!grad_src[k].empty()) grad_src[k][r * channels + c] = grad_dst[i];
      }
    }
  }
}

}  // namespace saccade::kernels::reference
