#include "saccade/kernels/dropout/dropout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "saccade/base/random.h"
#include "saccade/kernels/testing_internal.h"

namespace saccade::kernels {
namespace {

struct Address {
  std::uint64_t seed = 0xfedcba9876543210;
  std::uint32_t step = 3;
  std::uint32_t slot = 0x80000001;
};

struct DropoutResult {
  std::vector<float> dst, grad_src;
};

DropoutResult run(const DropoutImplementation& implementation, const DropoutProblem& problem, const Address& address,
                  const std::vector<float>& src, const std::vector<float>& grad_dst) {
  const std::unique_ptr<DropoutKernel> kernel = implementation.make(problem);
  TestMemory saved(kernel->saved_bytes());
  DropoutResult result{std::vector<float>(src.size()), std::vector<float>(src.size())};
  const DropoutBuffers buffers{.seed = address.seed,
                               .step = address.step,
                               .slot = address.slot,
                               .src = src,
                               .grad_dst = grad_dst,
                               .dst = result.dst,
                               .grad_src = result.grad_src,
                               .saved = saved.bytes()};
  kernel->forward(buffers);
  kernel->backward(buffers);
  return result;
}

/// The units that stay, from all ones.
std::vector<float> mask(const DropoutImplementation& implementation, const DropoutProblem& problem,
                        const Address& address) {
  const std::vector<float> ones(usize(problem.rows * problem.elements), 1.0F);
  return run(implementation, problem, address, ones, ones).dst;
}

TEST(Dropout, UnitsAreAddressed) {
  const DropoutProblem problem{.rows = 5, .elements = 77, .rate = 0.3F};
  const Address address;
  for (const DropoutImplementation& implementation : dropout_implementations()) {
    SCOPED_TRACE(std::string(implementation.name));
    const std::vector<float> dst = mask(implementation, problem, address);
    for (std::uint64_t row = 0; row < 5; ++row) {
      Stream stream(address.seed, address.step, row, address.slot);
      for (std::uint64_t i = 0; i < 77; ++i) {
        EXPECT_EQ(dst[row * 77 + i] != 0.0F, stream.uniform() >= 0.3F) << "row " << row << ", unit " << i;
      }
    }
    // A row does not depend on how many others there are, nor on what follows in it.
    const std::vector<float> shorter = mask(implementation, {.rows = 2, .elements = 50, .rate = 0.3F}, address);
    for (std::size_t i = 0; i < 50; ++i) {
      EXPECT_EQ(shorter[i], dst[i]);
      EXPECT_EQ(shorter[50 + i], dst[77 + i]);
    }
  }
}

TEST(Dropout, EveryPartOfTheAddressCounts) {
  const DropoutProblem problem{.rows = 1, .elements = 256};
  for (const DropoutImplementation& implementation : dropout_implementations()) {
    SCOPED_TRACE(std::string(implementation.name));
    const std::vector<float> dst = mask(implementation, problem, {});
    EXPECT_EQ(mask(implementation, problem, {}), dst);
    EXPECT_NE(mask(implementation, problem, {.seed = Address().seed ^ 1}), dst);
    EXPECT_NE(mask(implementation, problem, {.seed = Address().seed ^ (std::uint64_t{1} << 32)}), dst);
    EXPECT_NE(mask(implementation, problem, {.step = 4}), dst);
    EXPECT_NE(mask(implementation, problem, {.slot = 1}), dst);
  }
}

TEST(Dropout, KeepsOneMinusRate) {
  constexpr Index kRows = 50, kUnits = 4000;
  for (const DropoutImplementation& implementation : dropout_implementations()) {
    SCOPED_TRACE(std::string(implementation.name));
    for (const float rate : {0.1F, 0.5F, 0.8F}) {
      const std::vector<float> dst = mask(implementation, {.rows = kRows, .elements = kUnits, .rate = rate}, {});
      const double deviation = std::sqrt(rate * (1.0 - rate));
      double all = 0.0;
      for (Index row = 0; row < kRows; ++row) {
        double kept = 0.0;
        for (Index i = 0; i < kUnits; ++i) {
          const float value = dst[usize(row * kUnits + i)];
          if (value != 0.0F) {
            EXPECT_FLOAT_EQ(value, 1.0F / (1.0F - rate));
            kept += 1.0;
          }
        }
        // Five standard deviations of a binomial count, for a row and for all of them.
        EXPECT_NEAR(kept / kUnits, 1.0 - rate, 5.0 * deviation / std::sqrt(kUnits));
        all += kept;
      }
      EXPECT_NEAR(all / (kRows * kUnits), 1.0 - rate, 5.0 * deviation / std::sqrt(kRows * kUnits));
    }
  }
}

TEST(Dropout, NeighboursAndRowsAreIndependent) {
  constexpr Index kRows = 64, kUnits = 1024;
  for (const DropoutImplementation& implementation : dropout_implementations()) {
    SCOPED_TRACE(std::string(implementation.name));
    const std::vector<float> dst = mask(implementation, {.rows = kRows, .elements = kUnits}, {});
    // Correlation of a unit with the one `distance` further: blocks, vectors and rows.
    for (const Index distance : {Index{1}, Index{2}, Index{4}, Index{8}, Index{16}, kUnits}) {
      double sum = 0.0;
      const Index pairs = kRows * kUnits - distance;
      for (Index i = 0; i < pairs; ++i) sum += (dst[usize(i)] - 1.0) * (dst[usize(i + distance)] - 1.0);
      EXPECT_NEAR(sum / static_cast<double>(pairs), 0.0, 5.0 / std::sqrt(static_cast<double>(pairs))) << distance;
    }
  }
}

TEST(Dropout, BackwardUsesTheSameMask) {
  const DropoutProblem problem{.rows = 3, .elements = 45, .rate = 0.4F};
  std::vector<float> src(135), grad_dst(135);
  for (std::size_t i = 0; i < src.size(); ++i) {
    src[i] = static_cast<float>(i) + 1.0F;
    grad_dst[i] = -static_cast<float>(i) - 1.0F;
  }
  for (const DropoutImplementation& implementation : dropout_implementations()) {
    SCOPED_TRACE(std::string(implementation.name));
    const DropoutResult result = run(implementation, problem, {}, src, grad_dst);
    for (std::size_t i = 0; i < src.size(); ++i) EXPECT_EQ(result.grad_src[i], -result.dst[i]);
  }
}

TEST(Dropout, RateZeroChangesNothing) {
  const std::vector<float> src{1.0F, -2.0F, 3.5F};
  for (const DropoutImplementation& implementation : dropout_implementations()) {
    SCOPED_TRACE(std::string(implementation.name));
    const DropoutResult result = run(implementation, {.elements = 3, .rate = 0.0F}, {}, src, src);
    EXPECT_EQ(result.dst, src);
    EXPECT_EQ(result.grad_src, src);
  }
}

TEST(Dropout, InPlace) {
  const DropoutProblem problem{.rows = 9, .elements = 37};
  std::vector<float> src(333);
  for (std::size_t i = 0; i < src.size(); ++i) src[i] = static_cast<float>(i) + 1.0F;
  for (const DropoutImplementation& implementation : dropout_implementations()) {
    SCOPED_TRACE(std::string(implementation.name));
    const std::vector<float> apart = run(implementation, problem, {}, src, src).dst;
    const std::unique_ptr<DropoutKernel> kernel = implementation.make(problem);
    TestMemory saved(kernel->saved_bytes());
    std::vector<float> dst = src, grad = src;
    const Address address;
    const DropoutBuffers buffers{.seed = address.seed,
                                 .step = address.step,
                                 .slot = address.slot,
                                 .src = dst,
                                 .grad_dst = grad,
                                 .dst = dst,
                                 .grad_src = grad,
                                 .saved = saved.bytes()};
    kernel->forward(buffers);
    kernel->backward(buffers);
    EXPECT_EQ(dst, apart);
    EXPECT_EQ(grad, apart);
  }
}

}  // namespace
}  // namespace saccade::kernels
