#pragma once
#include <string>
#include <utility>

#include "saccade/base/error.h"

namespace saccade::internal {

/// Calls `call`; what a layer or the network objects to becomes an error of the file.
template <class Call>
auto in_file(const std::string& where, Call call) {
  try {
    return call();
  } catch (const FormatError&) {
    throw;
  } catch (const Error& error) {
    ErrorText text = error.text();
    text.where = text.where.empty() ? where : where + ": " + text.where;
    throw FormatError(std::move(text));
  }
}

}  // namespace saccade::internal
