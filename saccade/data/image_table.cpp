#include "saccade/data/image_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/data/class_names_internal.h"
#include "saccade/data/csv_reader.h"

namespace saccade::data {
namespace {

namespace fs = std::filesystem;

void require_filled(const CsvTable& table, const std::vector<std::size_t>& columns, const std::string& name) {
  const std::size_t x = columns.front();
  for (const CsvRow& row : table.rows) {
    for (const std::size_t column : columns) {
      if (!row.fields[column].empty()) continue;
      throw FormatError({.where = fmt::format("{}: line {}, column '{}'", name, row.line, table.header.fields[column]),
                         .expected = column == x ? "the name of a file" : "the name of a class",
                         .got = "an empty field",
                         .fix = "fill it in, or take the row out"});
    }
  }
}

fs::path folder_of(const fs::path& csv, const ImageTableOptions& options) {
  return options.directory.empty() ? csv.parent_path() : options.directory;
}

/// What stands in the columns that the options name.
class Reader {
 public:
  Reader(const CsvTable& table, const ImageTableOptions& options, std::string name)
      : table_(table), options_(options), name_(std::move(name)), file_(column(options.x_col)) {
    std::vector<std::size_t> filled = {file_};
    if (options.y_cols.empty()) filled.push_back(label_ = column(options.y_col));
    for (const std::string& heading : options.y_cols) numbers_.push_back(column(heading));
    if (!options.weight_col.empty()) weight_ = column(options.weight_col);
    require_filled(table, filled, name_);
  }

  const std::string& file(const CsvRow& row) const { return row.fields[file_]; }

  std::vector<std::string> labels(const CsvRow& row) const {
    const std::string& field = row.fields[label_];
    const std::string& separator = options_.label_separator;
    if (separator.empty()) return {field};
    std::vector<std::string> labels;
    for (std::size_t begin = 0;;) {
      const std::size_t end = field.find(separator, begin);
      labels.push_back(field.substr(begin, end - begin));
      if (labels.back().empty()) fail(row, label_, fmt::format("labels with '{}' between", separator));
      if (end == std::string::npos) return labels;
      begin = end + separator.size();
    }
  }

  void append_numbers(const CsvRow& row, std::vector<float>& out) const {
    for (const std::size_t column : numbers_) out.push_back(number(row, column));
  }

  void append_weight(const CsvRow& row, std::vector<float>& out) const {
    if (!weight_) return;
    out.push_back(number(row, *weight_));
    if (out.back() < 0.0F) fail(row, *weight_, "a weight of zero or more");
  }

 private:
  std::size_t column(const std::string& heading) const { return column_of(table_, heading, name_); }

  [[noreturn]] void fail(const CsvRow& row, std::size_t column, std::string expected) const {
    throw FormatError({.where = fmt::format("{}: line {}, column '{}'", name_, row.line, table_.header.fields[column]),
                       .expected = std::move(expected),
                       .got = fmt::format("'{}'", row.fields[column]),
                       .fix = "correct it, or take the row out"});
  }

  float number(const CsvRow& row, std::size_t column) const {
    const std::string& field = row.fields[column];
    float value = 0.0F;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (error != std::errc() || end != field.data() + field.size() || !std::isfinite(value)) {
      fail(row, column, "a finite number");
    }
    return value;
  }

  const CsvTable& table_;
  const ImageTableOptions& options_;
  std::string name_;
  std::size_t file_, label_ = 0;
  std::vector<std::size_t> numbers_;
  std::optional<std::size_t> weight_;
};

using Rows = std::vector<const CsvRow*>;

/// Leaves out rows that name no image file, and says which.
std::vector<std::string> keep_image_files(Rows& rows, const Reader& reader, const fs::path& folder,
                                          const std::string& name) {
  std::vector<std::string> missing;
  std::erase_if(rows, [&](const CsvRow* row) {
    const std::string& file = reader.file(*row);
    std::error_code ignored;
    const bool image = has_image_extension(file);
    if (image && fs::is_regular_file(folder / file, ignored)) return false;
    missing.push_back(fmt::format("{}: line {}: '{}' {}", name, row->line, (folder / file).string(),
                                  image ? "is no file that is there" : "has not the ending of an image"));
    return true;
  });
  return missing;
}

/// Images with one label each, or several; rows without a wanted one are left out.
class Labelled {
 public:
  Labelled(const Rows& rows, const Reader& reader, const ImageTableOptions& options, const std::string& name)
      : classes_(options.classes), several_(!options.label_separator.empty()) {
    std::vector<std::string> all;
    for (const CsvRow* row : rows) std::ranges::move(reader.labels(*row), std::back_inserter(all));
    std::ranges::sort(all);
    all.erase(std::unique(all.begin(), all.end()), all.end());
    if (classes_.empty()) classes_ = all;
    require_classes(classes_, name);
    for (std::size_t c = 0; c < classes_.size(); ++c) number_of_.emplace(classes_[c], c);
    const auto known = [&](const std::string& label) { return number_of_.contains(label); };
    if (!all.empty() && std::ranges::none_of(all, known)) throw_other_classes(name, "labels", classes_, all);
  }

