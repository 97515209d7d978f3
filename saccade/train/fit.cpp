#include "saccade/train/fit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cmath>
#include <map>
#include <memory>

#include "saccade/base/error.h"
#include "saccade/nn/plan.h"
#include "saccade/train/evaluate_internal.h"
#include "saccade/train/feature_cache_internal.h"
#include "saccade/train/interrupted.h"

namespace saccade {
namespace {

std::vector<Parameter*> pointers_to(std::span<Parameter> parameters) {
  std::vector<Parameter*> pointers;
  for (Parameter& parameter : parameters) pointers.push_back(&parameter);
  return pointers;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Tells whether a resumed run sees what the first part saw: the images' names, labels, weights and targets in order, and
/// their preprocessing.
Index hash_of(const data::Dataset& images, const Preprocessing& preprocessing) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  const auto add = [&hash](std::string_view bytes) {
    for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211ULL;
  };
  std::vector<float> target(images.has_targets() ? images.class_names().size() : 0);
  for (Index i = 0; i < images.size(); ++i) {
    add(fmt::format("{} {}\n", images.sample_name(i), images.label(i)));
    if (images.has_weights()) add(fmt::format("{}\n", images.weight(i)));
    if (images.has_targets()) {
      images.target(i, target);
      add(fmt::format("{}\n", fmt::join(target, " ")));
    }
  }
  add(fmt::format("{} {} {}", preprocessing.scale, fmt::join(preprocessing.mean, " "),
                  fmt::join(preprocessing.deviation, " ")));
  return static_cast<Index>(hash >> 1U);
}

/// One call of fit(): its position, its running means, and what it hands to callbacks.
class Trainer final : public TrainingControl {
 public:
  Trainer(Model& net, const data::DatasetPtr& train, const FitOptions& options);
  History run();

  Model& model() override { return net_; }
  void stop(std::string reason) override { history_.stopped_because = std::move(reason); }
  void scale_learning_rate(double factor) override { learning_rate_factor_ *= factor; }
  void save_checkpoint(const std::filesystem::path& path) override;

 private:
  /// Everything that depends on the number of images in a batch.
  struct Ready {
    Plan plan;
    LossOperation loss;
  };

  void check() const;
  void resume();
  Index stage_of(Index epoch) const;
  /// Unfreezes what is to learn in this stage of gradual unfreezing. Returns the layer it begins at, or nothing.
  std::string enter_stage(Index stage);
  void begin_epoch();
  /// Makes ready what the coming epochs train on.
  void choose_shown();
  void make_loader();
  Ready& ready_for(Index rows);
  void run_epoch();
  void run_step(data::Batch& batch);
  void end_epoch(std::chrono::steady_clock::time_point start);
  void require_finite(double loss, std::string_view name) const;
  double learning_rate() const;
  StepInfo step_info() const;
  std::map<std::string, Index> fingerprint();
  std::vector<NamedTensor> training_tensors();

  Model& net_;
  const FitOptions& options_;
  data::DatasetPtr train_, validation_;
  internal::Shown shown_;
  AnyOptimizer optimizer_;
  Mixer mixer_;
  std::optional<data::Loader> loader_;
  std::map<Index, Ready> ready_;
  std::vector<Parameter*> parameters_;

