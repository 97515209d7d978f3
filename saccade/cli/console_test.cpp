#include "saccade/cli/console.h"

#include <gmock/gmock.h>

#include <sstream>

namespace saccade::cli {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

TEST(Format, Bytes) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(999), "999 B");
  EXPECT_EQ(format_bytes(1000), "1.0 kB");
  EXPECT_EQ(format_bytes(999'949), "999.9 kB");
  EXPECT_EQ(format_bytes(999'950), "1.0 MB");
  EXPECT_EQ(format_bytes(47'040'016), "47.0 MB");
  EXPECT_EQ(format_bytes(9'000'000'000'000'000'000), "9000.0 PB");
}

TEST(Format, Seconds) {
  EXPECT_EQ(format_seconds(0), "0:00");
  EXPECT_EQ(format_seconds(6.2), "0:07");
  EXPECT_EQ(format_seconds(750), "12:30");
  EXPECT_EQ(format_seconds(3600), "1:00:00");
  EXPECT_EQ(format_seconds(-1), "0:00");
}

/// A bar on a console of strings, with a clock set by hand.
class ProgressBarTest : public ::testing::Test {
 protected:
  ProgressBarOptions options(ProgressUnit unit, std::optional<Index> total) {
    return {.label = "work", .total = total, .unit = unit, .plain_interval_seconds = 10, .clock_seconds = [this] {
              return now_;
            }};
  }
  std::string take() {
    std::string text = err_.str();
    err_.str("");
    return text;
  }

  double now_ = 100;
  std::ostringstream out_;
  std::ostringstream err_;
  Console terminal_{.out = out_, .err = err_, .out_is_terminal = true, .err_is_terminal = true, .err_columns = 100};
  Console plain_{.out = out_, .err = err_};
};

TEST_F(ProgressBarTest, ShowsHowFarItIs) {
  ProgressBar bar(terminal_, options(ProgressUnit::items, 469));
  now_ += 2;
  bar.update(210, "loss 0.31");
  EXPECT_EQ(take(), "\rwork  [========>           ]   44 %  210/469  105/s  ETA 0:03  loss 0.31\x1b[K");
  now_ += 2;
  bar.update(469, "loss 0.25");
  EXPECT_EQ(take(), "\rwork  [====================]  100 %  469  117/s  ETA 0:00  loss 0.25\x1b[K");
  bar.finish();
  EXPECT_EQ(take(), "\rwork  [====================]  100 %  469  117/s  4.0 s  loss 0.25\x1b[K\n");
  EXPECT_EQ(out_.str(), "");
}

TEST_F(ProgressBarTest, ShowsBytes) {
  ProgressBar bar(terminal_, options(ProgressUnit::bytes, 47'000'000));
  now_ += 0.5;
  bar.update(500'000);
  EXPECT_EQ(take(), "\rwork  [>                   ]    1 %  0.5/47.0 MB  1.0 MB/s  ETA 0:47\x1b[K");
}

TEST_F(ProgressBarTest, DrawsAtMostTenTimesASecond) {
  ProgressBar bar(terminal_, options(ProgressUnit::items, 1000));
  bar.update(1);
  EXPECT_NE(take(), "") << "the first state shows at once";
  int drawn = 0;
  for (int i = 0; i < 1000; ++i) {
    now_ += 0.001;
    bar.update(i);
    if (!take().empty()) ++drawn;
  }
  EXPECT_GE(drawn, 8);
  EXPECT_LE(drawn, 10);
}

TEST_F(ProgressBarTest, WithoutATotalShowsTheTime) {
  ProgressBar bar(terminal_, options(ProgressUnit::bytes, std::nullopt));
  now_ += 3;
  bar.update(0);
  EXPECT_EQ(take(), "\rwork  0:03\x1b[K");
  now_ += 1;
  bar.update(8000);
  EXPECT_EQ(take(), "\rwork  8.0 kB  2.0 kB/s  0:04\x1b[K");
}

TEST_F(ProgressBarTest, StaysWithinTheTerminal) {
  terminal_.err_columns = 20;
  ProgressBar bar(terminal_, options(ProgressUnit::items, 10));
  bar.update(5);
  EXPECT_EQ(take(), "\rwork  [==========> \x1b[K");
}

TEST_F(ProgressBarTest, PrintsSparsePlainLinesElsewhere) {
  ProgressBar bar(plain_, options(ProgressUnit::items, 100));
  for (int i = 0; i < 90; ++i) {
    bar.update(i);
    now_ += 0.25;
  }
  // 22 seconds: two lines.
  EXPECT_EQ(take(), "work   40 %  40/100  4.0/s  ETA 0:15\nwork   80 %  80/100  4.0/s  ETA 0:05\n");
  bar.finish();
  EXPECT_THAT(take(), EndsWith(" s\n"));
  bar.finish();
  EXPECT_EQ(take(), "") << "a bar ends once";
}

TEST_F(ProgressBarTest, EndsByItself) {
  { ProgressBar bar(plain_, options(ProgressUnit::items, 100)); }
  EXPECT_THAT(take(), HasSubstr("work"));
}

TEST_F(ProgressBarTest, BearsMoreThanTheTotal) {
  ProgressBar bar(terminal_, options(ProgressUnit::items, 10));
  now_ += 1;
  bar.update(20);
  EXPECT_THAT(take(), HasSubstr("[====================]  100 %  20/10  20/s  ETA 0:00"));
}

}  // namespace
}  // namespace saccade::cli
