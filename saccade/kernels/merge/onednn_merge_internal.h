#pragma once
#include <memory>
#include <string>

#include "saccade/kernels/merge/merge.h"

namespace saccade::kernels::onednn {

/// oneDNN's sum, one primitive per shard.
std::string decline_add(const AddProblem& problem);
std::unique_ptr<AddKernel> make_add(const AddProblem& problem);

/// oneDNN's concat, one primitive per shard of rows; backward, one reorder per input and shard.
std::string decline_concat(const ConcatProblem& problem);
std::unique_ptr<ConcatKernel> make_concat(const ConcatProblem& problem);

}  // namespace saccade::kernels::onednn
