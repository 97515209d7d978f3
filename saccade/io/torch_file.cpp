#include "saccade/io/torch_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/io/archive_internal.h"
#include "saccade/io/pickle_internal.h"
#include "saccade/io/quote_internal.h"
#include "saccade/io/stored_type_internal.h"

namespace saccade {
namespace {

using internal::Archive;
using internal::PickleValue;
using internal::PickleValues;
using internal::quote;
using internal::StoredType;
using internal::TorchStorage;
using internal::TorchView;
using Bytes = std::span<const std::byte>;
using Kind = PickleValue::Kind;

constexpr const char* kDamagedTorch = "the file is damaged; get it again";

[[noreturn]] void fail_torch(std::string where, std::string expected, std::string got,
                             std::string fix = kDamagedTorch) {
  throw FormatError({std::move(where), std::move(expected), std::move(got), std::move(fix)});
}

/// Where the numbers of a storage lie: an entry of an archive, or further on in the file.
class Storages {
 public:
  virtual ~Storages() = default;
  /// As many bytes as the storage says.
  virtual Bytes bytes_of(const TorchStorage& storage) = 0;
};

Index size_bytes_of(const TorchStorage& storage, const std::string& where) {
  const std::optional<Index> size =
      checked_multiply(storage.elements, internal::find_stored_type(storage.type)->size_bytes);
  if (storage.elements < 0 || !size)
    fail_torch(where, "a size of storage", fmt::format("{} elements", storage.elements));
  return *size;
}

class ArchiveStorages final : public Storages {
 public:
  ArchiveStorages(Archive& archive, std::string prefix, const std::string& file)
      : archive_(archive), prefix_(std::move(prefix)), file_(file) {}

  Bytes bytes_of(const TorchStorage& storage) override {
    const std::string entry = fmt::format("{}data/{}", prefix_, storage.key);
    auto found = read_.find(entry);
    if (found == read_.end()) found = read_.emplace(entry, archive_.read(entry)).first;
    const std::string where = fmt::format("{}: entry {}", file_, quote(entry));
    const Index size = size_bytes_of(storage, where);
    if (isize(found->second.size()) != size) {
      fail_torch(where, fmt::format("{} bytes", size), fmt::format("{}", found->second.size()));
    }
    return found->second;
  }

 private:
  Archive& archive_;
  std::string prefix_;
  const std::string& file_;
  std::map<std::string, std::vector<std::byte>> read_;
};

/// Behind the last pickle, for each of the keys that it lists: eight bytes with the number of elements, then these.
class SerialStorages final : public Storages {
 public:
  SerialStorages(Bytes bytes, std::size_t begin, const PickleValues& checkpoint, const PickleValues& keys,
                 const std::string& file)
      : file_(file) {
    std::size_t position = begin;
    const PickleValue& list = keys.at(keys.root);
    if (list.kind != Kind::list) fail_torch(here(position), "the list of storages", std::string(name_of(list.kind)));
    for (const std::uint32_t item : list.items) {
      const PickleValue& key = keys.at(item);
      const auto storage = std::ranges::find(checkpoint.storages, key.text, &TorchStorage::key);
      if (key.kind != Kind::text || storage == checkpoint.storages.end()) {
        fail_torch(here(position), "storages that a tensor is made of", quote(key.text));
      }
      const Index size = size_bytes_of(*storage, here(position));
      Index elements = 0;
      if (bytes.size() - position < sizeof elements)
        fail_torch(here(position), "a number of elements", "the end of the file");
      std::memcpy(&elements, bytes.data() + position, sizeof elements);
      if (elements != storage->elements) {
        fail_torch(here(position), fmt::format("{} elements", storage->elements), fmt::format("{}", elements));
      }
      position += sizeof elements;
      if (size > isize(bytes.size() - position)) {
        fail_torch(here(position), fmt::format("{} more bytes", size), fmt::format("{}", bytes.size() - position));
      }
      found_[key.text] = bytes.subspan(position, usize(size));
      position += usize(size);
    }
    if (position != bytes.size()) {
      fail_torch(here(position), "the end of the file", fmt::format("{} more bytes", bytes.size() - position));
    }
  }

  Bytes bytes_of(const TorchStorage& storage) override {
    const auto found = found_.find(storage.key);
    if (found == found_.end()) fail_torch(file_, fmt::format("a storage {}", quote(storage.key)), "none");
    return found->second;
  }

 private:
  std::string here(std::size_t position) const { return fmt::format("{}: byte {}", file_, position); }

  const std::string& file_;
  std::map<std::string, Bytes> found_;
};

/// Turns views of storages into dense tensors.
class TensorReader {
 public:
  TensorReader(const PickleValues& values, Storages& storages, Index file_bytes, const std::string& file)
      : values_(values), storages_(storages), file_(file), allowance_(kAtLeast + kMostRatio * file_bytes) {}

