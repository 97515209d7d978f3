#pragma once
#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace saccade::test {

/// Where the larger test data lies, which is not kept in the repository: $SACCADE_TEST_DATA, or ../shared/data beside the
/// source tree. Tests that need it skip when it is not there.
inline std::filesystem::path data_path(std::string_view name) {
  const char* const folder = std::getenv("SACCADE_TEST_DATA");
  if (folder != nullptr) return std::filesystem::path(folder) / name;
  // The tree that holds the build; for a build elsewhere the tree of this file, whose name a compiler cache may have made
  // relative.
  std::filesystem::path tree = std::filesystem::current_path();
  while (!std::filesystem::exists(tree / "saccade.sh") && tree.has_relative_path()) tree = tree.parent_path();
  if (!tree.has_relative_path()) tree = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path();
  return tree.parent_path() / "shared" / "data" / name;
}

}  // namespace saccade::test
