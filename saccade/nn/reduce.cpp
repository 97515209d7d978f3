#include "saccade/nn/reduce.h"

#include "saccade/nn/axis_map_internal.h"
#include "saccade/nn/checks.h"
#include "saccade/nn/choice_internal.h"

namespace saccade {
namespace {

constexpr internal::Choices<Reduction, 2> kReductions{{{"mean", Reduction::mean}, {"sum", Reduction::sum}}};

}  // namespace

void Reduce::visit(ReduceOptions& o, OptionVisitor& v) {
  internal::visit_choice("reduce", "reduction", o.reduction, kReductions, v);
  v.visit("axis", o.axis);
  v.visit("keepdims", o.keepdims);
}

Shape Reduce::infer(std::span<const Shape> src) const {
  const Index axis = checks::axis(label(), options_.axis, src[0]);
  if (options_.keepdims || src[0].rank() == 1) return internal::with_extent(src[0], axis, 1);
  std::vector<Index> extents(src[0].extents().begin(), src[0].extents().end());
  extents.erase(extents.begin() + axis);
  return Shape(extents);
}

std::unique_ptr<Operation> Reduce::prepare(const PrepareContext& context) const {
  const Index axis = checks::axis(label(), options_.axis, context.src[0]);
  const Index extent = context.src[0].extents()[usize(axis)];
  const double weight = options_.reduction == Reduction::mean ? 1.0 / static_cast<double>(extent) : 1.0;
  internal::AxisTaps taps;
  taps.next();
  for (Index i = 0; i < extent; ++i) taps.add(i, weight);
  return std::move(taps).prepare(context, axis);
}

}  // namespace saccade
