#include "saccade/data/image_cache.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/data/fetch/sha256.h"

namespace saccade::data {
namespace {

namespace fs = std::filesystem;

/// What stands before the pixels. The version is also hashed into the address, so that entries of another one are left
/// alone.
struct Header {
  std::array<char, 8> magic;
  std::uint32_t height, width, channels, crc32;
};
constexpr std::array<char, 8> kMagic{'s', 'a', 'c', 'c', 'i', 'm', 'g', '1'};
static_assert(sizeof(Header) == 24);

std::uint32_t crc_of(std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

Header header_of(const Tensor& image) {
  const auto extent = [&](int axis) { return static_cast<std::uint32_t>(image.shape()[axis]); };
  return {
      .magic = kMagic, .height = extent(0), .width = extent(1), .channels = extent(2), .crc32 = crc_of(image.bytes())};
}

/// The image of an entry, or nothing when the entry is missing or not exactly what was written.
std::optional<Tensor> read_entry(const fs::path& path, const Shape& shape) {
  std::vector<std::byte> bytes;
  try {
    bytes = read_file(path, isize(sizeof(Header)) + shape.elements());
  } catch (const Error&) {
    return std::nullopt;
  }
  if (isize(bytes.size()) != isize(sizeof(Header)) + shape.elements()) return std::nullopt;
  Tensor image(shape, DType::uint8);
  const std::span<const std::byte> pixels = std::span(bytes).subspan(sizeof(Header));
  std::memcpy(image.bytes().data(), pixels.data(), pixels.size());
  const Header expected = header_of(image);
  if (std::memcmp(bytes.data(), &expected, sizeof(Header)) != 0) return std::nullopt;
  return image;
}

}  // namespace

CachedImages::CachedImages(std::shared_ptr<const ImageFiles> source, fs::path folder)
    : source_(std::move(source)), folder_(std::move(folder)) {
  if (!source_) {
    throw ValueError({.where = "cached images",
                      .expected = "a dataset of image files",
                      .got = "a null pointer",
                      .fix = "make one with data::image_folder or data::image_table"});
  }
  std::error_code code;
  fs::create_directories(folder_, code);
  if (code) {
    throw SystemError({.where = folder_.string(),
                       .expected = "to make this folder",
                       .got = code.message(),
                       .fix = "choose another folder for the cache, or read images without one"});
  }
  const ImageReading& reading = source_->reading();
  known_.resize(usize(source_->size()));
  options_ = fmt::format("{} {}x{} {} {} {} {} {}\n", std::string_view(kMagic.data(), kMagic.size()),
                         reading.target_size.height, reading.target_size.width, saccade::name_of(reading.color_mode),
                         saccade::name_of(reading.interpolation), reading.scaled_decoding, reading.decoding_share,
                         reading.keep_aspect_ratio);
}

CachedImages::Identity CachedImages::identity_of(Index i) const {
  const fs::path path = source_->path(i);
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    throw SystemError({.where = path.string(),
                       .expected = "to read it",
                       .got = std::strerror(errno),
                       .fix = "check the path and its permissions"});
  }
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .size = status.st_size,
          .seconds = status.st_mtim.tv_sec,
          .nanoseconds = status.st_mtim.tv_nsec};
}

std::vector<std::byte> CachedImages::bytes_of(Index i) const {
  return read_file(source_->path(i), source_->reading().limits.max_file_bytes);
}

CachedImages::Address CachedImages::remember(Index i, const Identity& identity,
                                             std::span<const std::byte> bytes) const {
  Sha256 sha;
  sha.update(std::as_bytes(std::span(options_)));
  sha.update(bytes);
  const std::string digest = sha.finish();
  Known known{.identity = identity};
  std::ranges::copy_n(digest.begin(), isize(known.address.size()), known.address.begin());
  const std::scoped_lock lock(mutex_);
  known_[usize(i)] = known;
  return known.address;
}

fs::path CachedImages::path_of(const Address& address) const {
  const std::string_view text(address.data(), address.size());
  // Some file systems are slow on folders with very many files.
  return folder_ / text.substr(0, 2) / text.substr(2);
}

fs::path CachedImages::entry(Index i) const { return path_of(remember(i, identity_of(i), bytes_of(i))); }

std::string CachedImages::write_failure() const {
  const std::scoped_lock lock(mutex_);
  return write_failure_;
}

void CachedImages::write(const fs::path& entry, const Tensor& image) const {
  if (!write_failure().empty()) return;
  std::error_code ignored;  // write_file_unsynced says what is wrong
  fs::create_directories(entry.parent_path(), ignored);
  const Header header = header_of(image);
  try {
    write_file_unsynced(entry, [&](const Append& append) {
      append(std::as_bytes(std::span(&header, 1)));
      append(image.bytes());
    });
  } catch (const Error& error) {
    const std::scoped_lock lock(mutex_);
    if (write_failure_.empty()) write_failure_ = error.what();
  }
}

Sample CachedImages::get(Index i) const {
  const auto sample = [&](Tensor image) { return Sample{std::move(image), label(i), sample_name(i)}; };
  const Identity identity = identity_of(i);
  const Known known = [&] {
    const std::scoped_lock lock(mutex_);
    return known_[usize(i)];
  }();
  if (known.identity == identity) {
    if (std::optional<Tensor> image = read_entry(path_of(known.address), image_shape()))
      return sample(*std::move(image));
  }
  const std::vector<std::byte> bytes = bytes_of(i);
  const fs::path path = path_of(remember(i, identity, bytes));
  if (std::optional<Tensor> image = read_entry(path, image_shape())) return sample(*std::move(image));
  // Decoded from the very bytes that were hashed: the file may be another by now.
  Tensor image = read_image(bytes, source_->path(i).string(), source_->reading());
  ++decoded_;
  write(path, image);
  return sample(std::move(image));
}

}  // namespace saccade::data
