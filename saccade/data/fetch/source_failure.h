#pragma once
#include <stdexcept>

namespace saccade::data {

/// A source cannot give what it was asked for: missing, damaged, unreachable. fetch() notes the reason and asks the next
/// source; this exception never reaches its caller. Trouble with the cache itself is a SystemError, which does.
class SourceFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace saccade::data
