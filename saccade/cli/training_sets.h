#pragma once
#include <string>

#include "saccade/cli/console.h"
#include "saccade/cli/image_inputs.h"
#include "saccade/cli/train_options.h"
#include "saccade/data/dataset.h"
#include "saccade/nn/model.h"

namespace saccade::cli {

/// What `saccade train` trains on, validates on after each epoch, and reports on in the end.
struct TrainingSets {
  data::DatasetPtr train, validation, report;  ///< validation may be null.
  std::string report_part;                     ///< "test", "validation" or "training"
  std::string report_images;                   ///< "10000 images", and where they come from when that is not plain.
};

/// The parts there are before anything is set aside, found and not read yet.
struct FoundSets {
  UncheckedImages train, validation, test;
};

/// Finds them:
///   a standard set    its training and test part
///   a folder          with train/ and test/ or validation/: those; otherwise its images
///   a CSV file        its images
/// --validation-split, where it was left out, is set to 0.2 when there is neither a test part nor a validation part, else to
/// 0. `network` is what training goes on from, or null. Prints warnings. Throws ValueError, SystemError, FormatError.
FoundSets find_training_sets(TrainOptions& options, const Model* network, Console& console);

/// Reads every image that is not in memory, and takes validation images from the training part as --validation-split says.
/// Where there is nothing else the report is on the training images. Prints warnings. Throws ValueError, FormatError.
TrainingSets read_training_sets(const FoundSets& found, const TrainOptions& options, Console& console);

}  // namespace saccade::cli
