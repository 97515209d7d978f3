#include <fmt/format.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "saccade/image/decode.h"
#include "saccade/image/encode.h"
#include "tests/support/test_data.h"
#include "workplace.h"

namespace saccade::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

/// A picture of noise around a grey value; two such values are two classes that any network tells apart.
void write_picture(const fs::path& path, int value, Index side = 20) {
  Tensor image({side, side, 3}, DType::uint8);
  unsigned state = static_cast<unsigned>(value) * 2654435761U + 12345U;
  for (std::uint8_t& pixel : image.uint8s()) {
    state = state * 1664525U + 1013904223U;
    pixel = static_cast<std::uint8_t>(value + static_cast<int>(state >> 27));
  }
  fs::create_directories(path.parent_path());
  write_image(path, image);
}

/// dark/0.png .. and light/0.png ..
void write_two_classes(const fs::path& folder, int images_a_class) {
  for (int i = 0; i < images_a_class; ++i) {
    write_picture(folder / fmt::format("dark/{}.png", i), 10 + i % 20);
    write_picture(folder / fmt::format("light/{}.png", i), 180 + i % 20);
  }
}

const std::vector<std::string> kShort = {"--model",  "lenet5", "--image-size", "16",
                                         "--epochs", "10",     "--batch-size", "8"};

std::vector<std::string> short_training(std::vector<std::string> args) {
  args.insert(args.begin(), "train");
  args.insert(args.end(), kShort.begin(), kShort.end());
  return args;
}

TEST(FlowsFlowers, OneEpochOfPhotographs) {
  const fs::path archive = test::data_path("flowers5-128px.tar.gz");
  if (!fs::exists(archive)) GTEST_SKIP() << archive << " is not there; SACCADE_TEST_DATA names its folder";
  const Workplace place;
  ASSERT_EQ(run_program({"tar", "-C", place.path().string(), "-xzf", archive.string()}).exit_code, 0);
  const Result result = place.expect(
      0, {"train", "flowers5-128px", "--limit", "500", "--epochs", "1", "--cache-images", "--data", "cache", "--json"});
  EXPECT_THAT(result.err, HasSubstr("vgg_small: "));
  EXPECT_THAT(result.err, HasSubstr("flowers5-128px on 400 images"));
  const fs::path run = place / "runs/vgg_small-flowers5-128px";
  const nlohmann::json report = nlohmann::json::parse(result.out);
  EXPECT_EQ(report.at("images"), 100);
  ASSERT_THAT(report.at("classes"), SizeIs(5));
  EXPECT_EQ(report["classes"][0].at("name"), "daisy");
  const nlohmann::json options = nlohmann::json::parse(read(run / "config.json")).at("options");
  EXPECT_EQ(options.at("--validation-split"), 0.2);
  EXPECT_EQ(options.at("--batch-size"), 32);
  const Tensor sheet = read_image(run / "worst.png");
  EXPECT_GT(sheet.shape()[0], 400);
  for (const std::string& line : lines(read(run / "predictions.csv"))) {
    if (line.starts_with("index")) continue;
    const std::string name = line.substr(line.find(',') + 1, line.find(',', line.find(',') + 1) - line.find(',') - 1);
    EXPECT_TRUE(fs::exists(place / "flowers5-128px" / name)) << line;
  }

  Index entries = 0;
  for (const auto& [name, bytes] : contents(place / "cache/images")) entries += name.find('/') != std::string::npos;
  EXPECT_EQ(entries, 500);
  const Result again = place.expect(0, {"train", "flowers5-128px", "--limit", "500", "--epochs", "1", "--cache-images",
                                        "--data", "cache", "--json", "--run", "again"});
  EXPECT_EQ(again.out, result.out) << "cached images train another network";
}

TEST(FlowsFolder, SplitTrainEvaluatePredict) {
  const Workplace place;
  write_two_classes(place / "photos", 30);
  write(place / "photos/.thumbs/x.png", "");
  const Result result = place.expect(0, short_training({"photos/"}));
  EXPECT_THAT(result.err, HasSubstr("warning: photos/: hidden folder '.thumbs' is not taken for a class"));
  EXPECT_THAT(result.out, StartsWith("validation accuracy 100.00 %"));
  EXPECT_THAT(result.out,
              HasSubstr("on 12 images, set aside from 60; network, metrics and report in runs/lenet5-photos"));

  const Result evaluated = place.expect(0, {"evaluate", "runs/lenet5-photos", "photos", "--json"});
  EXPECT_EQ(nlohmann::json::parse(evaluated.out).at("images"), 60);
  EXPECT_EQ(nlohmann::json::parse(evaluated.out).at("accuracy"), 1.0);

  const Result predicted = place.expect(0, {"predict", "runs/lenet5-photos", "photos", "--top", "1"});
  ASSERT_THAT(lines(predicted.out), SizeIs(60));
  EXPECT_THAT(lines(predicted.out).front(), StartsWith("photos/dark/0.png  dark "));
  EXPECT_THAT(lines(predicted.out).back(), StartsWith("photos/light/9.png  light "));

  const Result keras = place.expect(0, short_training({"photos", "--split-mode", "keras", "--validation-split", "0.1",
                                                       "--run", "keras", "--color-mode", "grayscale"}));
  const std::vector<std::string> rows = lines(read(place / "keras/predictions.csv"));
  ASSERT_THAT(rows, SizeIs(1 + 6));
  EXPECT_THAT(rows[1], StartsWith("0,dark/0.png,dark,"));
  EXPECT_THAT(rows[2], StartsWith("1,dark/1.png,dark,"));
  EXPECT_THAT(rows[4], StartsWith("3,light/0.png,light,"));
}

