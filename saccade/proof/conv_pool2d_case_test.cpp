#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "saccade/proof/operations.h"
#include "saccade/proof/prove.h"
#include "saccade/proof/testing_internal.h"

namespace saccade::proof {
namespace {

// Filters that make one tile and several, odd last rows and columns, channels around a vector, batches around the number
// of tasks, few images in bands: with every instruction set that this processor has.
TEST(ConvPool2D, HoldsTheProof) {
  const std::string ids[] = {
      "n3ih9iw11ic3oc5kh3kw3_same_relu",
      "n2ih14iw14ic6oc16kh5kw5_relu",
      "n2ih12iw28ic1oc6kh5kw5_same_relu",
      "n33ih4iw5ic1oc3kh2kw2_nobias",
      "n17ih5iw4ic2oc9kh1kw1_relu",
      "n1ih7iw10ic16oc24kh3kw4_relu",
      "n2ih19iw6ic4oc33kh10kw3_relu",
      "n2ih4iw4ic5oc4kh3kw3pt2pb0pl0pr3",
      "n1ih40iw36ic5oc20kh3kw3_same_relu",
      "n2ih8iw19ic15oc7kh7kw7_same_relu",
      "n2ih7iw9ic5oc3kh2kw4_relu",
      // Few enough output channels for vectors of windows: rows that leave most of a vector empty, fill it, reach a little
      // over it; padding that moves even columns to odd ones; images in bands; several input channels.
      "n3ih7iw9ic1oc1kh3kw3_same_relu",
      "n2ih6iw32ic1oc7kh5kw5_same_relu",
      "n2ih5iw37ic1oc5kh2kw4_nobias",
      "n1ih40iw35ic1oc6kh5kw5pt1pb0pl3pr2_relu",
      "n2ih9iw34ic3oc2kh3kw3pt0pb1pl3pr1_relu",
      "n33ih6iw16ic2oc3kh1kw2",
      "n2ih8iw66ic1oc4kh6kw1_relu",
      "n2ih5iw8ic8oc1kh3kw3_same_relu",
  };
  for_each_instruction_set([&] {
    Report report;
    for (const std::string& id : ids) {
      report.add(prove(*find_operation("conv_pool2d").parse(id), {.only = "simd", .derivative_budget = 1e4}));
    }
    EXPECT_TRUE(report.holds()) << report.to_string();
    EXPECT_EQ(report.declined.size(), 0);
    EXPECT_EQ(report.proved, 2 * static_cast<int>(std::size(ids)));
  });
}

TEST(ConvPool2D, ReferenceTakesWhatTheOtherDeclines) {
  const Report report = prove(*find_operation("conv_pool2d").parse("n2ih5iw5ic17oc3kh3kw3_relu"));
  EXPECT_TRUE(report.holds()) << report.to_string();
  EXPECT_EQ(report.proved, 2);
  ASSERT_EQ(report.declined.size(), 2);
  EXPECT_EQ(report.declined[0].reason, "it has more than 16 input channels");
}

}  // namespace
}  // namespace saccade::proof
