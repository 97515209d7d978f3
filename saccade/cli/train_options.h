#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "saccade/base/integer.h"
#include "saccade/cli/augment_options.h"
#include "saccade/cli/command.h"
#include "saccade/cli/image_inputs.h"
#include "saccade/cli/inputs.h"

namespace saccade::cli {

/// Everything that `saccade train` can be told. Each option is declared once, in visit(); parsing, --help, and the run
/// folder's config.json come from there.
struct TrainOptions {
  std::string dataset;
  std::string model;  ///< Empty: the recipe's for the data set.
  std::string from;   ///< Empty: a new network.
  std::optional<Index> train_last;
  std::string train_from;
  bool train_all = false;
  Index unfreeze_every = 0;
  double lr_decay_per_block = 1.0;
  double head_lr_multiplier = 1.0;
  double warmup_epochs = 0.0;
  std::string batch_norm = "with-layers";
  std::optional<Index> epochs;          ///< Left out: the recipe's.
  std::optional<Index> batch_size;      ///< Left out: the recipe's.
  std::string optimizer;                ///< Empty: the recipe's.
  std::optional<double> learning_rate;  ///< Left out: the recipe's.
  std::string schedule;                 ///< Empty: the recipe's.
  std::optional<double> momentum;       ///< Left out: the recipe's, or the optimizer's.
  std::optional<double> weight_decay;   ///< Left out: the recipe's.
  bool fixed_norm = false;
  double clip_norm = 0.0;
  std::optional<double> label_smoothing;   ///< Left out: the recipe's.
  std::string first_layer;                 ///< Empty: the recipe's.
  std::optional<double> validation_split;  ///< Left out: 0.2 where there is nothing else to validate on.
  std::string split_mode = "stratified";
  ImageInputOptions images;
  bool augment = false;
  AugmentOptions augmentation;
  double mixup = 0.0;
  double cutmix = 0.0;
  bool featurewise_center = false;
  bool featurewise_std_normalization = false;
  std::string test_time_augmentation;  ///< Empty: the recipe's.
  Index early_stopping = 0;
  Index reduce_on_plateau = 0;
  std::string freeze;
  bool no_feature_cache = false;
  Index limit = 0;
  Index seed = 0;
  int workers = 1;
  int threads = 0;
  bool exact = false;
  std::string data;
  std::string data_from;
  bool offline = false;

