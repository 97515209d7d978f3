#include <gtest/gtest.h>

#include <string_view>
#include <utility>

#include "saccade/proof/operations.h"
#include "saccade/proof/prove.h"
#include "saccade/proof/testing_internal.h"

// The vector implementations, with every instruction set that this processor has: a result that is right with AVX-512 may
// be wrong with SSE4, whose vectors are shorter.
namespace saccade::proof {
namespace {

TEST(InstructionSets, AllHoldTheProof) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"pool2d", "n3ih9iw7c3kh2kw2_max"},
      {"pool2d", "n3ih9iw8c6kh2kw2_same_max"},
      {"pool2d", "n2ih8iw7c17kh3kw3sh2sw2_same_max"},
      {"pool2d", "n2ih20iw17c3kh20kw17_max"},
      {"pool2d", "n2ih7iw7c20kh3kw2sh2sw2_same_average"},
      {"activation", "n133_relu"},
      {"activation", "n133_tanh"},
      {"activation", "n133_sigmoid"},
      {"softmax", "r5c17"},
      {"loss", "r7c10s0.1_softmax_cross_entropy"},
      {"dropout", "r5n31p0.5"},
      {"batch_norm", "r40c6"},
      {"batch_norm", "r33c20"},
      {"bias", "r40c6"},
      {"add", "i3n131"},
  };
  for_each_instruction_set([&] {
    Report report;
    for (const auto& [operation, id] : cases) {
      report.add(prove(*find_operation(operation).parse(id), {.only = "simd", .derivative_budget = 1e4}));
    }
    EXPECT_TRUE(report.holds()) << report.to_string();
    EXPECT_EQ(report.declined.size(), 0);
    EXPECT_GE(report.proved, 2 * static_cast<int>(std::size(cases)) - 1);  // add has no backward pass
  });
}

}  // namespace
}  // namespace saccade::proof
