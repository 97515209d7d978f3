#include <fmt/format.h>
#include <gmock/gmock.h>

#include <iostream>
#include <random>
#include <regex>
#include <sstream>

#include "workplace.h"

namespace saccade::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// metrics.csv without the column that cannot be the same twice.
std::string without_seconds(const std::string& csv) {
  std::string text;
  std::size_t skipped = std::string::npos;
  for (const std::string& line : lines(csv)) {
    std::istringstream stream(line);
    std::size_t column = 0;
    for (std::string field; std::getline(stream, field, ','); ++column) {
      if (field == "seconds") skipped = column;
      if (column != skipped) text += field + ",";
    }
    text += "\n";
  }
  EXPECT_NE(skipped, std::string::npos) << "no column of seconds in\n" << csv;
  return text;
}

/// A file that a kill may leave behind: write_file() makes it, and it is hidden. Nothing ever reads one.
bool is_temporary(const std::string& name) {
  return std::regex_match(name, std::regex("\\.saccade-[0-9]+-[0-9]+\\.tmp"));
}

/// Expects two finished run folders to be the same, but for times and the files of an event log.
void expect_same_run(const fs::path& a, const fs::path& b) {
  const auto tidy = [](const fs::path& folder) {
    std::map<std::string, std::string> files;
    for (const auto& [name, bytes] : contents(folder)) {
      // A checkpoint holds nothing but the state; it must be the same as well.
      if (name.starts_with("events.out.tfevents.") || is_temporary(name)) continue;
      files[name] = name == "metrics.csv" ? without_seconds(bytes) : bytes;
    }
    return files;
  };
  EXPECT_THAT(differences(tidy(a), tidy(b)), IsEmpty());
  EXPECT_TRUE(fs::exists(b / "last.safetensors"));
}

/// Runs once to the end, then again with kills at random moments, each followed by --resume.
void expect_kills_change_nothing(std::vector<std::string> what, unsigned seed) {
  const Workplace place;
  what.insert(what.begin(), "train");
  std::vector<std::string> whole = what;
  whole.insert(whole.end(), {"--run", "a"});
  const Result undisturbed = place.expect(0, whole);

  std::vector<std::string> args = what;
  args.insert(args.end(), {"--run", "b"});
  std::mt19937 random(seed);
  const int longest_ms = static_cast<int>(undisturbed.seconds * 1000 * 0.35);  // two kills at least come before the end
  std::cout << fmt::format("seed {}: undisturbed {:.1f} s; killed after", seed, undisturbed.seconds);
  int kills = 0;
  for (int attempt = 0; attempt < 6; ++attempt) {
    const int after_ms = 30 + static_cast<int>(random() % static_cast<unsigned>(longest_ms));
    const Result result = place.run(args, {.kill_after_ms = after_ms});
    if (result.signal != SIGKILL) {
      ASSERT_EQ(result.exit_code, 0) << describe(args, result);
      break;
    }
    ++kills;
    const bool saved = fs::exists(place / "b/last.ckpt");
    std::cout << fmt::format(" {} ms{}", after_ms, saved ? "" : " (before the first checkpoint)");
    if (fs::exists(place / "b/config.json")) args = {"train", "--resume", "b"};
  }
  std::cout << std::endl;
  EXPECT_GE(kills, 2);
  place.expect(0, args);
  expect_same_run(place / "a", place / "b");
}

TEST(Crash, KilledAtRandomAndResumedEndsWithTheSameBytes) {
  expect_kills_change_nothing(
      {"mnist", "--limit", "8000", "--epochs", "4", "--batch-size", "64", "--validation-split", "0.1"}, 41);
}

const std::vector<std::string> kWithCallbackState = {
    "mnist", "--limit",    "3000",     "--epochs",         "12", "--validation-split",  "0.2", "--learning-rate",
    "0.02",  "--schedule", "constant", "--early-stopping", "3",  "--reduce-on-plateau", "1"};

