#include "saccade/optim/muon.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/base/parallel.h"
#include "saccade/base/random.h"
#include "saccade/optim/adam.h"
#include "saccade/optim/newton_schulz_internal.h"
#include "tests/support/message_of.h"

namespace saccade {
namespace {

using Matrix = std::vector<double>;  // row-major

/// What NewtonSchulz documents, in double and by the definition of a product.
Matrix newton_schulz(Matrix x, Index rows, Index columns, Index rounds) {
  const auto at = [columns](Index r, Index c) { return usize(r * columns + c); };
  double squares = 0.0;
  for (const double v : x) squares += v * v;
  for (double& v : x) v /= std::sqrt(squares);
  for (Index round = 0; round < rounds; ++round) {
    Matrix gram(usize(columns * columns)), next(x.size());
    for (Index i = 0; i < columns; ++i)
      for (Index j = 0; j < columns; ++j)
        for (Index r = 0; r < rows; ++r) gram[usize(i * columns + j)] += x[at(r, i)] * x[at(r, j)];
    for (Index r = 0; r < rows; ++r)
      for (Index j = 0; j < columns; ++j) {
        double sum = 3.4445 * x[at(r, j)];
        for (Index i = 0; i < columns; ++i) {
          double square = 0.0;
          for (Index k = 0; k < columns; ++k) square += gram[usize(i * columns + k)] * gram[usize(k * columns + j)];
          sum += x[at(r, i)] * (-4.7750 * gram[usize(i * columns + j)] + 2.0315 * square);
        }
        next[at(r, j)] = sum;
      }
    x = next;
  }
  return x;
}

std::vector<float> noise(std::size_t count, std::uint64_t seed) {
  Stream stream(seed, 0, 0, 0);
  std::vector<float> values(count);
  for (float& v : values) v = static_cast<float>(stream.normal());
  return values;
}

void expect_near(std::span<const float> found, const Matrix& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(static_cast<double>(found[i]), expected[i], tolerance) << i;
}

TEST(NewtonSchulz, FollowsItsPolynomialForTallWideAndSquareMatrices) {
  for (const auto& [rows, columns] : {std::pair<Index, Index>{7, 4}, {4, 7}, {5, 5}, {1, 3}, {40, 24}}) {
    std::vector<float> x = noise(usize(rows * columns), 3);
    const Matrix expected = newton_schulz({x.begin(), x.end()}, rows, columns, 5);
    internal::NewtonSchulz(rows, columns).run(x, 5);
    expect_near(x, expected, 2e-5);
  }
}

TEST(NewtonSchulz, BringsSingularValuesNearOne) {
  // The singular values of a diagonal matrix are what stands in it.
  std::vector<float> x(20);
  const std::vector<float> singular{8, 4, 1, 0.5F};
  for (std::size_t i = 0; i < 4; ++i) x[i * 4 + i] = singular[i];
  internal::NewtonSchulz(5, 4).run(x, 5);
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (i % 5 == 0 && i < 16) {
      EXPECT_THAT(x[i], testing::AllOf(testing::Gt(0.65F), testing::Lt(1.25F))) << i;
    } else {
      EXPECT_EQ(x[i], 0.0F) << i;
    }
  }
  std::vector<float> zeros(20);
  internal::NewtonSchulz(5, 4).run(zeros, 5);
  EXPECT_THAT(zeros, testing::Each(0.0F));
}

/// A filter [2,1,2,3] and a bias [3].
struct Net {
  Net() {
    add("conv.weight", {2, 1, 2, 3}, 1);
    add("conv.bias", {3}, 2);
  }
  void add(std::string name, const Shape& shape, std::uint64_t seed) {
    Parameter& p = parameters.emplace_back();
    p.name = std::move(name);
    p.value = Tensor(shape, noise(usize(shape.elements()), seed));
    p.grad = Tensor(shape);
    all.push_back(&p);
  }
  void draw_gradients(std::uint64_t step) {
    for (Parameter* p : all) std::ranges::copy(noise(p->grad.floats().size(), 100 + step), p->grad.floats().begin());
  }
  std::span<float> filter() { return parameters[0].value.floats(); }
  std::span<float> bias() { return parameters[1].value.floats(); }