  Tensor read(const std::string& name, const TorchView& view) {
    const std::string where = fmt::format("{}: tensor {}", file_, quote(name));
    const TorchStorage& storage = values_.storages[view.storage];
    const Index elements = check(view, storage, where);
    const StoredType& type = *internal::find_stored_type(storage.type);
    allowance_ -= elements;
    Tensor tensor(Shape(view.extents), type.becomes);
    const Bytes bytes = storages_.bytes_of(storage);
    std::vector<std::byte> gathered;
    Bytes dense;
    if (is_dense(view)) {
      dense = bytes.subspan(usize(view.offset * type.size_bytes), usize(elements * type.size_bytes));
    } else {
      gathered = gather(view, bytes, elements, usize(type.size_bytes));
      dense = gathered;
    }
    if (const auto misfit = type.convert(dense, tensor)) {
      fail_torch(where, fmt::format("{} values that a float32 can hold", type.name),
                 fmt::format("{} as element {}", misfit->value, misfit->element),
                 "convert it with .float() before saving");
    }
    return tensor;
  }

 private:
  /// Numbers of tensors for each byte of the file (tied weights stand in it once), and so many in any case.
  static constexpr Index kMostRatio = 4, kAtLeast = Index{1} << 22;

  /// The number of elements, all within the storage.
  Index check(const TorchView& view, const TorchStorage& storage, const std::string& where) const {
    if (view.extents.size() != view.strides.size() || isize(view.extents.size()) > Shape::kMaxRank) {
      fail_torch(where, fmt::format("as many extents as strides, at most {}", Shape::kMaxRank),
                 fmt::format("{} and {}", view.extents.size(), view.strides.size()));
    }
    std::optional<Index> elements = 1, last = view.offset;
    bool good = view.offset >= 0;
    for (std::size_t i = 0; i < view.extents.size(); ++i) {
      good = good && view.extents[i] >= 0 && view.strides[i] >= 0;
      if (good && elements) elements = checked_multiply(*elements, view.extents[i]);
      const std::optional<Index> reach =
          good ? checked_multiply(std::max<Index>(view.extents[i] - 1, 0), view.strides[i]) : std::nullopt;
      last = last && reach ? checked_add(*last, *reach) : std::nullopt;
    }
    const std::string got = fmt::format("[{}] with strides [{}] from {}", fmt::join(view.extents, ", "),
                                        fmt::join(view.strides, ", "), view.offset);
    if (!good || !elements || !last) fail_torch(where, "extents and strides of zero or more", got);
    if (*elements > 0 ? *last >= storage.elements : view.offset > storage.elements) {
      fail_torch(where, fmt::format("a part of its storage of {} elements", storage.elements), got);
    }
    if (*elements > allowance_) {
      fail_torch(where, fmt::format("at most {} numbers more from a file of this size", allowance_), got);
    }
    return *elements;
  }

  static bool is_dense(const TorchView& view) {
    Index stride = 1;
    for (std::size_t i = view.extents.size(); i-- > 0;) {
      if (view.extents[i] != 1 && view.strides[i] != stride) return false;
      stride *= view.extents[i];
    }
    return true;
  }

  static std::vector<std::byte> gather(const TorchView& view, Bytes bytes, Index elements, std::size_t size) {
    std::vector<std::byte> dense(usize(elements) * size);
    std::vector<Index> place(view.extents.size(), 0);
    Index from = view.offset;
    for (std::size_t i = 0; i < usize(elements); ++i) {
      std::memcpy(dense.data() + i * size, bytes.data() + usize(from) * size, size);
      for (std::size_t axis = place.size(); axis-- > 0;) {
        from += view.strides[axis];
        if (++place[axis] < view.extents[axis]) break;
        from -= view.extents[axis] * view.strides[axis];
        place[axis] = 0;
      }
    }
    return dense;
  }

