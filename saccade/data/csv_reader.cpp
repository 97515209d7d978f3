#include "saccade/data/csv_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "saccade/base/error.h"

namespace saccade::data {
namespace {

class Parser {
 public:
  Parser(std::string_view text, std::string_view name) : text_(text), name_(name) {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = line_start_ = 3;
  }

  CsvTable parse() {
    CsvTable table;
    while (skip_empty_lines()) {
      CsvRow row = parse_row();
      if (table.header.fields.empty()) {
        table.header = std::move(row);
        continue;
      }
      if (row.fields.size() != table.header.fields.size()) {
        fail(fmt::format("{}: line {}", name_, row.line),
             fmt::format("{} fields, as in the header", table.header.fields.size()),
             fmt::format("{}", row.fields.size()), "put fields that hold commas in double quotes");
      }
      table.rows.push_back(std::move(row));
    }
    if (table.header.fields.empty()) {
      fail(std::string(name_), "a line of column names", "an empty file", "name the columns, e.g. filename,class");
    }
    return table;
  }

 private:
  [[noreturn]] static void fail(std::string where, std::string expected, std::string got, std::string fix) {
    throw FormatError(
        {.where = std::move(where), .expected = std::move(expected), .got = std::move(got), .fix = std::move(fix)});
  }

  [[noreturn]] void fail_here(std::string expected, std::string got, std::string fix) const {
    fail(fmt::format("{}: line {}, column {}", name_, line_, at_ - line_start_ + 1), std::move(expected),
         std::move(got), std::move(fix));
  }

  bool at_end() const { return at_ == text_.size(); }
  char here() const { return text_[at_]; }

  /// The length of the line end that stands here, or 0.
  std::size_t line_end() const {
    if (text_.substr(at_).starts_with("\r\n")) return 2;
    return !at_end() && here() == '\n' ? 1 : 0;
  }

  void pass(std::size_t line_end) {
    at_ += line_end;
    ++line_;
    line_start_ = at_;
  }

  /// False at the end of the file.
  bool skip_empty_lines() {
    while (const std::size_t length = line_end()) pass(length);
    return !at_end();
  }

  CsvRow parse_row() {
    CsvRow row{.fields = {}, .line = line_};
    for (;;) {
      row.fields.push_back(!at_end() && here() == '"' ? quoted_field() : plain_field());
      if (at_end()) return row;
      if (here() == ',') {
        ++at_;
        continue;
      }
      pass(line_end());
      return row;
    }
  }

  std::string plain_field() {
    const std::size_t begin = at_;
    while (!at_end() && here() != ',' && line_end() == 0) {
      require_text();
      if (here() == '"') {
        fail_here("no quote inside an unquoted field", "a double quote",
                  "put the whole field in double quotes, and double those inside");
      }
      ++at_;
    }
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string quoted_field() {
    const Index first_line = line_;
    const std::size_t first_column = at_ - line_start_ + 1;
    std::string field;
    for (++at_;; ++at_) {
      if (at_end()) {
        fail(fmt::format("{}: line {}, column {}", name_, first_line, first_column), "a double quote that is closed",
             "the end of the file", "close the quote");
      }
      require_text();
      if (here() == '"') {
        ++at_;
        if (at_end() || here() != '"') break;
      }
      field += here();
      if (here() == '\n') {
        ++line_;
        line_start_ = at_ + 1;
      }
    }
    if (at_end() || here() == ',' || line_end() > 0) return field;
    fail_here("a comma or the end of the line behind a closing quote", fmt::format("'{}'", here()),
              "double the quotes inside a quoted field");
  }

  void require_text() const {
    if (here() != '\0') return;
    fail_here("text", "a zero byte", "save the table as CSV in UTF-8");
  }

  std::string_view text_;
  std::string_view name_;
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  Index line_ = 1;
};

}  // namespace

CsvTable parse_csv(std::string_view text, std::string_view name) { return Parser(text, name).parse(); }

std::size_t column_of(const CsvTable& table, std::string_view heading, std::string_view name) {
  const std::vector<std::string>& headings = table.header.fields;
  const auto count = std::ranges::count(headings, heading);
  if (count == 1) return static_cast<std::size_t>(std::ranges::find(headings, heading) - headings.begin());
  throw FormatError(
      {.where = fmt::format("{}: line {}", name, table.header.line),
       .expected = fmt::format("one column named '{}'", heading),
       .got = count == 0 ? fmt::format("columns {}", fmt::join(headings, ", ")) : fmt::format("{} of that name", count),
       .fix = "name the column that is meant, or correct the header"});
}

}  // namespace saccade::data
