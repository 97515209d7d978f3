#include <gmock/gmock.h>

#include "saccade/image/decode.h"
#include "saccade/image/draw.h"
#include "saccade/image/encode.h"
#include "workplace.h"

namespace saccade::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// A sign with an arrow that points right.
void draw_sign(const fs::path& file) {
  Tensor sign = blank_canvas(60, 80, {.red = 20, .green = 80, .blue = 180});
  fill_box(sign, {.top = 25, .left = 10, .height = 10, .width = 40}, {.red = 255, .green = 255, .blue = 255});
  for (Index i = 0; i < 15; ++i) {
    fill_box(sign, {.top = 15 + i, .left = 50 + i, .height = 30 - 2 * i, .width = 1},
             {.red = 255, .green = 255, .blue = 255});
  }
  write_image(file, sign);
}

TEST(Augment, ShowsWhatTrainingWouldSee) {
  const Workplace place;
  draw_sign(place / "sign.png");
  const std::vector<std::string> command{
      "augment", "sign.png",  "--rotation-range", "20", "--horizontal-flip", "--grid", "2x3",
      "-o",      "sheet.png", "--save-to-dir",    "out"};
  const Result first = place.expect(0, command);
  EXPECT_THAT(first.err, IsEmpty());
  ASSERT_THAT(lines(first.out), SizeIs(6));
  EXPECT_THAT(lines(first.out)[0], ::testing::MatchesRegex(R"(\{"file":"out/aug_0\.png","theta":-?[0-9.]+.*\})"));
  EXPECT_EQ(read_image(place / "out/aug_5.png").shape(), (Shape{60, 80, 3}));
  EXPECT_GT(read_image(place / "sheet.png").shape()[1], 3 * 80);
  const std::string sheet = read(place / "sheet.png");
  EXPECT_EQ(place.expect(0, command).out, first.out) << "one seed, one sheet";
  EXPECT_EQ(read(place / "sheet.png"), sheet);
  std::vector<std::string> other = command;
  other.insert(other.end(), {"--seed", "1"});
  EXPECT_NE(place.expect(0, other).out, first.out);
}

TEST(Augment, HueIsAnOption) {
  const Workplace place;
  draw_sign(place / "sign.png");
  const Result turned =
      place.expect(0, {"augment", "sign.png", "--hue-range", "0.5,0.5", "--grid", "1x1", "--save-to-dir", "out"});
  EXPECT_THAT(turned.out, HasSubstr(R"("hue":0.5})"));
  const Tensor image = read_image(place / "out/aug_0.png");
  EXPECT_THAT(std::vector<int>(image.uint8s().begin(), image.uint8s().begin() + 3),
              ::testing::ElementsAre(180, 120, 20))
      << "blue's complement";
  EXPECT_THAT(place.expect(2, {"augment", "sign.png", "--hue-range", "1", "-o", "s.png"}).err,
              HasSubstr("hue_range: expected numbers from -0.5 to 0.5"));
}

TEST(Augment, ErrorsSayWhatToDo) {
  const Workplace place;
  draw_sign(place / "sign.png");
  const auto message = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "augment");
    const Result result = place.expect(2, arguments);
    EXPECT_THAT(lines(result.err), SizeIs(1));
    EXPECT_THAT(result.out, IsEmpty());
    return result.err;
  };
  EXPECT_THAT(message({"sign.png", "-o", "s.png"}), HasSubstr("expected an option that changes pictures"));
  EXPECT_THAT(message({"sign.png", "--rotation-range", "9"}), HasSubstr("-o FILE"));
  EXPECT_THAT(message({"sign.png", "--rotation-range", "9", "-o", "s.tga"}), HasSubstr("s.tga"));
  EXPECT_THAT(message({"none.png", "--rotation-range", "9", "-o", "s.png"}), HasSubstr("none.png"));
  EXPECT_THAT(message({"none.png", "--rotation-range", "9", "-o", "s.tga"}), HasSubstr("s.tga")) << "before it reads";
  EXPECT_THAT(message({"sign.png", "--zoom-range", "1,", "-o", "s.png"}), HasSubstr("LOW,HIGH, got '1,'"));
  EXPECT_THAT(message({"sign.png", "--brightness-range", "0.5", "-o", "s.png"}), HasSubstr("two numbers LOW,HIGH"));
  EXPECT_THAT(message({"sign.png", "--rotation-range", "9", "--grid", "0x3", "-o", "s.png"}), HasSubstr("got '0x3'"));
  EXPECT_THAT(message({"sign.png", "--rotation-range", "9", "-o", "s.png", "--max-pixels", "8"}),
              HasSubstr("expected at most 8 pixels"));
  EXPECT_THAT(message({"sign.png", "--fill-mode", "mirror", "--rotation-range", "9", "-o", "s.png"}),
              HasSubstr("grid-wrap"));
}

TEST(Augment, TrainingIsTheSameForAnyWorkersAndWarnsOfFlips) {
  const Workplace place;
  const std::vector<std::string> common{
      "train", "mnist", "--limit", "600", "--epochs", "2", "--rotation-range", "15", "--horizontal-flip"};
  std::string weights;
  for (const char* workers : {"0", "2"}) {
    std::vector<std::string> command = common;
    command.insert(command.end(), {"--workers", workers, "--run", std::string("run") + workers});
    const Result result = place.expect(0, command);
    EXPECT_THAT(result.err, HasSubstr("warning: horizontal_flip makes other signs, or none, of digits and letters"));
    const std::string trained = read(place / (std::string("run") + workers) / "last.safetensors");
    if (weights.empty()) weights = trained;
    EXPECT_TRUE(trained == weights) << "workers " << workers;
  }
  const Result plain =
      place.expect(0, {"train", "mnist", "--limit", "600", "--epochs", "2", "--run", "plain", "--augment"});
  EXPECT_THAT(read(place / "plain/config.json"), HasSubstr("\"--rotation-range\": 10.0"));
  EXPECT_THAT(plain.err, Not(HasSubstr("warning")));
}

TEST(Augment, NormalisationTravelsWithTheNetwork) {
  const Workplace place;
  place.expect(0,
               {"train", "mnist", "--limit", "500", "--epochs", "1", "--featurewise-std-normalization", "--run", "r"});
  const std::string header = read(place / "r/last.safetensors").substr(8, 3000);
  EXPECT_THAT(header, HasSubstr(R"(\"mean\":[0.12)"));
  EXPECT_THAT(header, HasSubstr(R"(\"deviation\":[0.3)"));
}

}  // namespace
}  // namespace saccade::e2e
