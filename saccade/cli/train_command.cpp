#include "saccade/cli/train_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <ostream>
#include <utility>

#include "saccade/augment/advice.h"
#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/base/parallel.h"
#include "saccade/base/printable.h"
#include "saccade/base/version.h"
#include "saccade/cli/inputs.h"
#include "saccade/cli/interrupt.h"
#include "saccade/cli/train_options.h"
#include "saccade/cli/training_sets.h"
#include "saccade/data/flow.h"
#include "saccade/data/split.h"
#include "saccade/kernels/conv2d/conv2d.h"
#include "saccade/optim/adam.h"
#include "saccade/optim/muon.h"
#include "saccade/optim/rmsprop.h"
#include "saccade/optim/sgd.h"
#include "saccade/train/callbacks.h"
#include "saccade/train/evaluate.h"
#include "saccade/train/fit.h"
#include "saccade/train/report.h"
#include "saccade/train/whitening.h"
#include "saccade/zoo/surgery.h"
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
  if (o.optimizer == "sgd") return SGD{{.learning_rate = rate, .momentum = *o.momentum, .global_clipnorm = clip}};
  if (o.optimizer == "rmsprop") {
    return RMSprop{{.learning_rate = rate, .momentum = *o.momentum, .global_clipnorm = clip}};
  }
  if (o.optimizer == "adam") return Adam{{.learning_rate = rate, .global_clipnorm = clip}};
  if (o.optimizer == "adamw") {
    return AdamW{{.learning_rate = rate, .weight_decay = *o.weight_decay, .global_clipnorm = clip}};
  }
  if (o.optimizer == "muon") {
    if (clip) {
      throw ValueError({.where = "train: --clip-norm",
                        .expected = "no clipping with muon, whose steps are of the same length whatever the gradient",
                        .got = fmt::format("{}", o.clip_norm),
                        .fix = "leave it out"});
    }
    return Muon{{.learning_rate = rate,
                 .momentum = *o.momentum,
                 .ns_steps = 3,  // enough for filters: Jordan's runs on CIFAR-10
                 .fixed_norm = o.fixed_norm,
                 .adam_lr_ratio = 0.02,
                 .adam_beta_1 = 0.85,
                 .adam_beta_2 = 0.95,  // a few hundred steps are too few for 0.999
                 .adam_weight_decay = *o.weight_decay}};
  }
  throw ValueError({.where = "train: --optimizer",
                    .expected = "sgd, rmsprop, adam, adamw or muon",
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

/// Which layers of a trained network learn on; a new head always does.
void choose_layers(Model& net, const TrainOptions& o, bool has_new_head) {
  if (!o.train_from.empty()) {
    net.train_from(o.train_from);
  } else if (o.train_last || (has_new_head && !o.train_all)) {
    net.train_last(o.train_last.value_or(1));
  } else if (o.train_all) {
    net.unfreeze("*");
  }
}

/// `begun` is the network to go on from, if any.
Model make_network(std::optional<Model> begun, const TrainOptions& o, const data::Dataset& train) {
  const std::vector<std::string>& classes = train.class_names();
  const auto seed = static_cast<std::uint64_t>(o.seed);
  Model net = begun ? *std::move(begun) : zoo::build(o.model, train.image_shape(), isize(classes.size()), seed);
  if (!o.from.empty()) {
    const bool other_classes =
        net.output_shape() != Shape{isize(classes.size())} || (!net.class_names.empty() && net.class_names != classes);
    if (other_classes) net = zoo::with_new_head(net, isize(classes.size()), seed);
    choose_layers(net, o, other_classes);
  }
  net.class_names = classes;
  if (!o.freeze.empty()) net.freeze(o.freeze);
  return net;
}

/// Throws ShapeError when images that are made to fit were asked for in another size than the network's.
void require_size(const TrainOptions& o, const Model& begun, const data::Dataset& images) {
  if (o.images.image_size.empty() || images.image_shape() == begun.input_shape()) return;
  throw ShapeError(
      {.where = fmt::format("train: --image-size {}", o.images.image_size),
       .expected = fmt::format("the size that network '{}' takes, {}", begun.name(), begun.input_shape().to_string()),
       .got = images.image_shape().to_string(),
       .fix = "leave --image-size out: images are made to fit the network"});
}

/// Where the things that a run needs are, whatever folder it goes on from.
TrainOptions with_absolute_paths(TrainOptions o) {
  const auto make_absolute = [](std::string& path) {
    if (!path.empty()) path = fs::absolute(path).lexically_normal().string();
  };
  if (names_images(o.dataset)) make_absolute(o.dataset);
  if (is_network_path(o.model)) make_absolute(o.model);
  for (std::string* path : {&o.images.image_folder, &o.data, &o.data_from, &o.from}) make_absolute(*path);
  return o;
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
  callbacks.push_back(
      std::make_shared<RunBeginning>(run, to_json(with_absolute_paths(o), kVersion), headline, console));
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

void require_from(std::string_view flag, Index value, Index least, Index most = std::numeric_limits<Index>::max()) {
  if (value >= least && value <= most) return;
  throw ValueError({.where = fmt::format("train: {}", flag),
                    .expected = most == std::numeric_limits<Index>::max() ? fmt::format("at least {}", least)
                                                                          : fmt::format("{} to {}", least, most),
                    .got = std::to_string(value),
                    .fix = "leave it out for the default"});
}

FineTuning fine_tuning_of(const TrainOptions& o) {
  const FineTuning options{.block_decay = o.lr_decay_per_block,
                           .head_factor = o.head_lr_multiplier,
                           .unfreeze_every = o.unfreeze_every,
                           .batch_norm = batch_norm_policy_named(o.batch_norm),
                           .warmup_epochs = o.warmup_epochs};
  check(options);
  if (o.warmup_epochs > 0.0) Schedule::warm_up(1, Schedule::parse(o.schedule));  // refuses a second warm-up
  if (o.unfreeze_every == 0 || o.freeze.empty()) return options;
  throw ValueError({.where = "train: --unfreeze-every",
                    .expected = "no --freeze beside it",
                    .got = o.freeze,
                    .fix = "leave one of them out: whole blocks are unfrozen"});
}

/// Whether the first layer is to be made of the images' patches.
bool whitens(const TrainOptions& o) {
  if (o.first_layer == "whitened" || o.first_layer == "learned") return o.first_layer == "whitened";
  throw ValueError({.where = "train: --first-layer",
                    .expected = "learned or whitened",
                    .got = fmt::format("'{}'", o.first_layer),
                    .fix = "leave it out for the default"});
}

Loss loss_of(const TrainOptions& o) {
  return SoftmaxCrossEntropy{{.label_smoothing = static_cast<float>(*o.label_smoothing)}};
}

/// Of the options that say which layers of a trained network learn, at most one, and only with such a network.
void check_layer_choice(const TrainOptions& o) {
  const int given = static_cast<int>(o.train_last.has_value()) + static_cast<int>(!o.train_from.empty()) +
                    static_cast<int>(o.train_all);
  if (given > 1) {
    throw ValueError({.where = "train",
                      .expected = "one of --train-last, --train-from and --train-all",
                      .got = std::to_string(given),
                      .fix = "leave out the others"});
  }
  if (given == 1 && o.from.empty()) {
    throw ValueError({.where = "train: --train-last, --train-from and --train-all",
                      .expected = "--from and a trained network",
                      .got = "a network to begin anew",
                      .fix = "add e.g. --from net.onnx, or leave the option out"});
  }
}

/// Everything about the options that can be told before any data is looked for.
void check(const TrainOptions& o) {
  require_from("--epochs", *o.epochs, 1);
  require_from("--batch-size", *o.batch_size, 1);
  require_from("--workers", o.workers, 0, data::Loader::kMaxWorkers);
  for (const auto& [flag, value] : {std::pair<const char*, Index>{"--seed", o.seed},
                                    {"--limit", o.limit},
                                    {"--early-stopping", o.early_stopping},
                                    {"--reduce-on-plateau", o.reduce_on_plateau},
                                    {"--threads", o.threads}}) {
    require_from(flag, value, 0);
  }
  if (o.validation_split && !(*o.validation_split >= 0.0 && *o.validation_split < 1.0)) {  // nor NaN
    throw ValueError({.where = "train: --validation-split",
                      .expected = "a share from 0 up to, but not, 1",
                      .got = fmt::format("{}", *o.validation_split),
                      .fix = "0.1 sets a tenth aside"});
  }
  require_from("--train-last", o.train_last.value_or(1), 1);
  check_layer_choice(o);
  data::split_mode_named(o.split_mode);
  require_useful(o.images, o.dataset, "train");
  reading_of(o.images, {});
  generator_options(o.augmentation, "train");
  Mixer({.mixup = o.mixup, .cutmix = o.cutmix}, 1, 0);  // which looks at both
  make_optimizer(o);
  loss_of(o);
  whitens(o);
  test_time_augmentation_named(o.test_time_augmentation);
  fine_tuning_of(o);
  Schedule::parse(o.schedule);
  const bool known = std::ranges::find(zoo::entries(), o.model, &zoo::Entry::name) != zoo::entries().end();
  if (!known && !is_network_path(o.model)) zoo::build(o.model, {32, 32, 3}, 10);  // which says what there is
}

/// What changes the training images; null when nothing does. Prints what may be wrong with it.
std::shared_ptr<const ImageDataGenerator> make_generator(const TrainOptions& o, const data::Dataset& train,
                                                         Console& console) {
  auto generator = std::make_shared<const ImageDataGenerator>(generator_options(o.augmentation, "train"));
  if (!generator->augments()) return nullptr;
  for (const std::string& advice : augmentation_advice(generator->options(), train.class_names())) {
    warn(console, advice);
  }
  return generator;
}

data::Transform transform_of(const TrainOptions& o, const std::shared_ptr<const ImageDataGenerator>& generator) {
  if (!generator) return {};
  return data::augmentation(generator, {.alternating_flip = o.alternating_flip}).transform;
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
  if (!o.from.empty() && !o.model.empty() && o.model != o.from) {
    throw ValueError({.where = "train",
                      .expected = "--from, a trained network, or --model, one to begin anew",
                      .got = "both",
                      .fix = "leave one of them out"});
  }
  apply_recipe(o);
  check(o);
  if (o.threads > 0) set_thread_count(o.threads);
  kernels::set_exact_convolutions(o.exact);
  const fs::path run = resumed ? fs::path(request.resume) : new_run_folder(request);
  std::optional<Model> begun;
  if (is_network_path(o.model)) begun = load_network(o.model);
  const std::string ending = fs::path(o.model).extension().string();
  const bool may_be_silent = ending == ".onnx" || ending == ".keras" || ending == ".h5";
  if (begun && may_be_silent && begun->preprocessing == Preprocessing::none()) {
    warn(console, fmt::format("{} does not say what its images go through; here they stay as they are. See: saccade "
                              "convert --help",
                              printable(o.model)));
  }

  const FoundSets found = find_training_sets(o, begun ? &*begun : nullptr, console);
  if (begun) require_size(o, *begun, *found.train.images);
  Model net = make_network(std::move(begun), o, *found.train.images);
  check_fit(net, *found.train.images);
  const Loss loss = loss_of(o);
  loss.check(net);
  const TrainingSets set = read_training_sets(found, o, console);
  normalise(net, o, *set.train);
  if (whitens(o)) whiten_first_layer(net, *set.train);
  const std::shared_ptr<const ImageDataGenerator> generator = make_generator(o, *set.train, console);

  const fs::path checkpoint = run / "last.ckpt";
  const bool goes_on = resumed && fs::exists(checkpoint);
  const std::string headline =
      printable(fmt::format("{}: {} parameters{}, {} on {} images, seed {}, {}", net.name(), net.parameter_count(),
                            o.from.empty() ? "" : fmt::format(" of which {} learn", net.trainable_count()), o.dataset,
                            set.train->size(), o.seed, run.string()));

  const InterruptScope interrupt;
  const History history = fit(net, set.train,
                              {.epochs = *o.epochs,
                               .batch_size = *o.batch_size,
                               .optimizer = make_optimizer(o),
                               .loss = loss,
                               .schedule = Schedule::parse(o.schedule),
                               .fine_tuning = fine_tuning_of(o),
                               .validation = set.validation,
                               .seed = static_cast<std::uint64_t>(o.seed),
                               .workers = o.workers,
                               .transform = transform_of(o, generator),
                               .mixing = {.mixup = o.mixup, .cutmix = o.cutmix},
                               .callbacks = make_callbacks(o, run, headline, console),
                               .feature_cache = {.enabled = !o.no_feature_cache},
                               .stop = &InterruptScope::requested,
                               .resume = goes_on ? checkpoint : fs::path()});
  if (history.interrupted) {
    console.err << fmt::format("stopped, everything is saved; go on with: saccade train --resume {}\n",
                               printable(run.string()));
    throw Exit{kInterruptedExit};
  }
  if (!history.stopped_because.empty()) console.err << fmt::format("stopped early: {}\n", history.stopped_because);

  const Evaluation evaluation =
      evaluate(net, set.report,
               {.batch_size = evaluation_batch(*o.batch_size),
                .workers = o.workers,
                .test_time_augmentation = test_time_augmentation_named(o.test_time_augmentation)});
  write_report(run, evaluation, *set.report);
  if (request.json) {
    console.out << report_json(evaluation, set.report->class_names());
  } else {
    console.out << fmt::format("{} accuracy {:.2f} % (loss {:.4f}) on {}; network, metrics and report in {}\n",
                               set.report_part, 100.0 * evaluation.accuracy, evaluation.loss, set.report_images,
                               printable(run.string()));
  }
}

/// A run goes on with the options it was begun with. Where things are and how many threads work at them may differ: neither
/// changes the result.
void take_options_of_run(TrainRequest& request, const Command& command) {
  const TrainOptions given = std::move(request.options);
  TrainOptions& o = request.options = train_options_from_json(fs::path(request.resume) / "config.json");
  const auto is_given = [&](const char* flag) { return command.is_given(flag); };
  std::vector<std::string> free = {"--resume", "--json", "--help"};
  const auto take = [&](const char* flag, auto& value, const auto& new_value) {
    free.emplace_back(flag);
    if (is_given(flag)) value = new_value;
  };
  take("dataset", o.dataset, given.dataset);
  take("--image-folder", o.images.image_folder, given.images.image_folder);
  take("--data", o.data, given.data);
  take("--data-from", o.data_from, given.data_from);
  take("--offline", o.offline, given.offline);
  take("--workers", o.workers, given.workers);
  take("--threads", o.threads, given.threads);
  for (const std::string& name : command.given()) {
    if (std::ranges::find(free, name) != free.end()) continue;
    throw ValueError({.where = "train --resume",
                      .expected = "no other options: a run goes on with those it was begun with",
                      .got = name,
                      .fix = fmt::format("leave it out, or begin a new run from {}/last.safetensors", request.resume)});
  }
  if (is_given("dataset") || is_standard_set(o.dataset) || fs::exists(o.dataset)) return;
  throw SystemError({.where = fmt::format("train --resume {}", request.resume),
                     .expected = fmt::format("the images it was begun with, in {}", o.dataset),
                     .got = "no such folder or file",
                     .fix = fmt::format("if they have moved: saccade train NEW --resume {}", request.resume)});
}

}  // namespace

void add_train_command(const Command& program, Console& console) {
  const auto request = std::make_shared<TrainRequest>();
  const Command command = program.add_command("train", "Train a network on a data set, or on your own images");
  declare(command, request->options);
  command.add("--run", request->run, "folder for the results [runs/MODEL-DATASET]").type("DIR");
  command
      .add("--resume", request->resume,
           "go on with a stopped run, with its own options; DATASET then says where the images are now")
      .type("RUN");
  command.add("--json", request->json, "print the test report as JSON");
  command.footer(
      "Defaults go by data set and network: lenet5 on mnist trains 3 epochs of Adam, one-cycle up to 0.01, and\n"
      "reaches more than 99 % in a few seconds; with --augment 10 epochs of AdamW, and about 99.5 %. cifar10 trains\n"
      "airbench94 by Muon, with mirrored and moved images, and reaches about 94 % in twelve epochs.\n"
      "Examples:\n"
      "  saccade train mnist\n"
      "  saccade train mnist --augment\n"
      "  saccade train mnist --model mlp --epochs 15\n"
      "  saccade train cifar10 --model vgg_small --validation-split 0.1 --early-stopping 3\n"
      "  saccade train mnist --model runs/lenet5-mnist/best.safetensors --freeze 'conv*' --epochs 2\n"
      "  saccade train photos/ --from squeezenet.safetensors --train-last 1\n"
      "  saccade train photos/ --from resnet50.onnx --unfreeze-every 3 --lr-decay-per-block 0.5 --warmup-epochs 1\n"
      "  saccade train photos/ --image-size 128 --skip-bad --augment\n"
      "  saccade train photos/ --rotation-range 15 --horizontal-flip --zoom-range 0.1\n"
      "  saccade train labels.csv --x-col file --y-col label\n"
      "  saccade train --resume runs/lenet5-mnist");
  command.action([request, command, &console] {
    if (request->resume.empty() && request->options.dataset.empty()) {
      throw ValueError({.where = "train",
                        .expected = "a data set: mnist, fashion-mnist, cifar10, a folder or a .csv file",
                        .got = "none",
                        .fix = "try: saccade train mnist"});
    }
    if (!request->resume.empty()) take_options_of_run(*request, command);
    train(*request, console);
  });
}

}  // namespace saccade::cli
