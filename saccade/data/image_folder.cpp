#include "saccade/data/image_folder.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "saccade/base/error.h"
#include "saccade/data/class_names_internal.h"

namespace saccade::data {
namespace {

namespace fs = std::filesystem;

/// What stands in one folder, each list in the order of its bytes. Names only.
struct Entries {
  std::vector<std::string> folders;
  std::vector<std::string> linked_folders;
  std::vector<std::string> images;
  std::vector<std::string> hidden_folders;
  Index hidden_images = 0;
};

Entries entries_of(const fs::path& folder, bool skip_hidden) {
  std::error_code code;
  fs::directory_iterator iterator(folder, code);
  Entries entries;
  for (; !code && iterator != fs::directory_iterator(); iterator.increment(code)) {
    const std::string name = iterator->path().filename().string();
    const bool hidden = skip_hidden && name.starts_with('.');
    std::error_code ignored;
    const fs::file_status status = iterator->status(ignored);
    if (fs::is_directory(status)) {
      const bool linked = iterator->is_symlink(ignored);
      (hidden ? entries.hidden_folders : linked ? entries.linked_folders : entries.folders).push_back(name);
    } else if (has_image_extension(name) && (fs::is_regular_file(status) || !fs::exists(status))) {
      // A link to nothing counts, so that it is reported as unreadable; a pipe or device would block or never end.
      hidden ? void(++entries.hidden_images) : entries.images.push_back(name);
    }
  }
  if (code) {
    throw SystemError({.where = folder.string(),
                       .expected = "a folder that can be listed",
                       .got = code.message(),
                       .fix = "check the path and its permissions"});
  }
  for (auto* list : {&entries.folders, &entries.linked_folders, &entries.images, &entries.hidden_folders}) {
    std::ranges::sort(*list);
  }
  return entries;
}

/// Whether a link in the folder leads to the folder itself or to one that it is in: every image would be one of that class,
/// and walking would never end.
bool leads_up(const fs::path& link, const fs::path& folder) {
  std::error_code code;
  const fs::path outer = fs::canonical(link, code);
  const fs::path inner = code ? fs::path() : fs::canonical(folder, code);
  return !code && std::ranges::mismatch(outer, inner).in1 == outer.end();
}

/// Walks a folder and those below it.
class Walk {
 public:
  Walk(fs::path root, const ImageFolderOptions& options) : root_(std::move(root)), options_(options) {}

  /// The images in root/relative and below, by names relative to root. Order: by folder path, then by name.
  std::vector<std::string> images(const std::string& relative) {
    found_.clear();
    visit(relative);
    std::ranges::sort(found_, {}, &Folder::path);
    std::vector<std::string> names;
    for (const Folder& folder : found_) {
      for (const std::string& image : folder.images) names.push_back(join(folder.path, image));
    }
    return names;
  }

  const std::vector<std::string>& hidden_folders() const { return hidden_folders_; }
  Index hidden_images() const { return hidden_images_; }

 private:
  struct Folder {
    std::string path;
    std::vector<std::string> images;
  };
  using Identity = std::pair<dev_t, ino_t>;

  static std::string join(const std::string& folder, const std::string& name) {
    return folder.empty() ? name : folder + "/" + name;
  }

  void visit(const std::string& relative) {
    const fs::path path = relative.empty() ? root_ : root_ / relative;
    struct stat status {};
    const bool known = ::stat(path.c_str(), &status) == 0;
    const Identity identity{status.st_dev, status.st_ino};
    // A link that leads back to a folder above it would never end.
    if (known && std::ranges::find(above_, identity) != above_.end()) return;
    above_.push_back(identity);
    Entries entries = entries_of(path, options_.skip_hidden);
    for (const std::string& name : entries.hidden_folders) hidden_folders_.push_back(join(relative, name));
    hidden_images_ += entries.hidden_images;
    found_.push_back({relative, std::move(entries.images)});
    for (const std::string& name : entries.folders) visit(join(relative, name));
    if (options_.follow_links) {
      for (const std::string& name : entries.linked_folders) {
        if (!leads_up(path / name, root_)) visit(join(relative, name));
      }
    }
    above_.pop_back();
  }

