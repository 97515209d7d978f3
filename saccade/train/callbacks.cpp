#include "saccade/train/callbacks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>

#include "saccade/base/error.h"

namespace saccade {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

bool is_better_when_larger(std::string_view metric) { return metric.find("acc") != std::string_view::npos; }

/// "9s", "2m05s", "1h02m"
std::string duration(double seconds) {
  const auto whole = static_cast<Index>(std::llround(seconds));
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
}

/// "412 MB", "1.27 GB"
std::string megabytes(Index bytes) {
  const double mega = static_cast<double>(bytes) / 1e6;
  return mega < 1000 ? fmt::format("{:.{}f} MB", mega, mega < 10 ? 1 : 0) : fmt::format("{:.2f} GB", mega / 1000);
}

}  // namespace

Monitor::Monitor(std::string metric, double min_delta)
    : metric_(std::move(metric)),
      min_delta_(std::abs(min_delta)),
      larger_is_better_(is_better_when_larger(metric_)),
      best_(larger_is_better_ ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity()) {}

double Monitor::value(const Logs& logs, std::string_view who) const {
  const auto found = logs.find(metric_);
  if (found != logs.end()) return found->second;
  std::string known;
  for (const auto& [name, unused] : logs) known += fmt::format("{}{}", known.empty() ? "" : ", ", name);
  throw ValueError({.where = fmt::format("{}: monitor", who),
                    .expected = "one of " + known,
                    .got = fmt::format("'{}'", metric_),
                    .fix = "give validation data for val_loss and val_accuracy, or monitor loss"});
}

bool Monitor::improves(double value) {
  const bool better = larger_is_better_ ? value - min_delta_ > best_ : value + min_delta_ < best_;
  if (better) best_ = value;
  return better;
}

EarlyStopping::EarlyStopping(EarlyStoppingOptions options)
    : options_(std::move(options)), monitor_(options_.monitor, options_.min_delta) {}

void EarlyStopping::on_epoch_end(TrainingControl& control, const EpochInfo& info) {
  const double value = monitor_.value(info.logs, "early stopping");
  if (monitor_.improves(value)) {
    wait_ = 0;
    if (!options_.restore_best_weights) return;
    best_weights_.clear();
    for (const Parameter& p : control.model().parameters()) best_weights_.emplace_back(p.name, p.value);
    return;
  }
  ++wait_;
  if (info.epoch > 0 && wait_ >= options_.patience) {
    control.stop(fmt::format("{} has not improved on {:.4f} for {} epoch{}", monitor_.metric(), monitor_.best(), wait_,
                             wait_ == 1 ? "" : "s"));
  }
}

void EarlyStopping::on_train_end(TrainingControl& control) {
  for (const auto& [name, value] : best_weights_) control.model().parameter(name).value = value;
}

void EarlyStopping::save_state(Checkpoint& checkpoint) const {
  checkpoint.set_index("early_stopping/wait", wait_);
  checkpoint.set_double("early_stopping/best", monitor_.best());
  for (const auto& [name, value] : best_weights_) checkpoint.add_tensor("early_stopping/" + name, value);
}

void EarlyStopping::load_state(const Checkpoint& checkpoint) {
  wait_ = checkpoint.get_index("early_stopping/wait");
  monitor_.set_best(checkpoint.get_double("early_stopping/best"));
  constexpr std::string_view kPrefix = "early_stopping/";
  best_weights_.clear();
  for (const auto& [name, value] : checkpoint.tensors()) {
    if (name.starts_with(kPrefix)) best_weights_.emplace_back(name.substr(kPrefix.size()), value);
  }
}

ModelCheckpoint::ModelCheckpoint(ModelCheckpointOptions options)
    : options_(std::move(options)), monitor_(options_.monitor, 0.0) {}

void ModelCheckpoint::on_train_begin(TrainingControl& /*control*/, Index /*first_epoch*/) {
  std::filesystem::create_directories(options_.folder);
  saved_at_ = Clock::now();
}

