#include <fmt/format.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "saccade/base/file.h"
#include "saccade/base/random.h"
#include "saccade/io/model_file.h"
#include "saccade/io/onnx.h"
#include "saccade/nn/arithmetic.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/merge.h"
#include "saccade/nn/pad.h"
#include "saccade/nn/permute.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/reduce.h"
#include "saccade/nn/resample.h"
#include "saccade/nn/slice.h"
#include "saccade/nn/view.h"
#include "saccade/train/evaluate.h"
#include "saccade/zoo/zoo.h"
#include "tests/support/test_data.h"
#include "workplace.h"

namespace saccade::e2e {
namespace {

constexpr Index kImages = 2;
constexpr Index kClasses = 10;

/// Installs ONNX Runtime from its lock file, once. Says what stands against it, or nothing.
std::string install_onnx_runtime(const fs::path& folder) {
  if (fs::exists(folder / "node_modules/onnxruntime-node")) return "";
  fs::create_directories(folder);
  for (const char* file : {"package.json", "package-lock.json", "run_networks.mjs"}) {
    fs::copy_file(fs::path(SACCADE_SOURCE) / "tests/onnxruntime" / file, folder / file,
                  fs::copy_options::overwrite_existing);
  }
  const Result npm = run_program({"npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"}, {.cwd = folder});
  return npm.exit_code == 0 ? "" : fmt::format("npm did not install onnxruntime-node:\n{}", npm.err);
}

/// Weights as drawn for training, and statistics and biases as training leaves them behind.
void draw(Model& net) {
  net.initialize(5);
  std::uint32_t number = 0;
  for (Parameter& parameter : net.parameters()) {
    if (parameter.value.shape().rank() != 1) continue;
    const bool factor = parameter.name.ends_with(".moving_variance") || parameter.name.ends_with(".gamma");
    Stream stream(5, 0, number++, 0);
    for (float& value : parameter.value.floats()) value = (factor ? 0.75F : -0.25F) + 0.5F * stream.uniform();
  }
}

/// Images as a network sees them: NHWC for ours, and the same NCHW, as bytes, for the other.
struct Images {
  Tensor ours;
  std::string others;
};

Images images_for(const Shape& shape) {
  Images images{.ours = Tensor(shape.with_batch(kImages)), .others = {}};
  Stream stream(7, 0, 0, 0);
  for (float& value : images.ours.floats()) value = 2.0F * stream.uniform() - 1.0F;
  const Index pixels = shape[0] * shape[1], channels = shape[2];
  std::vector<float> planes;
  for (Index n = 0; n < kImages; ++n) {
    for (Index c = 0; c < channels; ++c) {
      for (Index i = 0; i < pixels; ++i) planes.push_back(images.ours.floats()[usize((n * pixels + i) * channels + c)]);
    }
  }
  images.others.assign(reinterpret_cast<const char*>(planes.data()), planes.size() * sizeof(float));
  return images;
}

class OnnxRuntime : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { obstacle = install_onnx_runtime(folder()); }
  void SetUp() override {
    if (!obstacle.empty()) GTEST_SKIP() << obstacle;
  }

  static fs::path folder() { return fs::path(SACCADE_ONNX_RUNTIME); }

  /// Writes a network and its images for run_all().
  void add(const std::string& name, Model net) {
    const Images images = images_for(net.input_shape());
    save_onnx(net, place / (name + ".onnx"));
    write(place / (name + ".input"), images.others);
    expected.emplace_back(name, predict(net, images.ours));
  }

  void run_all() {
    const Result result = run_program({"node", "run_networks.mjs", place.path().string()}, {.cwd = folder()});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    for (const auto& [name, ours] : expected) {
      const std::string bytes = read(place / (name + ".output"));
      std::vector<float> theirs(bytes.size() / sizeof(float));
      std::memcpy(theirs.data(), bytes.data(), bytes.size());
      ASSERT_EQ(isize(theirs.size()), ours.elements()) << name;
      double largest = 0.0, difference = 0.0, spread = 0.0;
      for (std::size_t i = 0; i < theirs.size(); ++i) {
        const auto a = static_cast<double>(ours.floats()[i]), b = static_cast<double>(theirs[i]);
        largest = std::max(largest, std::abs(a));
        difference = std::max(difference, std::abs(a - b));
        spread = std::max(spread, std::abs(a - static_cast<double>(ours.floats()[0])));
      }
      EXPECT_LE(difference, 1e-5 * largest) << name << ": largest output " << largest;
      EXPECT_GT(spread, 1e-3 * largest) << name << ": outputs that are all alike prove nothing";
    }
  }

