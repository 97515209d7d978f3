#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "saccade/base/integer.h"

namespace saccade::data {

/// One record of a CSV file.
struct CsvRow {
  std::vector<std::string> fields;
  Index line = 0;  ///< Where it begins, from 1: a quoted field may hold line ends.
};

struct CsvTable {
  CsvRow header;
  std::vector<CsvRow> rows;  ///< Each with as many fields as the header.
};

/// A comma-separated file with a header, as RFC 4180 has it: lines end in LF or CRLF, a field in double quotes may hold
/// commas, line ends and quotes ("" for one). A byte order mark and empty lines are passed over. Fields are taken as
/// they stand, blanks included. `name` is the file's, for messages.
/// Throws FormatError naming line and column (in bytes, from 1): no header, another number of fields than the header's,
/// a quote within an unquoted field, text behind a closing quote, a quote never closed, a zero byte.
CsvTable parse_csv(std::string_view text, std::string_view name);

/// The number of the column with that heading. Throws FormatError listing the headings there are, and when there are
/// two.
std::size_t column_of(const CsvTable& table, std::string_view heading, std::string_view name);

}  // namespace saccade::data
