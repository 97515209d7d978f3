#include "saccade/kernels/merge/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace saccade::kernels {
namespace {

using testing::ElementsAre;

TEST(Add, SumsFromLeftToRight) {
  const std::vector<float> a{1e8F, 1.0F}, b{1.0F, 2.0F}, c{-1e8F, 3.0F};
  const std::vector<std::span<const float>> src{a, b, c};
  for (const AddImplementation& implementation : add_implementations()) {
    SCOPED_TRACE(std::string(implementation.name));
    std::vector<float> dst(2);
    implementation.make({.inputs = 3, .elements = 2})->run({.src = src, .dst = dst});
    EXPECT_THAT(dst, ElementsAre(0.0F, 6.0F));  // (1e8 + 1) is 1e8 in float
  }
}

TEST(Add, InPlaceOfTheFirst) {
  const std::vector<float> b(100, 2.0F), c(100, 3.0F);
  for (const AddImplementation& implementation : add_implementations()) {
    SCOPED_TRACE(std::string(implementation.name));
    std::vector<float> a(100, 1.0F);
    const std::vector<std::span<const float>> src{a, b, c};
    implementation.make({.inputs = 3, .elements = 100})->run({.src = src, .dst = a});
    EXPECT_EQ(a, std::vector<float>(100, 6.0F));
  }
}

TEST(Concat, WorkedValues) {
  const std::vector<float> a{1.0F, 2.0F}, b{3.0F, 4.0F, 5.0F, 6.0F};
  const std::vector<std::span<const float>> src{a, b};
  ConcatProblem problem{.rows = 2, .channels = {1, 2}};
  for (const ConcatImplementation& implementation : concat_implementations()) {
    SCOPED_TRACE(std::string(implementation.name));
    problem.pass = Pass::forward;
    std::vector<float> dst(6);
    implementation.make(problem)->run({.src = src, .dst = dst});
    EXPECT_THAT(dst, ElementsAre(1.0F, 3.0F, 4.0F, 2.0F, 5.0F, 6.0F));

    problem.pass = Pass::backward_data;
    std::vector<float> grad_a(2), grad_b(4);
    const std::vector<std::span<float>> both{grad_a, grad_b};
    implementation.make(problem)->run({.grad_dst = dst, .grad_src = both});
    EXPECT_EQ(grad_a, a);
    EXPECT_EQ(grad_b, b);

    grad_b.assign(4, 9.0F);
    const std::vector<std::span<float>> only_second{{}, grad_b};
    implementation.make(problem)->run({.grad_dst = dst, .grad_src = only_second});
    EXPECT_EQ(grad_b, b);
  }
}

}  // namespace
}  // namespace saccade::kernels
