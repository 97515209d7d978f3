#include "saccade/io/archive_internal.h"

#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "saccade/base/error.h"
#include "saccade/io/quote_internal.h"

namespace saccade::internal {
namespace {

/// How many times an archive's size it may unpack to, and how many bytes in any case: weights hardly compress, and a
/// description in JSON by ten times.
constexpr Index kMostRatio = 16, kAtLeastBytes = Index{1} << 24;
constexpr const char* kDamaged = "the file is damaged; get it again";

[[noreturn]] void fail(std::string where, std::string expected, std::string got) {
  throw FormatError({std::move(where), std::move(expected), std::move(got), kDamaged});
}

struct CloseFile {
  void operator()(zip_file_t* file) const noexcept { zip_fclose(file); }
};

/// What went wrong while an archive was written; only memory can be short.
[[noreturn]] void fail_to_write(zip_error_t* error) {
  throw SystemError(
      {.where = "zip archive", .expected = "to write it", .got = zip_error_strerror(error), .fix = "free some memory"});
}

struct Discard {
  void operator()(zip_t* archive) const noexcept { zip_discard(archive); }
};
struct Free {
  void operator()(zip_source_t* source) const noexcept { zip_source_free(source); }
};

}  // namespace

bool is_archive(std::span<const std::byte> bytes) {
  constexpr std::string_view kMagic("PK\x03\x04", 4);
  return bytes.size() >= kMagic.size() && std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) == 0;
}

struct Archive::Handle {
  std::unique_ptr<zip_t, Discard> zip;
};

Archive::Archive(std::span<const std::byte> bytes, std::string file)
    : handle_(std::make_unique<Handle>()),
      file_(std::move(file)),
      allowance_(kAtLeastBytes + kMostRatio * isize(bytes.size())) {
  zip_error_t error;
  zip_error_init(&error);
  std::unique_ptr<zip_source_t, Free> source(zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error));
  handle_->zip.reset(source ? zip_open_from_source(source.get(), ZIP_RDONLY, &error) : nullptr);
  const std::string reason = zip_error_strerror(&error);
  zip_error_fini(&error);
  if (!handle_->zip) fail(file_, "a zip archive", reason);
  static_cast<void>(source.release());  // the archive's own from here on

  std::unordered_set<std::string> seen;
  const zip_int64_t count = zip_get_num_entries(handle_->zip.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    const char* name = zip_get_name(handle_->zip.get(), static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW);
    if (name == nullptr) fail(file_, "names of entries", zip_strerror(handle_->zip.get()));
    names_.emplace_back(name);
    if (!seen.insert(names_.back()).second) fail(file_, "each entry once", quote(names_.back()) + " twice");
  }
}

Archive::~Archive() = default;

bool Archive::has(std::string_view name) const { return std::ranges::find(names_, name) != names_.end(); }

std::vector<std::byte> Archive::read(std::string_view name) {
  const auto found = std::ranges::find(names_, name);
  if (found == names_.end()) fail(file_, fmt::format("an entry {}", quote(name)), "none");
  const auto index = static_cast<zip_uint64_t>(found - names_.begin());
  const std::string where = fmt::format("{}: entry {}", file_, quote(name));
  zip_t* const zip = handle_->zip.get();
  zip_stat_t stat;
  if (zip_stat_index(zip, index, 0, &stat) != 0 || (stat.valid & ZIP_STAT_SIZE) == 0) {
    fail(where, "an entry that can be read", zip_strerror(zip));
  }
  if ((stat.valid & ZIP_STAT_COMP_METHOD) == 0 ||
      (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE)) {
    fail(where, "an entry that is stored or deflated", fmt::format("compression {}", stat.comp_method));
  }
  if (stat.size > static_cast<zip_uint64_t>(allowance_)) {
    fail(where, fmt::format("at most {} bytes more to unpack", allowance_), fmt::format("{}", stat.size));
  }
  const std::unique_ptr<zip_file_t, CloseFile> file(zip_fopen_index(zip, index, 0));
  if (!file) fail(where, "an entry that can be read", zip_strerror(zip));
  allowance_ -= static_cast<Index>(stat.size);
  std::vector<std::byte> bytes(stat.size);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const zip_int64_t got = zip_fread(file.get(), bytes.data() + done, bytes.size() - done);
    if (got <= 0) fail(where, fmt::format("{} bytes", bytes.size()), zip_file_strerror(file.get()));
    done += static_cast<std::size_t>(got);
  }
  // The checksum is compared where the end is met.
  std::byte beyond{};
  if (zip_fread(file.get(), &beyond, 1) != 0) {
    fail(where, "data with its checksum", zip_file_strerror(file.get()));
  }
  return bytes;
}

std::vector<std::byte> encode_archive(std::span<const ArchiveEntry> entries) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* const buffer = zip_source_buffer_create(nullptr, 0, 0, &error);
  if (buffer == nullptr) fail_to_write(&error);
  zip_source_keep(buffer);  // outlives the archive, which writes into it
  const std::unique_ptr<zip_source_t, Free> kept(buffer);
  std::unique_ptr<zip_t, Discard> zip(zip_open_from_source(buffer, ZIP_TRUNCATE, &error));
  if (!zip) fail_to_write(&error);
  constexpr zip_uint16_t kDate = (1 << 5) | 1, kTime = 0;  // the first day that a zip archive can name
  for (const ArchiveEntry& entry : entries) {
    std::unique_ptr<zip_source_t, Free> source(zip_source_buffer(zip.get(), entry.bytes.data(), entry.bytes.size(), 0));
    if (!source) fail_to_write(zip_get_error(zip.get()));
    const zip_int64_t index = zip_file_add(zip.get(), entry.name.c_str(), source.get(), ZIP_FL_ENC_UTF_8);
    if (index < 0) fail_to_write(zip_get_error(zip.get()));
    static_cast<void>(source.release());
    const auto place = static_cast<zip_uint64_t>(index);
    if (zip_set_file_compression(zip.get(), place, ZIP_CM_STORE, 0) != 0 ||
        zip_file_set_dostime(zip.get(), place, kTime, kDate, 0) != 0) {
      fail_to_write(zip_get_error(zip.get()));
    }
  }
  if (zip_close(zip.get()) != 0) fail_to_write(zip_get_error(zip.get()));
  static_cast<void>(zip.release());

  zip_stat_t stat;
  if (zip_source_stat(buffer, &stat) != 0 || zip_source_open(buffer) != 0) fail_to_write(zip_source_error(buffer));
  std::vector<std::byte> bytes(stat.size);
  const zip_int64_t got = zip_source_read(buffer, bytes.data(), bytes.size());
  zip_source_close(buffer);
  if (got != static_cast<zip_int64_t>(bytes.size())) fail_to_write(zip_source_error(buffer));
  return bytes;
}

}  // namespace saccade::internal