  Index stage_ = 0;         // of gradual unfreezing
  bool has_shown_ = false;  // whether choose_shown() has been called for it
  Schedule schedule_;
  std::optional<Index> data_hash_;  // once a checkpoint asks for it: every image's name goes in
  Index epoch_ = 0;                 // the epoch under way
  Index step_ = 0;                  // steps done in it
  Index global_step_ = 0;
  double loss_sum_ = 0.0;  // over the epoch's images so far
  Index correct_ = 0, seen_ = 0;
  double correct_weight_ = 0.0, weight_ = 0.0;  // of correct_ and seen_, where images have weights
  double learning_rate_factor_ = 1.0;
  History history_;
};

Trainer::Trainer(Model& net, const data::DatasetPtr& train, const FitOptions& options)
    : net_(net),
      options_(options),
      train_(train),
      validation_(options.validation),
      optimizer_(options.optimizer),
      mixer_(options.mixing, net.output_shape()[0], options.seed) {
  saccade::check(options.fine_tuning);
  if (options.fine_tuning.block_decay != 1.0 || options.fine_tuning.head_factor != 1.0) {
    set_learning_rates(net, options.fine_tuning);
  }
  apply(options.fine_tuning.batch_norm, net);
  check();
  if (!validation_ && options.validation_split > 0.0) {
    const data::Split parts = data::split(train, options.validation_split, options.seed);
    train_ = parts.train;
    validation_ = parts.validation;
  }
  shown_ = {.train = train_, .validation = validation_};
  make_loader();
  schedule_ = options.schedule.value_or(ConstantRate{});
  if (const double epochs = options.fine_tuning.warmup_epochs; epochs > 0.0) {
    const double steps = std::round(epochs * static_cast<double>(loader_->batches()));
    schedule_ = Schedule::warm_up(std::max<Index>(1, static_cast<Index>(std::min(steps, 1e9))), schedule_);
  }
  parameters_ = pointers_to(net.parameters());
  ready_for(std::min(options.batch_size, train_->size()));
  optimizer_->bind(parameters_);
  if (!options.resume.empty()) resume();
}

void Trainer::check() const {
  if (options_.epochs < 1) {
    throw ValueError({.where = "fit: epochs",
                      .expected = "at least 1",
                      .got = std::to_string(options_.epochs),
                      .fix = "one epoch shows every image once"});
  }
  check_fit(net_, *train_);
  options_.loss.check(net_);
  if (options_.validation) check_fit(net_, *options_.validation);
  if (net_.trainable_count() == 0) {
    throw ValueError({.where = fmt::format("fit: network '{}'", net_.name()),
                      .expected = "at least one parameter that learns",
                      .got = "every parameter frozen",
                      .fix = "unfreeze a layer, e.g. the last"});
  }
}

void Trainer::make_loader() {
  loader_.emplace(shown_.train,
                  data::LoaderOptions{.batch_size = options_.batch_size,
                                      .shuffle = options_.shuffle,
                                      .seed = options_.seed,
                                      .workers = options_.workers,
                                      .max_queue_size = options_.max_queue_size,
                                      .preprocessing = shown_.first == 0 ? net_.preprocessing : Preprocessing::none(),
                                      .transform = options_.transform,
                                      .plan = options_.plan});
}

Index Trainer::stage_of(Index epoch) const {
  const Index every = options_.fine_tuning.unfreeze_every;
  return every == 0 ? 0 : epoch / every;
}

std::string Trainer::enter_stage(Index stage) {
  stage_ = stage;
  std::string layer = unfreeze_next_block(net_);
  if (layer.empty()) return layer;
  apply(options_.fine_tuning.batch_norm, net_);
  optimizer_->bind_more(parameters_);
  return layer;
}

void Trainer::begin_epoch() {
  if (stage_of(epoch_) > stage_) {
    const std::string layer = enter_stage(stage_of(epoch_));
    if (!layer.empty()) {
      ready_.clear();
      has_shown_ = false;
      for (const CallbackPtr& callback : options_.callbacks) callback->on_unfreeze(*this, layer);
    }
  }
  if (!has_shown_) choose_shown();
  has_shown_ = true;
}

void Trainer::choose_shown() {
  const bool shows_features = shown_.first != 0;
  shown_ = {.train = train_, .validation = validation_};  // before features are computed: those there were may go
  if (shows_features) make_loader();
  const Index every = options_.fine_tuning.unfreeze_every;
  const Index end = every == 0 ? options_.epochs : std::min(options_.epochs, (stage_ + 1) * every);
  if (end - epoch_ < 2) return;
  shown_ = internal::features_or_images(net_, {.train = train_, .validation = validation_}, options_,
                                        [this](const FeatureInfo& info) {
                                          for (const CallbackPtr& callback : options_.callbacks)
                                            callback->on_features(*this, info);
                                        });
  if (shown_.first == 0) return;
  ready_.clear();
  make_loader();
}

Trainer::Ready& Trainer::ready_for(Index rows) {
  const auto found = ready_.find(rows);
  if (found != ready_.end()) return found->second;
  const Index classes = net_.output_shape()[0];
  return ready_
      .emplace(rows, Ready{Plan(net_, rows, PlanMode::training, {.first = shown_.first}),
                           LossOperation(options_.loss, rows, classes)})
      .first->second;
}

double Trainer::learning_rate() const {
  const double base = optimizer_->base_learning_rate();
  const Horizon horizon{.learning_rate = base,
                        .steps_per_epoch = loader_->batches(),
                        .total_steps = options_.epochs * loader_->batches()};
  return schedule_.at(global_step_, horizon) * learning_rate_factor_;
}

StepInfo Trainer::step_info() const {
  const auto images = static_cast<double>(std::max<Index>(seen_, 1));
  return {.epoch = epoch_,
          .epochs = options_.epochs,
          .step = step_,
          .steps = loader_->batches(),
          .global_step = global_step_,
          .images = seen_,
          .all_images = train_->size(),
          .loss = loss_sum_ / images,
          .accuracy = static_cast<double>(correct_) / images,
          .learning_rate = learning_rate()};
}

void Trainer::require_finite(double loss, std::string_view name) const {
  if (!options_.terminate_on_nan || std::isfinite(loss)) return;
  throw ValueError(
      {.where = fmt::format("training, epoch {} step {}: {}", epoch_ + 1, name == "loss" ? step_ + 1 : step_, name),
       .expected = "a finite number",
       .got = fmt::format("{}", loss),
       .fix = fmt::format("lower the learning rate (it is {:.3g}), clip gradients by global norm 1, or check "
                          "the images for extreme values",
                          learning_rate())});
}

void Trainer::run_step(data::Batch& batch) {
  Ready& now = ready_for(batch.rows());
  const StepAddress address{.seed = options_.seed, .step = static_cast<std::uint32_t>(global_step_)};
  const Targets targets = mixer_.mix(batch);
  const std::span<const float> output = now.plan.forward(batch.images.floats(), address);
  const auto classes = usize(net_.output_shape()[0]);
  for (std::size_t row = 0; row < batch.labels.size(); ++row) {
    const bool correct = argmax(output.subspan(row * classes, classes)) == batch.labels[row];
    correct_ += correct ? 1 : 0;
    if (batch.weights.empty()) continue;
    weight_ += static_cast<double>(batch.weights[row]);
    if (correct) correct_weight_ += static_cast<double>(batch.weights[row]);
  }
  double loss = now.loss.run(output, targets, now.plan.output_grad());
  require_finite(loss, "loss");
  now.plan.backward(optimizer_->begin_step(learning_rate()));
  loss += add_l2(parameters_) * static_cast<double>(batch.rows());
  optimizer_->step(learning_rate());
  loss_sum_ += loss;
  seen_ += batch.rows();
}

void Trainer::run_epoch() {
  const auto start = std::chrono::steady_clock::now();
  loader_->start(epoch_, step_);
  data::Batch batch;
  while (loader_->next(batch)) {
    run_step(batch);
    ++step_;
    StepInfo info = step_info();
    ++global_step_;
    info.global_step = global_step_;
    for (const CallbackPtr& callback : options_.callbacks) callback->on_step_end(*this, info);
    if (options_.stop && options_.stop()) {
      history_.interrupted = true;
      for (const CallbackPtr& callback : options_.callbacks) callback->on_checkpoint(*this);
      return;
    }
  }
  end_epoch(start);
}

void Trainer::end_epoch(std::chrono::steady_clock::time_point start) {
  const StepInfo last = step_info();
  EpochInfo info{.epoch = epoch_, .epochs = options_.epochs, .global_step = global_step_, .logs = {}};
  info.logs["loss"] = last.loss;
  info.logs["accuracy"] = last.accuracy;
  if (train_->has_weights()) info.logs["weighted_accuracy"] = weight_ == 0.0 ? 0.0 : correct_weight_ / weight_;
  info.logs["learning_rate"] = last.learning_rate;
  optimizer_->swap_averages();  // what validation sees and callbacks save is what training would end with
  if (validation_) {
    const Evaluation result = internal::evaluate_from(
        net_, shown_.first, shown_.validation,
        {.batch_size = evaluation_batch(options_.batch_size), .loss = options_.loss, .workers = options_.workers});
    require_finite(result.loss, "val_loss");
    info.logs["val_loss"] = result.loss;
    info.logs["val_accuracy"] = result.accuracy;
    if (validation_->has_weights()) info.logs["val_weighted_accuracy"] = result.weighted_accuracy();
  }
  info.logs["seconds"] = seconds_since(start);
  history_.epochs.push_back(info.logs);
  ++epoch_;
  step_ = 0;
  loss_sum_ = correct_weight_ = weight_ = 0.0;
  correct_ = seen_ = 0;
  for (const CallbackPtr& callback : options_.callbacks) callback->on_epoch_end(*this, info);
  optimizer_->swap_averages();
  for (const CallbackPtr& callback : options_.callbacks) callback->on_checkpoint(*this);
}

History Trainer::run() {
  history_.first_epoch = epoch_;
  for (const CallbackPtr& callback : options_.callbacks) callback->on_train_begin(*this, epoch_);
  while (!history_.interrupted && epoch_ < options_.epochs && history_.stopped_because.empty()) {
    try {
      begin_epoch();
    } catch (const InterruptedError&) {
      history_.interrupted = true;
      for (const CallbackPtr& callback : options_.callbacks) callback->on_checkpoint(*this);
      break;
    }
    run_epoch();
  }
  if (!history_.interrupted) optimizer_->swap_averages();
  for (const CallbackPtr& callback : options_.callbacks) callback->on_train_end(*this);
  return std::move(history_);
}

/// Options that a resumed run must share with the one it goes on from; otherwise it would not end with the same weights.
std::map<std::string, Index> Trainer::fingerprint() {
  if (!data_hash_) data_hash_ = hash_of(*train_, net_.preprocessing);
  return {{"fit/batch_size", options_.batch_size},
          {"fit/seed", static_cast<Index>(options_.seed)},
          {"fit/shuffle", options_.shuffle ? 1 : 0},
          {"fit/images", train_->size()},
          {"fit/data", *data_hash_},
          {"fit/mixup", static_cast<Index>(std::llround(options_.mixing.mixup * 1e9))},
          {"fit/block_decay", static_cast<Index>(std::llround(options_.fine_tuning.block_decay * 1e9))},
          {"fit/head_factor", static_cast<Index>(std::llround(options_.fine_tuning.head_factor * 1e9))},
          {"fit/unfreeze_every", options_.fine_tuning.unfreeze_every},
          {"fit/batch_norm", static_cast<Index>(options_.fine_tuning.batch_norm)},
          {"fit/warmup_epochs", static_cast<Index>(std::llround(options_.fine_tuning.warmup_epochs * 1e9))},
          {"fit/cutmix", static_cast<Index>(std::llround(options_.mixing.cutmix * 1e9))},
          {"fit/epochs", options_.epochs}};
}

/// Weights and the optimiser's memory, under the names they have in a checkpoint.
std::vector<NamedTensor> Trainer::training_tensors() {
  std::vector<NamedTensor> named;
  for (Parameter* parameter : parameters_) named.push_back({"model/" + parameter->name, &parameter->value});
  for (NamedTensor& slot : optimizer_->state()) named.push_back({"optimizer/" + slot.name, slot.tensor});
  return named;
}

void Trainer::save_checkpoint(const std::filesystem::path& path) {
  Checkpoint checkpoint;
  for (const auto& [key, value] : fingerprint()) checkpoint.set_index(key, value);
  checkpoint.set_text("fit/optimizer", std::string(optimizer_->name()));
  checkpoint.set_text("fit/stopped_because", history_.stopped_because);
  checkpoint.set_index("fit/epoch", epoch_);
  checkpoint.set_index("fit/step", step_);
  checkpoint.set_index("fit/global_step", global_step_);
  checkpoint.set_index("fit/correct", correct_);
  checkpoint.set_index("fit/seen", seen_);
  checkpoint.set_double("fit/loss_sum", loss_sum_);
  checkpoint.set_double("fit/correct_weight", correct_weight_);
  checkpoint.set_double("fit/weight", weight_);
  checkpoint.set_double("fit/learning_rate_factor", learning_rate_factor_);
  checkpoint.set_index("fit/optimizer_iterations", optimizer_->iterations());
  for (const CallbackPtr& callback : options_.callbacks) callback->save_state(checkpoint);
  std::vector<NamedTensor> named = training_tensors();
  std::vector<TensorEntry> tensors;
  for (const NamedTensor& entry : named) tensors.push_back({entry.name, entry.tensor});
  for (const auto& [name, tensor] : checkpoint.tensors()) tensors.push_back({name, &tensor});
  checkpoint.save(path, tensors);
}

void Trainer::resume() {
  const Checkpoint checkpoint = Checkpoint::load(options_.resume);
  for (const auto& [key, value] : fingerprint()) {
    const Index saved = checkpoint.get_index(key);
    if (saved == value) continue;
    throw ValueError({.where = fmt::format("resume from {}: {}", options_.resume.string(), key.substr(4)),
                      .expected = std::to_string(saved),
                      .got = std::to_string(value),
                      .fix = key == "fit/data"
                                 ? "the images, their labels or preprocessing have changed since: begin a new run"
                                 : "a run goes on with the options it was begun with"});
  }
  if (checkpoint.get_text("fit/optimizer") != optimizer_->name()) {
    throw ValueError({.where = fmt::format("resume from {}: optimizer", options_.resume.string()),
                      .expected = checkpoint.get_text("fit/optimizer"),
                      .got = std::string(optimizer_->name()),
                      .fix = "a run goes on with the options it was begun with"});
  }
  epoch_ = checkpoint.get_index("fit/epoch");
  step_ = checkpoint.get_index("fit/step");
  // The stage that the checkpoint was written in; the next one begins with its first epoch.
  const Index stage = stage_of(step_ > 0 ? epoch_ : std::max<Index>(epoch_ - 1, 0));
  while (stage_ < stage) {
    optimizer_->set_iterations((stage_ + 1) * options_.fine_tuning.unfreeze_every * loader_->batches());
    enter_stage(stage_ + 1);
  }
  for (const NamedTensor& entry : training_tensors()) {
    *entry.tensor = checkpoint.get_tensor(entry.name, entry.tensor->shape());
  }
  optimizer_->set_iterations(checkpoint.get_index("fit/optimizer_iterations"));
  global_step_ = checkpoint.get_index("fit/global_step");
  correct_ = checkpoint.get_index("fit/correct");
  seen_ = checkpoint.get_index("fit/seen");
  loss_sum_ = checkpoint.get_double("fit/loss_sum");
  correct_weight_ = checkpoint.get_double("fit/correct_weight");
  weight_ = checkpoint.get_double("fit/weight");
  learning_rate_factor_ = checkpoint.get_double("fit/learning_rate_factor");
  history_.stopped_because = checkpoint.get_text("fit/stopped_because");
  for (const CallbackPtr& callback : options_.callbacks) callback->load_state(checkpoint);
}

}  // namespace

History fit(Model& net, const data::DatasetPtr& train, const FitOptions& options) {
  return Trainer(net, train, options).run();
}

}  // namespace saccade
