#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/cli/console.h"
#include "saccade/data/dataset.h"
#include "saccade/data/image_cache.h"
#include "saccade/data/image_files.h"

namespace saccade::cli {

/// How the images of a folder or CSV file are read.
struct ImageInputOptions {
  std::string image_size;
  std::string color_mode;
  std::string x_col = "filename";
  std::string y_col = "class";
  std::string weight_col;
  std::string image_folder;
  Index max_pixels = DecodeLimits{}.max_pixels;
  bool skip_bad = false;
  bool fast_decode = false;
  bool cache_images = false;

  /// As TrainOptions::visit.
  template <class Visitor>
  void visit(Visitor&& visitor) {
    visitor("--image-size", image_size, "of a folder's images: pixels a side, or HEIGHTxWIDTH [the network's, or 128]");
    visitor("--color-mode", color_mode, "of a folder's images: rgb, grayscale or rgba [the network's, or rgb]");
    visit_files(visitor);
  }

  /// Those that a network does not decide.
  template <class Visitor>
  void visit_files(Visitor&& visitor) {
    visit_table(visitor);
    visitor("--max-pixels", max_pixels, "largest image to decode, height times width: a guard against hostile files");
    visitor("--skip-bad", skip_bad, "leave out images that cannot be read, and rows of a .csv file that name none");
    visitor("--fast-decode", fast_decode,
            "decode a JPEG smaller also where that falls up to a fifth short of --image-size");
    visitor("--cache-images", cache_images, "keep decoded and resized images on disk, under --data");
  }

  /// Those of .csv files alone.
  template <class Visitor>
  void visit_table(Visitor&& visitor) {
    visitor("--x-col", x_col, "column of a .csv file with the images' files");
    visitor("--y-col", y_col, "column of a .csv file with their classes");
    visitor("--weight-col", weight_col, "column of a .csv file with what each image counts for in the loss [1 each]");
    visitor("--image-folder", image_folder, "where the files of a .csv file are [beside it]");
  }
};

/// Throws ValueError when one of the options says something that images of this name have no use for: any of a standard set,
/// those of .csv files of a folder. `command` is who was asked.
void require_useful(const ImageInputOptions& options, const std::string& dataset, std::string_view command);
/// The same, of options for .csv files where there is none.
void require_no_table_options(const ImageInputOptions& options, const std::string& where);

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

/// Images that were found, and not read yet.
struct UncheckedImages {
  std::string path;                                  ///< Of the folder or CSV file; empty for what needs no check.
  data::DatasetPtr images;                           ///< Null where there are none.
  std::shared_ptr<const data::CachedImages> cached;  ///< What `images` come from, with --cache-images.
  std::vector<std::string> missing;                  ///< FoundImages::missing
};

/// The images of a folder or CSV file. Reads no image, so that whatever else may be wrong is told at once. Prints warnings.
/// Throws ValueError, SystemError, FormatError.
UncheckedImages find_images(const std::string& path, const ImageInputOptions& options, const WantedImages& wanted,
                            const ImageSelection& selection, Console& console);

/// Reads every image once, with a progress bar: training must not find out hours later that a file cannot be read. Either
/// leaves out those that cannot or, having listed them, throws FormatError.
data::DatasetPtr readable_images(const UncheckedImages& found, const ImageInputOptions& options, Console& console);

}  // namespace saccade::cli
