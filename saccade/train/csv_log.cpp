#include "saccade/train/csv_log.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <utility>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/train/csv.h"

namespace saccade {
namespace {

constexpr Index kMaxFileBytes = Index{1} << 28;
constexpr const char* kFix = "mend the file, or move it away to begin a new one";

/// Takes records off the front of a CSV text.
class CsvReader {
 public:
  CsvReader(const std::filesystem::path& path, std::string_view text) : path_(path), rest_(text) {}

  bool at_end() const { return rest_.empty(); }

  /// The fields of the next record.
  std::vector<std::string> next() {
    record_ = rest_;
    record_line_ = line_;
    std::vector<std::string> fields;
    for (bool more = true; more;) {
      fields.push_back(rest_.starts_with('"') ? take_quoted() : take_plain());
      more = rest_.starts_with(',');
      if (more) rest_.remove_prefix(1);
    }
    if (rest_.starts_with('\r')) rest_.remove_prefix(1);
    if (!rest_.starts_with('\n')) {
      fail("a comma or a line break after each field", rest_.empty() ? "the end of the file" : "text after a quote");
    }
    rest_.remove_prefix(1);
    record_ = record_.substr(0, record_.size() - rest_.size());
    for (const char letter : record_) line_ += letter == '\n' ? 1 : 0;
    return fields;
  }

  /// The text of the record that next() gave last, with its line break.
  std::string_view record() const { return record_; }

  /// Says what is wrong with that record.
  [[noreturn]] void fail(std::string expected, std::string got) const {
    throw FormatError({.where = fmt::format("{}: line {}", path_.string(), record_line_),
                       .expected = std::move(expected),
                       .got = std::move(got),
                       .fix = kFix});
  }

 private:
  std::string take_plain() {
    const std::string_view field = rest_.substr(0, rest_.find_first_of(",\r\n"));
    rest_.remove_prefix(field.size());
    return std::string(field);
  }

  std::string take_quoted() {
    std::string field;
    rest_.remove_prefix(1);
    for (;;) {
      const std::size_t quote = rest_.find('"');
      if (quote == std::string_view::npos) fail("a closing quote", "the end of the file");
      field += rest_.substr(0, quote);
      rest_.remove_prefix(quote + 1);
      if (!rest_.starts_with('"')) return field;
      field += '"';
      rest_.remove_prefix(1);
    }
  }

  const std::filesystem::path& path_;
  std::string_view rest_;
  std::string_view record_;
  Index line_ = 1;
  Index record_line_ = 1;
};

std::optional<Index> parse_epoch(const std::string& text) {
  Index epoch = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), epoch);
  if (error != std::errc{} || end != text.data() + text.size() || epoch < 0) return std::nullopt;
  return epoch;
}

}  // namespace

CsvLog::CsvLog(std::filesystem::path path, Index keep_epochs) : path_(std::move(path)) {
  if (keep_epochs <= 0 || !std::filesystem::exists(path_)) return;
  const std::string text = read_text_file(path_, kMaxFileBytes);
  CsvReader reader(path_, text);
  columns_ = reader.next();
  if (columns_.front() != "epoch") reader.fail("'epoch' as the first column", "another name");
  columns_.erase(columns_.begin());
  text_ = reader.record();
  while (!reader.at_end()) {
    const std::vector<std::string> fields = reader.next();
    if (fields.size() != columns_.size() + 1) {
      reader.fail(fmt::format("{} fields as in the first line", columns_.size() + 1), fmt::format("{}", fields.size()));
    }
    const std::optional<Index> epoch = parse_epoch(fields.front());
    if (!epoch) reader.fail("the number of an epoch in the first column", "something else");
    if (*epoch < keep_epochs) text_ += reader.record();
  }
}

void CsvLog::row(Index epoch, const std::map<std::string, double>& metrics) {
  std::string text = text_;
  std::vector<std::string> columns = columns_;
  if (text.empty()) {
    text = "epoch";
    for (const auto& [name, value] : metrics) {
      columns.push_back(name);
      text += ',' + csv_field(name);
    }
    text += '\n';
  }
  text += fmt::format("{}", epoch);
  for (const std::string& column : columns) {
    const auto metric = metrics.find(column);
    text += metric == metrics.end() ? ",NA" : fmt::format(",{}", metric->second);
  }
  text += '\n';
  write_file(path_, text);
  text_ = std::move(text);
  columns_ = std::move(columns);
}

}  // namespace saccade
