#include "saccade/nn/axis_map_internal.h"
#include "saccade/nn/kernel_pair_operation.h"

namespace saccade::internal {

std::unique_ptr<Operation> AxisTaps::prepare(const PrepareContext& context, Index axis, float fill) && {
  const std::span<const Index> extents = context.src[0].extents();
  kernels::AxisMapProblem problem{.outer = context.batch,
                                  .in = extents[usize(axis)],
                                  .first = std::move(first_),
                                  .taps = std::move(taps_),
                                  .fill = fill};
  for (const Index extent : extents.first(usize(axis))) problem.outer *= extent;
  for (const Index extent : extents.subspan(usize(axis) + 1)) problem.inner *= extent;
  return std::make_unique<KernelPairOperation<kernels::AxisMapProblem, kernels::AxisMapKernel>>(
      kernels::axis_map_implementations(), std::move(problem), context.runs_backward(), false);
}

Shape with_extent(const Shape& src, Index axis, Index extent) {
  std::vector<Index> extents(src.extents().begin(), src.extents().end());
  extents[usize(axis)] = extent;
  return Shape(extents);
}

}  // namespace saccade::internal
