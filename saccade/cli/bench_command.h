#pragma once
#include "saccade/cli/command.h"
#include "saccade/cli/console.h"

namespace saccade::cli {

/// saccade bench. `program` and `console` must outlive the parsing. Exits with 1 when a case that was given is not proved.
void add_bench_command(const Command& program, Console& console);

}  // namespace saccade::cli
