#pragma once
#include <span>
#include <string>
#include <string_view>

namespace saccade::proof {

// Comparisons say "" or what the worst difference is: "dst[17]: expected 4, got -4". They compare differences, never
// ratios, so a wrong sign cannot hide, and a NaN is never near anything.

/// Equal as numbers: 0 equals -0.
std::string compare_equal(std::string_view name, std::span<const float> expected, std::span<const float> got);

/// Equal as bits.
std::string compare_bits(std::string_view name, std::span<const float> expected, std::span<const float> got);

/// |expected - got| <= tolerance * scale, element by element.
std::string compare_near(std::string_view name, std::span<const double> expected, std::span<const float> got,
                         std::span<const double> scale, double tolerance);
std::string compare_near(std::string_view name, std::span<const double> expected, std::span<const double> got,
                         std::span<const double> scale, double tolerance);

}  // namespace saccade::proof
