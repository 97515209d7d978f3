// Any bytes at all: the CSV reader gives rows that come back when they are written with every field quoted, or throws
// FormatError.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "saccade/base/error.h"
#include "saccade/data/csv_reader.h"

namespace {

std::string quoted(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields) {
    line += line.empty() ? "\"" : ",\"";
    for (const char c : field) line += c == '"' ? std::string("\"\"") : std::string(1, c);
    line += '"';
  }
  return line + "\n";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using saccade::data::CsvTable;
  try {
    const CsvTable table = saccade::data::parse_csv({reinterpret_cast<const char*>(data), size}, "fuzz.csv");
    std::string text = quoted(table.header.fields);
    for (const auto& row : table.rows) text += quoted(row.fields);
    const CsvTable again = saccade::data::parse_csv(text, "again.csv");
    if (again.header.fields != table.header.fields || again.rows.size() != table.rows.size()) std::abort();
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
      if (again.rows[i].fields != table.rows[i].fields) std::abort();
    }
  } catch (const saccade::FormatError&) {
    // What a malformed file must lead to.
  }
  return 0;
}
