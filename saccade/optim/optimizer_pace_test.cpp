#include <gmock/gmock.h>

#include <limits>

#include "saccade/base/error.h"
#include "saccade/optim/adam.h"
#include "saccade/optim/optimizer.h"
#include "saccade/optim/rmsprop.h"
#include "saccade/optim/sgd.h"
#include "tests/support/message_of.h"

namespace saccade {
namespace {

using test::message_of;
using testing::HasSubstr;

constexpr double kRate = 0.01;

Parameter weight(std::string name) {
  Parameter parameter{.name = std::move(name), .value = Tensor({2}), .grad = Tensor({2})};
  parameter.value.floats()[0] = 1.0F;
  parameter.value.floats()[1] = -2.0F;
  return parameter;
}

void set_gradient(Parameter& parameter, int step) {
  parameter.grad.floats()[0] = 0.25F * static_cast<float>(step % 5 - 1);
  parameter.grad.floats()[1] = 0.125F * static_cast<float>(step % 3 - 1);
}

std::vector<float> values(const Parameter& parameter) {
  return {parameter.value.floats().begin(), parameter.value.floats().end()};
}

std::vector<AnyOptimizer> optimizers() {
  return {SGD{{.learning_rate = kRate, .momentum = 0.9, .clipnorm = 0.2}}, RMSprop{{.learning_rate = kRate}},
          Adam{{.learning_rate = kRate, .use_ema = true}}, AdamW{{.learning_rate = kRate, .amsgrad = true}}};
}

/// A weight alone for so many steps, at a learning rate of its own.
std::vector<float> alone(AnyOptimizer optimizer, double rate, int steps) {
  Parameter w = weight("w");
  optimizer->bind(std::vector<Parameter*>{&w});
  for (int i = 0; i < steps; ++i) {
    set_gradient(w, i);
    optimizer->step(rate);
  }
  return values(w);
}

TEST(Optimizers, EachParameterHasAFactorOfItsOwn) {
  for (AnyOptimizer& optimizer : optimizers()) {
    Parameter a = weight("a"), b = weight("b"), c = weight("c");
    b.learning_rate_factor = 0.25;
    optimizer->bind(std::vector<Parameter*>{&a, &b, &c});
    const AnyOptimizer fresh = optimizer;
    for (int i = 0; i < 7; ++i) {
      for (Parameter* p : {&a, &b, &c}) set_gradient(*p, i);
      optimizer->step(kRate);
    }
    EXPECT_EQ(values(a), alone(fresh, kRate, 7)) << optimizer->name();
    EXPECT_EQ(values(b), alone(fresh, 0.25 * kRate, 7)) << optimizer->name();
    EXPECT_EQ(values(c), values(a)) << optimizer->name();
  }
}

TEST(Optimizers, AParameterBoundLaterBeginsAtItsFirstStep) {
  for (AnyOptimizer& optimizer : optimizers()) {
    Parameter a = weight("a"), b = weight("b");
    const std::vector<Parameter*> both{&a, &b};
    b.trainable = false;
    optimizer->bind(both);
    const AnyOptimizer fresh = optimizer;
    for (int i = 0; i < 9; ++i) {
      if (i == 4) {
        b.trainable = true;
        optimizer->bind_more(both);
        optimizer->swap_averages();  // which leaves one without steps alone
        EXPECT_EQ(values(b), values(weight("w")));
        optimizer->swap_averages();
      }
      set_gradient(a, i);
      set_gradient(b, i - 4);
      optimizer->step(kRate);
    }
    EXPECT_EQ(values(a), alone(fresh, kRate, 9)) << optimizer->name();
    EXPECT_EQ(values(b), alone(fresh, kRate, 5)) << optimizer->name();
  }
}

TEST(Optimizers, AFactorThatIsNoneIsNamed) {
  Parameter a = weight("a");
  SGD sgd;
  EXPECT_THAT(message_of<ValueError>([&] { sgd.bind_more({}); }), HasSubstr("expected bind() before bind_more()"));
  sgd.bind(std::vector<Parameter*>{&a});
  a.learning_rate_factor = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(message_of<ValueError>([&] { sgd.step(); }),
              HasSubstr("parameter 'a': learning_rate_factor: expected a finite number of zero or more, got nan"));
}

}  // namespace
}  // namespace saccade
