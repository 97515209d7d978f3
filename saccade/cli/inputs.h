#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "saccade/cli/console.h"
#include "saccade/cli/image_inputs.h"
#include "saccade/data/dataset.h"
#include "saccade/nn/model.h"

namespace saccade::cli {

/// What --exact does.
inline constexpr const char* kExactHelp = "sum convolutions as they are defined: slower, rounded less";

struct SetLocation {
  std::string cache;  ///< Empty: the default.
  std::string from;   ///< A folder to take missing files from; may be empty.
  bool offline = false;
};

/// A standard data set by name, fetched with a progress bar where it is missing. Throws ValueError, SystemError,
/// FormatError.
data::TrainTest load_set(const std::string& name, const SetLocation& location, Console& console);

/// One part of a set: "mnist/test", "mnist/train", or "mnist" for its test part. Or the images of a folder or CSV file, as
/// the network wants them; of a folder with parts its test part, else validation.
data::DatasetPtr load_part(const std::string& name, const SetLocation& location, const ImageInputOptions& images,
                           const Model& net, Console& console);

/// "28x28x1" as a shape; `where` names the option. Throws ValueError.
Shape parse_shape(const std::string& text, const std::string& where);

/// Whether the name is of a file or folder rather than of the zoo: it ends as files of networks do, or has a '/' in it, or
/// exists.
bool is_network_path(const std::string& name);

/// A network from a file of any format that saccade::load_network() reads, or from a run folder (best.safetensors, else
/// last.safetensors).
/// Throws SystemError or FormatError.
Model load_network(const std::filesystem::path& path);

/// Makes a folder for results, with those above it; one that exists is fine. `option` is what the user names it with.
/// Throws SystemError.
void make_folder(const std::filesystem::path& folder, const std::string& option);

}  // namespace saccade::cli
