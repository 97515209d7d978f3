#pragma once
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "saccade/base/integer.h"
#include "saccade/io/safetensors.h"
#include "saccade/tensor/tensor.h"

namespace saccade {

/// Everything a stopped run needs to go on bit for bit: named tensors (weights, moving averages, optimiser moments) and
/// named values (epoch, step, seed, learning rate). One safetensors file, so any reader of that format opens it.
class Checkpoint {
 public:
  /// Reads a file written by save(). Throws SystemError, and FormatError when it is damaged or of another kind (the message
  /// says of which) or version.
  static Checkpoint load(const std::filesystem::path& path);

  /// Writes the whole file or nothing. Throws SystemError, ValueError.
  void save(const std::filesystem::path& path) const;
  /// The same with these tensors in place of its own, so that large ones need no copy.
  void save(const std::filesystem::path& path, std::span<const TensorEntry> tensors) const;

  /// Values, by key; set replaces. Doubles keep every bit (but a NaN's payload), texts are UTF-8.
  void set_index(const std::string& key, Index value);
  void set_double(const std::string& key, double value);
  void set_text(const std::string& key, std::string value);
  bool has(const std::string& key) const;
  /// Throw FormatError, which names the file and the key, when there is no such value or it is no number.
  Index get_index(const std::string& key) const;
  double get_double(const std::string& key) const;
  const std::string& get_text(const std::string& key) const;
  const std::map<std::string, std::string>& state() const noexcept { return state_; }

  void add_tensor(std::string name, Tensor tensor);
  /// Throws FormatError, which names the file and the tensor, when it is missing or has another shape.
  const Tensor& get_tensor(std::string_view name, const Shape& shape) const;
  const std::vector<std::pair<std::string, Tensor>>& tensors() const noexcept { return tensors_; }

 private:
  std::string file_ = "checkpoint";  ///< What messages call it.
  std::vector<std::pair<std::string, Tensor>> tensors_;
  std::map<std::string, std::string> state_;
};

}  // namespace saccade
