#include "saccade/data/gzip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "saccade/base/error.h"

namespace saccade::data {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib: the largest window, gzip wrapping.
constexpr Index kGreatestRatio = 1032;
constexpr std::size_t kMostAtOnce = std::numeric_limits<uInt>::max();
constexpr std::string_view kDamaged = "the file is damaged: get it again";

bool begins_like_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
}

}  // namespace

/// zlib's stream over one span of packed bytes.
class ByteReader::Inflater {
 public:
  Inflater(std::span<const std::byte> packed, const std::string& name) : packed_(packed), name_(name) {
    if (inflateInit2(&stream_, kGzipWindow) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  std::size_t read(std::span<std::byte> out) {
    std::size_t filled = 0;
    while (filled < out.size() && !ended_) filled += step(out.subspan(filled));
    return filled;
  }

 private:
  std::size_t step(std::span<std::byte> out) {
    const std::size_t room = std::min(out.size(), kMostAtOnce);
    const std::size_t input = std::min(packed_.size() - used_, kMostAtOnce);
    // zlib's interface is older than const; it does not write to its input.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed_.data() + used_));
    stream_.avail_in = static_cast<uInt>(input);
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(room);
    const int status = inflate(&stream_, Z_NO_FLUSH);
    used_ += input - stream_.avail_in;
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
    if (status == Z_STREAM_END) {
      begin_next_member();
    } else if (status == Z_BUF_ERROR && used_ == packed_.size()) {
      fail("more of the gzip data", "the end of the file");
    } else if (status != Z_OK) {
      fail("sound gzip data", stream_.msg != nullptr ? stream_.msg : "a preset dictionary");
    }
    return room - stream_.avail_out;
  }

  void begin_next_member() {
    const auto rest = packed_.subspan(used_);
    ended_ = rest.empty();
    if (ended_) return;
    if (!begins_like_gzip(rest)) {
      fail("the end of the file, or another gzip member", fmt::format("{} other bytes", rest.size()));
    }
    inflateReset(&stream_);
  }

  [[noreturn]] void fail(std::string expected, std::string got) const {
    throw FormatError({.where = fmt::format("{}: byte {}", name_, used_),
                       .expected = std::move(expected),
                       .got = std::move(got),
                       .fix = std::string(kDamaged)});
  }

  std::span<const std::byte> packed_;
  const std::string& name_;
  std::size_t used_ = 0;
  bool ended_ = false;
  z_stream stream_{};
};

ByteReader::ByteReader(std::span<const std::byte> bytes, std::string name) : name_(std::move(name)), bytes_(bytes) {
  if (begins_like_gzip(bytes)) inflater_ = std::make_unique<Inflater>(bytes_, name_);
}

ByteReader::~ByteReader() = default;

Index ByteReader::most_remaining() const noexcept {
  const Index size = isize(bytes_.size());
  if (!packed()) return size - position_;
  return checked_multiply(size, kGreatestRatio).value_or(std::numeric_limits<Index>::max()) - position_;
}

Index ByteReader::read(std::span<std::byte> out) {
  std::size_t count = 0;
  if (packed()) {
    count = inflater_->read(out);
  } else {
    count = std::min(out.size(), bytes_.size() - usize(position_));
    std::ranges::copy(bytes_.subspan(usize(position_), count), out.begin());
  }
  position_ += isize(count);
  return isize(count);
}

void ByteReader::read_exactly(std::span<std::byte> out, std::string_view what) {
  const Index begin = position_;
  const Index count = read(out);
  if (usize(count) == out.size()) return;
  throw FormatError({.where = where(begin),
                     .expected = std::string(what),
                     .got = fmt::format("the end of the file after {} of them", count),
                     .fix = "the file is cut short: get it again"});
}

void ByteReader::require_end() {
  std::byte extra{};
  const Index end = position_;
  if (read({&extra, 1}) == 0) return;
  throw FormatError({.where = where(end),
                     .expected = "the end of the file",
                     .got = packed() ? "more bytes" : fmt::format("{} more bytes", isize(bytes_.size()) - end),
                     .fix = std::string(kDamaged)});
}

std::string ByteReader::where(Index position) const {
  return fmt::format("{}: {}byte {}", name_, packed() ? "unpacked " : "", position);
}

std::vector<std::byte> gzip(std::span<const std::byte> bytes) {
  z_stream stream{};
  constexpr int kMemoryLevel = 8;
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindow, kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, [](z_stream* s) { return deflateEnd(s); });
  std::vector<std::byte> packed;
  int status = Z_OK;
  std::vector<std::byte> room(std::size_t{1} << 16);
  while (status != Z_STREAM_END) {
    if (stream.avail_in == 0 && !bytes.empty()) {
      const std::size_t input = std::min(bytes.size(), kMostAtOnce);
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
      stream.avail_in = static_cast<uInt>(input);
      bytes = bytes.subspan(input);
    }
    stream.next_out = reinterpret_cast<Bytef*>(room.data());
    stream.avail_out = static_cast<uInt>(room.size());
    status = deflate(&stream, bytes.empty() ? Z_FINISH : Z_NO_FLUSH);
    packed.insert(packed.end(), room.begin(), room.end() - static_cast<std::ptrdiff_t>(stream.avail_out));
  }
  return packed;
}

}  // namespace saccade::data
