#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/base/integer.h"

namespace saccade::data {

/// Reads the content of a file forward, whether it is stored plainly or as gzip (RFC 1952, any number of members), which
/// is known by its first bytes 1f 8b and never by its name. Only what is asked for is unpacked, so a small file that
/// unpacks to something huge costs nothing. Errors are FormatError and name the file and a byte: of the content, or, for
/// damage to the packing itself, of the packed file.
class ByteReader {
 public:
  /// Keeps no copy: `bytes` must outlive the reader.
  ByteReader(std::span<const std::byte> bytes, std::string name);
  ~ByteReader();
  ByteReader(const ByteReader&) = delete;
  ByteReader& operator=(const ByteReader&) = delete;

  const std::string& name() const noexcept { return name_; }
  bool packed() const noexcept { return inflater_ != nullptr; }
  /// Bytes of content read so far.
  Index position() const noexcept { return position_; }
  /// Content that may follow: exactly what is left of a plain file; of a packed one, an upper bound from the greatest
  /// ratio deflate can reach, 1032 to 1. To be compared with sizes found in the content before memory is allocated.
  Index most_remaining() const noexcept;

  /// Fills `out`, or what there is of it at the end of the content, and returns how many bytes.
  Index read(std::span<std::byte> out);
  /// Fills `out`; throws when the content ends before. `what` is what was expected there ("4 bytes of magic number").
  void read_exactly(std::span<std::byte> out, std::string_view what);
  /// Throws unless the content ends here; a packed file's checksum and length are then verified too.
  void require_end();

  /// "train-images.gz: unpacked byte 4" or "train-images: byte 4", for messages about the content.
  std::string where(Index position) const;

 private:
  class Inflater;

  std::string name_;
  std::span<const std::byte> bytes_;
  Index position_ = 0;
  std::unique_ptr<Inflater> inflater_;
};

/// The bytes as a gzip file of one member, without a time stamp, so that equal content gives equal files.
std::vector<std::byte> gzip(std::span<const std::byte> bytes);

}  // namespace saccade::data
