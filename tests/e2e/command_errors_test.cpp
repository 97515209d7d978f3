#include <gmock/gmock.h>

#include <memory>

#include "workplace.h"

namespace saccade::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

struct Case {
  std::vector<std::string> args;
  std::vector<std::string> says;  // all of these, on the one line of stderr
};

/// A folder with one good run and several things that are wrong.
class CommandErrors : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    place = std::make_unique<Workplace>();
    place->expect(0, {"train", "mnist", "--limit", "1000", "--epochs", "1", "--run", "good"});
    const std::string network = read(*place / "good/last.safetensors");
    write(*place / "cut.safetensors", network.substr(0, 5000));
    write(*place / "text.safetensors", "this is not a network, only some text\n");
    write(*place / "text.png", "hello\n");
    write(*place / "file", "x");
    fs::create_directories(*place / "empty");
    before = contents(place->path());
  }
  static void TearDownTestSuite() { place.reset(); }

  /// Each case: exit code 2, one line on stderr that says all it should, nothing on stdout, and no file touched.
  static void expect_one_line_each(const std::vector<Case>& cases) {
    for (const Case& c : cases) {
      const Result result = place->expect(2, c.args);
      SCOPED_TRACE(describe(c.args, result));
      EXPECT_THAT(lines(result.err), SizeIs(1));
      for (const std::string& text : c.says) EXPECT_THAT(result.err, HasSubstr(text));
      EXPECT_THAT(result.out, IsEmpty());
      const auto after = contents(place->path());
      EXPECT_THAT(differences(before, after), IsEmpty());
      for (const auto& [name, bytes] : after) {
        if (!before.contains(name)) fs::remove_all(*place / name);  // so that one case does not fail the next
      }
    }
  }

  static inline std::unique_ptr<Workplace> place;
  static inline std::map<std::string, std::string> before;
};

TEST_F(CommandErrors, WrongNames) {
  expect_one_line_each({
      {{"nosuch"}, {"saccade: expected one of train, evaluate", "'nosuch'"}},
      {{"experiment", "nosuch"}, {"saccade experiment: expected one of translation", "'nosuch'"}},
      {{"train"}, {"expected a data set", "try: saccade train mnist"}},
      {{"train", "nosuch"}, {"expected one of mnist, fashion-mnist, cifar10", "'nosuch'"}},
      {{"train", "mnist", "--model", "nosuch"}, {"expected one of lenet5, mlp, vgg_small", "'nosuch'"}},
      {{"train", "mnist", "--nosuch"}, {"--nosuch", "saccade train --help"}},
      {{"evaluate", "good", "mnist/nosuch"}, {"'mnist/nosuch'", "expected train or test"}},
      {{"evaluate", "good", "nosuch/test"}, {"expected one of mnist, fashion-mnist, cifar10", "'nosuch'"}},
      {{"summary", "nosuch"}, {"expected one of lenet5, mlp, vgg_small", "'nosuch'"}},
  });
}

