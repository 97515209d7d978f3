#pragma once
#include "saccade/cli/command.h"
#include "saccade/cli/console.h"

namespace saccade::cli {

/// saccade advise. `console` must outlive the parsing.
void add_advise_command(const Command& program, Console& console);

}  // namespace saccade::cli