/// Half of 28 pixels is less than 16, but not by more than a fifth.
TEST(FlowsFolder, FastDecodingIsAskedFor) {
  const Workplace place;
  for (int i = 0; i < 10; ++i) {
    write_picture(place / fmt::format("photos/dark/{}.jpg", i), 10 + i, 28);
    write_picture(place / fmt::format("photos/light/{}.jpg", i), 180 + i, 28);
  }
  std::vector<std::string> weights;
  for (const std::vector<std::string>& more : std::vector<std::vector<std::string>>{{}, {}, {"--fast-decode"}}) {
    std::vector<std::string> args{"photos", "--run", fmt::format("run{}", weights.size())};
    args.insert(args.end(), more.begin(), more.end());
    place.expect(0, short_training(args));
    weights.push_back(read(place / args[2] / "last.safetensors"));
  }
  EXPECT_TRUE(weights[0] == weights[1]);
  EXPECT_FALSE(weights[0] == weights[2]) << "the same pixels";
  EXPECT_THAT(read(place / "run2/config.json"), HasSubstr("\"--fast-decode\": true"));
}

TEST(FlowsFolder, PartsOfAFolderAreTakenAsTheyAre) {
  const Workplace place;
  write_two_classes(place / "set/train", 20);
  write_two_classes(place / "set/test", 5);
  const Result result = place.expect(0, short_training({"set"}));
  EXPECT_THAT(result.err, HasSubstr("set on 40 images"));
  EXPECT_THAT(result.out, HasSubstr("test accuracy 100.00 %"));
  EXPECT_THAT(result.out, HasSubstr("on 10 images; network"));
  write_two_classes(place / "set/val", 3);
  const Result three = place.expect(0, short_training({"set", "--run", "three"}));
  EXPECT_THAT(three.out, HasSubstr("on 10 images; network"));
  fs::remove_all(place / "set/test");
  const Result two = place.expect(0, short_training({"set", "--run", "two"}));
  EXPECT_THAT(two.out, StartsWith("validation accuracy"));
  EXPECT_THAT(two.out, HasSubstr("on 6 images; network"));
  const Result evaluated = place.expect(0, {"evaluate", "two", "set", "--json"});
  EXPECT_EQ(nlohmann::json::parse(evaluated.out).at("images"), 6);
}

TEST(FlowsTable, TrainEvaluatePredict) {
  const Workplace place;
  write_two_classes(place / "img", 20);
  std::string table = "label,file\n";
  for (int i = 0; i < 20; ++i) table += fmt::format("\"dark, very\",dark/{0}.png\nlight,light/{0}.png\n", i);
  write(place / "labels.csv", table + "light,gone.png\n");
  const std::vector<std::string> columns = {"--x-col", "file", "--image-folder", "img"};
  std::vector<std::string> train = short_training({"labels.csv", "--y-col", "label"});
  train.insert(train.end(), columns.begin(), columns.end());
  EXPECT_THAT(lines(place.expect(2, train).err).back(), StartsWith("labels.csv: expected 41 images that can be read"));
  train.emplace_back("--skip-bad");
  const Result result = place.expect(0, train);
  EXPECT_THAT(result.err, HasSubstr("unreadable: labels.csv: line 42: 'img/gone.png' is no file that is there"));
  EXPECT_THAT(result.out,
              HasSubstr("on 8 images, set aside from 40; network, metrics and report in runs/lenet5-labels"));

  std::vector<std::string> evaluate = {"evaluate", "runs/lenet5-labels", "labels.csv", "--y-col", "label",
                                       "--json",   "--skip-bad"};
  evaluate.insert(evaluate.end(), columns.begin(), columns.end());
  EXPECT_EQ(nlohmann::json::parse(place.expect(0, evaluate).out).at("images"), 40);

  std::vector<std::string> predict = {"predict", "runs/lenet5-labels", "labels.csv", "--top", "1"};
  predict.insert(predict.end(), columns.begin(), columns.end());
  const Result predicted = place.expect(2, predict);  // one file is not there
  ASSERT_THAT(lines(predicted.out), SizeIs(40));
  EXPECT_THAT(lines(predicted.out)[0], StartsWith("img/dark/0.png  dark, very "));
  EXPECT_THAT(predicted.err, HasSubstr("img/gone.png"));
}

