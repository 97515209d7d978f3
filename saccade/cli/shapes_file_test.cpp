#include "saccade/cli/shapes_file.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "saccade/cli/testing_internal.h"
#include "tests/support/message_of.h"
#include "tests/support/scratch_folder.h"

namespace saccade::cli {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ShapesFile : public ::testing::Test {
 protected:
  std::string file(const std::string& text) const {
    folder.write("shapes.txt", text);
    return (folder / "shapes.txt").string();
  }
  test::ScratchFolder folder;
};

TEST_F(ShapesFile, GroupsCasesByOperation) {
  const std::vector<ShapeGroup> groups = read_shapes(
      file("# shapes\ndense m2k3u4 first # and 2 more\ndense m1k1u1\n\nactivation n8_relu\ndense m5k1u1\n"));
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].operation, "dense");
  using Shapes = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(groups[0].shapes, (Shapes{{"first", "m2k3u4"}, {"m1k1u1", "m1k1u1"}, {"m5k1u1", "m5k1u1"}}));
  EXPECT_EQ(groups[1].operation, "activation");
  EXPECT_EQ(groups[1].shapes.size(), 1U);
}

TEST_F(ShapesFile, WrongLinesAreNamed) {
  const auto message = [&](const std::string& line) {
    const std::string path = file("# a comment\n\n" + line + "\n");
    const std::string text = test::message_of([&] { read_shapes(path); });
    EXPECT_THAT(text, StartsWith(path + ":3: expected "));
    return text;
  };
  EXPECT_THAT(message("dense"), EndsWith("OPERATION CASE [NAME], got 1 words"));
  EXPECT_THAT(message("dense m1k1u1 a b"), EndsWith("got 4 words"));
  EXPECT_THAT(message("danse m1k1u1"), AllOf(HasSubstr("one of conv2d, "), EndsWith("got 'danse'")));
  EXPECT_THAT(message("dense m1x1"), HasSubstr("got "));
  EXPECT_THAT(message("dense m99999999k99999999u1"), HasSubstr("got "));
  EXPECT_THAT(run_with({"bench", "--shapes", file("dense x\n")}).err, HasSubstr("shapes.txt:1: expected "));
  EXPECT_THAT(run_with({"bench", "--shapes", file("# none\n")}).err, EndsWith("that is no comment, got none\n"));
  EXPECT_EQ(run_with({"bench", "--shapes", (folder / "nosuch").string()}).code, 2);
  EXPECT_THAT(run_with({"bench", "dense", "--case", "m1k1u1", "--shapes", file("dense m1k1u1\n")}).err,
              StartsWith("bench: --case and --implementation: expected one operation"));
}

TEST_F(ShapesFile, IsTimedWithBytes) {
  const std::string path = file("dense m2k3u4 named\nactivation n8_relu\n");
  const std::vector<std::string> arguments = {"bench", "--shapes", path, "--rounds", "1", "--round-seconds", "0"};
  EXPECT_THAT(run_with(arguments).out, AllOf(HasSubstr("FLOP/B"), HasSubstr("\nnamed ")));
  std::vector<std::string> with_json = arguments;
  with_json.push_back("--json");
  const auto json = nlohmann::json::parse(run_with(with_json).out)["benchmarks"];
  ASSERT_EQ(json.size(), 2U);
  EXPECT_EQ(json[0]["name"], "dense");
  EXPECT_FALSE(json[0].contains("proved"));
  const auto& dense = json[0]["measurements"][0];
  EXPECT_EQ(dense["shape"], "named");
  EXPECT_EQ(dense["bytes"], 4.0 * (2 * 3 + 3 * 4 + 2 * 4));
  EXPECT_NEAR(dense["flops_per_byte"], 2.0 * 2 * 3 * 4 / dense["bytes"].get<double>(), 1e-12);
  const auto& activation = json[1]["measurements"][0];
  EXPECT_EQ(activation["bytes"], 4.0 * 16);
  EXPECT_EQ(activation["flops_per_byte"], 0.0);
}

}  // namespace
}  // namespace saccade::cli
