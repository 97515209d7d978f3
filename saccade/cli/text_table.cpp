#include "saccade/cli/text_table.h"

#include <sstream>

#include "saccade/base/error.h"
#include "saccade/base/file.h"

namespace saccade::cli {

std::vector<TableLine> read_table(const std::filesystem::path& path) {
  std::istringstream in(read_text_file(path));
  std::vector<TableLine> lines;
  int number = 0;
  for (std::string text; std::getline(in, text);) {
    TableLine line{.number = ++number};
    std::istringstream words(text.substr(0, text.find('#')));
    for (std::string word; words >> word;) line.words.push_back(word);
    if (!line.words.empty()) lines.push_back(std::move(line));
  }
  if (lines.empty()) {
    throw FormatError(
        {.where = path.string(), .expected = "at least one line that is no comment", .got = "none", .fix = ""});
  }
  return lines;
}

}  // namespace saccade::cli
