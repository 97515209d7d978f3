// train, evaluate and predict on folders and CSV files of images: what they refuse, and what they say.
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>

#include "saccade/base/file.h"
#include "saccade/cli/testing_internal.h"
#include "saccade/image/encode.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/model.h"
#include "saccade/nn/view.h"
#include "tests/support/scratch_folder.h"

namespace saccade::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// A picture of one colour.
void write_plain(const fs::path& path, std::uint8_t value) {
  Tensor image({12, 12, 3}, DType::uint8);
  std::ranges::fill(image.uint8s(), value);
  fs::create_directories(path.parent_path());
  write_image(path, image);
}

class OwnImages : public ::testing::Test {
 protected:
  OwnImages() {
    for (int i = 0; i < 10; ++i) {
      write_plain(photos("dark/" + std::to_string(i) + ".png"), static_cast<std::uint8_t>(10 + i));
      write_plain(photos("light/" + std::to_string(i) + ".png"), static_cast<std::uint8_t>(200 + i));
    }
  }
  fs::path photos(const std::string& name) const { return folder / "photos" / name; }
  std::string at(const std::string& name) const { return (folder / name).string(); }

  /// saccade train DATASET MORE..., short, into run/ unless MORE says otherwise.
  Outcome train(const std::string& dataset, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"train", dataset};
    for (const auto& [option, value] : std::vector<std::pair<std::string, std::string>>{{"--model", "lenet5"},
                                                                                        {"--image-size", "12"},
                                                                                        {"--epochs", "1"},
                                                                                        {"--batch-size", "8"},
                                                                                        {"--run", at("run")}}) {
      if (std::ranges::find(more, option) == more.end()) arguments.insert(arguments.end(), {option, value});
    }
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_with(arguments);
  }
  nlohmann::json options() const {
    return nlohmann::json::parse(read_text_file(folder / "run/config.json")).at("options");
  }

  test::ScratchFolder folder;
};

TEST_F(OwnImages, AFifthIsSetAsideUnlessItIsSaidNotToBe) {
  EXPECT_THAT(train(at("photos")).out,
              AllOf(StartsWith("validation accuracy"), HasSubstr("4 images, set aside from 20")));
  EXPECT_EQ(options().at("--validation-split"), 0.2);
  fs::remove_all(folder / "run");
  const Outcome none = train(at("photos"), {"--validation-split", "0"});
  EXPECT_THAT(none.err, HasSubstr("photos on 20 images"));
  EXPECT_THAT(none.err, Not(HasSubstr("val_loss")));
  EXPECT_THAT(none.out, AllOf(StartsWith("training accuracy"), HasSubstr("on 20 images; network")));
  EXPECT_EQ(options().at("--validation-split"), 0.0);
  for (const char* option : {"--early-stopping", "--reduce-on-plateau"}) {
    const Outcome refused = train(at("photos"), {"--validation-split", "0", option, "2", "--run", at("other")});
    EXPECT_THAT(refused.err, StartsWith(std::string("train: ") + option + ": expected images that are set aside"));
  }
}

