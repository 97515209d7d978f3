#include "saccade/nn/view.h"

#include <fmt/format.h>

#include "saccade/base/error.h"

namespace saccade {

std::unique_ptr<Operation> Flatten::prepare(const PrepareContext& /*context*/) const {
  return std::make_unique<ViewOperation>();
}

Shape Reshape::infer(std::span<const Shape> src) const {
  if (options_.shape.elements() != src[0].elements()) {
    throw ShapeError({.where = label(),
                      .expected = fmt::format("{} elements like its input {}", src[0].elements(), src[0].to_string()),
                      .got = options_.shape.to_string(),
                      .fix = "choose a shape with as many elements"});
  }
  return options_.shape;
}

std::unique_ptr<Operation> Reshape::prepare(const PrepareContext& /*context*/) const {
  return std::make_unique<ViewOperation>();
}

}  // namespace saccade
