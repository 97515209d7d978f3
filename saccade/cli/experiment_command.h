#pragma once
#include "saccade/cli/command.h"
#include "saccade/cli/console.h"

namespace saccade::cli {

/// saccade experiment. `program` and `console` must outlive the parsing.
void add_experiment_command(const Command& program, Console& console);

}  // namespace saccade::cli
