#pragma once
#include "saccade/cli/command.h"
#include "saccade/cli/console.h"

namespace saccade::cli {

/// saccade explain. `program` and `console` must outlive the parsing.
void add_explain_command(const Command& program, Console& console);

}  // namespace saccade::cli
