#include "saccade/nn/arithmetic.h"

#include <fmt/format.h>

#include "saccade/base/error.h"
#include "saccade/nn/checks.h"
#include "saccade/nn/choice_internal.h"

namespace saccade {
namespace {

constexpr internal::Choices<ArithmeticKind, 4> kOperations{{{"add", ArithmeticKind::add},
                                                            {"subtract", ArithmeticKind::subtract},
                                                            {"multiply", ArithmeticKind::multiply},
                                                            {"divide", ArithmeticKind::divide}}};

class ArithmeticOperation final : public Operation {
 public:
  /// `parameter`: which of the two operands is the layer's own, or -1.
  ArithmeticOperation(kernels::ArithmeticProblem problem, int parameter, const PrepareContext& context)
      : parameter_(parameter), forward_(choose(kernels::arithmetic_implementations(), problem)) {
    problem.pass = kernels::Pass::backward_data;
    if (context.runs_backward()) backward_ = choose(kernels::arithmetic_implementations(), problem);
  }

  OperationMemory memory() const override { return {.backward_reads_src = true}; }
  void forward(const ForwardBuffers& b) override {
    forward_.kernel->run({.a = operand(0, b.src, b.parameters), .b = operand(1, b.src, b.parameters), .dst = b.dst});
  }
  void backward(const BackwardBuffers& b) override {
    const auto gradient = [&](int i) -> std::span<float> {
      if (i != parameter_) return b.grad_src[source(i)];
      return b.parameters[0]->learns() ? b.parameters[0]->grad.floats() : std::span<float>{};
    };
    backward_.kernel->run({.a = operand(0, b.src, b.parameters),
                           .b = operand(1, b.src, b.parameters),
                           .grad_dst = b.grad_dst,
                           .grad_a = gradient(0),
                           .grad_b = gradient(1)});
  }
  std::vector<Part> explain() const override {
    std::vector<Part> parts{{"forward", forward_.explanation}};
    if (backward_.kernel) parts.push_back({"backward", backward_.explanation});
    return parts;
  }

 private:
  std::size_t source(int i) const { return parameter_ < 0 ? static_cast<std::size_t>(i) : 0; }
  std::span<const float> operand(int i, std::span<const std::span<const float>> src,
                                 std::span<Parameter* const> parameters) const {
    return i == parameter_ ? std::as_const(*parameters[0]).value.floats() : src[source(i)];
  }

  int parameter_;
  kernels::Choice<kernels::ArithmeticKernel> forward_, backward_;
};

/// The extents behind a batch axis, with ones in front until there are `rank`.
std::vector<Index> aligned(const Shape& shape, Index batch, int rank) {
  std::vector<Index> extents(usize(rank - shape.rank()) + 1, 1);
  extents.front() = batch;
  extents.insert(extents.end(), shape.extents().begin(), shape.extents().end());
  return extents;
}

}  // namespace

void Arithmetic::visit(ArithmeticOptions& o, OptionVisitor& v) {
  internal::visit_choice("arithmetic", "operation", o.operation, kOperations, v);
  v.visit("operand", o.operand);
  v.visit("operand_first", o.operand_first);
  v.visit("trainable", o.trainable);
}

Shape Arithmetic::infer(std::span<const Shape> src) const {
  const bool own = src.size() == 1;
  const Shape& other = own ? options_.operand : src[1];
  checks::axis(label(), -1, src[0]);
  checks::axis(label() + (own ? ": operand" : ""), -1, other);
  bool fits = own ? other.rank() <= src[0].rank() : options_.operand.rank() == 0;
  fits = fits && (own || other.rank() == src[0].rank());
  std::vector<Index> extents(src[0].extents().begin(), src[0].extents().end());
  for (int k = 1; fits && k <= other.rank(); ++k) {
    Index& extent = extents[extents.size() - usize(k)];
    fits = extent == other[-k] || extent == 1 || other[-k] == 1;
    if (extent == 1) extent = other[-k];
  }
  if (!fits) {
    throw ShapeError({.where = label(),
                      .expected = own ? "an operand of at most the input's axes, each of its extent or 1"
                                      : "two inputs of as many axes, each of equal extents or 1, and no operand",
                      .got = fmt::format("{} and {}", src[0].to_string(), other.to_string()),
                      .fix = "Reshape puts axes of 1 where they are missing"});
  }
  return Shape(extents);
}

std::vector<ParameterSpec> Arithmetic::parameters(std::span<const Shape> src) const {
  if (src.size() != 1) return {};
  const bool scales = options_.operation == ArithmeticKind::multiply || options_.operation == ArithmeticKind::divide;
  return {{.name = "operand",
           .shape = options_.operand,
           .initializer = scales ? Initializer::ones() : Initializer::zeros(),
           .role = options_.trainable ? Parameter::Role::weight : Parameter::Role::state}};
}

std::unique_ptr<Operation> Arithmetic::prepare(const PrepareContext& context) const {
  const int rank = context.dst.rank();
  kernels::ArithmeticProblem problem{.kind = options_.operation, .a = aligned(context.src[0], context.batch, rank)};
  const bool own = context.src.size() == 1;
  problem.b = own ? aligned(options_.operand, 1, rank) : aligned(context.src[1], context.batch, rank);
  const bool swapped = own && options_.operand_first;
  if (swapped) std::swap(problem.a, problem.b);
  return std::make_unique<ArithmeticOperation>(std::move(problem), own ? (swapped ? 0 : 1) : -1, context);
}

}  // namespace saccade