TEST_F(OwnImages, OptionsThatHaveNoUseAreRefused) {
  const std::vector<std::vector<std::string>> of_images = {
      {"--image-size", "64"},  {"--color-mode", "rgb"}, {"--x-col", "file"},
      {"--y-col", "label"},    {"--weight-col", "w"},   {"--image-folder", "img"},
      {"--max-pixels", "100"}, {"--skip-bad"},          {"--cache-images"}};
  for (const std::vector<std::string>& option : of_images) {
    std::vector<std::string> arguments = {"train", "mnist"};
    arguments.insert(arguments.end(), option.begin(), option.end());
    const Outcome outcome = run_with(arguments);
    EXPECT_EQ(outcome.code, 2);
    EXPECT_THAT(outcome.err,
                AllOf(StartsWith("train mnist: " + option[0] + ": expected a folder or .csv file of images"),
                      EndsWith("; leave the option out\n")));
  }
  EXPECT_THAT(train(at("photos"), {"--x-col", "file"}).err, HasSubstr("--x-col: expected a .csv file"));
  EXPECT_THAT(train(at("photos"), {"--weight-col", "w"}).err, HasSubstr("--weight-col: expected a .csv file"));
  EXPECT_THAT(train(at("photos"), {"--split-mode", "keras", "--validation-split", "0"}).err,
              HasSubstr("train: --split-mode: expected images that are set aside for validation, got none"));
  EXPECT_FALSE(fs::exists(folder / "run"));
  ASSERT_EQ(train(at("photos")).code, 0);
  EXPECT_THAT(run_with({"evaluate", at("run"), "mnist", "--skip-bad"}).err,
              StartsWith("evaluate mnist: --skip-bad: expected a folder or .csv file"));
  EXPECT_THAT(run_with({"predict", at("run"), at("photos"), "--x-col", "file"}).err,
              StartsWith("predict: --x-col: expected a .csv file"));
}

/// A data set that is not there, or not readable, would be told first if any of it were looked at.
TEST_F(OwnImages, OptionsAreCheckedBeforeAnyImageIsLookedFor) {
  test::ScratchFolder empty;
  folder.write("photos/dark/broken.png", "no image");
  for (const auto& [option, says] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"--optimizer", "nosuch"}, "'nosuch'"},
           {{"--learning-rate", "-1"}, "learning_rate"},
           {{"--schedule", "nosuch"}, "'nosuch'"},
           {{"--label-smoothing", "1"}, "label_smoothing"},
           {{"--workers", "257"}, "--workers: expected 0 to 256, got 257"},
           {{"--threads=-1"}, "--threads: expected at least 0, got -1"},
           {{"--color-mode", "cmyk"}, "'cmyk'"},
           {{"--split-mode", "nosuch"}, "'nosuch'"},
           {{"--max-pixels", "0"}, "--max-pixels: expected at least 1, got 0"},
           {{"--fill-mode", "nosuch"}, "'nosuch'"},
           {{"--mixup", "-1"}, "mixup"}}) {
    std::vector<std::string> arguments = {"train", empty.path().string()};
    arguments.insert(arguments.end(), option.begin(), option.end());
    const Outcome outcome = run_with(arguments);
    EXPECT_EQ(outcome.code, 2);
    EXPECT_THAT(outcome.err, HasSubstr(says));
  }
  EXPECT_THAT(run_with({"train", empty.path().string(), "--model", "nosuch"}).err,
              StartsWith("network: expected one of"));
  // The network needs to know the classes, but no image has to be read for that.
  EXPECT_THAT(train(at("photos"), {"--freeze", "nosuch*"}).err, StartsWith("network 'lenet5': expected a pattern"));
  EXPECT_THAT(train(at("photos"), {"--freeze", "nosuch*"}).err, Not(HasSubstr("check images")));
}

TEST_F(OwnImages, RowsWithoutAFileAreAnErrorThatNamesThem) {
  std::string table = "filename,class\n";
  for (int i = 0; i < 10; ++i) {
    const std::string number = std::to_string(i);
    table += "photos/dark/" + number + ".png,dark\nphotos/light/" + number + ".png,light\n";
  }
  folder.write("labels.csv", table + "photos/gone.png,dark\nlabels.csv,light\n");
  const std::string csv = at("labels.csv");
  const Outcome refused = train(csv);
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("unreadable: " + csv + ": line 22: '" + at("photos/gone.png") + "' is no file"));
  EXPECT_THAT(refused.err,
              HasSubstr("unreadable: " + csv + ": line 23: '" + at("labels.csv") + "' has not the ending"));
  EXPECT_THAT(refused.err,
              HasSubstr(csv + ": expected 22 images that can be read, got 2 that cannot, listed above; mend "
                              "or remove them, or leave them out with --skip-bad"));
  EXPECT_FALSE(fs::exists(folder / "run"));
  const Outcome skipped = train(csv, {"--skip-bad"});
  EXPECT_EQ(skipped.code, 0) << skipped.err;
  EXPECT_THAT(skipped.err, HasSubstr("warning: " + csv + ": 2 of 22 images are left out"));
  EXPECT_THAT(skipped.out, HasSubstr("set aside from 20"));
}

