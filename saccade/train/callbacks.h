#pragma once
#include <chrono>
#include <filesystem>
#include <iosfwd>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "saccade/optim/plateau.h"
#include "saccade/train/callback.h"
#include "saccade/train/csv_log.h"
#include "saccade/train/event_file.h"

namespace saccade {

/// Watches one metric for its best value. Keras's modes: a name with "acc" in it is better when larger, others when
/// smaller.
class Monitor {
 public:
  Monitor(std::string metric, double min_delta);
  const std::string& metric() const noexcept { return metric_; }
  /// The metric's value this epoch. Throws ValueError that lists the metrics there are.
  double value(const Logs& logs, std::string_view who) const;
  /// Whether `value` beats the best so far by more than min_delta (strictly); if so it is the new best.
  bool improves(double value);
  double best() const noexcept { return best_; }
  void set_best(double best) noexcept { best_ = best; }

 private:
  std::string metric_;
  double min_delta_;
  bool larger_is_better_;
  double best_;
};

struct EarlyStoppingOptions {
  std::string monitor = "val_loss";
  double min_delta = 0.0;  ///< A smaller change is no improvement.
  Index patience = 0;      ///< Epochs without improvement before training ends.
  bool restore_best_weights =
      false;  ///< Ends with the weights of the best epoch, also when training was not stopped early.
};

/// Ends training when a metric no longer improves. Source: keras.callbacks.EarlyStopping.
class EarlyStopping final : public Callback {
 public:
  explicit EarlyStopping(EarlyStoppingOptions options = {});
  void on_epoch_end(TrainingControl& control, const EpochInfo& info) override;
  void on_train_end(TrainingControl& control) override;
  void save_state(Checkpoint& checkpoint) const override;
  void load_state(const Checkpoint& checkpoint) override;

 private:
  EarlyStoppingOptions options_;
  Monitor monitor_;
  Index wait_ = 0;
  std::vector<std::pair<std::string, Tensor>> best_weights_;
};

struct ModelCheckpointOptions {
  std::filesystem::path folder;          ///< Gets last.ckpt, last.safetensors and best.safetensors.
  std::string monitor = "val_accuracy";  ///< Decides which epoch is best; loss when there is no validation.
  double every_seconds = 60.0;           ///< Also in the middle of long epochs.
};

/// Keeps what a run needs to go on (last.ckpt) and its networks: the latest and the best. Each file appears whole or
/// not at all.
/// Source: keras.callbacks.ModelCheckpoint, BackupAndRestore.
class ModelCheckpoint final : public Callback {
 public:
  explicit ModelCheckpoint(ModelCheckpointOptions options);
  void on_train_begin(TrainingControl& control, Index first_epoch) override;
  void on_step_end(TrainingControl& control, const StepInfo& info) override;
  void on_epoch_end(TrainingControl& control, const EpochInfo& info) override;
  void on_checkpoint(TrainingControl& control) override;
  void on_train_end(TrainingControl& control) override;
  void save_state(Checkpoint& checkpoint) const override;
  void load_state(const Checkpoint& checkpoint) override;

 private:
  ModelCheckpointOptions options_;
  Monitor monitor_;
  std::chrono::steady_clock::time_point saved_at_;
};

/// Lowers the learning rate when a metric no longer improves. Source: keras.callbacks.ReduceLROnPlateau.
class ReduceLROnPlateau final : public Callback {
 public:
  /// options.mode goes by the metric's name, as Monitor's does.
  explicit ReduceLROnPlateau(PlateauOptions options = {}, std::string monitor = "val_loss");
  void on_epoch_end(TrainingControl& control, const EpochInfo& info) override;
  void save_state(Checkpoint& checkpoint) const override;
  void load_state(const Checkpoint& checkpoint) override;

 private:
  Plateau plateau_;
  Monitor monitor_;
};

/// metrics.csv: one row an epoch. Source: keras.callbacks.CSVLogger.
class CSVLogger final : public Callback {
 public:
  explicit CSVLogger(std::filesystem::path path) : path_(std::move(path)) {}
  void on_train_begin(TrainingControl& control, Index first_epoch) override;
  void on_epoch_end(TrainingControl& control, const EpochInfo& info) override;

 private:
  std::filesystem::path path_;
  std::optional<CsvLog> log_;
};

/// TensorBoard's event files: the epoch's metrics as scalars over the step. Source: keras.callbacks.TensorBoard.
class TensorBoard final : public Callback {
 public:
  explicit TensorBoard(std::filesystem::path folder) : folder_(std::move(folder)) {}
  void on_train_begin(TrainingControl& control, Index first_epoch) override;
  void on_epoch_end(TrainingControl& control, const EpochInfo& info) override;

 private:
  std::filesystem::path folder_;
  std::optional<EventFile> file_;
};

struct ProgressOptions {
  bool live = true;            ///< Redraw one line with '\r' (a terminal); otherwise only finished epochs are printed.
  int width_columns = 80;      ///< Of the terminal.
  double every_seconds = 0.1;  ///< At most one redraw in so long.
};

/// Prints Keras's progress: "Epoch 2/10  345/469 [=====>....]  loss 0.0812  accuracy 0.9754  ETA 1s", then a line of
/// metrics an epoch.
class Progress final : public Callback {
 public:
  explicit Progress(std::ostream& out, ProgressOptions options = {}) : out_(out), options_(options) {}
  void on_features(TrainingControl& control, const FeatureInfo& info) override;
  void on_unfreeze(TrainingControl& control, const std::string& layer) override;
  void on_step_end(TrainingControl& control, const StepInfo& info) override;
  void on_epoch_end(TrainingControl& control, const EpochInfo& info) override;
  void on_train_end(TrainingControl& control) override;

 private:
  /// Draws over the open line: head, a bar of done / all where there is room, tail.
  void draw(const std::string& head, Index done, Index all, const std::string& tail);

  std::ostream& out_;
  ProgressOptions options_;
  std::chrono::steady_clock::time_point drawn_at_{}, epoch_start_{};
  Index first_step_ = 0;  // of the epoch, as seen here: a resumed epoch begins in the middle
  bool line_open_ = false;
};

}  // namespace saccade
