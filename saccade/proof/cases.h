#pragma once
#include <memory>
#include <string_view>

#include "saccade/proof/case.h"

/// One parser an operation: the case whose id() is given. Names that are left out are 1 (pads 0); ValueError for anything
/// that is not a case of the operation.
namespace saccade::proof {

std::unique_ptr<Case> parse_conv2d(std::string_view id);  ///< "_same" stands for the pads of SAME.
std::unique_ptr<Case> parse_dense(std::string_view id);
std::unique_ptr<Case> parse_pool2d(std::string_view id);  ///< "_same" likewise; "_max" or "_average".

}  // namespace saccade::proof
