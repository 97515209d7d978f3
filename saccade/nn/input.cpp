#include "saccade/nn/input.h"

#include "saccade/base/error.h"

namespace saccade {

Shape Input::infer(std::span<const Shape> /*src*/) const {
  const Shape& shape = options_.shape;
  if (shape.rank() == 0 || shape.elements() == 0) {
    throw ShapeError({.where = label(),
                      .expected = "the shape of one image, such as [28, 28, 1]",
                      .got = shape.to_string(),
                      .fix = "give height, width and channels, all at least 1"});
  }
  return shape;
}

std::unique_ptr<Operation> Input::prepare(const PrepareContext& /*context*/) const {
  return nullptr;  // A plan hands the images over itself.
}

Node input(Shape shape, std::string name) { return {std::make_shared<Input>(shape, std::move(name)), {}}; }

}  // namespace saccade
