#include "saccade/kernels/activation/activation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "saccade/kernels/testing_internal.h"

namespace saccade::kernels {
namespace {

using testing::ElementsAre;
using testing::FloatEq;
using testing::Pointwise;

/// The kernel of an implementation; where it declines the problem, the one that is taken in its place.
std::unique_ptr<ActivationKernel> make(const ActivationImplementation& implementation,
                                       const ActivationProblem& problem) {
  if (implementation.decline(problem).empty()) return implementation.make(problem);
  return choose(activation_implementations(), problem).kernel;
}

/// Calls check(forward, backward) with every implementation's functions of one vector.
template <class Check>
void for_each_implementation(Activation activation, const Check& check) {
  for (const ActivationImplementation& implementation : activation_implementations()) {
    SCOPED_TRACE(std::string(implementation.name));
    ActivationProblem problem{.activation = activation};
    const auto forward = [&](const std::vector<float>& src) {
      problem.pass = Pass::forward;
      problem.elements = isize(src.size());
      std::vector<float> dst(src.size());
      make(implementation, problem)->run({.src = src, .dst = dst});
      return dst;
    };
    const auto backward = [&](const std::vector<float>& dst, const std::vector<float>& grad_dst) {
      problem.pass = Pass::backward_data;
      problem.elements = isize(dst.size());
      std::vector<float> grad_src(dst.size());
      // `dst` stands for the input where the gradient is a function of that.
      make(implementation, problem)->run({.src = dst, .grad_dst = grad_dst, .dst_in = dst, .grad_src = grad_src});
      return grad_src;
    };
    check(forward, backward);
  }
}

TEST(Activation, KinksAndSigns) {
  for_each_implementation(Activation::relu, [](const auto& forward, const auto& backward) {
    EXPECT_THAT(forward({-2.0F, -0.0F, 0.0F, 1e-30F, 3.0F}), ElementsAre(0.0F, 0.0F, 0.0F, 1e-30F, 3.0F));
    EXPECT_THAT(backward({0.0F, 0.0F, 1e-30F, 3.0F}, {5.0F, -5.0F, 5.0F, -5.0F}), ElementsAre(0.0F, 0.0F, 5.0F, -5.0F));
  });
  for_each_implementation(Activation::relu6, [](const auto& forward, const auto& backward) {
    EXPECT_THAT(forward({-1.0F, 0.0F, 5.9999995F, 6.0F, 7.0F}), ElementsAre(0.0F, 0.0F, 5.9999995F, 6.0F, 6.0F));
    EXPECT_THAT(backward({0.0F, 1e-30F, 5.9999995F, 6.0F}, {5.0F, 5.0F, 5.0F, 5.0F}),
                ElementsAre(0.0F, 5.0F, 5.0F, 0.0F));
  });
  for_each_implementation(Activation::clip, [](const auto& forward, const auto& backward) {
    EXPECT_THAT(forward({-1.0F, 0.0F, 0.25F, 1.0F, 7.0F}), ElementsAre(0.0F, 0.0F, 0.25F, 1.0F, 1.0F));
    EXPECT_THAT(backward({0.0F, 0.25F, 1.0F}, {5.0F, 5.0F, 5.0F}), ElementsAre(0.0F, 5.0F, 0.0F));
  });
  for_each_implementation(Activation::leaky_relu, [](const auto& forward, const auto& backward) {
    EXPECT_THAT(forward({-10.0F, 0.0F, 10.0F}), ElementsAre(-2.0F, 0.0F, 10.0F));
    EXPECT_THAT(backward({-2.0F, 0.0F, 10.0F}, {10.0F, 10.0F, 10.0F}), ElementsAre(2.0F, 2.0F, 10.0F));
  });
}

TEST(Activation, WorkedValues) {
  for_each_implementation(Activation::sigmoid, [](const auto& forward, const auto& backward) {
    EXPECT_THAT(forward({0.0F, 1.0F, -1.0F, 10.0F, -10.0F}),
                Pointwise(FloatEq(), {0.5F, 0.73105858F, 0.26894142F, 0.99995460F, 4.5397868e-05F}));
    EXPECT_THAT(backward({0.5F, 0.25F, 1.0F}, {4.0F, 16.0F, 1.0F}), ElementsAre(1.0F, 3.0F, 0.0F));
  });
  for_each_implementation(Activation::tanh, [](const auto& forward, const auto& backward) {
    EXPECT_THAT(forward({0.0F, 1.0F, -0.5F, 1e-10F}), Pointwise(FloatEq(), {0.0F, 0.76159416F, -0.46211716F, 1e-10F}));
    EXPECT_THAT(backward({0.0F, 0.5F, -1.0F}, {4.0F, 4.0F, 4.0F}), ElementsAre(4.0F, 3.0F, 0.0F));
  });
  for_each_implementation(Activation::linear, [](const auto& forward, const auto& backward) {
    EXPECT_THAT(forward({-1.5F, 2.5F}), ElementsAre(-1.5F, 2.5F));
    EXPECT_THAT(backward({-1.5F, 2.5F}, {3.0F, 4.0F}), ElementsAre(3.0F, 4.0F));
  });
}

// Values of PyTorch 2 (gelu: also scipy.stats.norm.cdf) to seven digits.
TEST(Activation, WorkedValuesOfModernOnes) {
  const auto near = [](std::vector<float> expected) { return Pointwise(testing::FloatNear(2e-6F), expected); };
  for_each_implementation(Activation::elu, [&](const auto& forward, const auto& backward) {
    EXPECT_THAT(forward({-1e30F, -1.0F, -1e-4F, 0.0F, 2.0F}), near({-1.0F, -0.6321206F, -9.9995e-05F, 0.0F, 2.0F}));
    EXPECT_THAT(backward({-1.0F, -0.5F, 2.0F}, {4.0F, 4.0F, 4.0F}), ElementsAre(0.0F, 2.0F, 4.0F));
  });
  for_each_implementation(Activation::hard_sigmoid, [&](const auto& forward, const auto& backward) {
    EXPECT_THAT(forward({-4.0F, -1.5F, 0.0F, 1.5F, 4.0F}), near({0.0F, 0.25F, 0.5F, 0.75F, 1.0F}));
    EXPECT_THAT(backward({0.0F, 0.5F, 1.0F}, {kInfinity, 6.0F, 6.0F}), near({0.0F, 1.0F, 0.0F}));
  });
  for_each_implementation(Activation::swish, [&](const auto& forward, const auto& backward) {
    EXPECT_THAT(forward({-1e30F, -1.0F, 0.0F, 1.0F, 3.0F}), near({0.0F, -0.2689414F, 0.0F, 0.7310586F, 2.8577224F}));
    EXPECT_THAT(backward({-1e30F, 0.0F, 1.0F}, {1.0F, 2.0F, 1.0F}), near({0.0F, 1.0F, 0.9276706F}));
  });
  for_each_implementation(Activation::hard_swish, [&](const auto& forward, const auto& backward) {
    EXPECT_THAT(forward({-4.0F, -1.0F, 1.0F, 3.0F, 5.0F}), near({0.0F, -0.3333333F, 0.6666667F, 3.0F, 5.0F}));
    EXPECT_THAT(backward({-3.0F, 0.0F, 1.5F, 3.0F}, {1.0F, 1.0F, 1.0F, 1.0F}), near({0.0F, 0.5F, 1.0F, 1.0F}));
  });
  for_each_implementation(Activation::gelu, [&](const auto& forward, const auto& backward) {
    EXPECT_THAT(forward({-1e30F, -1.0F, 0.5F, 1.0F, 2.0F}),
                near({0.0F, -0.1586553F, 0.3457312F, 0.8413447F, 1.9544997F}));
    EXPECT_THAT(backward({-1e30F, 0.0F, 1.0F}, {1.0F, 2.0F, 1.0F}), near({0.0F, 1.0F, 1.0833155F}));
  });
  for_each_implementation(Activation::gelu_tanh, [&](const auto& forward, const auto& backward) {
    EXPECT_THAT(forward({-1e30F, -1.0F, 0.5F, 1.0F, 2.0F}),
                near({0.0F, -0.1588080F, 0.3457140F, 0.8411920F, 1.9545977F}));
    EXPECT_THAT(backward({-1e30F, 0.0F, 1.0F, 1e30F}, {1.0F, 2.0F, 1.0F, 1.0F}), near({0.0F, 1.0F, 1.0829641F, 1.0F}));
  });
}

TEST(Activation, NaNComesThrough) {
  for (const Activation activation :
       {Activation::linear, Activation::relu, Activation::leaky_relu, Activation::relu6, Activation::elu,
        Activation::sigmoid, Activation::hard_sigmoid, Activation::tanh, Activation::swish, Activation::hard_swish,
        Activation::gelu, Activation::gelu_tanh}) {
    SCOPED_TRACE(std::string(name_of(activation)));
    for_each_implementation(activation, [](const auto& forward, const auto&) {
      // Both the vectors and the rest that does not fill one.
      for (const std::size_t size : {1U, 16U, 19U}) {
        for (const float y : forward(std::vector<float>(size, kNaN))) EXPECT_TRUE(std::isnan(y));
      }
    });
  }
}

TEST(Activation, LargeValuesSaturate) {
  for_each_implementation(Activation::relu, [](const auto& forward, const auto&) {
    EXPECT_THAT(forward({-kInfinity, kInfinity}), ElementsAre(0.0F, kInfinity));
  });
  for_each_implementation(Activation::sigmoid, [](const auto& forward, const auto&) {
    EXPECT_THAT(forward({-kInfinity, -1e30F, -200.0F, 200.0F, 1e30F, kInfinity}),
                ElementsAre(0.0F, 0.0F, 0.0F, 1.0F, 1.0F, 1.0F));
  });
  for_each_implementation(Activation::tanh, [](const auto& forward, const auto&) {
    EXPECT_THAT(forward({-kInfinity, -1e30F, -50.0F, 50.0F, 1e30F, kInfinity}),
                ElementsAre(-1.0F, -1.0F, -1.0F, 1.0F, 1.0F, 1.0F));
  });
}

TEST(Activation, ZeroSlopeStopsEvenInfiniteGradients) {
  for_each_implementation(Activation::relu, [](const auto&, const auto& backward) {
    EXPECT_THAT(backward({0.0F, 0.0F, 1.0F}, {kInfinity, kNaN, kInfinity}), ElementsAre(0.0F, 0.0F, kInfinity));
  });
}

TEST(Activation, InPlace) {
  std::vector<float> src(1000);
  for (std::size_t i = 0; i < src.size(); ++i) src[i] = std::sin(static_cast<float>(i)) * 8.0F;
  for (const ActivationImplementation& implementation : activation_implementations()) {
    SCOPED_TRACE(std::string(implementation.name));
    for (const Activation activation : {Activation::relu, Activation::sigmoid, Activation::tanh}) {
      ActivationProblem problem{.activation = activation, .elements = isize(src.size())};
      std::vector<float> dst(src.size()), in_place = src;
      make(implementation, problem)->run({.src = src, .dst = dst});
      make(implementation, problem)->run({.src = in_place, .dst = in_place});
      EXPECT_EQ(dst, in_place);

      problem.pass = Pass::backward_data;
      std::vector<float> grad_src(src.size()), grad_in_place = src;
      make(implementation, problem)->run({.grad_dst = src, .dst_in = dst, .grad_src = grad_src});
      make(implementation, problem)->run({.grad_dst = grad_in_place, .dst_in = dst, .grad_src = grad_in_place});
      EXPECT_EQ(grad_src, grad_in_place);
    }
  }
}

TEST(Activation, SoftmaxIsDeclined) {
  const ActivationProblem problem{.activation = Activation::softmax, .elements = 1};
  const auto choice = choose(activation_implementations(), problem);
  EXPECT_EQ(choice.kernel, nullptr);
  ASSERT_EQ(choice.explanation.declined.size(), activation_implementations().size());
  EXPECT_EQ(choice.explanation.declined.front().reason, "softmax is not element-wise");
}

TEST(Activation, OneDnnIsLeftOutWhereItDiffers) {
  const auto reason = [](Pass pass, Activation activation) {
    const ActivationProblem problem{.pass = pass, .activation = activation, .elements = 100};
    const auto declined = choose(activation_implementations(), problem, "onednn").explanation.declined;
    return declined.empty() ? "" : declined.front().reason;
  };
  EXPECT_EQ(reason(Pass::forward, Activation::relu), "oneDNN's ReLU turns NaN into 0");
  EXPECT_EQ(reason(Pass::backward_data, Activation::relu6),
            "oneDNN multiplies the gradient by the slope 0, which makes infinity NaN");
  EXPECT_EQ(reason(Pass::backward_data, Activation::leaky_relu), "oneDNN gives a result of NaN the slope 1");
  EXPECT_EQ(reason(Pass::forward, Activation::linear), "oneDNN computes 1 x + 0, which loses the sign of -0");
  for (const Pass pass : {Pass::forward, Pass::backward_data}) {
    EXPECT_EQ(reason(pass, Activation::sigmoid), "");
    EXPECT_EQ(reason(pass, Activation::tanh), "");
  }
  EXPECT_EQ(reason(Pass::forward, Activation::leaky_relu), "");
  EXPECT_EQ(reason(Pass::forward, Activation::gelu), "left to our own vectors");
}

TEST(Activation, Names) {
  EXPECT_EQ(name_of(Activation::leaky_relu), "leaky_relu");
  EXPECT_EQ((ActivationProblem{.activation = Activation::relu6, .elements = 12}.id()), "n12_relu6");
  EXPECT_EQ((ActivationProblem{.activation = Activation::leaky_relu, .negative_slope = 0.1F, .elements = 3}.id()),
            "n3s0.1_leaky_relu");
  EXPECT_EQ((ActivationProblem{.activation = Activation::elu, .elements = 3}.id()), "n3a1_elu");
}

}  // namespace
}  // namespace saccade::kernels
