#include "saccade/tensor/preprocessing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "saccade/base/error.h"

namespace saccade {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::string message(const std::function<void()>& call) {
  try {
    call();
  } catch (const ValueError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

/// The formula, spelled out one value at a time.
template <class T>
std::vector<float> by_hand(const Preprocessing& p, const std::vector<T>& pixels, std::size_t channels) {
  std::vector<float> out;
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    float y = static_cast<float>(pixels[i]) * p.scale;
    if (!p.mean.empty()) y = y - p.mean[i % channels];
    if (!p.deviation.empty()) y = y / p.deviation[i % channels];
    out.push_back(y);
  }
  return out;
}

template <class T>
std::vector<float> applied(const Preprocessing& p, const std::vector<T>& pixels) {
  std::vector<float> out(pixels.size(), kNaN);
  p.apply(std::span<const T>(pixels), out);
  return out;
}

TEST(Preprocessing, DefaultBringsBytesToZeroToOne) {
  EXPECT_THAT(applied<std::uint8_t>({}, {0, 51, 255}), ElementsAre(0.0F, 51.0F * (1.0F / 255.0F), 1.0F));
}

TEST(Preprocessing, WorkedValues) {
  const Preprocessing p{.scale = 0.5F, .mean = {1.0F, 2.0F}, .deviation = {2.0F, 4.0F}};
  EXPECT_THAT(applied<std::uint8_t>(p, {2, 4, 10, 20}), ElementsAre(0.0F, 0.0F, 2.0F, 2.0F));
  EXPECT_THAT(applied<float>(p, {2.0F, 4.0F, -10.0F, 20.5F}), ElementsAre(0.0F, 0.0F, -3.0F, 2.0625F));
}

TEST(Preprocessing, NoneLeavesValuesAsTheyAre) {
  EXPECT_THAT(applied<float>(Preprocessing::none(), {-0.5F, 255.0F, 1e30F}), ElementsAre(-0.5F, 255.0F, 1e30F));
}

TEST(Preprocessing, EqualsTheFormulaBitForBitForAnyChannelsAndLength) {
  for (const std::size_t channels : {1U, 2U, 3U, 4U, 5U, 64U, 127U, 128U, 129U, 300U}) {
    for (const std::size_t count : {0U, 1U, 2U, 43U, 131U}) {
      Preprocessing p;
      for (std::size_t c = 0; c < channels; ++c) {
        p.mean.push_back(0.4F + 0.01F * static_cast<float>(c));
        p.deviation.push_back(0.2F + 0.003F * static_cast<float>(c));
      }
      std::vector<std::uint8_t> bytes(count * channels);
      std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
      const std::vector<float> floats(bytes.begin(), bytes.end());
      const std::vector<float> expected = by_hand(p, bytes, channels);
      EXPECT_EQ(applied(p, bytes), expected) << channels << " channels, " << count << " pixels";
      EXPECT_EQ(applied(p, floats), expected) << channels << " channels, " << count << " pixels";
      std::vector<float> in_place = floats;
      p.apply(in_place, in_place);
      EXPECT_EQ(in_place, expected) << channels << " channels, " << count << " pixels, in place";
      for (const bool with_mean : {false, true}) {
        Preprocessing half = p;
        (with_mean ? half.deviation : half.mean).clear();
        EXPECT_EQ(applied(half, bytes), by_hand(half, bytes, channels)) << channels << " channels, one list";
      }
    }
  }
}

TEST(Preprocessing, ComparesByValue) {
  const Preprocessing p{.mean = {1.0F}, .deviation = {2.0F}};
  EXPECT_EQ(p, (Preprocessing{.mean = {1.0F}, .deviation = {2.0F}}));
  EXPECT_NE(p, (Preprocessing{.mean = {1.0F}, .deviation = {3.0F}}));
}

TEST(Preprocessing, RefusesWhatCannotWork) {
  struct Case {
    Preprocessing p;
    Index channels;
    std::string text;
  };
  const std::vector<Case> cases = {
      {{.scale = 0.0F}, 1, "preprocessing scale: expected a finite number other than 0, got 0; use 1/255"},
      {{.scale = kNaN}, 1, "preprocessing scale: expected a finite number other than 0, got nan;"},
      {{.scale = kInfinity}, 1, "preprocessing scale: expected a finite number other than 0, got inf;"},
      {{.mean = {0, 0}}, 3, "preprocessing mean: expected 3 values, one a channel, or none, got 2;"},
      {{.deviation = {1, 1, 1}}, 1, "preprocessing deviation: expected 1 values, one a channel, or none, got 3;"},
      {{.mean = {0, kNaN}}, 2, "preprocessing mean[1]: expected a finite number, got nan;"},
      {{.deviation = {kInfinity}}, 1, "preprocessing deviation[0]: expected a finite number, got inf;"},
      {{.deviation = {1, 0}}, 2, "preprocessing deviation[1]: expected a number above 0, got 0; use 1 for"},
      {{.deviation = {-2}}, 1, "preprocessing deviation[0]: expected a number above 0, got -2;"},
  };
  for (const Case& c : cases) EXPECT_THAT(message([&] { c.p.validate(c.channels); }), StartsWith(c.text));
  EXPECT_NO_THROW((Preprocessing{.mean = {1, 2, 3}, .deviation = {}}.validate(3)));
}

TEST(Preprocessing, ApplyRefusesBeforeWriting) {
  std::vector<float> out(6, 9.0F);
  const std::vector<std::uint8_t> pixels(6);
  auto apply = [&](const Preprocessing& p, std::size_t inputs, std::size_t outputs) {
    return message([&] { p.apply(std::span(pixels).first(inputs), std::span(out).first(outputs)); });
  };
  EXPECT_EQ(
      apply({}, 6, 5),
      "preprocessing: expected whole pixels of 1 channels and as many outputs, got 6 values and 5 outputs; pass whole "
      "images");
  EXPECT_THAT(apply({.mean = {1, 2, 3, 4}}, 6, 6), HasSubstr("whole pixels of 4 channels"));
  EXPECT_THAT(apply({.mean = {1, 2, 3}, .deviation = {1, 2}}, 6, 6), HasSubstr("deviation: expected 3 values"));
  EXPECT_THAT(apply({.deviation = {1, 0, 2}}, 6, 6), HasSubstr("deviation[1]: expected a number above 0"));
  EXPECT_THAT(out, ::testing::Each(9.0F));
}

}  // namespace
}  // namespace saccade
