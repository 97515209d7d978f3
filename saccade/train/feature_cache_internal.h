#pragma once
#include <cstddef>
#include <functional>

#include "saccade/train/callback.h"
#include "saccade/train/fit.h"

namespace saccade::internal {

/// What epochs train and validate on.
struct Shown {
  std::size_t first = 0;                    ///< What images become at this node (PlanPart::first); 0: images.
  data::DatasetPtr train, validation = {};  ///< The latter may be null.
};

/// The images, or the features of as deep a frozen part as fits into FeatureCacheOptions::max_bytes. `report` is told how
/// computing them goes, and once that nothing fits. Throws InterruptedError when options.stop says so.
Shown features_or_images(Model& net, const Shown& images, const FitOptions& options,
                         const std::function<void(const FeatureInfo&)>& report);

}  // namespace saccade::internal
