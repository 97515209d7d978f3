#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "saccade/kernels/conv2d_backward/pixels_sweep.h"
#include "saccade/proof/operations.h"
#include "saccade/proof/prove.h"
#include "saccade/proof/testing_internal.h"

namespace saccade::proof {
namespace {

/// Proves the cases, all of which the implementation takes, with every instruction set that this processor has.
template <class Ids>
void expect_proved(std::string_view implementation, const Ids& ids) {
  for_each_instruction_set([&] {
    Report report;
    for (const std::string& id : ids) {
      report.add(
          prove(*find_operation("conv2d_backward").parse(id), {.only = implementation, .derivative_budget = 1e3}));
    }
    EXPECT_TRUE(report.holds()) << report.to_string();
    EXPECT_EQ(report.proved, static_cast<int>(std::size(ids))) << report.to_string();
  });
}

// Rows of whole pixels in every grouping and a rest, windows that reach over an edge or both, rows and columns that no window
// meets, channels around a vector, several tasks.
TEST(Conv2DBackward, DepthwiseSweepHoldsTheProof) {
  const std::string ids[] = {
      "n2ih7iw6ic16oc16kh3kw3g16_same",
      "n2ih7iw6ic16oc16kh3kw3sh2sw2g16_same_nobias",
      "n1ih5iw23ic21oc21kh3kw3g21_same_nobias",
      "n1ih6iw23ic21oc21kh3kw3sh2sw2g21_same",
      "n1ih9iw16ic40oc40kh3kw3sh2sw2pt1pb1pl1pr1g40_nobias",
      "n3ih2iw1ic17oc17kh3kw3g17_same",
      "n1ih9iw13ic16oc16kh5kw3sh3sw1dh2dw1pt11pb2g16_nobias",
      "n2ih1iw9ic33oc33kh1kw3pl2pr3g33_nobias",
      "n2ih4iw11ic16oc16kh1kw3sh3sw2g16",
      "n1ih7iw12ic16oc16kh2kw3sh2sw2pl5pr4g16_nobias",
      "n3ih40iw31ic50oc50kh3kw3g50_same",
      "n2ih7iw6ic16oc16kh3kw3g16_nobias_normrelu6_same",
      "n3ih40iw31ic48oc48kh3kw3sh2sw2g48_nobias_normrelu_same",
      "n1ih9iw13ic80oc80kh5kw3sh3sw1dh2dw1pt11pb2g80_nobias_norm",
  };
  expect_proved("depthwise_sweep", ids);
}

// Large enough to be written past the caches.
TEST(Conv2DBackward, DepthwiseSweepHoldsTheProofWhereItStreams) {
  for (const std::string norm : {"", "_normrelu6"}) {
    const std::string id = "n2ih92iw90ic128oc128kh3kw3g128_nobias" + norm + "_same";
    const Report report = prove(*find_operation("conv2d_backward").parse(id),
                                {.only = "depthwise_sweep", .thread_counts = {2}, .derivative_budget = 1.0});
    EXPECT_TRUE(report.holds()) << report.to_string();
    EXPECT_EQ(report.proved, 1);
  }
}

// Filters that make channels more and fewer, channels around a vector, one channel, a last block that is not full, one task and
// several.
TEST(Conv2DBackward, PixelsSweepHoldsTheProof) {
  const std::string declined = kernels::decline_pixels_sweep({.n = 2, .ih = 32, .iw = 32, .ic = 16, .oc = 16});
  if (!declined.empty()) GTEST_SKIP() << declined;
  const std::string ids[] = {"n1ih32iw32ic16oc24_nobias",      "n3ih23iw17ic5oc33",
                             "n2ih25iw25ic21oc3_nobias",       "n1ih1iw1025ic1oc1",
                             "n16ih14iw14ic48oc8_nobias",      "n7ih21iw21ic3oc40_nobias",
                             "n2ih29iw29ic70oc66_nobias",      "n3ih23iw17ic48oc8_nobias_normrelu6",
                             "n2ih29iw29ic80oc66_nobias_norm", "n1ih32iw32ic16oc24_nobias_normrelu"};
  expect_proved("pixels_sweep", ids);
}

TEST(Conv2DBackward, LeavesTheOthersToAPassForEither) {
  const Report report = prove(*find_operation("conv2d_backward").parse("n2ih5iw5ic3oc16kh5kw5_same"));
  EXPECT_TRUE(report.holds()) << report.to_string();
  EXPECT_EQ(report.proved, 2);
  ASSERT_FALSE(report.declined.empty());
  EXPECT_EQ(report.declined[0].reason, "it is not depthwise");
}

}  // namespace
}  // namespace saccade::proof
