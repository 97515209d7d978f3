#pragma once
#include "saccade/cli/console.h"

namespace CLI {
class App;
}

namespace saccade::cli {

/// `saccade augment`: what training would see of an image.
void add_augment_command(CLI::App& app, Console& console);

}  // namespace saccade::cli
