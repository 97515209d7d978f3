#include "saccade/nn/slice.h"

#include <fmt/format.h>

#include <algorithm>

#include "saccade/base/error.h"
#include "saccade/nn/axis_map_internal.h"
#include "saccade/nn/checks.h"

namespace saccade {

void Slice::visit(SliceOptions& o, OptionVisitor& v) {
  v.visit("axis", o.axis);
  v.visit("start", o.start);
  v.visit("count", o.count);
  v.visit("step", o.step);
}

Shape Slice::infer(std::span<const Shape> src) const {
  const SliceOptions& o = options_;
  const Index axis = checks::axis(label(), o.axis, src[0]);
  const Index extent = src[0].extents()[usize(axis)];
  checks::positive(label(), "count", o.count);
  const bool small = std::min(o.start, o.step) >= -checks::kMost && std::max(o.start, o.step) <= checks::kMost;
  const Index last = small ? o.start + (o.count - 1) * o.step : -1;
  if (!small || o.step == 0 || std::min(o.start, last) < 0 || std::max(o.start, last) >= extent) {
    throw ShapeError(
        {.where = label(),
         .expected = fmt::format("positions from 0 to {} of axis {}, and a step other than 0", extent - 1, axis),
         .got = fmt::format("{} from {} on, {} apart", o.count, o.start, o.step),
         .fix = "take fewer"});
  }
  return internal::with_extent(src[0], axis, o.count);
}

std::unique_ptr<Operation> Slice::prepare(const PrepareContext& context) const {
  internal::AxisTaps taps;
  for (Index i = 0; i < options_.count; ++i) {
    taps.next();
    taps.add(options_.start + i * options_.step, 1.0);
  }
  return std::move(taps).prepare(context, checks::axis(label(), options_.axis, context.src[0]));
}

}  // namespace saccade
