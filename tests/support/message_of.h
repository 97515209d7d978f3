#pragma once
#include <string>

#include "saccade/base/error.h"

namespace saccade::test {

/// What the E that `call` throws says, or "no error". Any other exception goes on, and fails the test.
template <class E = Error, class Call>
std::string message_of(Call&& call) {
  try {
    call();
  } catch (const E& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace saccade::test
