#include "saccade/cli/train_command.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <ostream>

#include "saccade/augment/advice.h"
#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/base/parallel.h"
#include "saccade/base/version.h"
#include "saccade/cli/inputs.h"
#include "saccade/cli/interrupt.h"
#include "saccade/cli/train_options.h"
#include "saccade/cli/training_sets.h"
#include "saccade/data/flow.h"
#include "saccade/data/split.h"
#include "saccade/optim/adam.h"
#include "saccade/optim/rmsprop.h"
#include "saccade/optim/sgd.h"
#include "saccade/train/callbacks.h"
#include "saccade/train/evaluate.h"
#include "saccade/train/fit.h"
#include "saccade/train/report.h"
#include "saccade/zoo/zoo.h"

namespace saccade::cli {
namespace {

namespace fs = std::filesystem;

struct TrainRequest {
  TrainOptions options;
  std::string run;     // folder; empty chooses one under runs/
  std::string resume;  // folder
  bool json = false;
};

AnyOptimizer make_optimizer(const TrainOptions& o) {
  const auto clip = o.clip_norm == 0.0 ? std::nullopt : std::optional<double>(o.clip_norm);
  const double rate = *o.learning_rate;
  if (o.optimizer == "sgd") return SGD{{.learning_rate = rate, .momentum = o.momentum, .global_clipnorm = clip}};
  if (o.optimizer == "rmsprop") {
    return RMSprop{{.learning_rate = rate, .momentum = o.momentum, .global_clipnorm = clip}};
  }
  if (o.optimizer == "adam") return Adam{{.learning_rate = rate, .global_clipnorm = clip}};
  if (o.optimizer == "adamw") {
    return AdamW{{.learning_rate = rate, .weight_decay = o.weight_decay, .global_clipnorm = clip}};
  }
  throw ValueError({.where = "train: --optimizer",
                    .expected = "sgd, rmsprop, adam or adamw",
                    .got = fmt::format("'{}'", o.optimizer),
                    .fix = "adam suits most networks"});
}

fs::path new_run_folder(const TrainRequest& request) {
  if (!request.run.empty()) {
    // A run that ended before its first checkpoint left nothing worth keeping.
    const fs::path run = request.run;
    if (!fs::exists(run / "config.json") || !(fs::exists(run / "last.ckpt") || fs::exists(run / "last.safetensors")))
      return run;
    throw ValueError(
        {.where = request.run,
         .expected = "a folder without a run in it",
         .got = "config.json of another run",
         .fix = fmt::format("choose another --run, or go on with: saccade train --resume {}", request.run)});
  }
  const std::string stem =
      fmt::format("{}-{}", fs::path(request.options.model).stem().string(), short_name(request.options.dataset));
  fs::path folder = fs::path("runs") / stem;
  for (int number = 2; fs::exists(folder); ++number) folder = fs::path("runs") / fmt::format("{}-{}", stem, number);
  return folder;
}

Model make_network(const TrainOptions& o, const data::Dataset& train) {
  const Index classes = isize(train.class_names().size());
  Model net = is_network_path(o.model) ? load_network(o.model) : zoo::build(o.model, train.image_shape(), classes);
  if (!is_network_path(o.model)) net.initialize(static_cast<std::uint64_t>(o.seed));
  net.class_names = train.class_names();
  if (!o.freeze.empty()) net.freeze(o.freeze);
  return net;
}

/// Leaves the first trace of a run only once fit() has found nothing wrong with what it was given.
class RunBeginning final : public Callback {
 public:
  RunBeginning(fs::path run, std::string config, std::string headline, Console& console)
      : run_(std::move(run)), config_(std::move(config)), headline_(std::move(headline)), console_(console) {}

  void on_train_begin(TrainingControl& /*control*/, Index /*first_epoch*/) override {
    make_folder(run_, "--run");
    write_file(run_ / "config.json", config_);  // the same again when a run goes on
    console_.err << headline_ << std::endl;
  }

