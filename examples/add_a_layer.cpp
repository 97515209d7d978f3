#include <saccade/saccade.h>

#include <cmath>
#include <iostream>

using namespace saccade;

// 1. What a user may choose.
struct ChannelScaleOptions {
  float initial = 1.0F;  ///< The factors at the start, finite.
  std::string name{};
};

// 2. How it computes, once shapes are known: y[p,c] = x[p,c] * weight[c] for every pixel p of the batch.
class ChannelScaleOperation final : public Operation {
 public:
  explicit ChannelScaleOperation(Index channels) : channels_(usize(channels)) {}

  OperationMemory memory() const override { return {.backward_reads_src = true}; }

  void forward(const ForwardBuffers& b) override {
    const std::span<const float> weight = b.parameters[0]->value.floats();
    for (std::size_t i = 0; i < b.dst.size(); ++i) b.dst[i] = b.src[0][i] * weight[i % channels_];
  }

  void backward(const BackwardBuffers& b) override {
    const std::span<const float> weight = b.parameters[0]->value.floats();
    if (b.parameters[0]->learns()) {  // gradients are written whole, never added to
      const std::span<float> grad = b.parameters[0]->grad.floats();
      std::ranges::fill(grad, 0.0F);
      for (std::size_t i = 0; i < b.grad_dst.size(); ++i) grad[i % channels_] += b.grad_dst[i] * b.src[0][i];
    }
    if (b.grad_src[0].empty()) return;  // nobody below learns
    for (std::size_t i = 0; i < b.grad_dst.size(); ++i) b.grad_src[0][i] = b.grad_dst[i] * weight[i % channels_];
  }

 private:
  std::size_t channels_;
};

// 3. What it is: options by name, shapes, parameters, and the operation for a batch.
class ChannelScale final : public LayerOf<ChannelScale, ChannelScaleOptions> {
 public:
  using LayerOf::LayerOf;
  static constexpr std::string_view kType = "ChannelScale";
  static void visit(ChannelScaleOptions& options, OptionVisitor& visitor) { visitor.visit("initial", options.initial); }

  Shape infer(std::span<const Shape> src) const override {
    if (!std::isfinite(options_.initial)) {
      throw ValueError({.where = label() + ": initial",
                        .expected = "a finite number",
                        .got = std::to_string(options_.initial),
                        .fix = "1 changes nothing"});
    }
    return src[0];
  }
  std::vector<ParameterSpec> parameters(std::span<const Shape> src) const override {
    return {{.name = "weight",
             .shape = {src[0][-1]},
             .initializer = Initializer::constant(static_cast<double>(options_.initial))}};
  }
  Index multiply_adds(std::span<const Shape> src) const override { return src[0].elements(); }
  std::unique_ptr<Operation> prepare(const PrepareContext& context) const override {
    return std::make_unique<ChannelScaleOperation>(context.dst[-1]);
  }
};

int main() {
  Model net = Sequential("scaled", {
                                       Input{{4, 4, 3}},
                                       ChannelScale{{.initial = 2.0F}},
                                       Flatten{},
                                       Dense{{.units = 2}},
                                   });
  std::cout << net.summary();

  // The gradient of sum(y) with respect to one factor, against a difference quotient.
  Plan plan(net, 1, PlanMode::training);
  Tensor image({1, 4, 4, 3});
  std::ranges::fill(image.floats(), 0.5F);
  const auto sum = [&] {
    double total = 0.0;
    for (const float y : plan.forward(image.floats())) total += static_cast<double>(y);
    return total;
  };
  sum();
  std::ranges::fill(plan.output_grad(), 1.0F);
  plan.backward();
  Parameter& weight = net.parameter("channel_scale.weight");
  const double gradient = static_cast<double>(weight.grad.floats()[1]);
  weight.value.floats()[1] = 3.0F;
  const double up = sum();
  weight.value.floats()[1] = 1.0F;
  const double quotient = (up - sum()) / 2.0;
  std::cout << "gradient " << gradient << ", difference quotient " << quotient << "\n";
  return std::abs(gradient - quotient) < 1e-4 ? 0 : 1;
}
