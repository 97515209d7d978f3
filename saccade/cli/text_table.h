#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace saccade::cli {

/// The words of one line of a text file, and its number.
struct TableLine {
  int number = 0;
  std::vector<std::string> words;
};

/// Lines that have words; '#' begins a comment. Throws SystemError when the file cannot be read, and FormatError for one
/// without any such line.
std::vector<TableLine> read_table(const std::filesystem::path& path);

}  // namespace saccade::cli
