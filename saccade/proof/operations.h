#pragma once
#include <memory>
#include <span>
#include <string_view>

#include "saccade/proof/case.h"

namespace saccade::proof {

/// A case that has a name of its own: a layer of a known network.
struct NamedCase {
  std::string_view name;  ///< "lenet5.c1"
  std::string_view id;
};

/// What `saccade bench` knows by name.
struct Operation {
  std::string_view name;  ///< "conv2d"
  std::unique_ptr<Case> (*parse)(std::string_view id);
  std::span<const NamedCase> shapes;  ///< Timed when no case is given.
};

std::span<const Operation> operations();

bool is_operation(std::string_view name);

/// Throws ValueError with the names that exist.
const Operation& find_operation(std::string_view name);

}  // namespace saccade::proof
