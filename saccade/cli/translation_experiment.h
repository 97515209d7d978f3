#pragma once
#include <functional>
#include <string>
#include <vector>

#include "saccade/data/dataset.h"
#include "saccade/train/callback.h"

namespace saccade::cli {

/// Trains two networks on digits in the middle and on shifted ones, and tests each on digits shifted by 0 .. max_shift
/// pixels.
struct TranslationOptions {
  std::vector<std::string> networks = {"mlp", "lenet5"};
  Index epochs = 4;
  Index max_shift = 8;
  std::uint64_t seed = 0;
  std::function<bool()> stop{};
  /// Asked before each training ("mlp, trained on centred digits") who shall watch it.
  std::function<std::vector<CallbackPtr>(const std::string& title)> begin{};
};

/// One row of the table: a network, what it was trained on, and its test accuracy for each shift.
struct TranslationRow {
  std::string network;
  Index parameters = 0;
  bool trained_on_shifted = false;
  std::vector<double> accuracy;  ///< [shift]
};

/// Test digits are moved by exactly s pixels: up, down, left or right, as an address stream says, uncovered pixels
/// black. "Shifted" training digits are moved by -max_shift .. max_shift pixels in both directions, anew each epoch.
/// Throws InterruptedError when stop() says so.
std::vector<TranslationRow> run_translation_experiment(const data::TrainTest& set, const TranslationOptions& options);

/// The table as people read it, as CSV, and as an HTML page with the curves drawn in SVG.
std::string translation_table(const std::vector<TranslationRow>& rows);
std::string translation_csv(const std::vector<TranslationRow>& rows);
std::string translation_html(const std::vector<TranslationRow>& rows);

}  // namespace saccade::cli
