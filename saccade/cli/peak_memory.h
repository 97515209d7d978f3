#pragma once
#include <optional>

#include "saccade/base/integer.h"

namespace saccade::cli {

/// How much memory the process comes to hold beyond what it held when this object was made: the greatest resident size since,
/// as Linux counts it. One at a time.
class PeakMemory {
 public:
  PeakMemory();
  /// Nothing where the system does not tell.
  std::optional<Index> growth_bytes() const;

 private:
  std::optional<Index> before_;
};

}  // namespace saccade::cli