  std::deque<Parameter> parameters;
  std::vector<Parameter*> all;
};

/// The filter after some steps, by the formulas.
Matrix trace(const MuonOptions& o, int steps) {
  Net net;
  Matrix w(net.filter().begin(), net.filter().end()), m(w.size()), d(w.size());
  for (int step = 0; step < steps; ++step) {
    net.draw_gradients(static_cast<std::uint64_t>(step));
    double squares = 0.0;
    for (std::size_t i = 0; i < w.size(); ++i) {
      const double g = static_cast<double>(net.parameters[0].grad.floats()[i]);
      m[i] = o.momentum * m[i] + g;
      d[i] = o.nesterov ? g + o.momentum * m[i] : m[i];
      squares += w[i] * w[i];
    }
    d = newton_schulz(d, 4, 3, o.ns_steps);
    for (std::size_t i = 0; i < w.size(); ++i) {
      if (o.fixed_norm) w[i] *= std::sqrt(3.0 / squares);
      w[i] -= o.learning_rate * o.weight_decay * w[i];
      w[i] -= o.learning_rate * d[i];
    }
  }
  return w;
}

TEST(Muon, MovesFiltersAlongOrthogonalisedMomentum) {
  for (const MuonOptions& o :
       {MuonOptions{}, MuonOptions{.learning_rate = 0.2, .momentum = 0.6, .nesterov = false, .ns_steps = 3},
        MuonOptions{.learning_rate = 0.2, .momentum = 0.5, .fixed_norm = true, .weight_decay = 0.3}}) {
    Net net;
    Muon muon(o);
    SCOPED_TRACE(muon.describe());
    muon.bind(net.all);
    for (std::uint64_t step = 0; step < 4; ++step) {
      net.draw_gradients(step);
      muon.step();
    }
    expect_near(net.filter(), trace(o, 4), 2e-5);
  }
}

TEST(Muon, LeavesEverythingElseToAdamW) {
  Net net, other;
  Muon muon({.learning_rate = 0.5, .adam_lr_ratio = 0.02, .adam_beta_1 = 0.8, .adam_beta_2 = 0.9});
  AdamW adam({.learning_rate = 0.01, .weight_decay = 0.004, .beta_1 = 0.8, .beta_2 = 0.9});
  muon.bind(net.all);
  adam.bind(other.all);
  for (std::uint64_t step = 0; step < 3; ++step) {
    net.draw_gradients(step);
    other.draw_gradients(step);
    muon.step();
    adam.step();
  }
  EXPECT_THAT(net.bias(), testing::Pointwise(testing::FloatEq(), other.bias()));
  EXPECT_NE(net.filter()[0], other.filter()[0]);
}

TEST(Muon, AFilterOfOneColumnOrRowIsNoMatrix) {
  for (const Shape& shape : {Shape{3, 3, 8, 1}, Shape{1, 1, 1, 8}, Shape{8, 8}}) {
    Net net;
    net.add("x.weight", shape, 5);
    Muon muon;
    muon.bind(net.all);
    std::vector<std::string> names;
    for (const NamedTensor& slot : muon.state()) names.push_back(slot.name);
    EXPECT_THAT(names, testing::ElementsAre("muon/m/conv.weight", "muon/m/conv.bias", "muon/v/conv.bias",
                                            "muon/m/x.weight", "muon/v/x.weight"));
  }
}

TEST(Muon, AveragesAndLearningRateFactorsHoldForFilters) {
  Net net, still;
  net.parameters[0].learning_rate_factor = 0.5;
  Muon muon({.learning_rate = 0.2, .use_ema = true, .ema_momentum = 0.5}), half({.learning_rate = 0.1});
  muon.bind(net.all);
  half.bind(still.all);
  net.draw_gradients(0);
  still.draw_gradients(0);
  muon.step();
  half.step();
  EXPECT_THAT(net.filter(), testing::Pointwise(testing::FloatEq(), still.filter()));
  const std::vector<float> first(net.filter().begin(), net.filter().end());
  net.draw_gradients(1);
  muon.step();
  const std::vector<float> second(net.filter().begin(), net.filter().end());
  muon.swap_averages();
  for (std::size_t i = 0; i < first.size(); ++i) EXPECT_FLOAT_EQ(net.filter()[i], 0.5F * (first[i] + second[i]));
}

TEST(Muon, GivesTheSameBitsForAnyThreadsAndFromACopy) {
  const auto run = [](int threads, bool copy) {
    const int usual = thread_count();
    set_thread_count(threads);
    Net net;
    net.add("large.weight", {3, 3, 32, 96}, 7);
    AnyOptimizer muon = Muon({.fixed_norm = true});
    muon->bind(net.all);
    for (std::uint64_t step = 0; step < 3; ++step) {
      if (copy && step == 1) muon = AnyOptimizer(muon);
      net.draw_gradients(step);
      muon->step();
    }
    set_thread_count(usual);
    const auto values = net.parameters[2].value.floats();
    return std::vector<float>(values.begin(), values.end());
  };
  const std::vector<float> expected = run(1, false);
  EXPECT_EQ(run(3, false), expected);
  EXPECT_EQ(run(1, true), expected);
}

TEST(Muon, RefusesNumbersOutsideTheirDomain) {
  EXPECT_EQ(test::message_of([] { Muon({.ns_steps = 0}); }),
            "Muon ns_steps: expected a positive finite number, got 0; try 5");
  EXPECT_EQ(test::message_of([] { Muon({.ns_steps = 21}); }), "Muon ns_steps: expected 1 to 20, got 21; try 5");
  EXPECT_EQ(test::message_of([] { Muon({.adam_lr_ratio = -1}); }),
            "Muon adam_lr_ratio: expected a positive finite number, got -1; try 0.1");
  EXPECT_EQ(Muon({.fixed_norm = true}).describe(),
            "Muon(learning_rate=0.02, momentum=0.95, ns_steps=5, weight_decay=0, adam_lr_ratio=0.1, adam_beta_1=0.9, "
            "adam_beta_2=0.999, adam_weight_decay=0.004, epsilon=1e-07, nesterov=true, fixed_norm=true)");
}

}  // namespace
}  // namespace saccade
