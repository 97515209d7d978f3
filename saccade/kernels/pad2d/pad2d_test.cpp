#include "saccade/kernels/pad2d/pad2d.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace saccade::kernels {
namespace {

using testing::ElementsAre;

TEST(Pad2D, WorkedValues) {
  // One row more above, two columns more on the right; two images of 1 x 2 pixels.
  Pad2DProblem problem{.n = 2, .ih = 1, .iw = 2, .ph = {1, 0}, .pw = {0, 2}};
  const std::vector<float> src{1.0F, 2.0F, 3.0F, 4.0F};
  for (const Pad2DImplementation& implementation : pad2d_implementations()) {
    SCOPED_TRACE(std::string(implementation.name));
    problem.pass = Pass::forward;
    std::vector<float> dst(16, 9.0F), grad_src(4, 9.0F);
    implementation.make(problem)->run({.src = src, .dst = dst});
    EXPECT_THAT(dst, ElementsAre(0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 3, 4, 0, 0));
    problem.pass = Pass::backward_data;
    implementation.make(problem)->run({.grad_dst = dst, .grad_src = grad_src});
    EXPECT_EQ(grad_src, src);
  }
}

TEST(Pad2D, Channels) {
  Pad2DProblem problem{.n = 1, .ih = 1, .iw = 2, .c = 2, .pc = {1, 2}};
  for (const Pad2DImplementation& implementation : pad2d_implementations()) {
    std::vector<float> dst(10, 9.0F);
    implementation.make(problem)->run({.src = std::vector<float>{1, 2, 3, 4}, .dst = dst});
    EXPECT_THAT(dst, ElementsAre(0, 1, 2, 0, 0, 0, 3, 4, 0, 0)) << implementation.name;
  }
}

TEST(Pad2D, Name) {
  EXPECT_EQ((Pad2DProblem{.n = 1, .ih = 28, .iw = 28, .c = 1, .ph = {2, 2}, .pw = {2, 3}}.id()),
            "n1ih28iw28c1pt2pb2pl2pr3");
}

}  // namespace
}  // namespace saccade::kernels
