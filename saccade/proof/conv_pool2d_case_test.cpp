#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>

#include "saccade/proof/operations.h"
#include "saccade/proof/prove.h"
#include "saccade/proof/testing_internal.h"

namespace saccade::proof {
namespace {

void hold_the_proof(std::span<const std::string> ids, std::string_view implementation) {
  for_each_instruction_set([&] {
    Report report;
    for (const std::string& id : ids) {
      report.add(prove(*find_operation("conv_pool2d").parse(id), {.only = implementation, .derivative_budget = 1e4}));
    }
    EXPECT_TRUE(report.holds()) << report.to_string();
    EXPECT_EQ(report.declined.size(), 0);
    EXPECT_EQ(report.proved, 2 * static_cast<int>(ids.size()));
  });
}

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
  hold_the_proof(ids, "simd");
}

// Filters of both sizes, one tile and several, blocks of windows, padding that makes even columns odd, odd last rows and
// columns, channels around a vector's lanes and around eight inputs, few images in bands.
TEST(ConvPool2D, WinogradHoldsTheProof) {
  const std::string ids[] = {
      "n3ih14iw14ic6oc16kh5kw5_relu",
      "n17ih11iw13ic6oc16kh5kw5pt2pb0pl1pr3_relu",
      "n2ih41iw9ic16oc33kh5kw5_same_nobias",
      "n2ih9iw39ic7oc24kh5kw5pt0pb1pl3pr0",
      "n3ih12iw14ic16oc16kh5kw5_same_relu",
      "n2ih24iw25ic9oc40kh3kw3_same_relu",
      "n1ih30iw31ic8oc16kh3kw3pt1pb0pl2pr1",
      "n3ih17iw18ic5oc50kh3kw3_nobias",
      "n33ih8iw10ic16oc17kh3kw3_relu",
      "n4ih12iw46ic4oc32kh3kw3_same_relu",
      // Few enough output channels for vectors of windows.
      "n2ih12iw28ic1oc6kh5kw5_same_relu",
      "n2ih8iw32ic2oc7kh5kw5_same_relu",
      "n1ih40iw64ic1oc6kh5kw7pt1pb0pl3pr2_relu",
      "n3ih11iw70ic2oc3kh3kw6_nobias",
  };
  hold_the_proof(ids, "winograd");
}

TEST(ConvPool2D, ReferenceTakesWhatTheOthersDecline) {
  const Report report = prove(*find_operation("conv_pool2d").parse("n2ih5iw5ic17oc3kh3kw3_relu"));
  EXPECT_TRUE(report.holds()) << report.to_string();
  EXPECT_EQ(report.proved, 2);
  ASSERT_EQ(report.declined.size(), 4);
  EXPECT_EQ(report.declined[0].reason, "it has more than 16 input channels");
}

}  // namespace
}  // namespace saccade::proof
