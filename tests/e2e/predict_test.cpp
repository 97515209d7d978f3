#include <fmt/format.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <memory>

#include "saccade/image/decode.h"
#include "saccade/image/encode.h"
#include "workplace.h"

namespace saccade::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr Index kDigits = 8;

/// A network, and the first test digits as PNG files, digits/0.png and so on. All of these are easy.
class Predict : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    place = std::make_unique<Workplace>();
    place->expect(0, {"train", "mnist", "--limit", "20000", "--epochs", "1", "--run", "net"});
    const data::DatasetPtr test = mnist().test;
    fs::create_directories(*place / "digits");
    for (Index i = 0; i < kDigits; ++i) {
      const data::Sample sample = test->get(i);
      write_png(*place / fmt::format("digits/{}.png", i), sample.image);
      labels.push_back(test->class_names()[usize(sample.label)]);
    }
  }
  static void TearDownTestSuite() { place.reset(); }

  static inline std::unique_ptr<Workplace> place;
  static inline std::vector<std::string> labels;
};

TEST_F(Predict, AFile) {
  const Result result = place->expect(0, {"predict", "net", "digits/0.png", "--top", "1"});
  EXPECT_THAT(result.out, StartsWith("digits/0.png  " + labels[0] + " "));
  EXPECT_THAT(result.out, HasSubstr(" %"));
  EXPECT_THAT(lines(result.out), SizeIs(1));
  EXPECT_THAT(result.err, IsEmpty());
}

TEST_F(Predict, AFolderAsLinesOfJson) {
  const Result result = place->expect(0, {"predict", "net", "digits", "--json", "--top", "10"});
  const std::vector<std::string> all = lines(result.out);
  ASSERT_THAT(all, SizeIs(kDigits));
  for (std::size_t i = 0; i < all.size(); ++i) {
    const nlohmann::json line = nlohmann::json::parse(all[i]);
    EXPECT_EQ(line.at("image"), fmt::format("digits/{}.png", i));
    ASSERT_THAT(line.at("predictions"), SizeIs(10));
    EXPECT_EQ(line["predictions"][0].at("class"), labels[i]);
    double sum = 0.0, above = 1.0;
    for (const nlohmann::json& guess : line["predictions"]) {
      const double probability = guess.at("probability").get<double>();
      EXPECT_LE(probability, above) << "not sorted";
      above = probability;
      sum += probability;
    }
    EXPECT_NEAR(sum, 1.0, 1e-5);
  }
}

TEST_F(Predict, StandardInput) {
  const Result result =
      place->expect(0, {"predict", "net", "-", "--top", "1"}, {.stdin_text = read(*place / "digits/3.png")});
  EXPECT_THAT(result.out, StartsWith("-  " + labels[3] + " "));
  const Result bad = place->expect(2, {"predict", "net", "-"}, {.stdin_text = "no image"});
  EXPECT_THAT(bad.err, StartsWith("standard input: byte 0"));
}

TEST_F(Predict, InvertedDigits) {
  Tensor dark = mnist().test->get(0).image;
  for (std::uint8_t& pixel : dark.uint8s()) pixel = static_cast<std::uint8_t>(255 - pixel);
  write_png(*place / "dark.png", dark);
  const Result result = place->expect(0, {"predict", "net", "dark.png", "digits/0.png", "--invert", "--top", "1"});
  const Result plain = place->expect(0, {"predict", "net", "digits/0.png", "--top", "1"});
  EXPECT_EQ(lines(result.out)[0].substr(std::string("dark.png").size()),
            lines(plain.out)[0].substr(std::string("digits/0.png").size()));
}

