#pragma once
#include <gmock/gmock.h>

#include <string>

#include "saccade/base/error.h"

namespace saccade {

/// Calls of operator new in this program so far.
long allocation_count();

/// The message of the E that `call` throws; the test fails when it throws nothing or something else.
template <class E, class Call>
std::string message_of(Call&& call) {
  try {
    call();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "another exception: " << error.what();
    return {};
  }
  ADD_FAILURE() << "no exception";
  return {};
}

}  // namespace saccade
