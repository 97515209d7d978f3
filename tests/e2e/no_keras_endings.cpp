#include "keras_endings.h"

namespace saccade::e2e {

std::vector<std::string> keras_endings() { return {}; }

}  // namespace saccade::e2e