TEST_F(CommandErrors, WrongNumbersAndPatterns) {
  std::vector<Case> cases = {
      {{"--epochs=-1"}, {"epochs", "at least 1", "got -1"}},
      {{"--epochs=0"}, {"epochs", "at least 1", "got 0"}},
      {{"--epochs=abc"}, {"--epochs", "abc"}},
      {{"--batch-size=0"}, {"--batch-size", "at least 1", "got 0"}},
      {{"--batch-size=-4"}, {"--batch-size", "at least 1", "got -4"}},
      {{"--validation-split=1.5"}, {"--validation-split", "up to, but not, 1", "got 1.5"}},
      {{"--validation-split=-0.1"}, {"--validation-split", "got -0.1"}},
      {{"--validation-split=nan"}, {"--validation-split", "got nan"}},
      {{"--schedule=wobble"}, {"schedule 'wobble'", "expected one of constant, step"}},
      {{"--optimizer=wobble"}, {"--optimizer", "expected sgd, rmsprop, adam, adamw or muon", "'wobble'"}},
      {{"--optimizer=muon", "--clip-norm=1"}, {"--clip-norm", "no clipping with muon"}},
      {{"--first-layer=wobble"}, {"--first-layer", "expected learned or whitened", "'wobble'"}},
      {{"--first-layer=whitened"},
       {"whitening of network 'lenet5'", "'conv2d' with 6 filters for patches of 25 numbers"}},
      {{"--test-time-augmentation=wobble"}, {"test-time augmentation", "one of none, flip, flip-and-shift"}},
      {{"--freeze=nosuch*"}, {"expected a pattern that matches one of conv2d.weight", "'nosuch*'"}},
      {{"--freeze=*"}, {"at least one parameter that learns", "every parameter frozen"}},
      {{"--label-smoothing=1"}, {"label_smoothing", "got 1"}},
      {{"--label-smoothing=nan"}, {"--label-smoothing", "finite", "got nan"}},
      {{"--clip-norm=-1"}, {"clipnorm", "got -1"}},
      {{"--optimizer=sgd", "--momentum=2"}, {"momentum", "got 2"}},
      {{"--workers=-1"}, {"workers", "got -1"}},
      {{"--threads=-1"}, {"--threads", "got -1"}},
      {{"--seed=-1"}, {"--seed", "got -1"}},
      {{"--limit=-1"}, {"--limit", "got -1"}},
  };
  for (const char* rate : {"nan", "inf"}) {
    cases.push_back(
        {{std::string("--learning-rate=") + rate}, {"--learning-rate", "finite", std::string("got ") + rate}});
  }
  for (const char* rate : {"-1", "0"}) {
    for (const char* optimizer : {"sgd", "rmsprop", "adam", "adamw"}) {
      cases.push_back({{std::string("--learning-rate=") + rate, std::string("--optimizer=") + optimizer},
                       {"learning_rate", "positive finite", std::string("got ") + rate}});
    }
  }
  for (Case& c : cases) c.args.insert(c.args.begin(), {"train", "mnist"});
  expect_one_line_each(cases);
  expect_one_line_each({
      {{"summary", "lenet5", "--input", "28x"}, {"--input", "height x width x channels", "'28x'"}},
      {{"summary", "lenet5", "--input", "0x28x1"}, {"--input", "'0x28x1'"}},
      {{"summary", "lenet5", "--input", "28x28x1x1"}, {"--input", "'28x28x1x1'"}},
      {{"summary", "lenet5", "--input", "4x4x1"}, {"conv2d", "at least 5 pixels of height"}},
      {{"summary", "lenet5", "--classes", "0"}, {"dense: units", "got 0"}},
      {{"evaluate", "good", "mnist", "--batch-size", "0"}, {"--batch-size"}},
  });
}

TEST_F(CommandErrors, RunFolders) {
  expect_one_line_each({
      {{"train", "--resume", "empty"}, {"empty/config.json", "No such file"}},
      {{"train", "--resume", "nowhere"}, {"nowhere/config.json", "No such file"}},
      {{"train", "--resume", "good", "--epochs", "3"}, {"train --resume", "no other options", "--epochs"}},
      {{"train", "mnist", "--run", "good"}, {"good: expected a folder without a run", "saccade train --resume good"}},
      {{"train", "mnist", "--run", "file/run"}, {"file/run", "Not a directory", "--run"}},
      {{"evaluate", "good", "mnist", "--report", "file/report"}, {"file/report", "Not a directory", "--report"}},
      {{"experiment", "translation", "--limit", "100", "--out", "file/out"}, {"file/out", "Not a directory", "--out"}},
      {{"evaluate", "empty", "mnist"}, {"empty: expected a run folder", "neither"}},
  });
}

TEST_F(CommandErrors, DamagedAndForeignFiles) {
  expect_one_line_each({
      {{"evaluate", "cut.safetensors", "mnist"}, {"cut.safetensors: tensor '", "the file is damaged"}},
      {{"summary", "cut.safetensors"}, {"cut.safetensors: tensor '", "the file is damaged"}},
      {{"evaluate", "text.safetensors", "mnist"}, {"text.safetensors: byte 0", "no safetensors file"}},
      {{"train", "mnist", "--model", "text.safetensors"}, {"text.safetensors: byte 0", "no safetensors file"}},
      {{"predict", "text.safetensors", "text.png"}, {"text.safetensors: byte 0", "no safetensors file"}},
      {{"predict", "good", "nowhere.png"}, {"nowhere.png", "No such file"}},
      {{"predict", "good", "text.png"}, {"text.png: byte 0", "PNG, JPEG, WebP", "68 65 6c 6c 6f"}},
      {{"predict", "good", "empty"}, {"empty: expected a folder with images", "got none"}},
      {{"predict", "good"}, {"IMAGE is required"}},
  });
}

