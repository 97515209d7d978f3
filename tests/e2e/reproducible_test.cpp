#include <gmock/gmock.h>

#include <span>

#include "workplace.h"

namespace saccade::e2e {
namespace {

struct Variant {
  const char* threads;
  const char* workers;
};

constexpr Variant kVariants[] = {{"1", "0"}, {"1", "1"}, {"2", "0"}, {"2", "1"}, {"2", "2"}, {"3", "2"}};

/// Trains once for each variant; returns the bytes of the networks.
std::vector<std::string> networks(const std::vector<std::string>& what, std::span<const Variant> variants) {
  std::vector<std::string> bytes;
  for (const Variant& variant : variants) {
    const Workplace place;
    std::vector<std::string> args = {"train",         "--run",     "run",          "--threads",
                                     variant.threads, "--workers", variant.workers};
    args.insert(args.end(), what.begin(), what.end());
    place.expect(0, args);
    bytes.push_back(read(place / "run/last.safetensors"));
  }
  return bytes;
}

void expect_all_equal(const std::vector<std::string>& bytes, std::span<const Variant> variants) {
  ASSERT_GT(bytes[0].size(), 1000U);
  for (std::size_t i = 1; i < bytes.size(); ++i) {
    EXPECT_TRUE(bytes[i] == bytes[0]) << "--threads " << variants[i].threads << " --workers " << variants[i].workers;
  }
}

TEST(Reproducible, ThreadsAndWorkersDoNotChangeOneBit) {
  // 1490 images in batches of 128 leave a smaller last batch.
  expect_all_equal(networks({"mnist", "--limit", "1490", "--epochs", "2", "--seed", "7"}, kVariants), kVariants);
}

TEST(Reproducible, AnotherSeedGivesAnotherNetwork) {
  constexpr Variant kOne[] = {{"2", "1"}};
  const std::string first = networks({"mnist", "--limit", "500", "--epochs", "1", "--seed", "7"}, kOne)[0];
  const std::string second = networks({"mnist", "--limit", "500", "--epochs", "1", "--seed", "8"}, kOne)[0];
  EXPECT_EQ(first.size(), second.size());
  EXPECT_FALSE(first == second);
}

TEST(Reproducible, DropoutAndBatchNormToo) {
  if (cached("cifar10").empty()) GTEST_SKIP() << "cifar10 is not in the cache; saccade data get cifar10 fetches it";
  constexpr Variant kTwo[] = {{"1", "0"}, {"2", "2"}};
  expect_all_equal(
      networks({"cifar10", "--model", "vgg_small", "--limit", "300", "--epochs", "1", "--validation-split", "0.1"},
               kTwo),
      kTwo);
}

TEST(Reproducible, ResidualNetworksToo) {
  if (cached("cifar10").empty()) GTEST_SKIP() << "cifar10 is not in the cache; saccade data get cifar10 fetches it";
  constexpr Variant kTwo[] = {{"1", "0"}, {"2", "2"}};
  expect_all_equal(
      networks({"cifar10", "--model", "resnet20", "--limit", "150", "--epochs", "1", "--validation-split", "0.1"},
               kTwo),
      kTwo);
}

TEST(Reproducible, ConvolutionsThatNormaliseWhatTheyReadToo) {
  if (cached("cifar10").empty()) GTEST_SKIP() << "cifar10 is not in the cache; saccade data get cifar10 fetches it";
  constexpr Variant kTwo[] = {{"1", "0"}, {"2", "2"}};
  expect_all_equal(
      networks({"cifar10", "--model", "mobilenet_v2", "--limit", "300", "--epochs", "1", "--validation-split", "0.1"},
               kTwo),
      kTwo);
}

}  // namespace
}  // namespace saccade::e2e
