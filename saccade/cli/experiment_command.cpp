#include "saccade/cli/experiment_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <ostream>

#include "saccade/base/file.h"
#include "saccade/base/printable.h"
#include "saccade/cli/augmentation_experiment.h"
#include "saccade/cli/inputs.h"
#include "saccade/cli/interrupt.h"
#include "saccade/cli/transfer_experiment.h"
#include "saccade/cli/translation_experiment.h"
#include "saccade/image/encode.h"
#include "saccade/train/callbacks.h"
#include "saccade/train/interrupted.h"

namespace saccade::cli {
namespace {

/// What both experiments are told.
struct ExperimentRequest {
  Index epochs;
  Index limit = 0;
  std::string out;
  SetLocation location = {};
  Index max_shift = 8;     // translation
  std::uint64_t seed = 0;  // translation
  Index seeds = 3;         // augmentation
};

data::TrainTest load_digits(const ExperimentRequest& request, Console& console) {
  data::TrainTest set = load_set("mnist", request.location, console);
  if (request.limit > 0) set.train = data::take(set.train, std::min(request.limit, set.train->size()));
  make_folder(request.out, "--out");
  return set;
}

/// Says what begins, and shows its progress.
auto announce(Console& console) {
  return [&console](const std::string& title) -> std::vector<CallbackPtr> {
    console.err << title << std::endl;
    return {std::make_shared<Progress>(
        console.err, ProgressOptions{.live = console.err_is_terminal, .width_columns = console.err_columns})};
  };
}

/// What `run` returns; an interrupted one ends the command as shells expect.
template <class Run>
auto until_interrupted(Run&& run) {
  const InterruptScope interrupt;
  try {
    return run();
  } catch (const InterruptedError&) {
    throw Exit{kInterruptedExit};
  }
}

void run_translation(const ExperimentRequest& request, Console& console) {
  const data::TrainTest set = load_digits(request, console);
  TranslationOptions options{.epochs = request.epochs, .max_shift = request.max_shift, .seed = request.seed};
  options.stop = &InterruptScope::requested;
  options.begin = announce(console);
  const auto rows = until_interrupted([&] { return run_translation_experiment(set, options); });
  const std::filesystem::path out = request.out;
  write_file(out / "translation.csv", translation_csv(rows));
  write_file(out / "translation.html", translation_html(rows));
  console.out << translation_table(rows);
  console.err << fmt::format("also in {0}/translation.csv and {0}/translation.html\n", printable(out.string()));
}

void run_augmentation(const ExperimentRequest& request, Console& console) {
  const data::TrainTest set = load_digits(request, console);
  const AugmentationExperiment experiment{
      .epochs = request.epochs, .seeds = request.seeds, .stop = &InterruptScope::requested, .begin = announce(console)};
  const auto rows = until_interrupted([&] { return run_augmentation_experiment(set, experiment); });
  const std::filesystem::path out = request.out;
  write_file(out / "augmentation.csv", augmentation_csv(rows));
  write_png(out / "augmentation.png", augmentation_sheet(rows, *set.train));
  console.out << augmentation_table(rows);
  console.err << fmt::format("also in {0}/augmentation.csv; the digits are shown in {0}/augmentation.png\n",
                             printable(out.string()));
}

struct TransferRequest {
  std::string fonts = "/usr/share/fonts";
  std::string flowers;
  std::string out = "runs/transfer";
  Index seeds = 2;
  bool quick = false;
};

void run_transfer(const TransferRequest& request, Console& console) {
  TransferExperiment experiment{.fonts = request.fonts, .flowers = request.flowers, .seeds = request.seeds};
  if (request.quick) experiment.make_quick();
  experiment.stop = &InterruptScope::requested;
  // Some hundred short trainings: one line each says enough.
  experiment.begin = [&console](const std::string& title) -> std::vector<CallbackPtr> {
    console.err << title << std::endl;
    return {};
  };
  make_folder(request.out, "--out");
  const TransferResult result = until_interrupted([&] { return run_transfer_experiment(experiment); });
  const std::filesystem::path out = request.out;
  write_file(out / "transfer.csv", transfer_csv(result));
  write_file(out / "transfer.html", transfer_html(result));
  write_png(out / "letters.png", result.letters);
  console.out << transfer_table(result);
  console.err << fmt::format(
      "also in {0}/transfer.csv and {0}/transfer.html; the letters are shown in {0}/letters.png\n",
      printable(out.string()));
}

/// The options of both.
Command add_experiment(const Command& experiments, const std::string& name, const std::string& lesson,
                       ExperimentRequest& request) {
  const Command command = experiments.add_command(name, lesson);
  command.add("--epochs", request.epochs, "of each training", 1);
  command.add("--limit", request.limit, "train on the first so many images; 0 is all", 0);
  command.add("-o,--out", request.out, "folder for the table as CSV, and the pictures").type("DIR");
  command.add("--data", request.location.cache, "cache of data sets [$SACCADE_DATA, or ~/.cache/saccade]").type("DIR");
  command.add("--data-from", request.location.from, "folder to take the data set's files from").type("DIR");
  command.add("--offline", request.location.offline, "never ask the network for data");
  return command;
}

void add_translation(const Command& experiments, Console& console) {
  const auto request = std::make_shared<ExperimentRequest>(ExperimentRequest{.epochs = 4, .out = "runs/translation"});
  const Command command =
      add_experiment(experiments, "translation",
                     "How the dense and the convolutional network take digits that are not in the middle", *request);
  command.add("--max-shift", request->max_shift, "pixels", 1, 20);
  command.add("--seed", request->seed, "one seed, one result");
  command.footer(
      "Trains mlp and lenet5 on MNIST's digits as they are, tests both on digits moved by 0 to 8 pixels, then does the "
      "same\n"
      "after training on digits moved at random; prints the table of accuracies.\n"
      "Examples:\n"
      "  saccade experiment translation\n"
      "  saccade experiment translation --epochs 1 --limit 10000 --out /tmp/translation");
  command.action([request, &console] { run_translation(*request, console); });
}

void add_augmentation(const Command& experiments, Console& console) {
  const auto request = std::make_shared<ExperimentRequest>(ExperimentRequest{.epochs = 8, .out = "runs/augmentation"});
  const Command command = add_experiment(experiments, "augmentation",
                                         "What changed training digits are worth, and which changes hurt", *request);
  command.add("--seeds", request->seeds, "trainings of each kind", 1);
  command.footer(
      "Trains lenet5 on MNIST's digits as they are, turned and moved and zoomed a little (--augment of saccade "
      "train),\n"
      "and mirrored, for as many epochs each; prints the accuracies on the test digits, which stay as they are.\n"
      "Examples:\n"
      "  saccade experiment augmentation\n"
      "  saccade experiment augmentation --limit 2000 --epochs 20 --out /tmp/augmentation");
  command.action([request, &console] { run_augmentation(*request, console); });
}

void add_transfer(const Command& experiments, Console& console) {
  const auto request = std::make_shared<TransferRequest>();
  const Command command =
      experiments.add_command("transfer", "What a network that knows Latin letters is worth for other images");
  command.add("--fonts", request->fonts, "folder of fonts with Latin and Cyrillic letters").type("DIR");
  command.add("--flowers", request->flowers, "also go on to these photographs: a folder with a sub-folder a class")
      .type("DIR");
  command.add("--seeds", request->seeds, "trainings of each kind", 1);
  command.add("--quick", request->quick, "few images, short trainings: shows that it works, not what it is worth");
  command.add("-o,--out", request->out, "folder for the table as CSV, the curves and the letters").type("DIR");
  command.footer(
      "Trains a network on typed Latin letters, then from there on Cyrillic ones: its last layer, its last two, or "
      "all; "
      "and\n"
      "anew, for comparison. A fourth of the font families is kept for testing. On Debian the packages "
      "fonts-dejavu-core,\n"
      "fonts-liberation and fonts-freefont-ttf have what is needed.\n"
      "Examples:\n"
      "  saccade experiment transfer\n"
      "  saccade experiment transfer --flowers photos/ --seeds 1 --out /tmp/transfer");
  command.action([request, &console] { run_transfer(*request, console); });
}

}  // namespace

void add_experiment_command(const Command& program, Console& console) {
  const Command experiments = program.add_command("experiment", "Lessons of a course, as experiments to run");
  experiments.footer("Example:\n  saccade experiment translation");
  add_translation(experiments, console);
  add_augmentation(experiments, console);
  add_transfer(experiments, console);
}

}  // namespace saccade::cli
