#pragma once
#include <string_view>

namespace saccade {

/// Saccade's version, major.minor.patch. CMake reads it here.
inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace saccade
