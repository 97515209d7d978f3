#pragma once
#include <functional>
#include <string>
#include <vector>

#include "saccade/augment/image_data_generator.h"
#include "saccade/data/dataset.h"
#include "saccade/train/callback.h"

namespace saccade::cli {

/// Trains one network on digits as they are, sensibly augmented, and mirrored, for as many epochs and from as many seeds each.
struct AugmentationExperiment {
  std::string network = "lenet5";
  Index epochs = 8;
  Index seeds = 3;
  std::function<bool()> stop{};
  /// Asked before each training ("mirrored left to right, seed 1") who shall watch it.
  std::function<std::vector<CallbackPtr>(const std::string& title)> begin{};
};

/// One row of the table.
struct AugmentationRow {
  std::string name;  ///< "sensible"
  ImageDataGeneratorOptions options;
  std::vector<double> accuracy = {};  ///< On the test digits, which stay as they are; one a seed.

  double mean_accuracy() const;
};

/// Throws InterruptedError when stop() says so.
std::vector<AugmentationRow> run_augmentation_experiment(const data::TrainTest& set,
                                                         const AugmentationExperiment& experiment);

/// The table as people read it, as CSV, and a picture of the first digits under each row's options.
std::string augmentation_table(const std::vector<AugmentationRow>& rows);
std::string augmentation_csv(const std::vector<AugmentationRow>& rows);
Tensor augmentation_sheet(const std::vector<AugmentationRow>& rows, const data::Dataset& digits);

}  // namespace saccade::cli
