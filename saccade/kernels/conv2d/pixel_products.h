#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/conv2d/conv2d.h"

namespace saccade::kernels {

/// Forward passes of convolutions of single pixels whose weights change from run to run, by products of small matrices: a few pixels
/// times the filter, while the next ones are brought to the cache.
std::string decline_pixel_products(const Conv2DProblem& problem);
std::unique_ptr<Conv2DKernel> make_pixel_products(const Conv2DProblem& problem);

}  // namespace saccade::kernels
