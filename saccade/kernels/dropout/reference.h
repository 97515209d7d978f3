#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "saccade/base/random.h"
#include "saccade/kernels/dropout/dropout.h"

namespace saccade::kernels::reference {

/// keep[r, i] = 1 where unit i of row r stays, 0 where it is dropped.
inline void dropout_mask(const DropoutProblem& problem, std::uint64_t seed, std::uint32_t step, std::uint32_t slot,
                         std::span<std::byte> keep) {
  for (Index r = 0; r < problem.rows; ++r) {
    Stream stream(seed, step, static_cast<std::uint64_t>(r), slot);
    for (Index i = 0; i < problem.elements; ++i) {
      keep[usize(r * problem.elements + i)] = stream.uniform() >= problem.rate ? std::byte{1} : std::byte{0};
    }
  }
}

/// The forward pass of src and the backward pass of grad_dst alike: scales what is kept, zeroes the rest.
template <class T>
void dropout_apply(const DropoutProblem& problem, std::span<const std::byte> keep, std::span<const T> from,
                   std::span<T> to) {
  const T scale(1.0F / (1.0F - problem.rate));
  for (std::size_t i = 0; i < usize(problem.rows * problem.elements); ++i) {
    to[i] = keep[i] != std::byte{0} ? from[i] * scale : T(0);
  }
}

}  // namespace saccade::kernels::reference
