#include "saccade/cli/main_command.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <exception>
#include <new>
#include <ostream>
#include <string>

#include "saccade/base/error.h"
#include "saccade/base/printable.h"
#include "saccade/base/version.h"
#include "saccade/cli/advise_command.h"
#include "saccade/cli/augment_command.h"
#include "saccade/cli/bench_command.h"
#include "saccade/cli/convert_command.h"
#include "saccade/cli/data_command.h"
#include "saccade/cli/evaluate_command.h"
#include "saccade/cli/experiment_command.h"
#include "saccade/cli/explain_command.h"
#include "saccade/cli/filter_command.h"
#include "saccade/cli/predict_command.h"
#include "saccade/cli/summary_command.h"
#include "saccade/cli/train_command.h"

namespace saccade::cli {
namespace {

void build(const Command& program, Console& console) {
  program.footer(
      "Examples:\n"
      "  saccade train mnist\n"
      "  saccade evaluate runs/lenet5-mnist mnist/test\n"
      "  saccade predict runs/lenet5-mnist digit.png\n"
      "  saccade train --help");
  add_train_command(program, console);
  add_evaluate_command(program, console);
  add_predict_command(program, console);
  add_explain_command(program, console);
  add_advise_command(program, console);
  add_summary_command(program, console);
  add_experiment_command(program, console);
  add_augment_command(program, console);
  add_filter_command(program, console);
  add_convert_command(program, console);
  add_data_command(program, console);
  add_bench_command(program, console);
}

}  // namespace

int run(int argc, const char* const* argv, Console& console) {
  try {
    Program program("saccade", "Train, test and use convolutional image classifiers on ordinary CPUs",
                    fmt::format("saccade {}", kVersion));
    build(program.root(), console);
    const int code = program.run(argc, argv, console.out, console.err);
    if (!console.out.flush()) {
      throw SystemError({.where = "standard output",
                         .expected = "to write the result to it",
                         .got = "a failure",
                         .fix = "check the disk or pipe it leads to"});
    }
    return code;
  } catch (const Error& error) {
    console.err << error.what() << std::endl;
    return 2;
  } catch (const std::bad_alloc&) {
    console.err << "expected enough memory, got none; use smaller images (--image-size) or batches (--batch-size)"
                << std::endl;
    return 2;
  } catch (const std::exception& error) {
    console.err << "internal error: " << printable(error.what()) << std::endl;
    return 1;
  }
}

int run(int argc, const char* const* argv) {
  // Decoded photographs come and go in several threads. Out of glibc's arenas they leave holes that nothing fills, and the
  // process grows by hundreds of megabytes; mapped one by one they are given back. Smaller ones are not given back at once:
  // new pages for every picture would cost a third of its decoding.
  ::mallopt(M_MMAP_THRESHOLD, 4 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 16 << 20);
  Console console = system_console();
  return run(argc, argv, console);
}

}  // namespace saccade::cli
