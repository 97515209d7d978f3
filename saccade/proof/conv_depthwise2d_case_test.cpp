#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "saccade/proof/operations.h"
#include "saccade/proof/prove.h"
#include "saccade/proof/testing_internal.h"

namespace saccade::proof {
namespace {

// Channels around a block and around a vector, strides, pads on one side, rows cut into ranges and into parts that fit the cache:
// with every instruction set that this processor has.
TEST(ConvDepthwise2D, HoldsTheProof) {
  const std::string ids[] = {
      "n2ih9iw11ic3oc17kh3kw3_same_relu6",          "n1ih7iw7ic5oc100kh3kw3_same_relu",
      "n3ih6iw5ic1oc48kh3kw3sh2sw2_same",           "n1ih8iw9ic7oc33kh2kw3sh1sw2_nobias_relu6",
      "n1ih5iw3ic2oc31kh3kw3pt2pb0pl0pr2_relu",     "n1ih3iw1ic4oc16kh3kw3_same",
      "n1ih64iw160ic2oc40kh3kw3sh2sw2_same_relu6",  "n1ih61iw150ic2oc49kh3kw3_same_relu6",
      "n5ih4iw12ic6oc70kh5kw3sh3sw1pt4pb4pl1_relu", "n1ih13iw13ic9oc60kh1kw3sh2sw1pl1pr1",
  };
  for_each_instruction_set([&] {
    Report report;
    for (const std::string& id : ids) {
      report.add(prove(*find_operation("conv_depthwise2d").parse(id), {.only = "simd"}));
    }
    EXPECT_TRUE(report.holds()) << report.to_string();
    EXPECT_EQ(report.declined.size(), 0);
    EXPECT_EQ(report.proved, static_cast<int>(std::size(ids)));
  });
}

TEST(ConvDepthwise2D, ReferenceTakesWhatTheOtherDeclines) {
  const Report report = prove(*find_operation("conv_depthwise2d").parse("n2ih5iw5ic3oc16kh5kw5_same_relu"));
  EXPECT_TRUE(report.holds()) << report.to_string();
  EXPECT_EQ(report.proved, 1);
  ASSERT_EQ(report.declined.size(), 1);
  EXPECT_EQ(report.declined[0].reason, "the filter is not three wide, with stride 1 or 2");
}

}  // namespace
}  // namespace saccade::proof
