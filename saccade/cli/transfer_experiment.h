#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "saccade/data/dataset.h"
#include "saccade/train/callback.h"

namespace saccade::cli {

/// Trains a small network on Latin letters, and goes on from it to Cyrillic ones and, where there are some, to photographs of
/// flowers: with few and with many images, training more and less of it.
struct TransferExperiment {
  std::filesystem::path fonts = "/usr/share/fonts";
  std::filesystem::path flowers = {};              ///< A folder with a sub-folder a class; none when empty.
  std::vector<Index> per_class = {2, 5, 20, 100};  ///< Images of each class to train on.
  Index seeds = 2;                                 ///< Trainings of each kind, on other images each.
  Index latin_per_class = 300;                     ///< Images of each letter that the start is trained on.
  Index steps = 500;                               ///< Of each training, about.
  std::function<bool()> stop{};
  /// Asked before each training ("Cyrillic letters, 20 a class: last layer, seed 1") who shall watch it.
  std::function<std::vector<CallbackPtr>(const std::string& title)> begin{};

  /// Enough to see that all of it works.
  void make_quick();
};

/// One row of the table.
struct TransferRow {
  std::string task;      ///< "Cyrillic letters"
  std::string training;  ///< "from scratch", "last layer", "last two layers" or "all layers"
  Index per_class = 0;
  std::vector<double> accuracy = {};  ///< On test images; one a seed.

  double mean_accuracy() const;
};

struct TransferResult {
  double latin_accuracy = 0.0;  ///< Of the start, on Latin letters in fonts that it has not seen.
  std::string fonts;            ///< "14 fonts of 6 families to train on, 8 of 2 to test on"
  std::vector<TransferRow> rows;
  Tensor letters;  ///< A sheet of them.
};

/// Throws InterruptedError when stop() says so, ValueError and others when there are no fonts or flowers.
TransferResult run_transfer_experiment(const TransferExperiment& experiment);

/// The table as people read it, as CSV, and as an HTML page with the curves drawn in SVG.
std::string transfer_table(const TransferResult& result);
std::string transfer_csv(const TransferResult& result);
std::string transfer_html(const TransferResult& result);

}  // namespace saccade::cli
