#include "saccade/nn/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "saccade/base/error.h"
#include "saccade/kernels/merge/merge.h"
#include "saccade/kernels/merge/multiply.h"
#include "saccade/nn/checks.h"
#include "saccade/nn/twin_operation.h"

namespace saccade {
namespace {

constexpr std::pair kTwoOrMore{2, std::numeric_limits<int>::max()};

class AddOperation final : public Operation {
 public:
  explicit AddOperation(const kernels::AddProblem& problem)
      : choice_(choose(kernels::add_implementations(), problem)) {}

  OperationMemory memory() const override { return {.in_place = true}; }
  void forward(const ForwardBuffers& b) override { choice_.kernel->run({.src = b.src, .dst = b.dst}); }
  void backward(const BackwardBuffers& b) override {
    for (const std::span<float> grad : b.grad_src) {
      if (!grad.empty() && grad.data() != b.grad_dst.data()) std::ranges::copy(b.grad_dst, grad.begin());
    }
  }
  std::vector<Part> explain() const override { return explain_one("forward", choice_.explanation); }

 private:
  kernels::Choice<kernels::AddKernel> choice_;
};

class ConcatenateOperation final : public Operation {
 public:
  ConcatenateOperation(kernels::ConcatProblem problem, bool training)
      : forward_(choose(kernels::concat_implementations(), problem)) {
    problem.pass = kernels::Pass::backward_data;
    if (training) backward_ = choose(kernels::concat_implementations(), problem);
  }

  OperationMemory memory() const override { return {}; }
  void forward(const ForwardBuffers& b) override { forward_.kernel->run({.src = b.src, .dst = b.dst}); }
  void backward(const BackwardBuffers& b) override {
    backward_.kernel->run({.grad_dst = b.grad_dst, .grad_src = b.grad_src});
  }
  std::vector<Part> explain() const override {
    std::vector<Part> parts = explain_one("forward", forward_.explanation);
    if (backward_.kernel) parts.push_back({"backward_data", backward_.explanation});
    return parts;
  }

 private:
  kernels::Choice<kernels::ConcatKernel> forward_, backward_;
};

class MultiplyOperation final : public Operation {
 public:
  /// `factor`: which of the two inputs has one number a channel.
  MultiplyOperation(kernels::MultiplyProblem problem, std::size_t factor, bool backward)
      : factor_(factor), forward_(choose(kernels::multiply_implementations(), problem)) {
    problem.pass = kernels::Pass::backward_data;
    if (backward) backward_ = choose(kernels::multiply_implementations(), problem);
  }

  OperationMemory memory() const override {
    const Index scratch = backward_.kernel ? backward_.kernel->scratch_bytes() : 0;
    return {.scratch_bytes = std::max(scratch, forward_.kernel->scratch_bytes()), .backward_reads_src = true};
  }
  void forward(const ForwardBuffers& b) override {
    forward_.kernel->run({.src = b.src[1 - factor_], .factor = b.src[factor_], .dst = b.dst, .scratch = b.scratch});
  }
  void backward(const BackwardBuffers& b) override {
    backward_.kernel->run({.src = b.src[1 - factor_],
                           .factor = b.src[factor_],
                           .grad_dst = b.grad_dst,
                           .grad_src = b.grad_src[1 - factor_],
                           .grad_factor = b.grad_src[factor_],
                           .scratch = b.scratch});
  }
  std::vector<Part> explain() const override {
    std::vector<Part> parts = explain_one("forward", forward_.explanation);
    if (backward_.kernel) parts.push_back({"backward_data", backward_.explanation});
    return parts;
  }

 private:
  std::size_t factor_;
  kernels::Choice<kernels::MultiplyKernel> forward_, backward_;
};

bool is_factor_of(const Shape& factor, const Shape& image) {
  return image.rank() == 3 && factor == Shape{1, 1, image[2]};
}

}  // namespace

Shape Multiply::infer(std::span<const Shape> src) const {
  if (src[0] == src[1] || is_factor_of(src[1], src[0])) return src[0];
  if (is_factor_of(src[0], src[1])) return src[1];
  throw ShapeError({.where = label(),
                    .expected = "two inputs of one shape, or an image and [1, 1, its channels]",
                    .got = fmt::format("{} and {}", src[0].to_string(), src[1].to_string()),
                    .fix = "GlobalAveragePool2D with keepdims makes [1, 1, channels]"});
}

std::unique_ptr<Operation> Multiply::prepare(const PrepareContext& context) const {
  const Shape &a = context.src[0], &b = context.src[1];
  const bool one_shape = a == b;
  const std::size_t factor = one_shape || is_factor_of(b, a) ? 1 : 0;
  const Index c = one_shape ? a.elements() : a[2];
  return std::make_unique<MultiplyOperation>(
      kernels::MultiplyProblem{.n = context.batch, .pixels = context.dst.elements() / std::max<Index>(c, 1), .c = c},
      factor, context.runs_backward());
}

std::pair<int, int> Add::input_count() const { return kTwoOrMore; }

Shape Add::infer(std::span<const Shape> src) const {
  for (const Shape& shape : src) {
    if (shape == src[0]) continue;
    throw ShapeError({.where = label(),
                      .expected = fmt::format("inputs of one shape, {}", src[0].to_string()),
                      .got = shape.to_string(),
                      .fix = "bring the branches to the same height, width and channels (a 1x1 Conv2D does)"});
  }
  return src[0];
}

std::unique_ptr<Operation> Add::prepare(const PrepareContext& context) const {
  return std::make_unique<AddOperation>(
      kernels::AddProblem{.inputs = isize(context.src.size()), .elements = context.batch * context.dst.elements()});
}

std::pair<int, int> Concatenate::input_count() const { return kTwoOrMore; }

Shape Concatenate::infer(std::span<const Shape> src) const {
  const auto axis = usize(checks::axis(label(), options_.axis, src[0]));
  std::vector<Index> extents(src[0].extents().begin(), src[0].extents().end());
  for (const Shape& shape : src.subspan(1)) {
    std::vector<Index> expected = extents;
    if (shape.rank() == src[0].rank()) expected[axis] = shape.extents()[axis];
    if (shape.rank() != src[0].rank() || !std::ranges::equal(shape.extents(), expected)) {
      throw ShapeError(
          {.where = label(),
           .expected = fmt::format("inputs like {} in all but {}", src[0].to_string(),
                                   axis + 1 == extents.size() ? "the last axis" : fmt::format("axis {}", axis)),
           .got = shape.to_string(),
           .fix = "bring the branches to the same height and width"});
    }
    extents[axis] += shape.extents()[axis];
  }
  return Shape(extents);
}

std::unique_ptr<Operation> Concatenate::prepare(const PrepareContext& context) const {
  const auto axis = usize(checks::axis(label(), options_.axis, context.dst));
  kernels::ConcatProblem problem{.rows = context.batch, .channels = {}};
  for (const Index extent : context.dst.extents().first(axis)) problem.rows *= extent;
  for (const Shape& shape : context.src) {
    problem.channels.push_back(context.batch * shape.elements() / problem.rows);
  }
  return std::make_unique<ConcatenateOperation>(std::move(problem), context.runs_backward());
}

}  // namespace saccade
