#pragma once
#include "saccade/io/hdf5_internal.h"

namespace saccade::internal {

/// How many bytes of numbers a file of that size may hold: weights hardly compress.
constexpr Index hdf5_allowance(Index file_bytes) noexcept {
  constexpr Index kMostRatio = 16, kAtLeast = Index{1} << 24;
  return kAtLeast + kMostRatio * file_bytes;
}

/// What Hdf5File asks in a process of its own: the library itself, with checks before each of its calls. See there.
class Hdf5Reader {
 public:
  Hdf5Reader(std::span<const std::byte> bytes, std::string file);
  Hdf5Reader(const Hdf5Reader&) = delete;
  Hdf5Reader& operator=(const Hdf5Reader&) = delete;
  ~Hdf5Reader();

  bool has(const std::string& path) const;
  std::vector<std::string> names(const std::string& path) const;
  std::optional<std::vector<std::string>> texts(const std::string& path, const std::string& attribute) const;
  Shape shape(const std::string& path) const;
  Tensor read(const std::string& path);

 private:
  struct Handles;
  std::unique_ptr<Handles> handles_;
};

/// Keeps the library to one thread as long as it lives.
class Hdf5Lock {
 public:
  Hdf5Lock();
  Hdf5Lock(const Hdf5Lock&) = delete;
  Hdf5Lock& operator=(const Hdf5Lock&) = delete;
  ~Hdf5Lock();
};

}  // namespace saccade::internal