  fs::path root_;
  const ImageFolderOptions& options_;
  std::vector<Folder> found_;
  std::vector<Identity> above_;
  std::vector<std::string> hidden_folders_;
  Index hidden_images_ = 0;
};

[[noreturn]] void throw_empty(const fs::path& folder, const Entries& top) {
  std::string got = "no sub-folders";
  if (!top.folders.empty()) got = fmt::format("no image in its {} sub-folders", top.folders.size());
  if (!top.images.empty()) got = fmt::format("{} images that are in no sub-folder", top.images.size());
  throw ValueError({.where = folder.string(),
                    .expected = "sub-folders, one a class, with images",
                    .got = got,
                    .fix = "move the images of each class into a sub-folder of its name; png, jpg, bmp, gif, ppm, "
                           "tiff and webp files count"});
}

void warn_hidden(const Walk& walk, const std::string& name, std::vector<std::string>& warnings) {
  for (const std::string& hidden : walk.hidden_folders()) {
    warnings.push_back(fmt::format("{}: hidden folder '{}' is left out", name, hidden));
  }
  if (walk.hidden_images() > 0) {
    warnings.push_back(fmt::format("{}: {} hidden images are left out", name, walk.hidden_images()));
  }
}

}  // namespace

FoundImages image_folder(const fs::path& folder, const ImageFolderOptions& options) {
  const std::string name = folder.string();
  require_classes(options.classes, name);
  const Entries top = entries_of(folder, options.skip_hidden);
  std::vector<std::string> all = top.folders, warnings;
  for (const std::string& link : top.linked_folders) {
    if (!leads_up(folder / link, folder)) {
      all.push_back(link);
    } else {
      warnings.push_back(
          fmt::format("{}: '{}' is not taken for a class: it is a link to the folder itself or one above", name, link));
    }
  }
  std::ranges::sort(all);
  const std::vector<std::string>& classes = options.classes.empty() ? all : options.classes;
  const auto is_class = [&](const std::string& other) { return std::ranges::find(classes, other) != classes.end(); };
  if (!all.empty() && std::ranges::none_of(all, is_class)) throw_other_classes(name, "sub-folders", classes, all);

  for (const std::string& hidden : top.hidden_folders) {
    warnings.push_back(fmt::format("{}: hidden folder '{}' is not taken for a class", name, hidden));
  }
  if (!top.images.empty()) {
    warnings.push_back(fmt::format("{}: {} images beside the class folders are left out, e.g. '{}'", name,
                                   top.images.size(), top.images.front()));
  }
  for (const std::string& other : all) {
    if (!is_class(other)) {
      warnings.push_back(fmt::format("{}: folder '{}' is not one of the classes and is left out", name, other));
    }
  }

  Walk walk(folder, options);
  std::vector<ImageFiles::File> files;
  for (std::size_t label = 0; label < classes.size(); ++label) {
    const bool there = std::ranges::binary_search(all, classes[label]);
    const std::vector<std::string> images = there ? walk.images(classes[label]) : std::vector<std::string>();
    if (images.empty()) warnings.push_back(fmt::format("{}: class '{}' has no images", name, classes[label]));
    if (classes[label].starts_with('.')) {
      warnings.push_back(fmt::format("{}: hidden folder '{}' is taken for a class", name, classes[label]));
    }
    for (const std::string& image : images) files.push_back({image, static_cast<std::int32_t>(label)});
  }
  if (files.empty()) throw_empty(folder, top);
  warn_hidden(walk, name, warnings);
  if (classes.size() == 1) {
    warnings.push_back(fmt::format("{}: there is a single class, '{}': nothing to tell apart", name, classes[0]));
  }
  return {.images = std::make_shared<ImageFiles>(name, folder, std::move(files), classes, options.reading,
                                                 ImageFiles::Annotations{}),
          .warnings = std::move(warnings)};
}

std::vector<std::string> list_images(const fs::path& folder, const ImageFolderOptions& options) {
  return Walk(folder, options).images("");
}

}  // namespace saccade::data