TEST(FlowsBadFiles, AreListedOrLeftOut) {
  const Workplace place;
  write_two_classes(place / "photos", 20);
  write_picture(place / "whole.jpg", 100, 200);
  const std::string whole = read(place / "whole.jpg");
  write(place / "photos/dark/cut.jpg", whole.substr(0, whole.size() / 2));
  write(place / "photos/light/page.jpg", "<html>not found</html>");
  write(place / "photos/light/empty.png", "");

  const Result refused = place.expect(2, short_training({"photos"}));
  EXPECT_THAT(refused.out, IsEmpty());
  for (const char* name : {"dark/cut.jpg", "light/page.jpg", "light/empty.png"}) {
    EXPECT_THAT(refused.err, HasSubstr(fmt::format("unreadable: photos/{}: ", name)));
  }
  EXPECT_THAT(lines(refused.err).back(),
              StartsWith("photos: expected 43 images that can be read, got 3 that cannot, listed above"));
  EXPECT_FALSE(fs::exists(place / "runs"));

  const Result skipped = place.expect(0, short_training({"photos", "--skip-bad"}));
  EXPECT_THAT(skipped.err, HasSubstr("unreadable: photos/light/page.jpg: "));
  EXPECT_THAT(skipped.err, HasSubstr("warning: photos: 3 of 43 images are left out"));
  EXPECT_THAT(skipped.out, HasSubstr("set aside from 40"));
  place.expect(2, {"evaluate", "runs/lenet5-photos", "photos"});
  place.expect(0, {"evaluate", "runs/lenet5-photos", "photos", "--skip-bad"});
}

TEST(FlowsErrors, OneLineEach) {
  const Workplace place;
  write_two_classes(place / "photos", 4);
  write(place / "empty/rose/readme.txt", "");
  write(place / "flat/1.png", "");
  write_picture(place / "single/only/1.png", 5);
  write(place / "bad.csv", "filename,class\na.png\n");
  struct Wrong {
    std::vector<std::string> args;
    std::string says;
  };
  for (const Wrong& c : std::vector<Wrong>{
           {{"empty"}, "got no image in its 1 sub-folders"},
           {{"flat"}, "got 1 images that are in no sub-folder"},
           {{"nowhere/"}, "or a folder or .csv file that exists, got 'nowhere/'"},
           {{"nowhere.csv"}, "nowhere.csv"},
           {{"bad.csv"}, "bad.csv: line 2: expected 2 fields"},
           {{"photos", "--image-size", "0"}, "--image-size: expected pixels a side"},
           {{"photos", "--image-size", "12x"}, "got '12x'"},
           {{"photos", "--image-size", "99999"}, "got '99999'"},
           {{"photos", "--color-mode", "cmyk"}, "'cmyk'"},
           {{"photos", "--split-mode", "random"}, "one of stratified, keras"},
       }) {
    std::vector<std::string> args = c.args;
    args.insert(args.begin(), "train");
    const Result result = place.expect(2, args);
    EXPECT_THAT(lines(result.err), SizeIs(1)) << describe(args, result);
    EXPECT_THAT(result.err, HasSubstr(c.says)) << describe(args, result);
  }
  EXPECT_THAT(place.expect(2, {"train", "single"}).err, HasSubstr("expected images of at least two classes, got one"));
  EXPECT_FALSE(fs::exists(place / "runs"));
}

TEST(FlowsResume, AStoppedRunOverAFolderEndsTheSame) {
  const Workplace place;
  write_two_classes(place / "photos", 60);
  const std::vector<std::string> args = short_training({"photos", "--cache-images", "--data", "cache"});
  std::vector<std::string> first = args, second = args;
  first.insert(first.end(), {"--run", "straight"});
  second.insert(second.end(), {"--run", "stopped"});
  place.expect(0, first);
  const Result stopped = place.run(second, {.signal = SIGINT, .kill_after_ms = 0, .kill_clock_starts_at = "lenet5: "});
  if (stopped.exit_code == 130) place.expect(0, {"train", "--resume", "stopped"});
  EXPECT_EQ(read(place / "straight/last.safetensors"), read(place / "stopped/last.safetensors"));
}

/// 132 pictures of 18.75 MB, decoded, pass through a process that may map 600 MB: four times less than they take.
TEST(FlowsMemory, StaysFlatOnASetLargerThanItsBound) {
  const Workplace place;
  for (const char* name : {"dark", "light"}) {
    Tensor image({2500, 2500, 3}, DType::uint8);
    std::ranges::fill(image.uint8s(), std::uint8_t{*name == 'd' ? std::uint8_t{20} : std::uint8_t{200}});
    const std::string folder = std::string("set/") + name;
    fs::create_directories(place / folder);
    write_png(place / (folder + "/0.png"), image, {.compression = 1});
    for (int i = 1; i < 40; ++i)
      fs::copy_file(place / (folder + "/0.png"), place / fmt::format("{}/{}.png", folder, i));
  }
  const Result result = place.expect(0,
                                     {"train", "set", "--model", "lenet5", "--image-size", "32", "--epochs", "1",
                                      "--batch-size", "8", "--threads", "2"},
                                     {.memory_limit_bytes = 600'000'000});
  EXPECT_THAT(result.out, StartsWith("validation accuracy"));
}

}  // namespace
}  // namespace saccade::e2e
