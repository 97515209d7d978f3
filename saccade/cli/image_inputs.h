#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "saccade/cli/console.h"
#include "saccade/data/dataset.h"
#include "saccade/data/image_files.h"

namespace saccade::cli {

/// How the images of a folder or CSV file are read.
struct ImageInputOptions {
  std::string image_size;
  std::string color_mode;
  std::string x_col = "filename";
  std::string y_col = "class";
  std::string image_folder;
  bool skip_bad = false;
  bool cache_images = false;

  /// As TrainOptions::visit.
  template <class Visitor>
  void visit(Visitor&& visitor) {
    visitor("--image-size", image_size, "of a folder's images: pixels a side, or HEIGHTxWIDTH [the network's, or 128]");
    visitor("--color-mode", color_mode, "of a folder's images: rgb, grayscale or rgba [the network's, or rgb]");
    visitor("--x-col", x_col, "column of a .csv file with the images' files");
    visitor("--y-col", y_col, "column of a .csv file with their classes");
    visitor("--image-folder", image_folder, "where the files of a .csv file are [beside it]");
    visitor("--skip-bad", skip_bad, "leave out images that cannot be read");
    visitor("--cache-images", cache_images, "keep decoded and resized images on disk, under --data");
  }
};

/// Whether data::fetch() knows a set of this name.
bool is_standard_set(const std::string& name);

/// Whether a data set's name is of a folder or CSV file of images, rather than of a standard set.
bool names_images(const std::string& dataset);

/// A data set's name as a part of a file's name: "photos" for "../photos/", "mnist" for "mnist".
std::string short_name(const std::string& dataset);

/// What a network wants, for images that come in any size.
struct WantedImages {
  std::optional<Shape> shape = {};        ///< [height, width, channels]; left out: what the options say.
  std::vector<std::string> classes = {};  ///< In label order; empty: those of the images.
  std::string cache = {};                 ///< Folder of cached data; empty: the default.
};

/// How to read images for a network. Throws ValueError for options that are none or contradict the network.
data::ImageReading reading_of(const ImageInputOptions& options, const WantedImages& wanted);

/// A folder's parts, as paths; empty where there is none. All are empty unless there is a train/ with sub-folders in it
/// and one of the others.
struct FolderParts {
  std::string train, validation, test;
};
FolderParts parts_of(const std::string& folder);

/// Which of the images.
struct ImageSelection {
  Index limit = 0;         ///< Above 0: only so many, of each class the same share.
  std::uint64_t seed = 0;  ///< Which ones is drawn from it.
};

/// The images of a folder or CSV file. Prints warnings, checks every file with a progress bar, and either leaves out
/// those that cannot be read or, having listed them, throws FormatError. Throws ValueError, SystemError.
data::DatasetPtr load_images(const std::string& path, const ImageInputOptions& options, const WantedImages& wanted,
                             const ImageSelection& selection, Console& console);

}  // namespace saccade::cli
