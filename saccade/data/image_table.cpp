#include "saccade/data/image_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/data/csv_reader.h"

namespace saccade::data {
namespace {

namespace fs = std::filesystem;

/// A row that is meant to become an image.
struct Entry {
  const std::string* file;
  const std::string* label;
};

void require_filled(const CsvTable& table, std::initializer_list<std::size_t> columns, const std::string& name) {
  const std::size_t x = *columns.begin();
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

std::vector<Entry> entries_of(const CsvTable& table, const ImageTableOptions& options, const std::string& name) {
  const std::size_t x = column_of(table, options.x_col, name);
  const std::size_t y = column_of(table, options.y_col, name);
  require_filled(table, {x, y}, name);
  std::vector<Entry> entries;
  for (const CsvRow& row : table.rows) entries.push_back({&row.fields[x], &row.fields[y]});
  return entries;
}

fs::path folder_of(const fs::path& csv, const ImageTableOptions& options) {
  return options.directory.empty() ? csv.parent_path() : options.directory;
}

/// Leaves out rows that name no image file, with a warning that says how many and which is the first.
void keep_image_files(std::vector<Entry>& entries, const fs::path& folder, const std::string& name,
                      std::vector<std::string>& warnings) {
  const std::string* first = nullptr;
  const auto out = std::ranges::remove_if(entries, [&](const Entry& entry) {
    std::error_code ignored;
    const bool good = has_image_extension(*entry.file) && fs::is_regular_file(folder / *entry.file, ignored);
    if (!good && first == nullptr) first = entry.file;
    return !good;
  });
  if (first != nullptr) {
    warnings.push_back(
        fmt::format("{}: {} rows name no image file and are left out, the first '{}'", name, out.size(), *first));
  }
  entries.erase(out.begin(), out.end());
}

std::vector<std::string> labels_of(const std::vector<Entry>& entries) {
  std::vector<std::string> labels;
  for (const Entry& entry : entries) labels.push_back(*entry.label);
  std::ranges::sort(labels);
  const auto repeated = std::ranges::unique(labels);
  labels.erase(repeated.begin(), repeated.end());
  return labels;
}

}  // namespace

FoundImages image_table(const fs::path& csv, const ImageTableOptions& options) {
  const std::string name = csv.string();
  const CsvTable table = parse_csv(read_text_file(csv), name);
  std::vector<Entry> entries = entries_of(table, options, name);
  const fs::path folder = folder_of(csv, options);
  std::vector<std::string> warnings;
  if (options.validate_filenames) keep_image_files(entries, folder, name, warnings);

  const std::vector<std::string> classes = options.classes.empty() ? labels_of(entries) : options.classes;
  std::map<std::string_view, std::int32_t> label_of;
  for (const std::string& label : classes) {
    if (label_of.emplace(label, static_cast<std::int32_t>(label_of.size())).second) continue;
    throw ValueError({.where = fmt::format("{}: classes", name),
                      .expected = "every class named once",
                      .got = fmt::format("'{}' twice", label),
                      .fix = "list the names of the classes"});
  }

  std::vector<ImageFiles::File> files;
  std::vector<Index> counts(classes.size());
  for (const Entry& entry : entries) {
    const auto label = label_of.find(*entry.label);
    if (label == label_of.end()) continue;
    files.push_back({*entry.file, label->second});
    ++counts[usize(label->second)];
  }
  if (files.size() < entries.size()) {
    warnings.push_back(fmt::format("{}: {} rows of other classes are left out", name, entries.size() - files.size()));
  }
  if (files.empty()) {
    throw ValueError({.where = name,
                      .expected = "rows that name image files",
                      .got = fmt::format("none among {}", table.rows.size()),
                      .fix = fmt::format("relative names start from '{}'; check the column '{}'",
                                         folder.empty() ? "." : folder.string(), options.x_col)});
  }
  for (std::size_t c = 0; c < classes.size(); ++c) {
    if (counts[c] == 0) warnings.push_back(fmt::format("{}: class '{}' has no images", name, classes[c]));
  }
  if (classes.size() == 1) {
    warnings.push_back(fmt::format("{}: there is a single class, '{}': nothing to tell apart", name, classes[0]));
  }
  return {std::make_shared<ImageFiles>(name, folder, std::move(files), classes, options.reading), std::move(warnings)};
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