void ModelCheckpoint::on_step_end(TrainingControl& control, const StepInfo& info) {
  // The last step of an epoch is followed by on_checkpoint anyway.
  if (info.step < info.steps && seconds_between(saved_at_, Clock::now()) >= options_.every_seconds) {
    on_checkpoint(control);
  }
}

void ModelCheckpoint::on_epoch_end(TrainingControl& control, const EpochInfo& info) {
  if (info.epoch == 0 && !info.logs.contains(monitor_.metric())) monitor_ = Monitor("loss", 0.0);
  if (monitor_.improves(monitor_.value(info.logs, "checkpoint"))) {
    control.model().save(options_.folder / "best.safetensors");
  }
}

void ModelCheckpoint::on_checkpoint(TrainingControl& control) {
  control.save_checkpoint(options_.folder / "last.ckpt");
  saved_at_ = Clock::now();
}

void ModelCheckpoint::on_train_end(TrainingControl& control) {
  control.model().save(options_.folder / "last.safetensors");
}

void ModelCheckpoint::save_state(Checkpoint& checkpoint) const {
  checkpoint.set_text("model_checkpoint/monitor", monitor_.metric());
  checkpoint.set_double("model_checkpoint/best", monitor_.best());
}

void ModelCheckpoint::load_state(const Checkpoint& checkpoint) {
  monitor_ = Monitor(checkpoint.get_text("model_checkpoint/monitor"), 0.0);
  monitor_.set_best(checkpoint.get_double("model_checkpoint/best"));
}

ReduceLROnPlateau::ReduceLROnPlateau(PlateauOptions options, std::string monitor)
    : plateau_([&] {
        options.mode = is_better_when_larger(monitor) ? PlateauMode::max : PlateauMode::min;
        return options;
      }()),
      monitor_(std::move(monitor), 0.0) {}

void ReduceLROnPlateau::on_epoch_end(TrainingControl& control, const EpochInfo& info) {
  const double now = info.logs.at("learning_rate");
  const double next = plateau_.update(monitor_.value(info.logs, "reduce on plateau"), now);
  if (next != now) control.scale_learning_rate(next / now);
}

void ReduceLROnPlateau::save_state(Checkpoint& checkpoint) const {
  const Plateau::State& state = plateau_.state();
  checkpoint.set_double("reduce_on_plateau/best", state.best);
  checkpoint.set_index("reduce_on_plateau/wait", state.wait);
  checkpoint.set_index("reduce_on_plateau/cooldown_counter", state.cooldown_counter);
}

void ReduceLROnPlateau::load_state(const Checkpoint& checkpoint) {
  plateau_.set_state({.best = checkpoint.get_double("reduce_on_plateau/best"),
                      .wait = checkpoint.get_index("reduce_on_plateau/wait"),
                      .cooldown_counter = checkpoint.get_index("reduce_on_plateau/cooldown_counter")});
}

void CSVLogger::on_train_begin(TrainingControl& /*control*/, Index first_epoch) { log_.emplace(path_, first_epoch); }

void CSVLogger::on_epoch_end(TrainingControl& /*control*/, const EpochInfo& info) { log_->row(info.epoch, info.logs); }

void TensorBoard::on_train_begin(TrainingControl& /*control*/, Index first_epoch) {
  file_.emplace(folder_, first_epoch);
}

void TensorBoard::on_epoch_end(TrainingControl& /*control*/, const EpochInfo& info) {
  const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  for (const auto& [name, value] : info.logs) file_->scalar(name, value, info.epoch, now);
  file_->flush();
}