  Workplace place;
  std::vector<std::pair<std::string, Tensor>> expected;
  static inline std::string obstacle;
};

TEST_F(OnnxRuntime, ComputesWhatEveryNetworkOfTheZooComputes) {
  for (const zoo::Entry& entry : zoo::entries()) {
    // VGG has 138 million weights for larger images.
    Model net(entry.graph(entry.image[0] > 64 ? Shape{64, 64, 3} : entry.image, kClasses), Model::Weights::zeros);
    draw(net);
    add(std::string(entry.name), std::move(net));
  }
  run_all();
}

TEST_F(OnnxRuntime, ComputesWhatLayersAlongAxesCompute) {
  const auto add_layers = [&](const std::string& name, std::vector<AnyLayer> layers) {
    layers.insert(layers.begin(), Input{{6, 8, 4}});
    layers.insert(layers.end(), {Flatten{}, Dense{{.units = kClasses, .activation = log_softmax}}});
    Model net(Sequential(name, layers), Model::Weights::zeros);
    draw(net);
    add(name, std::move(net));
  };
  add_layers("arithmetic", {Arithmetic{{.operation = ArithmeticKind::subtract, .operand = {4}}},
                            Arithmetic{{.operation = ArithmeticKind::multiply, .operand = {6, 1, 4}}}});
  add_layers("pads", {Pad{{.axis = 0, .before = 2, .after = 1, .mode = PadMode::reflect}},
                      Pad{{.axis = 1, .before = 3, .mode = PadMode::edge}}, Pad{{.after = 2, .value = 0.5F}}});
  add_layers("parts", {Slice{{.axis = 0, .start = 5, .count = 3, .step = -2}}, Permute{{.axes = {1, 2, 0}}},
                       Slice{{.start = 1, .count = 2}}, Reduce{{.axis = 2}}, Reduce{{.axis = 0, .keepdims = true}}});
  add_layers("sizes", {Resample{{.axis = 0, .size = 9}},
                       Resample{{.axis = 1, .size = 5, .coordinates = Coordinates::align_corners}},
                       Resample{{.axis = 0, .size = 7, .method = Resampling::cubic, .cubic_a = -0.5F}},
                       Resample{{.axis = 1, .size = 3, .scale = 0.7F, .method = Resampling::nearest}},
                       MaxPool2D{{.pool = 2, .strides = 1, .dilation = {3, 1}}}});
  const Node x = input({6, 8, 4});
  const Node centred =
      Arithmetic{{.operation = ArithmeticKind::subtract}}({x, Reduce{{.axis = 1, .keepdims = true}}(x)});
  Model net(Graph("joined", x, Dense{{.units = kClasses}}(Flatten{}(Concatenate{{.axis = 0}}({x, centred})))),
            Model::Weights::zeros);
  draw(net);
  add("joined", std::move(net));
  run_all();
}

TEST_F(OnnxRuntime, ComputesWhatATrainedNetworkComputes) {
  place.expect(0, {"train", "mnist", "--model", "lenet5", "--limit", "2000", "--epochs", "1", "--run", "net"});
  add("lenet5", load_model(place / "net/last.safetensors"));
  run_all();
}

TEST_F(OnnxRuntime, IsTimedInTurns) {
  const Result result = run({"bench", "lenet5", "resnet20", "--compare", "onnxruntime", "--rounds", "3",
                             "--round-seconds", "0.01", "--threads", "1", "--json"},
                            {.env = {{"NODE_PATH", (folder() / "node_modules").string()}}});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto all = nlohmann::json::parse(result.out)["benchmarks"];
  ASSERT_EQ(all.size(), 2U);
  for (const auto& network : all) {
    EXPECT_EQ(network["batch_size"], 1);
    EXPECT_TRUE(network["peer"].get<std::string>().starts_with("ONNX Runtime 1.")) << network["peer"];
    EXPECT_LT(network["output_difference"], 1e-5);
    EXPECT_FALSE(network.contains("training"));
    const auto& step = network["inference"];
    EXPECT_EQ(step["ratios"].size(), 3U);
    EXPECT_LE(step["least_ratio"], step["ratio"]);
    EXPECT_LE(step["ratio"], step["greatest_ratio"]);
    EXPECT_GT(step["peer"]["seconds"], 0.0);
  }
}

TEST_F(OnnxRuntime, ComputesWhatPretrainedNetworksCompute) {
  const fs::path nets = test::data_path("pretrained");
  if (!fs::exists(nets)) GTEST_SKIP() << nets << " is not there; SACCADE_TEST_DATA names its folder";
  for (const char* file :
       {"squeezenet1.1/squeezenet1.1_f32.onnx", "mobilenet_v1_0.25_224/mobilenet_v1_0.25_224.onnx",
        "mobilenet_v2_1.0_224/tf2_mobilenet_v2_1.0_224_ptq.f32.onnx", "cifar10-resnets/resnet20_cifar10.onnx"}) {
    add(fs::path(file).stem(), load_onnx(nets / file));
  }
  run_all();
}

}  // namespace
}  // namespace saccade::e2e
