#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "saccade/io/checkpoint.h"
#include "saccade/nn/model.h"

namespace saccade {

/// Metrics of one epoch by name: loss, accuracy, val_loss, val_accuracy, learning_rate, seconds; with weighted images
/// weighted_accuracy and val_weighted_accuracy, too.
using Logs = std::map<std::string, double>;

/// Where training stands after a step.
struct StepInfo {
  Index epoch = 0, epochs = 0;        ///< From 0.
  Index step = 0, steps = 0;          ///< Steps done in this epoch, and how many it has.
  Index global_step = 0;              ///< Steps done since training began.
  Index images = 0, all_images = 0;   ///< Images seen in this epoch, and how many it has.
  double loss = 0.0, accuracy = 0.0;  ///< Means over the epoch so far.
  double learning_rate = 0.0;         ///< Of this step.
};

struct EpochInfo {
  Index epoch = 0, epochs = 0;  ///< From 0.
  Index global_step = 0;
  Logs logs;
};

/// How far the features of the frozen layers are computed; see FeatureCacheOptions.
struct FeatureInfo {
  Index images = 0, all_images = 0;  ///< Computed so far, and how many there are for training and validation together.
  Index layers = 0, all_layers = 0;  ///< Layers with weights that need not run any more, and how many the network has.
  Index bytes = 0;                   ///< What the features of all images take.
  Index max_bytes = 0;               ///< What they may take. When `bytes` is more they are not kept.
  double seconds = 0.0;              ///< Since computing them began.
};

/// What a callback may do to the training that calls it.
class TrainingControl {
 public:
  virtual ~TrainingControl() = default;
  virtual Model& model() = 0;
  /// Ends training after this epoch; `reason` goes into the history.
  virtual void stop(std::string reason) = 0;
  /// Multiplies the learning rate of all steps from here on.
  virtual void scale_learning_rate(double factor) = 0;
  /// Writes everything that going on bit for bit needs: weights, optimiser, position, and the callbacks' own state.
  virtual void save_checkpoint(const std::filesystem::path& path) = 0;
};

/// Something that watches training. Members are called in the order of FitOptions::callbacks, from the training thread.
class Callback {
 public:
  virtual ~Callback() = default;

  /// Before the first step; `first_epoch` is above 0 when a stopped run goes on.
  virtual void on_train_begin(TrainingControl& /*control*/, Index /*first_epoch*/) {}
  /// While the frozen layers' features are computed: after each batch, when `images` is `all_images` for the last time.
  virtual void on_features(TrainingControl& /*control*/, const FeatureInfo& /*info*/) {}
  /// Before an epoch from which on more of the network learns: from the layer of this name.
  virtual void on_unfreeze(TrainingControl& /*control*/, const std::string& /*layer*/) {}
  /// Behind the update: gradients are of no use any more, as some updates are made while theirs come.
  virtual void on_step_end(TrainingControl& /*control*/, const StepInfo& /*info*/) {}
  virtual void on_epoch_end(TrainingControl& /*control*/, const EpochInfo& /*info*/) {}
  /// After every callback has had its on_epoch_end, and when training is interrupted in the middle of an epoch.
  virtual void on_checkpoint(TrainingControl& /*control*/) {}
  virtual void on_train_end(TrainingControl& /*control*/) {}

  /// State that must survive a stop, under keys that begin with the callback's own name.
  virtual void save_state(Checkpoint& /*checkpoint*/) const {}
  virtual void load_state(const Checkpoint& /*checkpoint*/) {}
};

using CallbackPtr = std::shared_ptr<Callback>;

}  // namespace saccade