TEST_F(Predict, OneBadFileDoesNotCostTheOthers) {
  write(*place / "bad.png", read(*place / "digits/0.png").substr(0, 100));
  const Result result =
      place->expect(2, {"predict", "net", "digits/0.png", "bad.png", "nowhere.png", "digits/1.png", "--top", "1"});
  ASSERT_THAT(lines(result.out), SizeIs(2));
  EXPECT_THAT(lines(result.out)[0], StartsWith("digits/0.png  " + labels[0] + " "));
  EXPECT_THAT(lines(result.out)[1], StartsWith("digits/1.png  " + labels[1] + " "));
  ASSERT_THAT(lines(result.err), SizeIs(2));
  EXPECT_THAT(lines(result.err)[0], StartsWith("bad.png: "));
  EXPECT_THAT(lines(result.err)[1], StartsWith("nowhere.png: "));
}

TEST_F(Predict, SummaryOfTheTrainedNetwork) {
  const nlohmann::json summary = nlohmann::json::parse(place->expect(0, {"summary", "net", "--json"}).out);
  EXPECT_EQ(summary.at("parameters"), 61706);
}

TEST(PredictSummary, CountsOfTheZoo) {
  const Workplace place;
  const Result lenet5 = place.expect(0, {"summary", "lenet5"});
  EXPECT_THAT(lenet5.out, HasSubstr("61,706"));
  EXPECT_THAT(lenet5.out, HasSubstr("416,520"));
  EXPECT_THAT(place.expect(0, {"summary", "mlp"}).out, HasSubstr("3,836,410"));
  const nlohmann::json json = nlohmann::json::parse(place.expect(0, {"summary", "lenet5", "--json"}).out);
  EXPECT_EQ(json.at("parameters"), 61706);
  EXPECT_EQ(json.at("multiply_adds"), 416520);
  EXPECT_EQ(json.at("layers").back().at("output_shape"), nlohmann::json({10}));
  EXPECT_EQ(nlohmann::json::parse(place.expect(0, {"summary", "mlp", "--json"}).out).at("parameters"), 3836410);
  EXPECT_THAT(place.expect(0, {"summary", "vgg_small", "--explain"}).out, HasSubstr("training with batches of 64 ("));
  // Four numbers of four bytes for each of its 3,836,410 weights.
  EXPECT_THAT(place.expect(0, {"summary", "mlp", "--explain"}).out, HasSubstr("Adam's moments 61.4 MB"));
}

TEST_F(Predict, AndSaysWhy) {
  const Result result = place->expect(0, {"explain", "net", "digits/0.png", "--out", "why", "--patch", "6"});
  EXPECT_THAT(result.out, StartsWith("digits/0.png  " + labels[0] + " "));
  const std::string page = read(*place / "why/index.html");
  EXPECT_THAT(page, HasSubstr("Grad-CAM for " + labels[0]));
  for (const char* file : {"image.png", "grad_cam.png", "occlusion.png", "features.png", "filters.png"}) {
    EXPECT_GE(read_image(*place / "why" / file).shape()[0], 56) << file;
  }
  std::size_t pictures = 0;
  for (std::size_t at = page.find("src="); at != std::string::npos; at = page.find("src=", at + 1), ++pictures) {
    EXPECT_EQ(page.substr(at, 38), "src=\"data:image/png;base64,iVBORw0KGgo") << "a page of its own";
  }
  EXPECT_EQ(pictures, 5U);

  place->expect(0, {"explain", "net", "digits/0.png", "--class", "4", "--layer", "conv2d_1", "--out", "why4"});
  EXPECT_THAT(read(*place / "why4/index.html"), HasSubstr("Feature maps of conv2d_1"));
  EXPECT_THAT(place->expect(2, {"explain", "net", "digits/0.png", "--class", "ten"}).err,
              HasSubstr("expected the name of a class, or a number from 0 to 9, got 'ten'"));
  EXPECT_THAT(place->expect(2, {"explain", "net", "digits/0.png", "--layer", "dense"}).err,
              HasSubstr("its output must be an image"));
  EXPECT_THAT(place->expect(2, {"explain", "net", "digits/none.png"}).err, HasSubstr("none.png"));
}

}  // namespace
}  // namespace saccade::e2e