void Progress::on_step_end(TrainingControl& /*control*/, const StepInfo& info) {
  const Clock::time_point now = Clock::now();
  if (epoch_start_ == Clock::time_point{}) {
    epoch_start_ = now;
    first_step_ = info.step;
  }
  const bool last = info.step == info.steps;
  if (!options_.live || (!last && seconds_between(drawn_at_, now) < options_.every_seconds)) return;
  drawn_at_ = now;
  const double done_here = static_cast<double>(info.step - first_step_);
  const double left = static_cast<double>(info.steps - info.step);
  const std::string eta =
      done_here > 0 ? duration(seconds_between(epoch_start_, now) / done_here * left) : std::string("-");
  const std::string head = fmt::format("epoch {:>2}/{}  {:>{}}/{} ", info.epoch + 1, info.epochs, info.step,
                                       fmt::format("{}", info.steps).size(), info.steps);
  const std::string tail = fmt::format(" loss {:.4f}  accuracy {:.4f}  ETA {}", info.loss, info.accuracy, eta);
  draw(head, info.step, info.steps, tail);
}

void Progress::draw(const std::string& head, Index done, Index all, const std::string& tail) {
  const Index room = options_.width_columns - isize(head.size() + tail.size()) - 3;
  std::string bar;
  if (room >= 5) {
    const Index width = std::min<Index>(room, 30);
    const Index filled = width * done / all;
    bar = fmt::format("[{}{}{}]", std::string(usize(std::max<Index>(filled - 1, 0)), '='), filled > 0 ? ">" : "",
                      std::string(usize(width - filled), '.'));
  }
  out_ << '\r' << head << bar << tail << "\x1b[K" << std::flush;
  line_open_ = true;
}

void Progress::on_features(TrainingControl& /*control*/, const FeatureInfo& info) {
  const std::string layers = fmt::format("frozen: {} of {} layers", info.layers, info.all_layers);
  if (info.bytes > info.max_bytes) {
    out_ << fmt::format(
                "{}; their features of {} images would take {}, more than {}: they are computed in each epoch\n",
                layers, info.all_images, megabytes(info.bytes), megabytes(info.max_bytes))
         << std::flush;
    return;
  }
  if (info.images == info.all_images) {
    if (line_open_) out_ << "\r\x1b[K";
    line_open_ = false;
    out_ << fmt::format("{}; features of {} images kept: {}  {:.1f}s\n", layers, info.all_images, megabytes(info.bytes),
                        info.seconds)
         << std::flush;
    return;
  }
  const Clock::time_point now = Clock::now();
  if (!options_.live || seconds_between(drawn_at_, now) < options_.every_seconds) return;
  drawn_at_ = now;
  const double left = static_cast<double>(info.all_images - info.images) / static_cast<double>(info.images);
  draw(fmt::format("features  {:>{}}/{} ", info.images, std::to_string(info.all_images).size(), info.all_images),
       info.images, info.all_images, "  ETA " + duration(info.seconds * left));
}

void Progress::on_unfreeze(TrainingControl& control, const std::string& layer) {
  out_ << fmt::format("from '{}' on layers learn now: {} parameters\n", layer, control.model().trainable_count())
       << std::flush;
}

void Progress::on_epoch_end(TrainingControl& /*control*/, const EpochInfo& info) {
  if (line_open_) out_ << "\r\x1b[K";
  line_open_ = false;
  epoch_start_ = {};
  out_ << fmt::format("epoch {:>2}/{}  loss {:.4f}  accuracy {:.4f}", info.epoch + 1, info.epochs, info.logs.at("loss"),
                      info.logs.at("accuracy"));
  if (info.logs.contains("val_accuracy")) {
    out_ << fmt::format("  val_loss {:.4f}  val_accuracy {:.4f}", info.logs.at("val_loss"),
                        info.logs.at("val_accuracy"));
  }
  out_ << fmt::format("  {:.1f}s\n", info.logs.at("seconds")) << std::flush;
}

void Progress::on_train_end(TrainingControl& /*control*/) {
  if (line_open_) out_ << "\n";
  line_open_ = false;
}

}  // namespace saccade
