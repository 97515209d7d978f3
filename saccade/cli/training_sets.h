#pragma once
#include <string>

#include "saccade/cli/console.h"
#include "saccade/cli/train_options.h"
#include "saccade/data/dataset.h"

namespace saccade::cli {

/// What `saccade train` trains on, validates on after each epoch, and reports on in the end.
struct TrainingSets {
  data::DatasetPtr train, validation, report;
  std::string report_part;    ///< "test" or "validation"
  std::string report_images;  ///< "10000 images", and where they come from when that is not plain.
};

/// Reads them:
///   a standard set    its training and test part
///   a folder          with train/ and test/ or validation/: those; otherwise its images, split
///   a CSV file        its images, split
/// --validation-split takes validation images from the training part; where there is neither a test part nor a
/// validation part it is set to 0.2 when it was 0. Prints warnings. Throws ValueError, SystemError, FormatError.
TrainingSets load_training_sets(TrainOptions& options, Console& console);

}  // namespace saccade::cli
