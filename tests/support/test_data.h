#pragma once
#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace saccade::test {

/// Where the larger test data lies, which is not kept in the repository: $SACCADE_TEST_DATA, or ../shared/data beside the
/// source tree. Tests that need it skip when it is not there.
inline std::filesystem::path data_path(std::string_view name) {
  const char* const folder = std::getenv("SACCADE_TEST_DATA");
  const std::filesystem::path root =
      folder != nullptr
          ? std::filesystem::path(folder)
          : std::filesystem::path(__FILE__).parent_path().parent_path().parent_path().parent_path() / "shared" / "data";
  return root / name;
}

}  // namespace saccade::test
