#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/base/integer.h"

namespace saccade {

/// Writes a whole file or nothing: the bytes go to a temporary file beside `path`, are synced to the disk, and take the
/// name in one step; then the folder is synced. A reader, or a process killed at any instant, sees the old file or the
/// new one. Throws SystemError (no permission, full disk) and leaves no temporary file behind. A link is followed: the file
/// it leads to is replaced. A device or pipe (/dev/stdout) cannot be replaced and is written into.
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file(const std::filesystem::path& path, std::string_view text);

/// The same for content too large to hold twice: `write` is handed a function that appends bytes.
using Append = std::function<void(std::span<const std::byte>)>;
void write_file(const std::filesystem::path& path, const std::function<void(const Append&)>& write);

/// The same without waiting for the disk: as whole for every reader and after a killed process, but after a power failure
/// the new name may lead to anything. For files that are verified when read, and can be made again: a cache's.
void write_file_unsynced(const std::filesystem::path& path, const std::function<void(const Append&)>& write);

/// The whole file. Throws SystemError when it cannot be read, FormatError when it is larger than limit_bytes.
std::vector<std::byte> read_file(const std::filesystem::path& path, Index limit_bytes = Index{1} << 40);
std::string read_text_file(const std::filesystem::path& path, Index limit_bytes = Index{1} << 30);

}  // namespace saccade
