#include "saccade/cli/experiment_command.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <ostream>

#include "saccade/base/file.h"
#include "saccade/cli/inputs.h"
#include "saccade/cli/interrupt.h"
#include "saccade/cli/translation_experiment.h"
#include "saccade/train/callbacks.h"
#include "saccade/train/interrupted.h"

namespace saccade::cli {
namespace {

struct TranslationRequest {
  Index epochs = 4;
  Index max_shift = 8;
  Index limit = 0;
  std::uint64_t seed = 0;
  std::string out = "runs/translation";
  SetLocation location;
};

void run_translation(const TranslationRequest& request, Console& console) {
  data::TrainTest set = load_set("mnist", request.location, console);
  if (request.limit > 0) set.train = data::take(set.train, std::min(request.limit, set.train->size()));
  make_folder(request.out, "--out");
  const InterruptScope interrupt;
  TranslationOptions options{.epochs = request.epochs, .max_shift = request.max_shift, .seed = request.seed};
  options.stop = &InterruptScope::requested;
  options.begin = [&console](const std::string& title) -> std::vector<CallbackPtr> {
    console.err << title << std::endl;
    return {std::make_shared<Progress>(
        console.err, ProgressOptions{.live = console.err_is_terminal, .width_columns = console.err_columns})};
  };
  std::vector<TranslationRow> rows;
  try {
    rows = run_translation_experiment(set, options);
  } catch (const InterruptedError&) {
    throw CLI::RuntimeError(kInterruptedExit);
  }
  const std::filesystem::path out = request.out;
  write_file(out / "translation.csv", translation_csv(rows));
  write_file(out / "translation.html", translation_html(rows));
  console.out << translation_table(rows);
  console.err << fmt::format("also in {0}/translation.csv and {0}/translation.html\n", out.string());
}

}  // namespace

void add_experiment_command(CLI::App& app, Console& console) {
  CLI::App* experiment = app.add_subcommand("experiment", "Lessons of a course, as experiments to run");
  experiment->footer("Example:\n  saccade experiment translation");
  const auto request = std::make_shared<TranslationRequest>();
  CLI::App* translation = experiment->add_subcommand(
      "translation", "How the dense and the convolutional network take digits that are not in the middle");
  translation->add_option("--epochs", request->epochs, "of each of the four trainings")->capture_default_str();
  translation->add_option("--max-shift", request->max_shift, "pixels")->check(CLI::Range(1, 20))->capture_default_str();
  translation->add_option("--limit", request->limit, "train on the first so many images; 0 is all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  translation->add_option("--seed", request->seed, "one seed, one result")->capture_default_str();
  translation->add_option("-o,--out", request->out, "folder for translation.csv and translation.html")
      ->type_name("DIR")
      ->capture_default_str();
  translation->add_option("--data", request->location.cache, "cache of data sets [$SACCADE_DATA, or ~/.cache/saccade]")
      ->type_name("DIR");
  translation->add_option("--from", request->location.from, "folder to take the data set's files from")
      ->type_name("DIR");
  translation->add_flag("--offline", request->location.offline, "never ask the network for data");
  translation->footer(
      "Trains mlp and lenet5 on MNIST's digits as they are, tests both on digits moved by 0 to 8 pixels, then does the "
      "same\n"
      "after training on digits moved at random; prints the table of accuracies.\n"
      "Examples:\n"
      "  saccade experiment translation\n"
      "  saccade experiment translation --epochs 1 --limit 10000 --out /tmp/translation");
  translation->callback([request, &console] { run_translation(*request, console); });
}

}  // namespace saccade::cli
