#include "saccade/cli/peak_memory.h"

#include <malloc.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace saccade::cli {
namespace {

/// A line of /proc/self/status, which counts in KiB.
std::optional<Index> status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    Index kibibytes = 0;
    if (word == key && status >> kibibytes) return kibibytes * 1024;
  }
  return std::nullopt;
}

}  // namespace

PeakMemory::PeakMemory() {
  malloc_trim(0);                                 // what was freed before must not be what is taken now
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak begins anew
  if (status_bytes("VmHWM:")) before_ = status_bytes("VmRSS:");
}

std::optional<Index> PeakMemory::growth_bytes() const {
  const std::optional<Index> peak = status_bytes("VmHWM:");
  if (!before_ || !peak) return std::nullopt;
  return std::max<Index>(0, *peak - *before_);
}

}  // namespace saccade::cli
