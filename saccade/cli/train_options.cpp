#include "saccade/cli/train_options.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/zoo/zoo.h"

namespace saccade::cli {
namespace {

/// Defaults that reach the accuracy people expect, by network.
struct Recipe {
  std::string_view model;
  Index epochs;
  Index batch_size;
  double learning_rate;
  std::string_view schedule;
  std::string_view optimizer = "adam";
  double weight_decay = 0.004;
};

constexpr Recipe kRecipes[] = {
    {"lenet5", 8, 128, 6e-3, "one-cycle"},
    {"mlp", 15, 128, 1e-3, "cosine"},
    {"vgg_small", 20, 128, 5e-3, "one-cycle"},
    {"airbench94", 12, 1000, 0.2, "one-cycle(up_fraction=0)", "muon", 0.0},
};
// LeNet-5 on the digits it was made for. In a few epochs large steps serve it best, in more they cost accuracy. Changed
// images are new ones in each epoch, so that more epochs pay; weight decay does, too.
constexpr Recipe kDigits{"", 3, 128, 1e-2, "one-cycle"};
constexpr Recipe kChangedDigits{"", 10, 128, 6e-3, "one-cycle", "adamw", 0.05};
constexpr Index kFewEpochs = 4;
// A few thousand photographs instead of 60,000 small pictures: smaller steps, and more often round.
constexpr Recipe kOfFolder{"", 30, 32, 3e-3, "one-cycle"};
constexpr Recipe kOfZoo{"", 20, 128, 1e-3, "one-cycle"};  // careful: some of its networks have no batch normalisation
constexpr Recipe kOfZooOfFolder{"", 30, 32, 1e-3, "one-cycle"};
constexpr Recipe kFineTuning{"", 5, 128, 1e-3, "cosine"};  // a network from a file is not begun anew
constexpr Recipe kNewHead{"", 10, 64, 1e-2, "cosine"};     // one layer learns: large steps do no harm

std::string_view default_model(std::string_view dataset) {
  if (dataset == "cifar10") return "airbench94";
  return dataset == "mnist" || dataset == "fashion-mnist" ? "lenet5" : "vgg_small";
}

bool augments(const TrainOptions& options) {
  return to_json(generator_options(options.augmentation, "train")) != to_json(ImageDataGeneratorOptions{});
}

Recipe recipe_of(const TrainOptions& options) {
  const std::string_view model = options.model;
  const bool of_folder = names_images(options.dataset);
  if (model == "lenet5" && options.dataset == "mnist") {
    if (options.augment || augments(options)) return kChangedDigits;
    if (options.epochs.value_or(kDigits.epochs) <= kFewEpochs) return kDigits;
  }
  for (const Recipe& known : kRecipes) {
    if (known.model == model) return of_folder ? kOfFolder : known;
  }
  const bool in_zoo = std::ranges::find(zoo::entries(), model, &zoo::Entry::name) != zoo::entries().end();
  if (!in_zoo) return kFineTuning;
  return of_folder ? kOfZooOfFolder : kOfZoo;
}

/// The rest of the recipe of "94% on CIFAR-10 in 3.29 seconds" (Jordan 2024).
void complete_airbench(TrainOptions& o) {
  if (!o.momentum) o.momentum = 0.6;
  if (!o.label_smoothing) o.label_smoothing = 0.2;
  if (o.first_layer.empty()) o.first_layer = "whitened";
  if (o.optimizer == "muon") o.fixed_norm = true;
  o.featurewise_center = o.featurewise_std_normalization = true;
  if (o.dataset != "cifar10") return;
  if (!augments(o)) {
    o.augmentation.horizontal_flip = true;
    o.augmentation.random_crop = 2;
    o.augmentation.fill_mode = "reflect";
    o.alternating_flip = true;
  }
  if (o.test_time_augmentation.empty()) o.test_time_augmentation = "flip-and-shift";
}

}  // namespace

void declare(const Command& command, TrainOptions& options) {
  command.add_all(options);
  std::string names;
  for (const zoo::Entry& entry : zoo::entries()) names += fmt::format("{}{}", names.empty() ? "" : ", ", entry.name);
  command.option("--model").describe(
      fmt::format("a network of the zoo ({}), or a file of a network to go on from", names));
}

std::string to_json(TrainOptions options, std::string_view version) {
  nlohmann::ordered_json values;
  options.visit([&](const char* flag, auto& value, const char*) {
    if constexpr (requires { value.value(); }) {
      if (value) values[flag] = *value;
    } else {
      values[flag] = value;
    }
  });
  const nlohmann::ordered_json config{{"saccade", version}, {"command", "train"}, {"options", values}};
  return config.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

TrainOptions train_options_from_json(const std::filesystem::path& path) {
  const auto fail = [&](const std::string& where, const std::string& expected) {
    throw FormatError({.where = path.string() + where,
                       .expected = expected,
                       .got = "something else",
                       .fix = "name a folder that 'saccade train' made"});
  };
  const nlohmann::json config = nlohmann::json::parse(read_text_file(path, Index{1} << 20), nullptr, false);
  if (!config.is_object() || !config.contains("options")) fail("", "the options of a training run, as JSON");
  TrainOptions options;
  options.visit([&](const char* flag, auto& value, const char*) {
    using Value = std::remove_reference_t<decltype(value)>;
    if (!config["options"].contains(flag)) return;  // of a version that did not have it: the default
    const nlohmann::json found = config["options"][flag];
    constexpr bool kIsText = std::is_same_v<Value, std::string>;
    const bool fits = kIsText                       ? found.is_string()
                      : std::is_same_v<Value, bool> ? found.is_boolean()
                                                    : found.is_number();
    if (!fits) fail(fmt::format(": option {}", flag), kIsText ? "a text" : "a number");
    if constexpr (requires { value.value(); }) {
      value = found.get<typename Value::value_type>();
    } else {
      value = found.get<Value>();
    }
  });
  return options;
}

void apply_recipe(TrainOptions& options) {
  if (!options.from.empty()) options.model = options.from;
  if (options.model.empty()) options.model = default_model(options.dataset);
  const bool head_only =
      !options.from.empty() && !options.train_all && options.train_from.empty() && options.train_last.value_or(1) == 1;
  const Recipe recipe = head_only ? kNewHead : recipe_of(options);
  if (options.augment && !augments(options)) options.augmentation = recommended_augmentation(options.dataset);
  if (!options.epochs) options.epochs = recipe.epochs;
  if (!options.batch_size) options.batch_size = recipe.batch_size;
  if (!options.learning_rate) options.learning_rate = recipe.learning_rate;
  if (options.schedule.empty()) options.schedule = recipe.schedule;
  if (options.optimizer.empty()) options.optimizer = recipe.optimizer;
  if (!options.weight_decay) options.weight_decay = recipe.weight_decay;
  if (options.model == "airbench94") complete_airbench(options);
  if (!options.momentum) options.momentum = options.optimizer == "muon" ? 0.95 : 0.9;
  if (!options.label_smoothing) options.label_smoothing = 0.0;
  if (options.first_layer.empty()) options.first_layer = "learned";
  if (options.test_time_augmentation.empty()) options.test_time_augmentation = "none";
}

}  // namespace saccade::cli
