#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "saccade/data/dataset.h"
#include "saccade/data/loader.h"
#include "saccade/nn/loss.h"
#include "saccade/optim/adam.h"
#include "saccade/optim/optimizer.h"
#include "saccade/optim/schedule.h"
#include "saccade/train/callback.h"
#include "saccade/train/fine_tuning.h"
#include "saccade/train/mixing.h"

namespace saccade {

/// The outputs of the frozen part of a network, kept so that it need not run in each epoch.
struct FeatureCacheOptions {
  bool enabled = true;
  Index max_bytes = Index{2} << 30;  ///< Of memory, for training and validation images together.
};

/// Keras's names where Keras has one.
struct FitOptions {
  Index epochs = 1;
  Index batch_size = 32;
  AnyOptimizer optimizer = Adam{};
  Loss loss = SoftmaxCrossEntropy{};
  std::optional<Schedule> schedule{};  ///< Of the learning rate; left out, it stays at the optimizer's own.
  FineTuning fine_tuning{};
  data::DatasetPtr validation{};  ///< Evaluated after each epoch (Keras: validation_data).
  double validation_split =
      0.0;  ///< Without `validation`: this share of the training images is set aside, class by class.
  bool shuffle = true;
  std::uint64_t seed = 0;     ///< Of shuffling, dropout and augmentation. Weights are drawn by Model::initialize(seed).
  int workers = 1;            ///< Threads that prepare batches ahead; 0 prepares them in the training thread.
  Index max_queue_size = 10;  ///< Batches prepared ahead at most.
  data::Transform transform{};  ///< Augmentation of training images; validation images are left alone.
  data::Plan plan{};            ///< Another order of the training images; see data::augmentation().
  MixingOptions mixing{};       ///< mixup and CutMix, after `transform`. Accuracy counts each image's own label.
  std::vector<CallbackPtr> callbacks{};
  bool terminate_on_nan = true;  ///< A loss that is not finite throws, before the step that would spoil the weights.
  FeatureCacheOptions feature_cache{};
  std::function<bool()> stop{};    ///< Asked after each step; true ends training there, after on_checkpoint.
  std::filesystem::path resume{};  ///< A checkpoint to go on from, made with the same options.
};

/// What happened.
struct History {
  std::vector<Logs> epochs;     ///< Of this call; epochs before a resume are not repeated.
  Index first_epoch = 0;        ///< Number of epochs.front().
  bool interrupted = false;     ///< FitOptions::stop ended it.
  std::string stopped_because;  ///< What a callback said when it ended training early.
};

/// Trains the network's unfrozen parameters; `fine_tuning` may freeze or unfreeze some and set their learning_rate_factor,
/// and they stay so. The result depends on the options and the seed alone, bit for bit: not on
/// threads, workers, or on stops and resumes in between.
///
/// Each step: forward, loss (mean over the batch, plus l2 terms), backward, clipping, optimiser. Logged: loss and
/// accuracy as means over the epoch's images while the weights change (as Keras), val_loss and val_accuracy after it,
/// learning_rate of its last step, seconds. Where images have weights each loss counts as often, the mean still being over
/// their number; accuracy does not, and weighted_accuracy and val_weighted_accuracy do (Keras: weighted_metrics). Where images
/// have targets the loss compares with those, and accuracy with the largest of them.
///
/// Where layers are frozen from the image on, and images are the same in each epoch (no transform, no mixing), what those
/// layers make of them is computed once, before the first of two epochs or more, as deep into the network as fits into
/// memory; epochs then train and validate the rest of the network on that. The result is the same; see compute_features()
/// for what differs in rounding.
/// Throws ValueError or ShapeError for options and data that do not fit, FormatError when the checkpoint does not
/// belong here.
History fit(Model& net, const data::DatasetPtr& train, const FitOptions& options = {});

}  // namespace saccade
