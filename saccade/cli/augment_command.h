#pragma once
#include "saccade/cli/command.h"
#include "saccade/cli/console.h"

namespace saccade::cli {

/// `saccade augment`: what training would see of an image.
void add_augment_command(const Command& program, Console& console);

}  // namespace saccade::cli
