#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/base/integer.h"

namespace saccade::internal {

/// How to mend a checkpoint that holds more than weights.
inline constexpr const char* kSaveTheWeights = "save the weights alone: torch.save(model.state_dict(), 'net.pth')";

/// A run of numbers that a checkpoint keeps beside its pickle.
struct TorchStorage {
  std::string key;   ///< Its entry's name.
  std::string type;  ///< As safetensors calls it: "F32".
  Index elements = 0;
};

/// A tensor as PyTorch pickles it: a view of a storage. Nothing of it is checked yet.
struct TorchView {
  std::size_t storage = 0;  ///< Position among PickleValues::storages.
  Index offset = 0;         ///< In elements, like the strides.
  std::vector<Index> extents, strides;
};

struct PickleValue {
  enum class Kind : std::uint8_t {
    none,
    boolean,
    integer,
    number,
    text,
    bytes,
    tuple,
    list,
    dict,
    global,
    storage,
    tensor
  };
  Kind kind = Kind::none;
  Index integer = 0;  ///< Also a boolean, and the position of a storage or tensor in their lists.
  double number = 0.0;
  std::string text;  ///< Also bytes, and a global's "module.name".
  /// Positions of the elements among the values; a dict's keys and values in turn. A list may hold itself.
  std::vector<std::uint32_t> items;
};

/// What a pickle builds: at most 2^20 values.
struct PickleValues {
  std::vector<PickleValue> values;
  std::vector<TorchStorage> storages;
  std::vector<TorchView> tensors;
  std::uint32_t root = 0;

  const PickleValue& at(std::uint32_t position) const { return values[position]; }
  /// The value under a key of text, or nullptr; the last of several, as in Python.
  const PickleValue* find(const PickleValue& dict, std::string_view key) const;
};

/// "a dict", "a tensor": for error messages.
std::string_view name_of(PickleValue::Kind kind) noexcept;

/// Reads one pickle (protocols 2 to 5) from the front of `bytes` without running it: numbers, text, tuples, lists, dicts,
/// and the few calls that PyTorch writes for tensors (torch._utils._rebuild_tensor, _rebuild_tensor_v2, _rebuild_parameter,
/// torch.Size, collections.OrderedDict, torch.FloatStorage and its like). Everything else that a pickle could call, and
/// every instruction of other kinds, is a FormatError that names it and its byte. `end`, if given, receives the number of
/// bytes read. `file` is what messages call it, `begin` the offset that they count from.
PickleValues read_pickle(std::span<const std::byte> bytes, const std::string& file, std::size_t begin = 0,
                         std::size_t* end = nullptr);

}  // namespace saccade::internal