  /// Calls visitor(flag, value, help) for each option, in the order of --help. `flag` is "--epochs", or "dataset" for
  /// the argument.
  template <class Visitor>
  void visit(Visitor&& visitor) {
    visitor("dataset", dataset, "mnist, fashion-mnist, cifar10, a folder with a sub-folder a class, or a .csv file");
    visitor("--model", model, "a network of the zoo, or a file of a network to go on from");
    visitor("--from", from,
            "a trained network to start from, for other classes too: an .onnx, .keras, .h5 or .safetensors file, or a "
            "run folder");
    visitor("--train-last", train_last,
            "with --from: train the last N layers with weights and keep the others as they are [1 for other classes]");
    visitor("--train-from", train_from, "with --from: train this layer and all behind it");
    visitor("--train-all", train_all, "with --from: train every layer");
    visitor("--unfreeze-every", unfreeze_every,
            "after each so many epochs the block of layers before those that learn learns, too; 0 is off");
    visitor("--lr-decay-per-block", lr_decay_per_block,
            "learning rate of a block of layers, as a share of that of the block behind it: above 0 up to 1");
    visitor("--head-lr-multiplier", head_lr_multiplier, "learning rate of the last layer, times the others'");
    visitor("--warmup-epochs", warmup_epochs, "epochs over which the learning rate rises from 0 to the schedule's");
    visitor("--batch-norm", batch_norm,
            "which batch normalisation learns: with-layers (that of layers that learn), frozen (none; moving averages "
            "stay) or train (all)");
    visitor("--epochs", epochs, "times every image is shown");
    visitor("--batch-size", batch_size, "images a step");
    visitor("--optimizer", optimizer,
            "sgd, rmsprop, adam, adamw or muon [adam; adamw for digits with --augment; muon for airbench94]");
    visitor("--learning-rate", learning_rate, "step size, above 0; the peak of a schedule");
    visitor("--schedule", schedule,
            "constant, step(FACTOR@EPOCH,...), piecewise, exponential, cosine, one-cycle or warmup");
    visitor("--momentum", momentum, "of sgd, rmsprop and muon, 0 up to 1 [0.9; of muon 0.95, for airbench94 0.6]");
    visitor("--weight-decay", weight_decay,
            "of adamw, and of what muon leaves to it, zero or more [0.004; 0.05 for digits with --augment]");
    visitor("--fixed-norm", fixed_norm,
            "of muon: filters keep their norm, for networks with batch normalisation [on for airbench94]");
    visitor("--clip-norm", clip_norm, "scale gradients down to this global norm; 0 is off");
    visitor("--label-smoothing", label_smoothing, "0 up to 1 [0; 0.2 for airbench94]");
    visitor("--first-layer", first_layer,
            "learned, or whitened: made of the images' own patches, for airbench94 [learned; whitened for airbench94]");
    visitor("--validation-split", validation_split,
            "share of the training images to validate on instead of the test set; 0 is none [0.2 where there is no "
            "test set]");
    visitor("--split-mode", split_mode,
            "which images that is: stratified (drawn by seed), keras (the first of each class) or keras_rows (the "
            "first of all)");
    images.visit(visitor);
    visitor("--augment", augment,
            "show changed images in each epoch, as suits the data set; see: saccade augment --help");
    augmentation.visit(visitor);
    visitor("--mixup", mixup, "blend pairs of images and their labels: alpha, e.g. 0.2; 0 is off");
    visitor("--cutmix", cutmix, "put a box of one image into another: alpha, e.g. 1; 0 is off");
    visitor("--featurewise-center", featurewise_center, "subtract the training images' mean, channel by channel");
    visitor("--featurewise-std-normalization", featurewise_std_normalization, "and divide by their deviation");
    visitor(
        "--test-time-augmentation", test_time_augmentation,
        "test on the mean over views of each image: none, flip or flip-and-shift [none; flip-and-shift for airbench94 "
        "on cifar10]");
    visitor("--early-stopping", early_stopping, "stop when val_loss has not improved for so many epochs; 0 is off");
    visitor("--reduce-on-plateau", reduce_on_plateau,
            "divide the learning rate by 10 after so many such epochs; 0 is off");
    visitor("--freeze", freeze, "keep the layers that match this pattern as they are, e.g. 'conv*'");
    visitor("--no-feature-cache", no_feature_cache,
            "run frozen layers in each epoch, although they make the same of each image every time");
    visitor("--limit", limit, "train on so many images: the first, or a share of each class of a folder; 0 is all");
    visitor("--seed", seed, "of weights, order and dropout: one seed, one result");
    visitor("--workers", workers, "threads that prepare batches ahead; 0 is none");
    visitor("--threads", threads, "threads that compute; 0 is one a core");
    visitor("--exact", exact, kExactHelp);
    visitor("--data", data, "cache of data sets [$SACCADE_DATA, or ~/.cache/saccade]");
    visitor("--data-from", data_from, "folder to take the data set's files from");
    visitor("--offline", offline, "never ask the network for data");
  }
};

/// Declares the options on a command.
void declare(const Command& command, TrainOptions& options);

/// As JSON, and back. The inverse throws FormatError naming the file and the option.
std::string to_json(TrainOptions options, std::string_view version);
TrainOptions train_options_from_json(const std::filesystem::path& path);

/// Fills in what was left to the recipe, which goes by data set and network.
void apply_recipe(TrainOptions& options);

}  // namespace saccade::cli
