#include <gmock/gmock.h>

#include <sstream>

#include "workplace.h"

namespace saccade::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(Experiment, Translation) {
  const Workplace place;
  const Result result =
      place.expect(0, {"experiment", "translation", "--limit", "3000", "--epochs", "1", "--out", "out"});
  EXPECT_THAT(result.out, HasSubstr("3836410"));
  EXPECT_THAT(result.out, HasSubstr("61706"));
  EXPECT_THAT(lines(result.out), SizeIs(1 + 4));

  const std::vector<std::string> rows = lines(read(place / "out/translation.csv"));
  ASSERT_THAT(rows, SizeIs(1 + 4 * 9));
  EXPECT_EQ(rows[0], "network,parameters,trained_on,shift,accuracy");
  std::map<std::string, std::vector<double>> accuracy;  // of "mlp centred", by shift
  for (std::size_t i = 1; i < rows.size(); ++i) {
    std::istringstream stream(rows[i]);
    std::vector<std::string> fields;
    for (std::string field; std::getline(stream, field, ',');) fields.push_back(field);
    ASSERT_THAT(fields, SizeIs(5)) << rows[i];
    std::vector<double>& curve = accuracy[fields[0] + " " + fields[2]];
    EXPECT_EQ(fields[3], std::to_string(curve.size())) << rows[i];
    curve.push_back(std::stod(fields[4]));
    EXPECT_GE(curve.back(), 0.0);
    EXPECT_LE(curve.back(), 1.0);
  }
  ASSERT_THAT(accuracy, SizeIs(4));
  for (const char* network : {"mlp centred", "lenet5 centred"}) {
    ASSERT_THAT(accuracy[network], SizeIs(9)) << network;
    EXPECT_GT(accuracy[network].front(), 0.7) << network;
    EXPECT_GT(accuracy[network].front(), accuracy[network].back() + 0.2) << network;
  }
  EXPECT_GT(accuracy["mlp shifted"].back(), accuracy["mlp centred"].back()) << "training on moved digits did not help";

  const std::string html = read(place / "out/translation.html");
  EXPECT_THAT(html, ::testing::StartsWith("<!doctype html>"));
  EXPECT_THAT(html, HasSubstr("<svg "));
  EXPECT_THAT(html, HasSubstr("lenet5, shifted"));
  EXPECT_THAT(html, ::testing::EndsWith("</html>\n"));
}

/// The number after a row's name in the printed table.
double accuracy_of(const std::string& table, const std::string& name) {
  for (const std::string& line : lines(table)) {
    if (line.starts_with(name + " ")) return std::stod(line.substr(name.size()));
  }
  ADD_FAILURE() << "no row " << name << " in\n" << table;
  return 0.0;
}

TEST(Experiment, Augmentation) {
  const Workplace place;
  const Result result = place.expect(
      0, {"experiment", "augmentation", "--limit", "1000", "--epochs", "12", "--seeds", "1", "--out", "out"});
  EXPECT_THAT(lines(result.out), SizeIs(1 + 4));
  const double none = accuracy_of(result.out, "none");
  EXPECT_GT(none, 85.0);
  EXPECT_GT(accuracy_of(result.out, "sensible"), none) << "sensible changes did not help";
  EXPECT_LT(accuracy_of(result.out, "mirrored left to right"), none) << "mirrored digits did not hurt";
  EXPECT_THAT(lines(read(place / "out/augmentation.csv")), SizeIs(1 + 4));
  EXPECT_THAT(read(place / "out/augmentation.png"), ::testing::StartsWith("\x89PNG"));
}

/// The accuracies behind a row's name in the printed table, from its first such row on: a table a task.
std::vector<double> row_of(const std::string& table, const std::string& name) {
  std::vector<double> values;
  for (const std::string& line : lines(table)) {
    if (!line.starts_with(name + " ")) continue;
    std::istringstream fields(line.substr(name.size()));
    std::string percent;
    for (double value = 0.0; fields >> value >> percent;) values.push_back(value);
  }
  return values;
}

TEST(Experiment, Transfer) {
  if (!fs::exists("/usr/share/fonts/truetype/dejavu")) GTEST_SKIP() << "no fonts: install Debian's fonts-dejavu-core";
  const Workplace place;
  const Result result = place.expect(
      0, {"experiment", "transfer", "--quick", "--fonts", "/usr/share/fonts/truetype/dejavu", "--out", "out"});
  EXPECT_THAT(result.out, HasSubstr("Cyrillic letters           2 a class   5 a class\n"));
  const std::vector<double> scratch = row_of(result.out, "from scratch"), last = row_of(result.out, "last layer");
  ASSERT_THAT(scratch, SizeIs(2));
  ASSERT_THAT(last, SizeIs(2));
  EXPECT_GT(last[1], scratch[1] + 5.0) << "Latin letters were no useful start";
  EXPECT_THAT(lines(read(place / "out/transfer.csv")), SizeIs(1 + 4 * 2));
  EXPECT_THAT(read(place / "out/transfer.html"), HasSubstr("<svg "));
  EXPECT_THAT(read(place / "out/letters.png"), ::testing::StartsWith("\x89PNG"));
  EXPECT_THAT(place.expect(2, {"experiment", "transfer", "--fonts", "nowhere", "--out", "out"}).err,
              HasSubstr("nowhere: expected a folder with fonts"));
}

}  // namespace
}  // namespace saccade::e2e
