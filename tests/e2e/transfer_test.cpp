#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <sstream>

#include "saccade/image/encode.h"
#include "saccade/io/model_file.h"
#include "workplace.h"

namespace saccade::e2e {
namespace {

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::Not;

/// A network trained on MNIST, and digits in two folders, "round" (0, 6, 8, 9) and "straight" (1, 4, 7).
class Transfer : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    place = std::make_unique<Workplace>();
    place->expect(0, {"train", "mnist", "--limit", "6000", "--epochs", "2", "--run", "digits"});
    const data::DatasetPtr train = mnist().train;
    for (const char* name : {"round", "straight"}) fs::create_directories(*place / fmt::format("shapes/{}", name));
    for (Index i = 0; i < 600; ++i) {
      const data::Sample sample = train->get(i);
      const std::string kind = std::string("0689").find(std::to_string(sample.label)) != std::string::npos  ? "round"
                               : std::string("147").find(std::to_string(sample.label)) != std::string::npos ? "straight"
                                                                                                            : "";
      if (!kind.empty()) write_png(*place / fmt::format("shapes/{}/{}.png", kind, i), sample.image);
    }
  }
  static void TearDownTestSuite() { place.reset(); }

  /// The names of the parameters that differ between two runs' networks, those of the head apart.
  static std::vector<std::string> changed(const std::string& run) {
    const Model before = load_model(*place / "digits/best.safetensors");
    const Model after = load_model(*place / (run + "/last.safetensors"));
    std::vector<std::string> names;
    for (const Parameter& parameter : before.parameters()) {
      const std::span<const float> now = after.parameter(parameter.name).value.floats();
      if (!std::ranges::equal(now, parameter.value.floats())) names.push_back(parameter.name);
    }
    return names;
  }

  static inline std::unique_ptr<Workplace> place;
};

TEST_F(Transfer, ANewHeadLearnsAndAllElseStaysBitForBit) {
  const Result result = place->expect(0, {"train", "shapes", "--from", "digits", "--epochs", "6", "--run", "head"});
  EXPECT_THAT(result.err, HasSubstr("61026 parameters of which 170 learn"));
  EXPECT_THAT(changed("head"), ElementsAreArray({"dense_2.weight", "dense_2.bias"}));
  const Result report = place->expect(0, {"evaluate", "head", "shapes"});
  EXPECT_THAT(report.out, HasSubstr("accuracy  0.9"));  // of two kinds; features of digits tell them apart at once
}

TEST_F(Transfer, KeptFeaturesOfTheFrozenLayersChangeNothing) {
  const auto train = [](const std::string& run, std::vector<std::string> more) {
    std::vector<std::string> args = {"train", "shapes", "--from", "digits", "--epochs", "3", "--run", run};
    args.insert(args.end(), more.begin(), more.end());
    return place->expect(0, args).err;
  };
  EXPECT_THAT(train("kept", {}), HasSubstr("frozen: 4 of 5 layers; features of 426 images kept: 0.1 MB"));
  EXPECT_THAT(train("anew", {"--no-feature-cache"}), Not(HasSubstr("features")));
  EXPECT_THAT(train("augmented", {"--rotation-range", "5"}), Not(HasSubstr("features")));
  EXPECT_EQ(read(*place / "kept/last.safetensors"), read(*place / "anew/last.safetensors"));
  EXPECT_NE(read(*place / "kept/last.safetensors"), read(*place / "augmented/last.safetensors"));
}

TEST_F(Transfer, MoreLayersLearnWhenAskedTo) {
  place->expect(0, {"train", "shapes", "--from", "digits", "--train-last", "2", "--epochs", "1", "--run", "two"});
  EXPECT_THAT(changed("two"), ElementsAreArray({"dense_1.weight", "dense_1.bias", "dense_2.weight", "dense_2.bias"}));
  place->expect(0,
                {"train", "shapes", "--from", "digits", "--train-from", "conv2d_1", "--epochs", "1", "--run", "part"});
  EXPECT_THAT(changed("part"), Not(::testing::Contains(HasSubstr("conv2d."))));
  EXPECT_THAT(changed("part"), ::testing::Contains("conv2d_1.weight"));
  place->expect(0, {"train", "shapes", "--from", "digits", "--train-all", "--epochs", "1", "--run", "all"});
  EXPECT_THAT(changed("all"), ::testing::Contains("conv2d.weight"));
}

TEST_F(Transfer, BlocksAreUnfrozenOneByOneAndAStoppedRunGoesOn) {
  const std::vector<std::string> options = {"train",
                                            "shapes",
                                            "--from",
                                            "digits",
                                            "--unfreeze-every",
                                            "2",
                                            "--lr-decay-per-block",
                                            "0.5",
                                            "--warmup-epochs",
                                            "1",
                                            "--head-lr-multiplier",
                                            "2",
                                            "--batch-norm",
                                            "frozen",
                                            "--epochs"};
  const auto train = [&](const char* epochs, const char* run) {
    std::vector<std::string> args = options;
    args.insert(args.end(), {epochs, "--run", run});
    return place->expect(0, args).err;
  };
  EXPECT_THAT(train("5", "blocks"), HasSubstr("from 'dense_1' on layers learn now: 10334 parameters\n"));
  EXPECT_THAT(changed("blocks"), ::testing::UnorderedElementsAre("dense.weight", "dense.bias", "dense_1.weight",
                                                                 "dense_1.bias", "dense_2.weight", "dense_2.bias"));
  place->expect(2, {"train", "--resume", "blocks", "--unfreeze-every", "3"});
}

