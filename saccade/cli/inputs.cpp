#include "saccade/cli/inputs.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "saccade/base/error.h"
#include "saccade/cli/data_command.h"
#include "saccade/data/sets.h"
#include "saccade/io/model_file.h"
#include "saccade/io/network_file.h"
#include "saccade/train/evaluate.h"

namespace saccade::cli {

data::TrainTest load_set(const std::string& name, const SetLocation& location, Console& console) {
  if (!is_standard_set(name)) {
    throw ValueError({.where = "data set",
                      .expected = "one of mnist, fashion-mnist, cifar10, or a folder or .csv file that exists",
                      .got = fmt::format("'{}'", name),
                      .fix = "check the spelling"});
  }
  data::FetchOptions options = reporting_fetch_options(console);
  options.cache = location.cache;
  if (!location.from.empty()) options.local_folders.emplace_back(location.from);
  options.offline = location.offline;
  const std::filesystem::path folder = data::fetch(name, options);
  if (name == "mnist") return data::mnist(folder);
  if (name == "fashion-mnist") return data::fashion_mnist(folder);
  return data::cifar10(folder);
}

data::DatasetPtr load_part(const std::string& name, const SetLocation& location, const ImageInputOptions& images,
                           const Model& net, Console& console) {
  require_useful(images, name, "evaluate");
  if (names_images(name)) {
    const FolderParts parts = parts_of(name);
    const std::string path = !parts.test.empty() ? parts.test : !parts.validation.empty() ? parts.validation : name;
    const WantedImages wanted{.shape = net.input_shape(), .classes = net.class_names, .cache = location.cache};
    const UncheckedImages found = find_images(path, images, wanted, {}, console);
    check_fit(net, *found.images);  // before any is read
    return readable_images(found, images, console);
  }
  const std::size_t slash = name.find('/');
  const std::string part = slash == std::string::npos ? "test" : name.substr(slash + 1);
  if (part != "train" && part != "test") {
    throw ValueError({.where = fmt::format("data set '{}'", name),
                      .expected = "train or test after the '/'",
                      .got = fmt::format("'{}'", part),
                      .fix = "write e.g. mnist/test"});
  }
  const data::TrainTest set = load_set(name.substr(0, slash), location, console);
  return part == "train" ? set.train : set.test;
}

Shape parse_shape(const std::string& text, const std::string& where) {
  std::array<Index, 3> extents{};
  const char* position = text.data();
  const char* const end = text.data() + text.size();
  bool good = true;
  for (std::size_t i = 0; i < extents.size() && good; ++i) {
    const auto [next, code] = std::from_chars(position, end, extents[i]);
    const bool last = i + 1 == extents.size();
    good = code == std::errc{} && extents[i] >= 1 && (last ? next == end : next != end && *next == 'x');
    position = last ? next : next + 1;
  }
  if (!good) {
    throw ValueError({.where = where,
                      .expected = "height x width x channels",
                      .got = fmt::format("'{}'", text),
                      .fix = "write e.g. 28x28x1"});
  }
  return Shape(extents);
}

bool is_network_path(const std::string& name) {
  return has_network_ending(name) || name.find('/') != std::string::npos || std::filesystem::exists(name);
}

Model load_network(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return saccade::load_network(path);
  for (const char* file : {"best.safetensors", "last.safetensors"}) {
    if (std::filesystem::exists(path / file)) return load_model(path / file);
  }
  throw SystemError({.where = path.string(),
                     .expected = "a run folder with best.safetensors or last.safetensors",
                     .got = "neither",
                     .fix = "name a file of a network, or a folder that 'saccade train' made"});
}

void make_folder(const std::filesystem::path& folder, const std::string& option) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (!code) return;
  throw SystemError({.where = folder.string(),
                     .expected = "to make this folder",
                     .got = code.message(),
                     .fix = fmt::format("choose another folder with {}", option)});
}

}  // namespace saccade::cli
