#include "saccade/cli/gate.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "saccade/base/file.h"
#include "saccade/cli/testing_internal.h"
#include "tests/support/message_of.h"
#include "tests/support/scratch_folder.h"

namespace saccade::cli {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class GateTest : public ::testing::Test {
 protected:
  std::string table(const std::string& text) const {
    write_file(folder / "gate.txt", text);
    return (folder / "gate.txt").string();
  }
  /// What is wrong with a row that stands in line 2.
  std::string message(const std::string& row) const {
    const std::string path = table("# a comment\n" + row + "\n");
    const std::string text = test::message_of([&] { read_gate(path); });
    EXPECT_THAT(text, StartsWith(path + ":2: expected "));
    return text;
  }

  test::ScratchFolder folder;
};

TEST_F(GateTest, ReadsRowsAndComments) {
  const std::vector<GateRow> rows =
      read_gate(table("\n# nothing\nactivation n100_relu forward reference 2.5 # why\n\nlenet5 4 training apart 1\n"));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].target, "activation");
  EXPECT_EQ(rows[0].yardstick, "reference");
  EXPECT_EQ(rows[0].least, 2.5);
  EXPECT_EQ(rows[0].line, 3);
  EXPECT_EQ(rows[1].shape, "4");
  EXPECT_EQ(rows[1].line, 5);
}

TEST_F(GateTest, WrongRowsAreNamedWithTheirLine) {
  EXPECT_THAT(message("lenet5 4 training"), EndsWith("TARGET SHAPE STEP YARDSTICK RATIO, got 3 words"));
  EXPECT_THAT(message("lenet5 4 training apart x"), EndsWith("a ratio above 0, got 'x'"));
  EXPECT_THAT(message("lenet5 4 training apart -1"), EndsWith("a ratio above 0, got '-1'"));
  EXPECT_THAT(message("lenet5 4 training apart nan"), EndsWith("a ratio above 0, got 'nan'"));
  EXPECT_THAT(message("lenet5 4 training onednn 1"), EndsWith("fma_peak, exact or apart, got 'onednn'"));
  EXPECT_THAT(message("lenet5 0 training apart 1"), EndsWith("a batch size, got '0'"));
  EXPECT_THAT(message("lenet5 99999999999999999999 training apart 1"), HasSubstr("a batch size, got '9"));
  EXPECT_THAT(message("lenet5 4 forward apart 1"), EndsWith("training or inference, got 'forward'"));
  EXPECT_THAT(message("lenet9 4 training apart 1"), HasSubstr("a network of the zoo, got 'lenet9'"));
  EXPECT_THAT(message("dense m2k3u4 sideways onednn 1"), EndsWith("a pass of the operation, got 'sideways'"));
  EXPECT_THAT(message("dense m2k3u4 forward exact 1"), AllOf(HasSubstr("fma_peak or one of"), EndsWith("got 'exact'")));
  EXPECT_THAT(message("activation n9_relu forward fma_peak 1"), EndsWith("got 'fma_peak'"));  // it has no multiply-adds
  EXPECT_THAT(message("dense nonsense forward onednn 1"), HasSubstr("nonsense"));
  EXPECT_THAT(message("conv2d n1ih8iw8ic3oc4kh3kw3 forward winograd 1"), HasSubstr("got winograd, which declines: "));
  EXPECT_THAT(test::message_of([&] { read_gate(table("# only this\n")); }),
              EndsWith("at least one line that is no comment, got none"));
}

TEST_F(GateTest, FailsWhereARatioIsMissedTwice) {
  const std::string path = table(
      "activation n4000_relu forward reference 0.01\n"
      "activation n4000_relu forward reference 1e9\n"
      "lenet5 2 inference apart 1e9\n"
      "lenet5 2 training fma_peak 1e-9\n"
      "mlp 1 inference exact 0.01\n");
  const Outcome text = run_with({"bench", "--gate", path, "--rounds", "2"});
  EXPECT_EQ(text.code, 1) << text.err;
  EXPECT_THAT(text.out,
              AllOf(StartsWith("ok     activation n4000_relu forward"), HasSubstr("FAILED activation n4000_relu"),
                    HasSubstr("FAILED lenet5 2 inference"), HasSubstr(", second try\nok     lenet5 2 training"),
                    HasSubstr("ok     mlp 1 inference")));
  const auto json = nlohmann::json::parse(run_with({"bench", "--gate", path, "--rounds", "2", "--json"}).out);
  EXPECT_EQ(json["holds"], false);
  ASSERT_EQ(json["gate"].size(), 5U);
  EXPECT_EQ(json["gate"][0]["holds"], true);
  EXPECT_EQ(json["gate"][0]["tried_again"], false);
  EXPECT_EQ(json["gate"][1]["holds"], false);
  EXPECT_EQ(json["gate"][1]["tried_again"], true);
  EXPECT_EQ(json["gate"][1]["least_ratio"], 1e9);
}

TEST_F(GateTest, UpdateWritesTheTableThatThenHolds) {
  const std::string path = table("# keep me\nactivation n4000_relu forward reference 1e9  # and me\n\n");
  EXPECT_EQ(run_with({"bench", "--gate", path, "--rounds", "3", "--update"}).code, 0);
  const std::string text = read_text_file(path);
  EXPECT_THAT(text, AllOf(StartsWith("# keep me\nactivation   n4000_relu "), EndsWith("  # and me\n\n")));
  const GateRow row = read_gate(path).at(0);
  EXPECT_GT(row.least, 0.0);
  EXPECT_LT(row.least, 1e6);
  EXPECT_EQ(run_with({"bench", "--gate", path}).code, 0);
}

TEST_F(GateTest, MarginsAreWide) {
  EXPECT_EQ(gate_margin({.yardstick = "onednn"}, 3.0), 1.5);
  EXPECT_EQ(gate_margin({.yardstick = "fma_peak"}, 0.5), 0.15);
  EXPECT_EQ(gate_margin({.yardstick = "fma_peak"}, 0.0), 0.01);
}

TEST_F(GateTest, StandsAlone) {
  EXPECT_THAT(run_with({"bench", "lenet5", "--gate", "x"}).err, StartsWith("bench: --gate: expected the file alone"));
  EXPECT_THAT(run_with({"bench", "lenet5", "--update"}).err, StartsWith("bench: --update: expected --gate FILE"));
}

}  // namespace
}  // namespace saccade::cli
