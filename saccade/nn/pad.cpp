#include "saccade/nn/pad.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "saccade/base/error.h"
#include "saccade/nn/axis_map_internal.h"
#include "saccade/nn/checks.h"
#include "saccade/nn/choice_internal.h"

namespace saccade {
namespace {

constexpr internal::Choices<PadMode, 3> kPadModes{
    {{"constant", PadMode::constant}, {"edge", PadMode::edge}, {"reflect", PadMode::reflect}}};

}  // namespace

void Pad::visit(PadOptions& o, OptionVisitor& v) {
  v.visit("axis", o.axis);
  v.visit("before", o.before);
  v.visit("after", o.after);
  internal::visit_choice("pad", "mode", o.mode, kPadModes, v);
  v.visit("value", o.value);
}

Shape Pad::infer(std::span<const Shape> src) const {
  const PadOptions& o = options_;
  const Index axis = checks::axis(label(), o.axis, src[0]);
  const Index extent = src[0].extents()[usize(axis)];
  const Index most = o.mode == PadMode::reflect ? extent - 1 : checks::kMost;
  if (std::min(o.before, o.after) < 0 || std::max(o.before, o.after) > most) {
    throw ValueError({.where = label(),
                      .expected = fmt::format("before and after from 0 to {}", most),
                      .got = fmt::format("{} and {}", o.before, o.after),
                      .fix = "Slice takes positions away"});
  }
  if (!std::isfinite(o.value)) {
    throw ValueError(
        {.where = label() + ": value", .expected = "a finite number", .got = fmt::format("{}", o.value), .fix = ""});
  }
  return internal::with_extent(src[0], axis, o.before + extent + o.after);
}

std::unique_ptr<Operation> Pad::prepare(const PrepareContext& context) const {
  const Index axis = checks::axis(label(), options_.axis, context.src[0]);
  const Index extent = context.src[0].extents()[usize(axis)];
  internal::AxisTaps taps;
  for (Index i = -options_.before; i < extent + options_.after; ++i) {
    taps.next();
    const Index nearest = std::clamp(i, Index{0}, extent - 1);
    if (i == nearest || options_.mode == PadMode::edge) {
      taps.add(nearest, 1.0);
    } else if (options_.mode == PadMode::reflect) {
      taps.add(2 * nearest - i, 1.0);
    }
  }
  return std::move(taps).prepare(context, axis, options_.value);
}

}  // namespace saccade