TEST_F(CommandErrors, ANetworkForOtherImages) {
  if (cached("cifar10").empty()) GTEST_SKIP() << "cifar10 is not in the cache; saccade data get cifar10 fetches it";
  expect_one_line_each({
      {{"evaluate", "good", "cifar10/test"}, {"'lenet5' on cifar10/test", "[28, 28, 1]", "[32, 32, 3]"}},
      {{"train", "cifar10", "--model", "good/last.safetensors"}, {"'lenet5'", "[28, 28, 1]", "[32, 32, 3]"}},
  });
}

/// A data set that is cut short is never used: the line names the file, its size and the right one, before the error itself.
TEST(CommandErrorsOfData, TruncatedFile) {
  const Workplace place;
  const fs::path source = cached("mnist");
  for (const char* folder : {"cache/mnist", "usb"}) {
    fs::create_directories(place / folder);
    for (const fs::directory_entry& entry : fs::directory_iterator(source)) {
      fs::copy_file(entry.path(), place / folder / entry.path().filename());
    }
    fs::resize_file(place / folder / "train-images-idx3-ubyte", 1'000'000);
  }
  const std::vector<std::vector<std::string>> commands = {
      {"train", "mnist", "--data", "cache", "--offline"},
      {"train", "mnist", "--data", "new", "--data-from", "usb", "--offline"},
      {"data", "get", "mnist", "--cache", "new", "--from", "usb", "--offline"},
  };
  for (const std::vector<std::string>& args : commands) {
    const Result result = place.expect(2, args);
    SCOPED_TRACE(describe(args, result));
    EXPECT_THAT(result.err, HasSubstr("train-images-idx3-ubyte has 1000000 bytes instead of 47040016"));
    EXPECT_THAT(lines(result.err).back(), HasSubstr("data set 'mnist': expected one of its sources to have it"));
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_FALSE(fs::exists(place / "runs"));
  }
}

/// As on a full disk: a file may not grow past a limit. What is there stays whole.
TEST(CommandErrorsOfDisk, FullWhileTraining) {
  const Workplace place;
  const std::vector<std::string> args = {"train", "mnist", "--limit", "500", "--epochs", "1", "--run", "run"};
  // A network of lenet5 has 250 kB, its checkpoint 750 kB: the first file that fails is the network, then the checkpoint.
  for (const unsigned long long limit : {100'000ULL, 400'000ULL}) {
    const Result result = place.expect(2, args, {.file_limit_bytes = limit});
    SCOPED_TRACE(describe(args, result));
    EXPECT_THAT(lines(result.err).back(), HasSubstr(limit < 200'000 ? "run/best.safetensors" : "run/last.ckpt"));
    EXPECT_THAT(lines(result.err).back(), HasSubstr("File too large"));
    EXPECT_THAT(result.err, Not(HasSubstr("internal error")));
    const auto files = contents(place / "run");
    EXPECT_TRUE(files.contains("config.json"));
    EXPECT_FALSE(files.contains("last.ckpt")) << "a part of a file under its name";
    for (const auto& [name, bytes] : files) EXPECT_FALSE(name.ends_with(".tmp")) << name;
    if (files.contains("best.safetensors")) place.expect(0, {"summary", "run/best.safetensors"});
    fs::remove_all(place / "run");
  }
}

TEST(CommandErrorsOfDisk, FullWhileResumingKeepsTheCheckpoint) {
  const Workplace place;
  place.expect(130, {"train", "mnist", "--limit", "6000", "--epochs", "2", "--run", "run", "--validation-split", "0.1"},
               {.signal = SIGINT, .kill_after_ms = 50, .kill_clock_starts_at = "epoch  1/2"});
  const std::string checkpoint = read(place / "run/last.ckpt");
  place.expect(2, {"train", "--resume", "run"}, {.file_limit_bytes = 100'000});
  EXPECT_TRUE(read(place / "run/last.ckpt") == checkpoint);
  place.expect(0, {"train", "--resume", "run"});
}

}  // namespace
}  // namespace saccade::e2e
