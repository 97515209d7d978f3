#include "saccade/cli/main_command.h"

int main(int argc, char** argv) { return saccade::cli::run(argc, argv); }