TEST_F(Transfer, TheSameClassesKeepTheHead) {
  place->expect(0, {"train", "shapes", "--from", "digits", "--epochs", "1", "--run", "once"});
  place->expect(0, {"train", "shapes", "--from", "once", "--train-all", "--learning-rate", "1e-12", "--epochs", "1",
                    "--run", "again"});
  const auto bias = [](const char* run) {
    return load_model(*place / (std::string(run) + "/last.safetensors")).parameter("dense_2.bias").value;
  };
  EXPECT_NEAR(bias("again").floats()[0], bias("once").floats()[0], 1e-6F);
}

TEST_F(Transfer, PreprocessingTravelsWithTheNetwork) {
  place->expect(0, {"train", "mnist", "--limit", "500", "--epochs", "1", "--featurewise-center",
                    "--featurewise-std-normalization", "--run", "standardised"});
  place->expect(0, {"train", "shapes", "--from", "standardised", "--epochs", "1", "--run", "heir"});
  const Model before = load_model(*place / "standardised/last.safetensors");
  const Model after = load_model(*place / "heir/last.safetensors");
  EXPECT_FALSE(before.preprocessing.mean.empty());
  EXPECT_EQ(after.preprocessing, before.preprocessing);
  EXPECT_EQ(after.input_shape(), before.input_shape());
  EXPECT_THAT(after.class_names, ElementsAreArray({"round", "straight"}));
}

TEST_F(Transfer, AdviceSaysHowMuchToTrainAndItsCommandRuns) {
  const Result advice = place->expect(0, {"advise", "shapes", "--from", "digits"});
  EXPECT_THAT(advice.out, HasSubstr("the images themselves                 0          64  "));
  EXPECT_THAT(advice.out, HasSubstr("426 images of 2 classes, 213 a class on average, fewest of "));
  const std::string begin = "try:   saccade ";
  std::istringstream words(advice.out.substr(advice.out.find(begin) + begin.size()));
  std::vector<std::string> command{std::istream_iterator<std::string>(words), {}};
  command.insert(command.end(), {"--epochs", "1", "--run", "advised"});
  place->expect(0, command);
  EXPECT_THAT(place->expect(0, {"advise", "shapes", "--from", "digits", "--json"}).out,
              HasSubstr("\"looked_at\": 426"));
  EXPECT_THAT(place->expect(2, {"advise", "shapes", "--from", "digits", "--x-col", "a"}).err,
              HasSubstr("advise shapes: --x-col: expected a .csv"));
}

TEST_F(Transfer, SaysWhatIsWrong) {
  const auto error_of = [](const char* option, const char* value) {
    return place->expect(2, {"train", "shapes", "--from", "digits", option, value}).err;
  };
  EXPECT_THAT(error_of("--batch-norm", "off"), HasSubstr("expected with-layers, frozen or train, got 'off'"));
  EXPECT_THAT(error_of("--lr-decay-per-block", "2"), HasSubstr("block_decay: expected above 0 and at most 1, got 2"));
  EXPECT_THAT(error_of("--unfreeze-every", "-1"), HasSubstr("unfreeze_every: expected zero or more epochs, got -1"));
  EXPECT_THAT(error_of("--image-size", "64"),
              HasSubstr("train: --image-size 64: expected the size that network 'lenet5' takes, [28, 28, 1], got [64"));
  EXPECT_THAT(place->expect(2, {"train", "shapes", "--train-last", "1"}).err, HasSubstr("expected --from"));
  EXPECT_THAT(place->expect(2, {"train", "shapes", "--from", "digits", "--train-last", "1", "--train-all"}).err,
              HasSubstr("expected one of --train-last, --train-from and --train-all, got 2"));
  EXPECT_THAT(place->expect(2, {"train", "shapes", "--from", "digits", "--model", "mlp"}).err, HasSubstr("got both"));
  EXPECT_THAT(place->expect(2, {"train", "shapes", "--from", "digits", "--train-last", "0"}).err,
              HasSubstr("--train-last: expected at least 1"));
  EXPECT_THAT(place->expect(2, {"train", "shapes", "--from", "digits", "--train-last", "9"}).err,
              HasSubstr("expected 1 to 5, which is how many have weights, got 9"));
  EXPECT_THAT(place->expect(2, {"train", "shapes", "--from", "digits", "--train-from", "conv9"}).err,
              HasSubstr("expected a layer among conv2d, "));
}

}  // namespace
}  // namespace saccade::e2e
