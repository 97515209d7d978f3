#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <set>

#include "saccade/image/decode.h"
#include "workplace.h"

namespace saccade::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Trains on all of MNIST once for the whole suite.
class Train : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    place = std::make_unique<Workplace>();
    result = place->expect(0, {"train", "mnist", "--epochs", "1", "--json"});
  }
  static void TearDownTestSuite() { place.reset(); }

  static fs::path run_folder() { return *place / "runs/lenet5-mnist"; }

  static inline std::unique_ptr<Workplace> place;
  static inline Result result;
};

TEST_F(Train, OneEpochReaches97Percent) {
  const nlohmann::json report = nlohmann::json::parse(result.out);  // and nothing but JSON on stdout
  EXPECT_GT(report.at("accuracy").get<double>(), 0.97);
  EXPECT_EQ(report.at("images"), 10000);
  ASSERT_THAT(report.at("confusion"), SizeIs(10));
  int images = 0, right = 0;
  for (std::size_t i = 0; i < 10; ++i) {
    for (std::size_t j = 0; j < 10; ++j) images += report["confusion"][i][j].get<int>();
    right += report["confusion"][i][i].get<int>();
  }
  EXPECT_EQ(images, 10000);
  EXPECT_DOUBLE_EQ(right / 10000.0, report["accuracy"].get<double>());
}

TEST_F(Train, ProgressGoesToStderr) {
  EXPECT_THAT(result.err, HasSubstr("lenet5: 61706 parameters, mnist on 60000 images, seed 0, runs/lenet5-mnist"));
  EXPECT_THAT(result.err, HasSubstr("epoch  1/1  loss "));
  EXPECT_THAT(result.err, HasSubstr("val_accuracy"));
  EXPECT_EQ(result.err.find('\r'), std::string::npos) << "a bar drawn into something that is no terminal";
}

TEST_F(Train, LeavesWhatItPromises) {
  std::set<std::string> names;
  for (const auto& [name, bytes] : contents(run_folder())) {
    names.insert(name.starts_with("events.out.tfevents.") ? "events" : name);
    EXPECT_GT(bytes.size(), 30U) << name;
  }
  EXPECT_EQ(names, (std::set<std::string>{"best.safetensors", "classes.csv", "config.json", "confusion.csv", "events",
                                          "last.ckpt", "last.safetensors", "metrics.csv", "predictions.csv",
                                          "report.json", "report.txt", "worst.png"}));
  EXPECT_EQ(read(run_folder() / "report.json"), result.out);
  EXPECT_THAT(read(run_folder() / "report.txt"), HasSubstr("most frequent mistakes"));
  EXPECT_THAT(lines(read(run_folder() / "metrics.csv")), SizeIs(1 + 1));
  EXPECT_THAT(lines(read(run_folder() / "confusion.csv")), SizeIs(1 + 10));
  EXPECT_THAT(lines(read(run_folder() / "classes.csv")), SizeIs(1 + 10));
  EXPECT_THAT(lines(read(run_folder() / "predictions.csv")), SizeIs(1 + 10000));

  const nlohmann::json config = nlohmann::json::parse(read(run_folder() / "config.json"));
  EXPECT_EQ(config.at("options").at("--epochs"), 1);
  EXPECT_EQ(config.at("options").at("--seed"), 0);
  EXPECT_EQ(config.at("options").at("--schedule"), "one-cycle") << "the recipe's values belong in it";

  const Tensor sheet = read_image(run_folder() / "worst.png");
  ASSERT_EQ(sheet.shape().rank(), 3);
  EXPECT_GT(sheet.shape()[0], 100);
  EXPECT_GT(sheet.shape()[1], 100);
}

TEST_F(Train, EvaluateAgreesWithTheReport) {
  const std::string before = read(run_folder() / "report.json");
  const Result again = place->expect(
      0, {"evaluate", (run_folder() / "last.safetensors").string(), "mnist/test", "--json", "--report", "again"});
  EXPECT_EQ(again.out, before);
  for (const char* name :
       {"report.txt", "report.json", "confusion.csv", "classes.csv", "predictions.csv", "worst.png"}) {
    EXPECT_EQ(read(*place / "again" / name), read(run_folder() / name)) << name;
  }
}

TEST_F(Train, ASecondRunGetsAnotherFolder) {
  const auto before = contents(run_folder());
  place->expect(0, {"train", "mnist", "--epochs", "1", "--limit", "500"});
  EXPECT_TRUE(fs::exists(*place / "runs/lenet5-mnist-2/last.safetensors"));
  EXPECT_THAT(differences(before, contents(run_folder())), IsEmpty());
}

}  // namespace
}  // namespace saccade::e2e
