#include "saccade/cli/main_command.h"

#include <CLI/CLI.hpp>
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
#include "saccade/cli/augment_command.h"
#include "saccade/cli/bench_command.h"
#include "saccade/cli/convert_command.h"
#include "saccade/cli/data_command.h"
#include "saccade/cli/evaluate_command.h"
#include "saccade/cli/experiment_command.h"
#include "saccade/cli/filter_command.h"
#include "saccade/cli/predict_command.h"
#include "saccade/cli/summary_command.h"
#include "saccade/cli/train_command.h"

namespace saccade::cli {
namespace {

void build(CLI::App& app, Console& console) {
  app.set_version_flag("--version", fmt::format("saccade {}", kVersion));
  app.footer(
      "Examples:\n"
      "  saccade train mnist\n"
      "  saccade evaluate runs/lenet5-mnist mnist/test\n"
      "  saccade predict runs/lenet5-mnist digit.png\n"
      "  saccade train --help");
  add_train_command(app, console);
  add_evaluate_command(app, console);
  add_predict_command(app, console);
  add_summary_command(app, console);
  add_experiment_command(app, console);
  add_augment_command(app, console);
  add_filter_command(app, console);
  add_convert_command(app, console);
  add_data_command(app, console);
  add_bench_command(app, console);
}

/// The innermost command that was named.
const CLI::App& named_command(const CLI::App& app) {
  const auto named = app.get_subcommands();
  return named.empty() ? app : named_command(*named.back());
}

std::string full_name(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent == nullptr ? command.get_name() : full_name(*parent) + " " + command.get_name();
}

/// One line in the form of every other error.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = named_command(app);
  const std::string name = full_name(command);
  const std::string fix = fmt::format("see {} --help", name);
  const auto choices = command.get_subcommands([](const CLI::App*) { return true; });
  const std::vector<std::string> rest = app.remaining(true);
  if (!choices.empty() && !rest.empty() && !rest[0].starts_with('-')) {
    std::string names;
    for (const CLI::App* choice : choices) names += (names.empty() ? "" : ", ") + choice->get_name();
    return ValueError({.where = name,
                       .expected = fmt::format("one of {}", names),
                       .got = fmt::format("'{}'", rest[0]),
                       .fix = fix})
        .what();
  }
  std::string line = fmt::format("{}: {}; {}", name, error.what(), fix);
  std::ranges::replace(line, '\n', ' ');
  return printable(line);
}

/// A command that only groups others, named without one of them, shows its help.
void show_help_of_groups(CLI::App& root, CLI::App& app, Console& console) {
  app.require_subcommand(0, 1);
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    show_help_of_groups(root, *command, console);
  if (app.get_subcommands([](const CLI::App*) { return true; }).empty()) return;
  app.callback([&root, &app, &console] {
    if (app.get_subcommands().empty()) console.out << root.help();
  });
}

/// No option takes an empty text: it comes of a script's variable that is not set.
void refuse_empty_texts(CLI::App& app) {
  for (CLI::Option* option :
       app.get_options([](const CLI::Option* each) { return each->get_items_expected_max() > 0; })) {
    option->check([](const std::string& text) { return text.empty() ? "expected something, got ''" : ""; });
  }
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) refuse_empty_texts(*command);
}

}  // namespace

int run(int argc, const char* const* argv, Console& console) {
  CLI::App app("Train, test and use convolutional image classifiers on ordinary CPUs", "saccade");
  try {
    build(app, console);
    show_help_of_groups(app, app, console);
    refuse_empty_texts(app);
    app.parse(argc, argv);
    if (!console.out.flush()) {
      throw SystemError({.where = "standard output",
                         .expected = "to write the result to it",
                         .got = "a failure",
                         .fix = "check the disk or pipe it leads to"});
    }
    return 0;
  } catch (const CLI::RuntimeError& error) {
    return error.get_exit_code();
  } catch (const CLI::Success& request) {
    return app.exit(request, console.out, console.err);  // help or version
  } catch (const CLI::ParseError& error) {
    console.err << usage_error(app, error) << std::endl;
    return 2;
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
