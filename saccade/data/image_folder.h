#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "saccade/data/image_files.h"

namespace saccade::data {

struct ImageFolderOptions {
  ImageReading reading = {};
  std::vector<std::string> classes = {};  ///< Names of the class folders, in label order. Empty: all there are.
  bool follow_links =
      false;  ///< Also walk into linked sub-folders of a class. Linked files and class folders always count; what leads
              ///< back to a folder above it never does.
  bool skip_hidden = true;  ///< Leave out names that begin with '.'; Keras's flow_from_directory keeps them.
};

/// The images of a folder with one sub-folder a class (Keras: flow_from_directory):
///   photos/daisy/1.jpg    photos/rose/garden/2.png        auto images = image_folder("photos").images;
/// Classes: the sub-folders in the order of their bytes ('B' before 'a'), or options.classes in that order.
/// Images: class by class, the folders of a class in the order of their paths, the files of a folder in the order of
/// their names, bytewise; those whose name has_image_extension(). Sub-folders belong to the class they stand in.
/// Names are relative: "rose/garden/2.png". No file is opened.
/// Throws SystemError when the folder cannot be read, ValueError when there are no images, none of the classes,
/// or classes named twice.
/// Source: Keras 2, preprocessing/image/directory_iterator.py.
FoundImages image_folder(const std::filesystem::path& folder, const ImageFolderOptions& options = {});

/// The image files in a folder and those below it, without classes, in the order of image_folder(): relative names.
/// Throws SystemError when a folder cannot be read.
std::vector<std::string> list_images(const std::filesystem::path& folder, const ImageFolderOptions& options = {});

}  // namespace saccade::data
