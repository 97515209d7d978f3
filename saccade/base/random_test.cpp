#include "saccade/base/random.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <vector>

namespace saccade {
namespace {

using Words = std::array<std::uint32_t, 4>;

// The known answers of Random123 (kat_vectors, philox4x32 with 10 rounds).
TEST(Philox, GivesTheKnownAnswers) {
  constexpr std::uint32_t kOnes = 0xffffffffU;
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5U, 0xe169c58dU, 0xbc57ac4cU, 0x9b00dbd8U}));
  EXPECT_EQ(philox({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Words{0x408f276dU, 0x41c83b0eU, 0xa20bc7c6U, 0x6d5451fdU}));
  EXPECT_EQ(philox({0x243f6a88U, 0x85a308d3U, 0x13198a2eU, 0x03707344U}, {0xa4093822U, 0x299f31d0U}),
            (Words{0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U}));
}

std::vector<std::uint32_t> take(Stream stream, std::size_t count) {
  std::vector<std::uint32_t> words(count);
  std::ranges::generate(words, [&] { return stream(); });
  return words;
}

TEST(Stream, TakesTheBlocksOfItsAddress) {
  const std::uint64_t seed = 0x1111222233334444U;
  const Words first = philox({0, 7, 9, 5}, {0x33334444U, 0x11112222U});
  const Words second = philox({1, 7, 9, 5}, {0x33334444U, 0x11112222U});
  const std::vector<std::uint32_t> words = take(Stream(seed, 5, 9, 7), 8);
  EXPECT_TRUE(std::equal(first.begin(), first.end(), words.begin()));
  EXPECT_TRUE(std::equal(second.begin(), second.end(), words.begin() + 4));
}

TEST(Stream, DependsOnItsAddressAlone) {
  const std::vector<std::uint32_t> alone = take(Stream(1, 2, 3, 4), 100);
  Stream other(1, 2, 3, 5);
  Stream stream(1, 2, 3, 4);
  for (const std::uint32_t word : alone) {
    other();
    EXPECT_EQ(stream(), word);
  }
}

TEST(Stream, IsAnotherForEveryPartOfTheAddress) {
  std::set<std::vector<std::uint32_t>> streams;
  int count = 0;
  for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 32}) {
    for (std::uint32_t epoch = 0; epoch < 3; ++epoch) {
      for (std::uint64_t sample = 0; sample < 3; ++sample) {
        for (std::uint32_t slot = 0; slot < 3; ++slot, ++count)
          streams.insert(take(Stream(seed, epoch, sample, slot), 4));
      }
    }
  }
  EXPECT_EQ(streams.size(), count);
}

// Neighbouring addresses are what training uses; their numbers must not go together. With 100,000 independent uniforms the
// correlation is within 5 standard deviations (5 / sqrt(n)) in all but one run of two million.
TEST(Stream, DoesNotCorrelateWithItsNeighbours) {
  constexpr int kCount = 100000;
  for (int part = 0; part < 3; ++part) {
    double sum = 0;
    for (std::uint32_t i = 0; i < kCount; ++i) {
      Stream a(1, 0, i, 0);
      Stream b(1, part == 0 ? 1 : 0, part == 1 ? i + 1 : i, part == 2 ? 1 : 0);
      sum += (a.uniform_double() - 0.5) * (b.uniform_double() - 0.5);
    }
    EXPECT_LT(std::abs(sum / kCount * 12.0), 5.0 / std::sqrt(kCount)) << "part " << part;
  }
}

TEST(Stream, UniformsStayInTheirRange) {
  Stream stream(1, 0, 0, 0);
  float least = 1;
  float most = 0;
  double sum = 0;
  constexpr int kCount = 100000;
  for (int i = 0; i < kCount; ++i) {
    const float value = stream.uniform();
    least = std::min(least, value);
    most = std::max(most, value);
    sum += stream.uniform_double();
  }
  EXPECT_GE(least, 0.0F);
  EXPECT_LT(least, 1e-3F);
  EXPECT_LT(most, 1.0F);
  EXPECT_GT(most, 1.0F - 1e-3F);
  EXPECT_NEAR(sum / kCount, 0.5, 5 * std::sqrt(1.0 / 12 / kCount));
}

TEST(Stream, UniformNeverReachesTheUpperEnd) {
  // Between 1 and the next double every sum rounds to one of the two.
  const double high = std::nextafter(1.0, 2.0);
  Stream stream(1, 0, 0, 0);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(stream.uniform(1.0, high), 1.0);
  EXPECT_EQ(stream.uniform(3.0, 3.0), 3.0);
}

TEST(Stream, BelowIsUnbiased) {
  // 3 * 2^30 favours every third number by half when the surplus is not redrawn.
  constexpr std::uint32_t kBound = 3U << 30;
  constexpr int kCount = 90000;
  std::array<int, 3> thirds{};
  Stream stream(2, 0, 0, 0);
  for (int i = 0; i < kCount; ++i) {
    const std::uint32_t value = stream.below(kBound);
    ASSERT_LT(value, kBound);
    ++thirds[value % 3];
  }
  const double sigma = std::sqrt(kCount * (1.0 / 3) * (2.0 / 3));
  for (const int count : thirds) EXPECT_NEAR(count, kCount / 3, 5 * sigma);
}

TEST(Stream, BelowReachesEveryNumber) {
  Stream stream(3, 0, 0, 0);
  std::array<int, 10> counts{};
  for (int i = 0; i < 10000; ++i) ++counts[stream.below(10)];
  for (const int count : counts) EXPECT_NEAR(count, 1000, 150);
  EXPECT_EQ(stream.below(1), 0U);
}

TEST(Stream, NormalHasTheMomentsOfANormal) {
  constexpr int kCount = 200000;
  Stream stream(4, 0, 0, 0);
  double sum = 0;
  double squares = 0;
  double fourths = 0;
  for (int i = 0; i < kCount; ++i) {
    const double value = stream.normal();
    ASSERT_TRUE(std::isfinite(value));
    sum += value;
    squares += value * value;
    fourths += value * value * value * value;
  }
  EXPECT_NEAR(sum / kCount, 0.0, 5 / std::sqrt(kCount));
  EXPECT_NEAR(squares / kCount, 1.0, 5 * std::sqrt(2.0 / kCount));
  EXPECT_NEAR(fourths / kCount, 3.0, 5 * std::sqrt(96.0 / kCount));
}

TEST(Stream, WorksWithTheStandardLibrary) {
  static_assert(std::uniform_random_bit_generator<Stream>);
  std::vector<int> order{0, 1, 2, 3, 4, 5, 6, 7};
  std::shuffle(order.begin(), order.end(), Stream(1, 0, 0, 0));
  EXPECT_THAT(order, testing::UnorderedElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

// The published FNV-1a values.
TEST(SlotOf, IsFnv1a) {
  EXPECT_EQ(slot_of(""), 0x811c9dc5U);
  EXPECT_EQ(slot_of("a"), 0xe40c292cU);
  EXPECT_EQ(slot_of("foobar"), 0xbf9cf968U);
}

}  // namespace
}  // namespace saccade
