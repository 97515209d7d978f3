#pragma once
#include "saccade/cli/console.h"

namespace CLI {
class App;
}

namespace saccade::cli {

/// saccade bench. `app` and `console` must outlive the parsing. Exits with 1 when a case that was given is not proved.
void add_bench_command(CLI::App& app, Console& console);

}  // namespace saccade::cli
