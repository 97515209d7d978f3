#include "saccade/io/network_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/io/archive_internal.h"
#include "saccade/io/hdf5_internal.h"
#include "saccade/io/keras.h"
#include "saccade/io/model_file.h"
#include "saccade/io/onnx.h"
#include "saccade/io/safetensors.h"
#include "saccade/io/torch_file.h"
#include "saccade/io/torch_weights.h"

namespace saccade {
namespace {

struct Writer {
  std::string_view ending;
  void (*save)(const Model& net, const std::filesystem::path& path);
};
constexpr std::array kWriters{
    Writer{".safetensors", [](const Model& net, const std::filesystem::path& path) { net.save(path); }},
    Writer{".onnx", &save_onnx},
    Writer{".h5", &save_keras},
    Writer{".keras", &save_keras},
};
constexpr std::array<std::string_view, 3> kTorchEndings = {".pth", ".pt", ".th"};

enum class Kind : std::uint8_t { safetensors, onnx, hdf5, keras, torch, unknown };

Kind kind_of(std::span<const std::byte> bytes) {
  const auto at = [&](std::size_t i) { return i < bytes.size() ? static_cast<unsigned>(bytes[i]) : 0U; };
  if (internal::is_hdf5(bytes)) return Kind::hdf5;
  if (internal::is_archive(bytes)) {
    return internal::Archive(bytes, "").has("config.json") ? Kind::keras : Kind::torch;
  }
  // A length of eight bytes, then JSON.
  if (at(8) == '{' && at(6) == 0 && at(7) == 0) return Kind::safetensors;
  if (at(0) == 0x80 && at(1) >= 2 && at(1) <= 5) return Kind::torch;  // a pickle
  // The version of ONNX stands first, as a number of one byte.
  if (at(0) == 0x08 && at(1) > 0 && at(1) < 0x40) return Kind::onnx;
  return Kind::unknown;
}

[[noreturn]] void fail_network(std::string where, std::string expected, std::string got, std::string fix) {
  throw FormatError({std::move(where), std::move(expected), std::move(got), std::move(fix)});
}

}  // namespace

Model read_network(std::span<const std::byte> bytes, const std::string& name) {
  switch (kind_of(bytes)) {
    case Kind::safetensors:
      return read_model(bytes, name);
    case Kind::onnx:
      return read_onnx(bytes, name);
    case Kind::hdf5:
    case Kind::keras:
      return read_keras(bytes, name);
    case Kind::torch:
      fail_network(name, "a whole network", "weights alone, of PyTorch's",
                   fmt::format("say which network: saccade convert {} net.safetensors --model NAME", name));
    case Kind::unknown:
      break;
  }
  // Its name may still tell what was meant, and what is wrong with it.
  if (name.ends_with(".onnx")) return read_onnx(bytes, name);
  if (name.ends_with(".safetensors")) return read_model(bytes, name);
  if (name.ends_with(".keras") || name.ends_with(".h5")) return read_keras(bytes, name);
  fail_network(name, fmt::format("a network: {}", network_endings()),
               bytes.empty() ? "an empty file" : "something else",
               "name a network, or a folder that 'saccade train' made");
}

Model load_network(const std::filesystem::path& path) { return read_network(read_file(path), path.string()); }

void take_weights(Model& net, const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  const std::string name = path.string();
  switch (kind_of(bytes)) {
    case Kind::safetensors:
      return take_torch_weights(net, read_safetensors(bytes, name).tensors, name);
    case Kind::torch:
      return take_torch_weights(net, read_torch(bytes, name), name);
    case Kind::hdf5:
      return take_keras_weights(net, bytes, name);
    case Kind::keras:
    case Kind::onnx:
      fail_network(name, "weights alone", "a whole network", "leave --model out: the file says what it is");
    case Kind::unknown:
      break;
  }
  fail_network(name, "weights of PyTorch's or Keras's: .pth, .safetensors or .h5", "something else",
               "name another file");
}

bool can_be_saved(const std::filesystem::path& path) {
  return std::ranges::find(kWriters, path.extension().string(), &Writer::ending) != kWriters.end();
}

void save_network(const Model& net, const std::filesystem::path& path) {
  const auto writer = std::ranges::find(kWriters, path.extension().string(), &Writer::ending);
  if (writer == kWriters.end()) {
    throw ValueError({.where = path.string(),
                      .expected = fmt::format("a file whose name ends in {}", network_endings()),
                      .got = fmt::format("'{}'", path.extension().string()),
                      .fix = "write e.g. net.safetensors"});
  }
  writer->save(net, path);
}

std::string network_endings() {
  std::string text;
  for (std::size_t i = 0; i < kWriters.size(); ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : i + 1 == kWriters.size() ? " or " : ", ", kWriters[i].ending);
  }
  return text;
}

bool has_network_ending(const std::filesystem::path& path) {
  return can_be_saved(path) || std::ranges::find(kTorchEndings, path.extension().string()) != kTorchEndings.end();
}

}  // namespace saccade
