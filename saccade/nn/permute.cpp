#include "saccade/nn/permute.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "saccade/base/error.h"
#include "saccade/kernels/permute/permute.h"
#include "saccade/nn/kernel_pair_operation.h"

namespace saccade {

Shape Permute::infer(std::span<const Shape> src) const {
  const std::span<const Index> axes = options_.axes.extents();
  std::vector<Index> sorted(axes.begin(), axes.end()), all(usize(src[0].rank()));
  std::ranges::sort(sorted);
  std::iota(all.begin(), all.end(), Index{0});
  if (sorted != all || src[0].elements() == 0) {
    throw ShapeError(
        {.where = label() + ": axes",
         .expected = fmt::format("each axis of {} once, counted from 0 without the batch", src[0].to_string()),
         .got = options_.axes.to_string(),
         .fix = "an image's axes are 0, 1 and 2"});
  }
  std::vector<Index> extents;
  for (const Index axis : axes) extents.push_back(src[0].extents()[usize(axis)]);
  return Shape(extents);
}

std::unique_ptr<Operation> Permute::prepare(const PrepareContext& context) const {
  kernels::PermuteProblem problem{.extents = {context.batch}, .order = {0}};
  for (const Index extent : context.src[0].extents()) problem.extents.push_back(extent);
  for (const Index axis : options_.axes.extents()) problem.order.push_back(axis + 1);
  return std::make_unique<KernelPairOperation<kernels::PermuteProblem, kernels::PermuteKernel>>(
      kernels::permute_implementations(), std::move(problem), context.runs_backward(), false);
}

}  // namespace saccade
