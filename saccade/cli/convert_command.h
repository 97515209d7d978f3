#pragma once
#include "saccade/cli/console.h"

namespace CLI {
class App;
}

namespace saccade::cli {

/// saccade convert. `app` and `console` must outlive the parsing.
void add_convert_command(CLI::App& app, Console& console);

}  // namespace saccade::cli
