#pragma once
#include "saccade/cli/command.h"
#include "saccade/cli/console.h"

namespace saccade::cli {

/// saccade filter. `program` and `console` must outlive the parsing.
void add_filter_command(const Command& program, Console& console);

}  // namespace saccade::cli
