#pragma once
#include <stdexcept>

namespace saccade {

/// The user asked to stop (Ctrl-C) in the middle of something that leaves nothing behind.
class InterruptedError : public std::runtime_error {
 public:
  InterruptedError() : std::runtime_error("interrupted") {}
};

}  // namespace saccade