TEST(Crash, EarlyStoppingAndThePlateauRememberWhatTheySaw) { expect_kills_change_nothing(kWithCallbackState, 43); }

TEST(Crash, TheCallbacksOfThatRunHaveSomethingToRemember) {
  const Workplace place;
  std::vector<std::string> args = {"train", "--run", "run"};
  args.insert(args.end(), kWithCallbackState.begin(), kWithCallbackState.end());
  const Result result = place.expect(0, args);
  EXPECT_THAT(result.err, HasSubstr("stopped early: val_loss has not improved"));
  EXPECT_THAT(read(place / "run/metrics.csv"), HasSubstr(",0.002"));  // the plateau has divided the learning rate
}

TEST(Crash, KilledBeforeTheFirstCheckpoint) {
  const Workplace place;
  const std::vector<std::string> what = {"train", "mnist", "--limit", "6000", "--epochs", "1", "--validation-split",
                                         "0.1"};
  std::vector<std::string> a = what, b = what;
  a.insert(a.end(), {"--run", "a"});
  b.insert(b.end(), {"--run", "b"});
  place.expect(0, a);
  const Result killed = place.run(b, {.kill_after_ms = 20, .kill_clock_starts_at = "seed 0, b"});
  ASSERT_EQ(killed.signal, SIGKILL) << describe(b, killed);
  ASSERT_TRUE(fs::exists(place / "b/config.json"));
  ASSERT_FALSE(fs::exists(place / "b/last.ckpt"));
  place.expect(0, {"train", "--resume", "b"});
  expect_same_run(place / "a", place / "b");
}

TEST(Crash, AnAugmentedRunGoesOnWithTheSamePictures) {
  const Workplace place;
  std::vector<std::string> a = {"train",     "mnist",   "--limit", "6000",     "--epochs", "3",
                                "--augment", "--mixup", "0.4",     "--cutmix", "1"};
  std::vector<std::string> b = a;
  a.insert(a.end(), {"--run", "a"});
  b.insert(b.end(), {"--run", "b"});
  place.expect(0, a);
  place.expect(130, b, {.signal = SIGINT, .kill_after_ms = 40, .kill_clock_starts_at = "epoch  1/3"});
  place.expect(0, {"train", "--resume", "b"});
  expect_same_run(place / "a", place / "b");
}

TEST(Crash, InterruptedInTheMiddleOfAnEpochGoesOnFromThatStep) {
  const Workplace place;
  std::vector<std::string> a = {"train", "mnist", "--limit", "12000", "--epochs", "3", "--validation-split", "0.1"};
  std::vector<std::string> b = a;
  a.insert(a.end(), {"--run", "a"});
  b.insert(b.end(), {"--run", "b"});
  place.expect(0, a);
  const Result stopped =
      place.expect(130, b, {.signal = SIGINT, .kill_after_ms = 60, .kill_clock_starts_at = "epoch  1/3"});
  EXPECT_THAT(stopped.err, HasSubstr("go on with: saccade train --resume b\n"));
  EXPECT_THAT(stopped.out, IsEmpty());
  EXPECT_THAT(lines(read(place / "b/metrics.csv")), ::testing::SizeIs(1 + 1)) << "stopped within the second epoch";
  for (const auto& [name, bytes] : contents(place / "b")) EXPECT_FALSE(is_temporary(name)) << name;
  place.expect(0, {"train", "--resume", "b"});
  expect_same_run(place / "a", place / "b");
}

TEST(Crash, ResumingAFinishedRunChangesNothing) {
  const Workplace place;
  place.expect(0, {"train", "mnist", "--limit", "500", "--epochs", "1", "--run", "a"});
  fs::copy(place / "a", place / "b");
  place.expect(0, {"train", "--resume", "b"});
  expect_same_run(place / "a", place / "b");
}

}  // namespace
}  // namespace saccade::e2e
