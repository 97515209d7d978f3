#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saccade/tensor/tensor.h"

// Keras keeps weights in HDF5. The only complete reader of that format is its C library, which a build may lack
// (SACCADE_HDF5=OFF): no_hdf5.cpp then stands for hdf5.cpp, and everything here throws SystemError.
namespace saccade::internal {

/// Whether the bytes begin as an HDF5 file does.
bool is_hdf5(std::span<const std::byte> bytes);

/// An HDF5 file in memory. Nothing outside it is ever opened: links other than plain ones, data in other files and filters
/// that would be loaded as plugins are refused. HDF5's library itself hangs or crashes over damaged files, so it reads in a
/// process of its own, which can open no files and has bounds on its time and memory: one that it breaks on is a FormatError
/// like any other. Paths have '/' between names; "" is the root.
class Hdf5File {
 public:
  /// `file` is what messages call it. Throws FormatError for what is no HDF5 file.
  Hdf5File(std::span<const std::byte> bytes, std::string file);
  Hdf5File(const Hdf5File&) = delete;
  Hdf5File& operator=(const Hdf5File&) = delete;
  ~Hdf5File();

  bool has(const std::string& path) const;
  /// The names in a group, sorted. Throws FormatError where there is no group of that path.
  std::vector<std::string> names(const std::string& path) const;
  /// An attribute that is text, or an array of texts; nothing where the object has none of that name. An empty array of
  /// another type counts as one of texts. Throws FormatError for other types.
  std::optional<std::vector<std::string>> texts(const std::string& path, const std::string& attribute) const;
  /// The extents of a dataset. Throws FormatError where there is no such dataset of numbers.
  Shape shape(const std::string& path) const;
  /// The dataset as float32. Throws FormatError likewise, and for more numbers than the file is worth.
  Tensor read(const std::string& path);

 private:
  class Process;
  std::unique_ptr<Process> process_;
};

/// An HDF5 file being written to memory. One content, one sequence of bytes.
class Hdf5Writer {
 public:
  Hdf5Writer();
  Hdf5Writer(const Hdf5Writer&) = delete;
  Hdf5Writer& operator=(const Hdf5Writer&) = delete;
  ~Hdf5Writer();

  /// Makes a group, with those above it.
  void add_group(const std::string& path);
  /// Hangs a text, or an array of texts, on a group.
  void add_text(const std::string& path, const std::string& attribute, const std::string& text);
  void add_texts(const std::string& path, const std::string& attribute, const std::vector<std::string>& texts);
  /// Writes a float32 dataset, with the groups above it.
  void add_dataset(const std::string& path, const Shape& shape, std::span<const float> values);

  /// The whole file; nothing may be added afterwards.
  std::vector<std::byte> finish();

 private:
  struct Handles;
  std::unique_ptr<Handles> handles_;
};

}  // namespace saccade::internal