  const std::vector<std::string>& classes() const { return classes_; }

  /// The number of the row's label (the least of several), or -1 without one. Appends several to the targets.
  std::int32_t add(const std::vector<std::string>& labels, std::vector<float>& targets) {
    std::vector<std::size_t> numbers;
    for (const std::string& label : labels) {
      const auto found = number_of_.find(label);
      if (found != number_of_.end()) numbers.push_back(found->second);
    }
    if (numbers.empty()) return -1;
    if (several_) {
      const std::size_t row = targets.size();
      targets.resize(row + classes_.size());
      for (const std::size_t number : numbers) targets[row + number] = 1.0F;
    }
    used_.insert(numbers.begin(), numbers.end());
    return static_cast<std::int32_t>(std::ranges::min(numbers));
  }

  void warn(const std::string& name, Index left_out, std::vector<std::string>& warnings) const {
    if (left_out > 0) warnings.push_back(fmt::format("{}: {} rows of other classes are left out", name, left_out));
    for (std::size_t c = 0; c < classes_.size(); ++c) {
      if (!used_.contains(c)) warnings.push_back(fmt::format("{}: class '{}' has no images", name, classes_[c]));
    }
    if (classes_.size() == 1) {
      warnings.push_back(fmt::format("{}: there is a single class, '{}': nothing to tell apart", name, classes_[0]));
    }
  }

 private:
  std::vector<std::string> classes_;
  bool several_;
  std::map<std::string_view, std::size_t> number_of_;
  std::set<std::size_t> used_;
};

void require_consistent(const ImageTableOptions& options, const std::string& name) {
  if (options.y_cols.empty() || (options.label_separator.empty() && options.classes.empty())) return;
  throw ValueError({.where = fmt::format("{}: y_cols", name),
                    .expected = "columns of numbers, without a label_separator and classes",
                    .got = options.classes.empty() ? "a label_separator" : "classes",
                    .fix = "leave it out, or name one column of labels with y_col"});
}

}  // namespace

FoundImages image_table(const fs::path& csv, const ImageTableOptions& options) {
  const std::string name = csv.string();
  require_consistent(options, name);
  const CsvTable table = parse_csv(read_text_file(csv), name);
  const Reader reader(table, options, name);
  const fs::path folder = folder_of(csv, options);
  Rows rows;
  for (const CsvRow& row : table.rows) rows.push_back(&row);
  FoundImages found;
  if (options.validate_filenames) found.missing = keep_image_files(rows, reader, folder, name);
  if (rows.empty()) {
    throw ValueError({.where = name,
                      .expected = "rows that name image files",
                      .got = found.missing.empty()
                                 ? "none at all"
                                 : fmt::format("{} that do not; {}", table.rows.size(), found.missing.front()),
                      .fix = fmt::format("check the column '{}', and where its names start from", options.x_col)});
  }
  if (!found.missing.empty()) {
    found.warnings.push_back(fmt::format("{}: {} of {} rows name no image file; {}", name, found.missing.size(),
                                         table.rows.size(), found.missing.front()));
  }

  std::vector<ImageFiles::File> files;
  ImageFiles::Annotations annotations;
  std::vector<std::string> classes = options.y_cols;
  if (classes.empty()) {
    Labelled labelled(rows, reader, options, name);
    for (const CsvRow* row : rows) {
      const std::int32_t label = labelled.add(reader.labels(*row), annotations.targets);
      if (label < 0) continue;
      files.push_back({reader.file(*row), label});
      reader.append_weight(*row, annotations.weights);
    }
    labelled.warn(name, isize(rows.size() - files.size()), found.warnings);
    classes = labelled.classes();
  } else {
    require_classes(classes, name);
    for (const CsvRow* row : rows) {
      const auto first = isize(annotations.targets.size());
      reader.append_numbers(*row, annotations.targets);
      const auto begin = annotations.targets.begin() + first;
      const auto largest = std::max_element(begin, annotations.targets.end());
      files.push_back({reader.file(*row), static_cast<std::int32_t>(largest - begin)});
      reader.append_weight(*row, annotations.weights);
    }
  }
  found.images = std::make_shared<ImageFiles>(name, folder, std::move(files), std::move(classes), options.reading,
                                              std::move(annotations));
  return found;
}

std::vector<fs::path> list_table(const fs::path& csv, const ImageTableOptions& options) {
  const CsvTable table = parse_csv(read_text_file(csv), csv.string());
  const std::size_t x = column_of(table, options.x_col, csv.string());
  require_filled(table, {x}, csv.string());
  const fs::path folder = folder_of(csv, options);
  std::vector<fs::path> files;
  for (const CsvRow& row : table.rows) files.push_back(folder / row.fields[x]);
  return files;
}

}  // namespace saccade::data
