#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "saccade/base/aligned_buffer.h"
#include "saccade/base/integer.h"
#include "saccade/base/random.h"

namespace saccade::kernels {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Memory for a kernel's scratch and saved buffers in the unit tests: 64-byte aligned, filled with NaN's bits.
class TestMemory {
 public:
  explicit TestMemory(Index size_bytes) : memory_(usize(size_bytes)) {
    std::ranges::fill(memory_.bytes(), std::byte{0xff});
  }
  std::span<std::byte> bytes() { return memory_.bytes(); }

 private:
  AlignedBuffer memory_;
};

/// The error's root mean square over that of the exact result, and its largest over the same.
struct Error {
  double rms, largest;
};

inline Error error_of(const std::vector<float>& got, const std::vector<double>& exact) {
  double squares = 0.0, of_result = 0.0, largest = 0.0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double error = std::abs(static_cast<double>(got[i]) - exact[i]);
    squares += error * error;
    of_result += exact[i] * exact[i];
    largest = std::max(largest, error);
  }
  return {std::sqrt(squares / of_result), largest / std::sqrt(of_result / static_cast<double>(got.size()))};
}

/// As in a network: activations behind a ReLU, weights as He draws them.
inline std::vector<float> draw(Index elements, bool positive, double deviation, std::uint32_t slot) {
  std::vector<float> values(usize(elements));
  Stream stream(7, 0, 0, slot);
  for (float& value : values) {
    const double x = stream.normal() * deviation;
    value = static_cast<float>(positive ? std::max(x, 0.0) : x);
  }
  return values;
}

inline std::vector<double> doubles(const std::vector<float>& values) { return {values.begin(), values.end()}; }

}  // namespace saccade::kernels
