#include "saccade/cli/peak_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace saccade::cli {
namespace {

constexpr Index kBytes = Index{64} << 20;

void take_and_give_back() {
  std::vector<char> memory(usize(kBytes));
  std::ranges::fill(memory, 1);
  EXPECT_EQ(std::ranges::count(memory, 1), kBytes);  // so that it is really written
}

TEST(PeakMemory, CountsWhatWasGivenBackAndBeginsAnew) {
  const PeakMemory first;
  if (!first.growth_bytes()) GTEST_SKIP() << "this system does not tell how much memory a process holds";
  take_and_give_back();
  EXPECT_GE(*first.growth_bytes(), kBytes / 16 * 15);  // Linux counts some pages late
  EXPECT_LT(*first.growth_bytes(), 2 * kBytes);
  const PeakMemory second;
  EXPECT_LT(*second.growth_bytes(), kBytes / 8);
}

}  // namespace
}  // namespace saccade::cli
