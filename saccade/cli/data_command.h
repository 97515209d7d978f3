#pragma once
#include "saccade/cli/command.h"
#include "saccade/cli/console.h"
#include "saccade/data/fetch.h"

namespace saccade::cli {

/// saccade data get | list | path. `program` and `console` must outlive the parsing.
void add_data_command(const Command& program, Console& console);

/// Options with which fetch() shows a progress bar for each file and prints its notices; any command that needs a data
/// set uses these. The last bar ends when the last copy of the options does.
data::FetchOptions reporting_fetch_options(Console& console);

}  // namespace saccade::cli
