#include "saccade/cli/comparison.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "saccade/base/file.h"
#include "saccade/cli/testing_internal.h"

namespace saccade::cli {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// A program in place of Python or Node.js that is given the peer's program and does this instead.
class ComparisonTest : public ::testing::Test {
 protected:
  static std::string program(const std::string& name, const std::string& script) {
    const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / ("peer_" + name);
    write_file(path, "#!/bin/sh\n" + script + "\n");
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path.string();
  }

  static void expect(const std::string& peer, const std::string& file, const ::testing::Matcher<std::string>& line) {
    const Outcome outcome =
        run_with({"bench", "lenet5", "--batch-size", "2", "--rounds", "1", "--compare", peer, "--peer-program", file});
    EXPECT_EQ(outcome.code, 2);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, line);
    EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
  }
};

TEST_F(ComparisonTest, APeerThatIsMissingIsOneLineThatSaysHowToInstallIt) {
  expect("pytorch", "/nonexistent/python3",
         AllOf(StartsWith("bench: --compare pytorch: expected PyTorch, got none (/nonexistent/python3: No such file"),
               HasSubstr("apt-get install python3-torch")));
  const std::string without = program("without", R"(read -r request; echo '{"missing": "No module named torch"}')");
  expect("pytorch", without, AllOf(HasSubstr("got none ("), HasSubstr("No module named torch"), HasSubstr("apt-get")));
  expect("onnxruntime", without,
         AllOf(StartsWith("bench: --compare onnxruntime: expected ONNX Runtime for Node.js, got none"),
               HasSubstr("npm install onnxruntime-node"), HasSubstr("NODE_PATH")));
}

TEST_F(ComparisonTest, APeerThatDoesSomethingElseIsSaidSo) {
  expect("onnxruntime", program("dies", "echo first >&2; echo last words >&2"), EndsWith("got last words\n"));
  expect("onnxruntime", program("babbles", "read -r request; echo babble"), HasSubstr("to load the network"));
  expect("onnxruntime", program("refuses", R"(read -r request; echo '{"refused": "no such layer"}')"),
         HasSubstr("expected a network that it runs, got \"no such layer\""));
  const auto zeros = [](const std::string& bytes) {
    return "read -r request; out=${request#*'\"outputs\":\"'}; head -c " + bytes +
           " /dev/zero > \"${out%%'\"'*}\"; echo '{\"name\": \"Fake\", \"version\": \"1\"}'; read -r more";
  };
  expect("onnxruntime", program("wrong", zeros("80")),
         HasSubstr(
             "bench lenet5: Fake 1: expected outputs that agree within 0.001 of the largest, got a difference of 1;"));
  expect("onnxruntime", program("short", zeros("40")), HasSubstr("expected 20 outputs, got 10"));
}

TEST_F(ComparisonTest, OnlyNetworksAreCompared) {
  const Outcome operation = run_with({"bench", "conv2d", "--compare", "pytorch"});
  EXPECT_EQ(operation.err, "bench: --compare: expected networks only, got conv2d; name a network\n");
  const Outcome other = run_with({"bench", "lenet5", "--compare", "tensorflow"});
  EXPECT_EQ(other.err, "bench: --compare: expected pytorch or onnxruntime, got 'tensorflow'; check the spelling\n");
}

}  // namespace
}  // namespace saccade::cli
