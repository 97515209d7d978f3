#include "saccade/cli/shapes_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "saccade/base/error.h"
#include "saccade/cli/text_table.h"
#include "saccade/proof/operations.h"

namespace saccade::cli {

std::vector<ShapeGroup> read_shapes(const std::filesystem::path& path) {
  std::vector<ShapeGroup> groups;
  for (const TableLine& line : read_table(path)) {
    const std::string where = fmt::format("{}:{}", path.string(), line.number);
    if (line.words.size() < 2 || line.words.size() > 3) {
      throw FormatError({.where = where,
                         .expected = "OPERATION CASE [NAME]",
                         .got = fmt::format("{} words", line.words.size()),
                         .fix = ""});
    }
    const std::string &operation = line.words[0], &id = line.words[1];
    try {
      proof::find_operation(operation).parse(id);
    } catch (const ValueError& error) {
      throw FormatError({.where = where, .expected = error.text().expected, .got = error.text().got, .fix = ""});
    }
    auto group = std::ranges::find(groups, operation, &ShapeGroup::operation);
    if (group == groups.end()) group = groups.insert(group, {operation, {}});
    group->shapes.emplace_back(line.words.back(), id);
  }
  return groups;
}

}  // namespace saccade::cli
