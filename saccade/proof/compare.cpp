#include "saccade/proof/compare.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstdint>

namespace saccade::proof {
namespace {

template <class T>
std::string describe(std::string_view name, std::size_t index, double expected, T got, std::size_t wrong,
                     std::size_t elements) {
  return fmt::format("{}[{}]: expected {:.9g}, got {:.9g} ({} of {} elements differ)", name, index, expected, got,
                     wrong, elements);
}

std::string describe_sizes(std::string_view name, std::size_t expected, std::size_t got) {
  return fmt::format("{}: expected {} elements, got {}", name, expected, got);
}

/// The first element that differs.
template <class Equal>
std::string compare_all(std::string_view name, std::span<const float> expected, std::span<const float> got,
                        Equal equal) {
  if (expected.size() != got.size()) return describe_sizes(name, expected.size(), got.size());
  std::size_t wrong = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (equal(expected[i], got[i])) continue;
    if (wrong++ == 0) first = i;
  }
  return wrong == 0 ? "" : describe(name, first, static_cast<double>(expected[first]), got[first], wrong, got.size());
}

template <class T>
std::string compare_scaled(std::string_view name, std::span<const double> expected, std::span<const T> got,
                           std::span<const double> scale, double tolerance) {
  if (expected.size() != got.size()) return describe_sizes(name, expected.size(), got.size());
  std::size_t wrong = 0;
  std::size_t worst = 0;
  double worst_excess = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(expected[i] - static_cast<double>(got[i]));
    const double allowed = tolerance * scale[i];
    if (difference <= allowed) continue;  // false for NaN
    const double excess = std::isnan(difference) ? HUGE_VAL : difference / (allowed + 1e-300);
    if (wrong++ == 0 || excess > worst_excess) {
      worst = i;
      worst_excess = excess;
    }
  }
  if (wrong == 0) return "";
  return describe(name, worst, expected[worst], got[worst], wrong, got.size()) +
         fmt::format(", allowed difference {:.3g}", tolerance * scale[worst]);
}

}  // namespace

std::string compare_equal(std::string_view name, std::span<const float> expected, std::span<const float> got) {
  return compare_all(name, expected, got, [](float a, float b) { return a == b; });
}

std::string compare_bits(std::string_view name, std::span<const float> expected, std::span<const float> got) {
  return compare_all(name, expected, got, [](float a, float b) {
    return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
  });
}

std::string compare_near(std::string_view name, std::span<const double> expected, std::span<const float> got,
                         std::span<const double> scale, double tolerance) {
  return compare_scaled(name, expected, got, scale, tolerance);
}

std::string compare_near(std::string_view name, std::span<const double> expected, std::span<const double> got,
                         std::span<const double> scale, double tolerance) {
  return compare_scaled(name, expected, got, scale, tolerance);
}

}  // namespace saccade::proof
