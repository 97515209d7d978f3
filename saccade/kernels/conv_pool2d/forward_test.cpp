#include "saccade/kernels/conv_pool2d/forward.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "saccade/base/random.h"
#include "saccade/kernels/conv2d/winograd.h"
#include "saccade/kernels/testing_internal.h"

namespace saccade::kernels::simd {
namespace {

class ConvPoolForwards : public testing::TestWithParam<ConvPool2DProblem> {
 protected:
  struct Outcome {
    std::vector<std::uint32_t> bits;
    std::vector<std::uint8_t> taps;
  };

  ConvPoolForwards() {
    Stream random(1, 0, 0, 0);
    for (auto* values : {&src_, &weight_, &bias_}) {
      for (float& value : *values) value = static_cast<float>(random.uniform(-1, 1));
    }
  }

  /// In bands of rows, the lower first: none may write into another, nor behind the last.
  Outcome run(const ConvPoolForward& way, bool in_two = true) const {
    const Index windows = g_.oh * g_.ow;
    std::vector<float> dst(usize(windows * g_.oc + 1), 7);
    Outcome outcome{.bits = {}, .taps = std::vector<std::uint8_t>(usize(windows * g_.lanes_oc + 16))};
    TestMemory packed_memory(way.packed_floats() * isize(sizeof(float)));
    auto* const packed = reinterpret_cast<float*>(packed_memory.bytes().data());
    way.pack(weight_.data(), bias_.data(), packed);
    const Index half = in_two ? g_.oh / 2 : g_.oh;
    for (const auto& [first, last] : {std::pair(half, g_.oh), std::pair(Index{0}, half)}) {
      if (first == last) continue;
      TestMemory band_memory((way.band_floats(last - first) + 16) * isize(sizeof(float)));
      auto* const band = reinterpret_cast<float*>(band_memory.bytes().data());
      std::fill_n(band, way.band_floats(last - first), 0.0F);
      way.run(src_.data(), packed, first, last, dst.data(), outcome.taps.data(), band);
    }
    for (const float value : dst) outcome.bits.push_back(std::bit_cast<std::uint32_t>(value));
    for (Index i = 0; i < isize(outcome.taps.size()); ++i) {
      if (i >= windows * g_.lanes_oc || i % g_.lanes_oc >= g_.oc) outcome.taps[usize(i)] = 0;  // of no channel
    }
    return outcome;
  }

  std::vector<std::unique_ptr<ConvPoolForward>> ways_of_winograd() const {
    std::vector<std::unique_ptr<ConvPoolForward>> ways;
    ways.push_back(make_forward_pixels_winograd(g_));
    if (p_.kw == p_.kh) ways.push_back(make_forward_channels_winograd(g_));
    return ways;
  }

  ConvPool2DProblem p_ = GetParam();
  ConvPoolGeometry g_ = geometry_of(p_);
  std::vector<float> src_ = std::vector<float>(usize(p_.src_elements()));
  std::vector<float> weight_ = std::vector<float>(usize(p_.weight_elements()));
  std::vector<float> bias_ = std::vector<float>(usize(p_.oc));
};

TEST_P(ConvPoolForwards, GiveTheSameBits) {
  src_[usize(p_.src_elements() / 2)] = kNaN;
  const Outcome channels = run(*make_forward_channels(g_)), pixels = run(*make_forward_pixels(g_));
  EXPECT_EQ(channels.bits.back(), std::bit_cast<std::uint32_t>(7.0F));
  EXPECT_EQ(channels.bits, pixels.bits);
  EXPECT_EQ(channels.taps, pixels.taps);
}

class ConvPoolForwardsByWinograd : public ConvPoolForwards {};

TEST_P(ConvPoolForwardsByWinograd, AreCloseAndTheSameInBands) {
  const Outcome channels = run(*make_forward_channels(g_));
  const double bound = static_cast<double>(p_.kh * p_.kw * p_.ic) * 0x1p-23 * kWinogradGrowth;
  for (const auto& way : ways_of_winograd()) {
    const Outcome bands = run(*way), whole = run(*way, false);
    EXPECT_EQ(bands.bits, whole.bits);
    EXPECT_EQ(bands.taps, whole.taps);
    EXPECT_EQ(bands.taps, channels.taps);
    for (std::size_t i = 0; i < bands.bits.size(); ++i) {
      const auto result = std::bit_cast<float>(bands.bits[i]), expected = std::bit_cast<float>(channels.bits[i]);
      EXPECT_NEAR(result, expected, bound) << i;
    }
  }
}

TEST_P(ConvPoolForwardsByWinograd, HaveNaNWhereTheDefinitionHas) {
  src_[usize(p_.src_elements() / 2)] = kNaN;
  const Outcome channels = run(*make_forward_channels(g_));
  const auto is_nan = [](std::uint32_t bits) { return std::isnan(std::bit_cast<float>(bits)); };
  for (const auto& way : ways_of_winograd()) {
    const Outcome outcome = run(*way);
    for (std::size_t i = 0; i < outcome.bits.size(); ++i) {
      EXPECT_EQ(is_nan(outcome.bits[i]), is_nan(channels.bits[i])) << i;
    }
  }
}

// Widths around a vector's, channels around a block's and around eight, filters of odd and even width, padding that makes
// even columns odd.
const ConvPool2DProblem kOfThreeOrFiveRows[] = {
    {.ih = 28, .iw = 28, .oc = 6, .kh = 5, .kw = 5, .ph = {2, 2}, .pw = {2, 2}},
    {.ih = 9, .iw = 34, .ic = 3, .oc = 7, .kh = 3, .kw = 3, .pw = {1, 0}},
    {.ih = 7, .iw = 20, .ic = 2, .oc = 13, .kh = 3, .kw = 4, .ph = {1, 1}, .pw = {2, 3}},
    {.ih = 6, .iw = 33, .oc = 16, .kh = 3, .kw = 2, .activation = Activation::relu},
    {.ih = 11, .iw = 21, .ic = 9, .oc = 17, .kh = 3, .kw = 3, .ph = {1, 0}, .pw = {2, 1}},
    {.ih = 9, .iw = 40, .ic = 3, .oc = 20, .kh = 5, .kw = 5, .ph = {0, 2}},
    {.ih = 8, .iw = 35, .ic = 2, .oc = 7, .kh = 5, .kw = 2, .pw = {1, 0}},
    {.ih = 4, .iw = 19, .ic = 5, .oc = 2, .kh = 3, .kw = 3, .ph = {0, 2}}};

INSTANTIATE_TEST_SUITE_P(Shapes, ConvPoolForwards, testing::ValuesIn(kOfThreeOrFiveRows));
INSTANTIATE_TEST_SUITE_P(
    OfOtherRows, ConvPoolForwards,
    testing::Values(ConvPool2DProblem{.ih = 5, .iw = 3, .oc = 1, .kh = 2, .kw = 1, .activation = Activation::relu},
                    ConvPool2DProblem{.ih = 8, .iw = 70, .oc = 3, .kh = 1, .kw = 6, .pw = {3, 2}}));
INSTANTIATE_TEST_SUITE_P(Shapes, ConvPoolForwardsByWinograd, testing::ValuesIn(kOfThreeOrFiveRows));

}  // namespace
}  // namespace saccade::kernels::simd
