#include "saccade/nn/frozen_cuts.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "saccade/base/random.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/depthwise_conv2d.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/merge.h"
#include "saccade/nn/plan.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/testing_internal.h"
#include "saccade/nn/view.h"

namespace saccade {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A convolution with what folds into it, a residual block, a pooled vector, and a head behind a dropout.
Model residual() {
  const Node x = input({8, 8, 3});
  Node y = Conv2D{{.filters = 4, .kernel = 3, .use_bias = false, .name = "stem"}}(x);
  y = ActivationLayer{{.activation = relu, .name = "stem_relu"}}(BatchNorm{{.name = "stem_norm"}}(y));
  Node branch = Conv2D{{.filters = 4, .kernel = 3, .padding = same, .name = "block"}}(y);
  branch = BatchNorm{{.name = "block_norm"}}(branch);
  y = ActivationLayer{{.activation = relu, .name = "sum_relu"}}(Add{{.name = "sum"}}({branch, y}));
  y = Dropout{{.rate = 0.3F, .name = "drop"}}(GlobalAveragePool2D{{.name = "pool"}}(y));
  Model net("residual", x, Dense{{.units = 3, .name = "head"}}(y));
  Stream stream(3, 0, 0, slot_of("weights"));
  for (Parameter& parameter : net.parameters()) {
    for (float& value : parameter.value.floats()) value = 0.5F + stream.uniform();
  }
  return net;
}

std::vector<std::string> names_of(const Model& net, const std::vector<std::size_t>& nodes) {
  std::vector<std::string> names;
  for (const std::size_t i : nodes) names.push_back(net.nodes()[i].name);
  return names;
}

// A convolution that takes its gradient back through the normalisation behind it is a step by itself.
TEST(FrozenCuts, AreNoneWhereAllLearns) {
  const Node x = input({32, 32, 16});
  Node y = Conv2D{{.filters = 16, .kernel = 1, .use_bias = false, .name = "head"}}(x);
  y = Conv2D{{.filters = 32, .kernel = 1, .use_bias = false, .name = "expand"}}(y);
  y = ActivationLayer{{.activation = relu}}(BatchNorm{}(y));
  y = DepthwiseConv2D{{.kernel = 3, .padding = same, .use_bias = false}}(y);
  Model net("net", x, Dense{{.units = 2}}(GlobalAveragePool2D{}(y)));
  EXPECT_THAT(frozen_cuts(net), IsEmpty());
  net.freeze("head*");
  EXPECT_THAT(names_of(net, frozen_cuts(net)), ElementsAre("head"));
}

TEST(FrozenCuts, AreWhereOneTensorPassesThatNothingChanges) {
  Model net = residual();
  EXPECT_THAT(frozen_cuts(net), IsEmpty());
  net.train_from("head");
  // Not between a convolution and what folds into it, not inside the block, not behind a dropout that drops.
  EXPECT_THAT(names_of(net, frozen_cuts(net)), ElementsAre("stem_relu", "sum", "sum_relu", "pool"));
  net.train_from("block");
  EXPECT_THAT(names_of(net, frozen_cuts(net)), ElementsAre("stem_relu"));
  net.train_from("head");
  net.unfreeze("stem_norm");
  EXPECT_THAT(names_of(net, frozen_cuts(net)), ElementsAre("stem"));
}

TEST(NarrowNodes, AreThoseThatAllElseGoesThrough) {
  const Model net = residual();
  EXPECT_THAT(names_of(net, narrow_nodes(net.graph())),
              ElementsAre("input", "stem", "stem_norm", "stem_relu", "sum", "sum_relu", "pool", "drop", "head"));
}

TEST(FrozenCuts, NothingIsGainedBelowTheFirstWeights) {
  const Node x = input({4, 4, 1});
  Model net("flat", x, Dense{{.units = 2}}(Flatten{}(x)));
  EXPECT_THAT(frozen_cuts(net), IsEmpty());
}

/// Everything that a step leaves behind: the output, then the gradients.
std::vector<float> step(Plan& plan, Model& net, std::span<const float> images) {
  const std::span<const float> output = plan.forward(images, {.seed = 5, .step = 2});
  std::vector<float> all(output.begin(), output.end());
  for (std::size_t i = 0; i < plan.output_grad().size(); ++i) plan.output_grad()[i] = static_cast<float>(i) - 3.0F;
  plan.backward();
  for (const Parameter& parameter : net.parameters()) {
    if (parameter.learns()) all.insert(all.end(), parameter.grad.floats().begin(), parameter.grad.floats().end());
  }
  return all;
}

TEST(FrozenCuts, TrainingFromOneGivesTheSameBits) {
  Model net = residual();
  net.train_from("head");
  std::vector<float> images(usize(5 * net.input_shape().elements()));
  Stream stream(1, 0, 0, slot_of("images"));
  for (float& value : images) value = stream.uniform() - 0.5F;
  Plan whole(net, 5, PlanMode::training);
  const std::vector<float> expected = step(whole, net, images);
  for (const std::size_t cut : frozen_cuts(net)) {
    Plan below(net, 5, PlanMode::constant, {.last = cut});
    const std::span<const float> crossing = below.forward(images);
    Plan above(net, 5, PlanMode::training, {.first = cut});
    EXPECT_EQ(step(above, net, crossing), expected) << net.nodes()[cut].name;
    EXPECT_LT(above.arena_bytes(), whole.arena_bytes());
  }
}

TEST(Plan, RefusesAPartThatIsNone) {
  Model net = residual();
  const auto part = [&](std::size_t first, std::size_t last) {
    return message_of<ValueError>([&] { Plan(net, 1, PlanMode::inference, {.first = first, .last = last}); });
  };
  EXPECT_THAT(part(4, 6), HasSubstr("expected nothing behind 'block' to read what lies before it, got 'sum' reads"));
  EXPECT_THAT(part(5, 4), HasSubstr("got 5 and 4"));
  EXPECT_THAT(part(0, 99), HasSubstr("got 0 and 99"));
}

}  // namespace
}  // namespace saccade
