#pragma once
#include <string>
#include <vector>

namespace saccade::e2e {

/// How names of Keras's files end; none where Saccade was built without HDF5, and cannot read them.
std::vector<std::string> keras_endings();

}  // namespace saccade::e2e
