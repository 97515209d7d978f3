#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "saccade/data/image_files.h"

namespace saccade::data {

struct ImageTableOptions {
  ImageReading reading = {};
  std::string x_col = "filename";
  std::string y_col = "class";
  /// What stands between the labels of a row ("|"): images may have several, and has_targets(). Empty: one label a row. A
  /// data frame has lists there.
  std::string label_separator = {};
  /// Columns of numbers, which are the targets instead of y_col (Keras: class_mode "raw" and "multi_output").
  std::vector<std::string> y_cols = {};
  std::string weight_col = {};           ///< Column of numbers, what each image counts for in the loss. Empty: 1 each.
  std::filesystem::path directory = {};  ///< What relative file names start from. Empty: the table's own folder.
  std::vector<std::string> classes =
      {};  ///< Names in label order; other labels, and rows without one of these, are left out. Empty: all there are.
  bool validate_filenames = true;  ///< Leave out rows whose file is missing or has no image's ending, with a warning.
};

/// The images that a CSV file names, a row each (Keras: flow_from_dataframe):
///   filename,class
///   img/0001.jpg,rose                                      auto images = image_table("labels.csv").images;
/// Rows keep their order. Classes: the labels of the rows that are left, sorted bytewise, each once; or options.classes; or
/// options.y_cols, in their order. Names stay as the table has them. No image is opened.
/// Throws SystemError when the table cannot be read, FormatError naming line and column for one that is no CSV file, has not
/// these columns, has an empty name or label, or a weight or target that is no number; ValueError when no row or none of the
/// classes is left, or classes are named twice. Source: Keras 2, preprocessing/image/dataframe_iterator.py.
FoundImages image_table(const std::filesystem::path& csv, const ImageTableOptions& options = {});

/// The image files that a CSV file names in its column options.x_col, in its order, as paths; classes are not asked
/// for. Rows that name no image file are kept. Throws what image_table() throws for the table itself.
std::vector<std::filesystem::path> list_table(const std::filesystem::path& csv, const ImageTableOptions& options = {});

}  // namespace saccade::data
