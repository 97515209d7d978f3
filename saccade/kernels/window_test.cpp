#include "saccade/kernels/window.h"

#include <gtest/gtest.h>

#include <array>

namespace saccade::kernels {
namespace {

struct SameRow {
  Index in, k, stride, dilation;
  Index out, before, after;
};

// TensorFlow's SAME, worked by hand from the formula of "Notes on padding".
constexpr std::array kSame{
    SameRow{5, 3, 1, 1, 5, 1, 1},   SameRow{5, 3, 2, 1, 3, 1, 1},     SameRow{4, 3, 2, 1, 2, 0, 1},
    SameRow{6, 3, 2, 1, 3, 0, 1},   SameRow{224, 7, 2, 1, 112, 2, 3}, SameRow{224, 3, 2, 1, 112, 0, 1},
    SameRow{28, 5, 1, 1, 28, 2, 2}, SameRow{5, 2, 2, 1, 3, 0, 1},     SameRow{5, 2, 1, 1, 5, 0, 1},
    SameRow{7, 1, 3, 1, 3, 0, 0},   SameRow{13, 6, 5, 1, 3, 1, 2},    SameRow{6, 4, 3, 1, 2, 0, 1},
    SameRow{5, 3, 1, 2, 5, 2, 2},
};

TEST(SamePads, AreTensorFlows) {
  for (const SameRow& row : kSame) {
    SCOPED_TRACE(testing::Message() << row.in << "," << row.k << "," << row.stride << " dilation " << row.dilation);
    const Pads pads = same_pads(row.in, row.k, row.stride, row.dilation);
    EXPECT_EQ(pads.before, row.before);
    EXPECT_EQ(pads.after, row.after);
    EXPECT_EQ(window_count(row.in, row.k, row.stride, row.dilation, pads), row.out);
  }
}

TEST(SamePads, GiveOneWindowAStrideForEverySize) {
  for (Index in = 1; in <= 20; ++in) {
    for (Index k = 1; k <= 7; ++k) {
      for (Index stride = 1; stride <= 4; ++stride) {
        for (Index dilation = 1; dilation <= 3; ++dilation) {
          const Pads pads = same_pads(in, k, stride, dilation);
          EXPECT_EQ(window_count(in, k, stride, dilation, pads), ceil_divide(in, stride));
          EXPECT_TRUE(pads.after == pads.before || pads.after == pads.before + 1);
        }
      }
    }
  }
}

TEST(WindowCount, OfValidDropsWhatIsLeftOver) {
  EXPECT_EQ(window_count(5, 2, 2, 1, {}), 2);
  EXPECT_EQ(window_count(7, 3, 2, 2, {}), 2);
  EXPECT_EQ(window_count(28, 28, 1, 1, {}), 1);
}

TEST(WindowCount, IsZeroWhenTheWindowDoesNotFit) {
  EXPECT_EQ(window_count(2, 3, 1, 1, {}), 0);
  EXPECT_EQ(window_count(4, 3, 1, 2, {}), 0);
  EXPECT_EQ(window_count(2, 3, 1, 1, {1, 0}), 1);
}

TEST(WholeWindows, AreThoseWithoutATapInThePadding) {
  for (Index in = 1; in <= 9; ++in) {
    for (Index k = 1; k <= 5; ++k) {
      for (Index stride = 1; stride <= 3; ++stride) {
        for (Index dilation = 1; dilation <= 2; ++dilation) {
          for (const Pads pads : {Pads{0, 0}, Pads{1, 1}, Pads{4, 0}, Pads{0, 5}, Pads{9, 9}}) {
            const Index count = window_count(in, k, stride, dilation, pads);
            const WholeWindows whole = whole_windows(in, k, stride, dilation, pads, count);
            ASSERT_LE(whole.first, whole.last);
            for (Index x = 0; x < count; ++x) {
              const Index begin = x * stride - pads.before;
              const bool expected = begin >= 0 && begin + window_extent(k, dilation) <= in;
              EXPECT_EQ(x >= whole.first && x < whole.last, expected) << in << " " << k << " " << x;
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace saccade::kernels