  const PickleValues& values_;
  Storages& storages_;
  const std::string& file_;
  Index allowance_;
};

bool holds_tensors(const PickleValues& values, const PickleValue& dict) {
  if (dict.kind != Kind::dict) return false;
  for (std::size_t i = 1; i < dict.items.size(); i += 2) {
    if (values.at(dict.items[i]).kind == Kind::tensor) return true;
  }
  return false;
}

/// The state dict: what the checkpoint is, or holds under one of the usual names.
const PickleValue& state_dict(const PickleValues& values, const std::string& file) {
  const PickleValue& root = values.at(values.root);
  if (root.kind != Kind::dict)
    fail_torch(file, "a dict of tensors by name", std::string(name_of(root.kind)), internal::kSaveTheWeights);
  constexpr std::array<std::string_view, 5> kNames = {"state_dict", "model_state_dict", "model", "net", "weights"};
  for (const std::string_view name : kNames) {
    const PickleValue* inner = values.find(root, name);
    if (inner != nullptr && holds_tensors(values, *inner)) return *inner;
  }
  if (holds_tensors(values, root)) return root;
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < root.items.size() && keys.size() < 8; i += 2) {
    const PickleValue& key = values.at(root.items[i]);
    keys.push_back(key.kind == Kind::text ? quote(key.text) : std::string(name_of(key.kind)));
  }
  fail_torch(file, fmt::format("tensors by name, or a dict of them under one of {}", fmt::join(kNames, ", ")),
             keys.empty() ? "an empty dict" : fmt::format("a dict with {}", fmt::join(keys, ", ")),
             internal::kSaveTheWeights);
}

NamedTensors tensors_of(const PickleValues& values, Storages& storages, Index file_bytes, const std::string& file) {
  NamedTensors tensors;
  TensorReader reader(values, storages, file_bytes, file);
  std::set<std::string_view> names;
  const PickleValue& dict = state_dict(values, file);
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const PickleValue& key = values.at(dict.items[i]);
    const PickleValue& value = values.at(dict.items[i + 1]);
    if (key.kind != Kind::text)
      fail_torch(file, "names of tensors", std::string(name_of(key.kind)), internal::kSaveTheWeights);
    if (value.kind != Kind::tensor) {
      fail_torch(fmt::format("{}: {}", file, quote(key.text)), "a tensor", std::string(name_of(value.kind)),
                 internal::kSaveTheWeights);
    }
    if (!names.insert(key.text).second) fail_torch(file, "each name once", quote(key.text) + " twice");
    tensors.emplace_back(key.text, reader.read(key.text, values.tensors[usize(value.integer)]));
  }
  return tensors;
}

NamedTensors read_from_archive(Bytes bytes, const std::string& file) {
  Archive archive(bytes, file);
  constexpr std::string_view kPickle = "data.pkl";
  const auto pickle = std::ranges::find_if(archive.names(), [&](const std::string& name) {
    return name == kPickle || (name.ends_with(kPickle) && name.find('/') == name.size() - kPickle.size() - 1);
  });
  if (pickle == archive.names().end())
    fail_torch(file, "an entry data.pkl, as torch.save() writes it", "none", internal::kSaveTheWeights);
  const std::string prefix = pickle->substr(0, pickle->size() - kPickle.size());
  if (archive.has(prefix + "constants.pkl"))
    fail_torch(file, "a state dict", "a TorchScript program", internal::kSaveTheWeights);
  if (archive.has(prefix + "byteorder")) {
    const std::vector<std::byte> order = archive.read(prefix + "byteorder");
    const std::string_view text(reinterpret_cast<const char*>(order.data()), order.size());
    if (text != "little") fail_torch(file, "little-endian numbers", quote(text), "save it on another machine");
  }
  const std::string entry = prefix + "data.pkl";
  const std::vector<std::byte> program = archive.read(entry);
  const PickleValues values = internal::read_pickle(program, fmt::format("{}: {}", file, entry));
  ArchiveStorages storages(archive, prefix, file);
  return tensors_of(values, storages, isize(bytes.size()), file);
}

/// The lower eight bytes of the number that PyTorch's first layout begins with, and that layout's version.
constexpr Index kMagic = static_cast<Index>(0xA86A20F9469CFC6CULL), kProtocol = 1001;

NamedTensors read_from_pickles(Bytes bytes, const std::string& file) {
  std::size_t position = 0;
  const auto next = [&] {
    std::size_t length = 0;
    PickleValues values = internal::read_pickle(bytes.subspan(position), file, position, &length);
    position += length;
    return values;
  };
  const auto expect = [&](Index number, const char* what) {
    const PickleValues values = next();
    const PickleValue& value = values.at(values.root);
    if (value.kind != Kind::integer || value.integer != number) {
      fail_torch(file, what, value.kind == Kind::integer ? "another" : std::string(name_of(value.kind)),
                 internal::kSaveTheWeights);
    }
  };
  expect(kMagic, "the number that PyTorch's files begin with");
  expect(kProtocol, "version 1001 of PyTorch's files");
  const PickleValues system = next();
  const PickleValue& facts = system.at(system.root);
  const PickleValue* little = facts.kind == Kind::dict ? system.find(facts, "little_endian") : nullptr;
  if (little == nullptr || little->kind != Kind::boolean || little->integer == 0) {
    fail_torch(file, "little-endian numbers", "others", "save it on another machine");
  }
  const PickleValues checkpoint = next();
  const PickleValues keys = next();
  SerialStorages storages(bytes, position, checkpoint, keys, file);
  return tensors_of(checkpoint, storages, isize(bytes.size()), file);
}

}  // namespace

NamedTensors read_torch(std::span<const std::byte> bytes, const std::string& name) {
  return internal::is_archive(bytes) ? read_from_archive(bytes, name) : read_from_pickles(bytes, name);
}

NamedTensors load_torch(const std::filesystem::path& path) { return read_torch(read_file(path), path.string()); }

}  // namespace saccade