TEST_F(OwnImages, OtherClassesThanTheNetworks) {
  ASSERT_EQ(train(at("photos")).code, 0);
  fs::rename(photos("dark"), photos("night"));
  fs::rename(photos("light"), photos("day"));
  EXPECT_EQ(run_with({"evaluate", at("run"), at("photos")}).err,
            at("photos") +
                ": expected sub-folders of the classes dark, light, got day, night; rename them, or use a "
                "network that was trained on these classes\n");
  folder.write("labels.csv", "filename,class\nphotos/night/1.png,night\n");
  EXPECT_EQ(run_with({"evaluate", at("run"), at("labels.csv")}).err,
            at("labels.csv") +
                ": expected labels of the classes dark, light, got night; rename them, or use a network "
                "that was trained on these classes\n");
}

TEST_F(OwnImages, NamesAreShownWithoutTheirControlCharacters) {
  const std::string bad = "a\x1b[31m\nb";
  fs::rename(photos("dark"), photos(bad));
  folder.write("photos/" + bad + "/cut\x1b.png", "no image");
  fs::create_directories(photos("em\x1bpty"));
  const Outcome trained = train(at("photos"), {"--skip-bad"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_THAT(trained.err, HasSubstr("warning: " + at("photos") + ": class 'em\\x1bpty' has no images"));
  EXPECT_THAT(trained.err, HasSubstr("cut\\x1b.png"));
  const Outcome evaluated = run_with({"evaluate", at("run"), at("photos"), "--skip-bad"});
  const Outcome predicted = run_with({"predict", at("run"), at("photos")});
  EXPECT_THAT(evaluated.out, HasSubstr("\na\\x1b[31m\\x0ab "));
  EXPECT_THAT(predicted.out, HasSubstr("a\\x1b[31m\\x0ab/0.png  "));
  for (const std::string& text :
       {trained.out, trained.err, evaluated.out, evaluated.err, predicted.out, predicted.err}) {
    EXPECT_THAT(text, Not(HasSubstr("\x1b"))) << text;
    EXPECT_THAT(text, Not(HasSubstr("\nb"))) << text;
  }
}

/// A network's names come of its file.
TEST_F(OwnImages, NamesOfNetworksToo) {
  Model net = Sequential("a\x1b[2Jb", {Input{{4, 4, 1}}, Flatten{}, Dense{{.units = 2}}});
  net.save(folder / "bad.safetensors");
  const Outcome outcome = run_with({"summary", at("bad.safetensors"), "--explain"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("a\\x1b[2Jb"), HasSubstr("\ninput (Input)"), Not(HasSubstr("\x1b"))));
}

/// Goes to another folder for as long as it lives.
class CurrentFolder {
 public:
  explicit CurrentFolder(const fs::path& folder) { fs::current_path(folder); }
  CurrentFolder(const CurrentFolder&) = delete;
  CurrentFolder& operator=(const CurrentFolder&) = delete;
  ~CurrentFolder() { fs::current_path(before_); }

 private:
  fs::path before_ = fs::current_path();
};

TEST_F(OwnImages, ARunGoesOnFromAnyFolder) {
  {
    const CurrentFolder here(folder.path());
    ASSERT_EQ(train("photos/", {"--cache-images", "--data", "cache"}).code, 0);
  }
  EXPECT_EQ(options().at("dataset"), at("photos/"));
  EXPECT_EQ(options().at("--data"), at("cache"));
  const std::string network = read_text_file(folder / "run/last.safetensors");
  fs::remove(folder / "run/last.ckpt");  // from the beginning, then
  const CurrentFolder elsewhere("/");
  const Outcome again = run_with({"train", "--resume", at("run")});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(read_text_file(folder / "run/last.safetensors"), network);
  EXPECT_FALSE(fs::exists("/cache"));
}

TEST_F(OwnImages, ImagesThatHaveMoved) {
  ASSERT_EQ(train(at("photos")).code, 0);
  fs::rename(folder / "photos", folder / "moved");
  EXPECT_EQ(run_with({"train", "--resume", at("run")}).err,
            "train --resume " + at("run") + ": expected the images it was begun with, in " + at("photos") +
                ", got no such folder or file; if they have moved: saccade train NEW --resume " + at("run") + "\n");
  const Outcome moved = run_with({"train", at("moved"), "--resume", at("run"), "--workers", "0"});
  EXPECT_EQ(moved.code, 0) << moved.err;
  EXPECT_EQ(run_with({"train", "--resume", at("run")}).code, 0) << "where they are now is kept";
  fs::remove(folder / "moved/dark/3.png");
  EXPECT_THAT(run_with({"train", "--resume", at("run")}).err, HasSubstr("resume from"));
  EXPECT_THAT(run_with({"train", "--resume", at("run"), "--epochs", "3"}).err,
              HasSubstr("expected no other options: a run goes on with those it was begun with, got --epochs"));
}

TEST_F(OwnImages, LargeImagesOnDemand) {
  const Outcome refused = train(at("photos"), {"--max-pixels", "100"});
  EXPECT_THAT(refused.err, HasSubstr("expected at most 100 pixels, got 12 x 12"));
  ASSERT_EQ(train(at("photos"), {"--max-pixels", "144"}).code, 0);
  EXPECT_EQ(run_with({"predict", at("run"), photos("dark/1.png").string(), "--max-pixels", "143"}).code, 2);
  EXPECT_EQ(run_with({"evaluate", at("run"), at("photos"), "--max-pixels", "143"}).code, 2);
}

TEST_F(OwnImages, EveryBadFileIsListed) {
  for (int i = 0; i < 50; ++i) folder.write("photos/dark/bad" + std::to_string(i) + ".png", "no image");
  const Outcome outcome = train(at("photos"));
  for (int i = 0; i < 50; ++i) EXPECT_THAT(outcome.err, HasSubstr("/bad" + std::to_string(i) + ".png: "));
  EXPECT_THAT(outcome.err, HasSubstr("expected 70 images that can be read, got 50 that cannot, listed above"));
}

/// Weights of 0 take all of one class out of the loss.
TEST_F(OwnImages, WeightsOfATable) {
  std::string table = "filename,class,weight\n";
  for (int i = 0; i < 10; ++i) {
    const std::string number = std::to_string(i);
    table += "photos/dark/" + number + ".png,dark,0\nphotos/light/" + number + ".png,light,2\n";
  }
  folder.write("labels.csv", table);
  const Outcome trained = train(at("labels.csv"), {"--weight-col", "weight", "--epochs", "20", "--json"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_EQ(nlohmann::json::parse(trained.out).at("accuracy"), 0.5);
  EXPECT_EQ(nlohmann::json::parse(trained.out).at("weighted_accuracy"), 1.0);
  EXPECT_THAT(read_text_file(folder / "run/metrics.csv"), HasSubstr(",val_weighted_accuracy,weighted_accuracy"));
  const Outcome evaluated = run_with({"evaluate", at("run"), at("labels.csv"), "--weight-col", "weight"});
  EXPECT_THAT(evaluated.out, HasSubstr("accuracy  0.5000 (1.0000 weighted)"));
  EXPECT_THAT(run_with({"evaluate", at("run"), at("labels.csv"), "--weight-col", "class"}).err,
              HasSubstr("labels.csv: line 2, column 'class': expected a finite number, got 'dark'"));
}

}  // namespace
}  // namespace saccade::cli