 private:
  fs::path run_;
  std::string config_, headline_;
  Console& console_;
};

std::vector<CallbackPtr> make_callbacks(const TrainOptions& o, const fs::path& run, const std::string& headline,
                                        Console& console) {
  std::vector<CallbackPtr> callbacks;
  callbacks.push_back(std::make_shared<RunBeginning>(run, to_json(o, kVersion), headline, console));
  callbacks.push_back(std::make_shared<Progress>(
      console.err, ProgressOptions{.live = console.err_is_terminal, .width_columns = console.err_columns}));
  callbacks.push_back(std::make_shared<CSVLogger>(run / "metrics.csv"));
  callbacks.push_back(std::make_shared<TensorBoard>(run));
  if (o.early_stopping > 0) {
    callbacks.push_back(std::make_shared<EarlyStopping>(
        EarlyStoppingOptions{.patience = o.early_stopping, .restore_best_weights = true}));
  }
  if (o.reduce_on_plateau > 0) {
    callbacks.push_back(std::make_shared<ReduceLROnPlateau>(PlateauOptions{.patience = o.reduce_on_plateau}));
  }
  callbacks.push_back(std::make_shared<ModelCheckpoint>(ModelCheckpointOptions{.folder = run}));
  return callbacks;
}

void require_not_negative(std::string_view flag, Index value) {
  if (value >= 0) return;
  throw ValueError({.where = fmt::format("train: {}", flag),
                    .expected = "zero or more",
                    .got = std::to_string(value),
                    .fix = "leave it out for the default"});
}

/// Everything about the options that can be told before any data is read.
void check(const TrainOptions& o) {
  require_not_negative("--seed", o.seed);
  require_not_negative("--limit", o.limit);
  require_not_negative("--early-stopping", o.early_stopping);
  require_not_negative("--reduce-on-plateau", o.reduce_on_plateau);
  require_not_negative("--threads", o.threads);
  if (!(o.validation_split >= 0.0 && o.validation_split < 1.0)) {  // nor NaN
    throw ValueError({.where = "train: --validation-split",
                      .expected = "a share from 0 up to, but not, 1",
                      .got = fmt::format("{}", o.validation_split),
                      .fix = "0.1 sets a tenth aside"});
  }
  data::split_mode_named(o.split_mode);
  generator_options(o.augmentation, "train");
  Mixer({.mixup = o.mixup, .cutmix = o.cutmix}, 1, 0);  // which looks at both
  make_optimizer(o);
  Schedule::parse(o.schedule);
  if (is_network_path(o.model)) load_network(o.model);
}

/// What changes the training images; null when nothing does. Prints what may be wrong with it.
std::shared_ptr<const ImageDataGenerator> make_generator(const TrainOptions& o, const data::Dataset& train,
                                                         Console& console) {
  auto generator = std::make_shared<const ImageDataGenerator>(generator_options(o.augmentation, "train"));
  if (!generator->augments()) return nullptr;
  for (const std::string& advice : augmentation_advice(generator->options(), train.class_names())) {
    console.err << "warning: " << advice << '\n';
  }
  return generator;
}

/// The training images' mean and deviation become the network's own preprocessing, and travel with it.
void normalise(Model& net, const TrainOptions& o, const data::Dataset& train) {
  if (!o.featurewise_center && !o.featurewise_std_normalization) return;
  ImageDataGenerator statistics({.featurewise_center = true,
                                 .featurewise_std_normalization = o.featurewise_std_normalization,
                                 .rescale = 1.0 / 255.0});
  statistics.fit(data::source_of(train));
  net.preprocessing.mean = statistics.statistics().mean;
  net.preprocessing.deviation = statistics.statistics().deviation;
  for (float& deviation : net.preprocessing.deviation)
    deviation = std::max(deviation, 1e-6F);  // a channel of one level
}

void train(TrainRequest request, Console& console) {
  const bool resumed = !request.resume.empty();
  TrainOptions& o = request.options;
  if (resumed) o = train_options_from_json(fs::path(request.resume) / "config.json");
  apply_recipe(o);
  check(o);
  if (o.threads > 0) set_thread_count(o.threads);

  const TrainingSets set = load_training_sets(o, console);
  Model net = make_network(o, *set.train);
  normalise(net, o, *set.train);
  const std::shared_ptr<const ImageDataGenerator> generator = make_generator(o, *set.train, console);

  const fs::path run = resumed ? fs::path(request.resume) : new_run_folder(request);
  const fs::path checkpoint = run / "last.ckpt";
  const bool goes_on = resumed && fs::exists(checkpoint);
  const std::string headline = fmt::format("{}: {} parameters, {} on {} images, seed {}, {}", net.name(),
                                           net.parameter_count(), o.dataset, set.train->size(), o.seed, run.string());

  const InterruptScope interrupt;
  const Loss loss = SoftmaxCrossEntropy{{.label_smoothing = static_cast<float>(o.label_smoothing)}};
  const History history = fit(net, set.train,
                              {.epochs = *o.epochs,
                               .batch_size = *o.batch_size,
                               .optimizer = make_optimizer(o),
                               .loss = loss,
                               .schedule = Schedule::parse(o.schedule),
                               .validation = set.validation,
                               .seed = static_cast<std::uint64_t>(o.seed),
                               .workers = o.workers,
                               .transform = generator ? data::augmentation(generator).transform : data::Transform{},
                               .mixing = {.mixup = o.mixup, .cutmix = o.cutmix},
                               .callbacks = make_callbacks(o, run, headline, console),
                               .stop = &InterruptScope::requested,
                               .resume = goes_on ? checkpoint : fs::path()});
  if (history.interrupted) {
    console.err << fmt::format("stopped, everything is saved; go on with: saccade train --resume {}\n", run.string());
    throw CLI::RuntimeError(kInterruptedExit);
  }
  if (!history.stopped_because.empty()) console.err << fmt::format("stopped early: {}\n", history.stopped_because);

  const Evaluation evaluation =
      evaluate(net, set.report, {.batch_size = evaluation_batch(*o.batch_size), .workers = o.workers});
  write_report(run, evaluation, *set.report);
  if (request.json) {
    console.out << report_json(evaluation, set.report->class_names());
  } else {
    console.out << fmt::format("{} accuracy {:.2f} % (loss {:.4f}) on {}; network, metrics and report in {}\n",
                               set.report_part, 100.0 * evaluation.accuracy, evaluation.loss, set.report_images,
                               run.string());
  }
}

}  // namespace

void add_train_command(CLI::App& app, Console& console) {
  const auto request = std::make_shared<TrainRequest>();
  CLI::App* command = app.add_subcommand("train", "Train a network on a data set, or on your own images");
  declare(*command, request->options);
  command->add_option("--run", request->run, "folder for the results [runs/MODEL-DATASET]")->type_name("DIR");
  CLI::Option* resume =
      command->add_option("--resume", request->resume, "go on with a stopped run, with its own options")
          ->type_name("RUN");
  command->add_flag("--json", request->json, "print the test report as JSON");
  command->footer(
      "Defaults go by data set and network: lenet5 on mnist trains 8 epochs of Adam, one-cycle up to 0.006, and\n"
      "reaches more than 99 %.\n"
      "Examples:\n"
      "  saccade train mnist\n"
      "  saccade train mnist --model mlp --epochs 15\n"
      "  saccade train cifar10 --model vgg_small --validation-split 0.1 --early-stopping 3\n"
      "  saccade train mnist --model runs/lenet5-mnist/best.safetensors --freeze 'conv*' --epochs 2\n"
      "  saccade train photos/ --image-size 128 --skip-bad --augment\n"
      "  saccade train photos/ --rotation-range 15 --horizontal-flip --zoom-range 0.1\n"
      "  saccade train labels.csv --x-col file --y-col label\n"
      "  saccade train --resume runs/lenet5-mnist");
  command->callback([request, resume, command, &console] {
    if (request->resume.empty() && request->options.dataset.empty()) {
      throw ValueError({.where = "train",
                        .expected = "a data set: mnist, fashion-mnist, cifar10, a folder or a .csv file",
                        .got = "none",
                        .fix = "try: saccade train mnist"});
    }
    if (!request->resume.empty()) {
      for (const CLI::Option* option : command->get_options()) {
        if (option->count() == 0 || option == resume || option->get_name() == "--json") continue;
        throw ValueError(
            {.where = "train --resume",
             .expected = "no other options: a run goes on with those it was begun with",
             .got = option->get_name(),
             .fix = fmt::format("leave it out, or begin a new run from {}/last.safetensors", request->resume)});
      }
    }
    train(*request, console);
  });
}

}  // namespace saccade::cli
