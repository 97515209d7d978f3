#pragma once
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace saccade::cli {

/// The cases of one operation in a file of shapes.
struct ShapeGroup {
  std::string operation;
  std::vector<std::pair<std::string, std::string>>
      shapes;  ///< Names and ids; a case without a name is called by its id.
};

/// Reads a file of shapes, operations and their cases in the order in which they first appear. A case a line; '#' begins a comment:
///
///   conv2d  n64ih32iw32ic64oc64kh3kw3_same  layer2.conv1
///
/// OPERATION CASE [NAME]. Throws FormatError with file and line for lines of another form, and for operations and cases that do
/// not exist; SystemError when the file cannot be read.
std::vector<ShapeGroup> read_shapes(const std::filesystem::path& path);

}  // namespace saccade::cli
