#include <gmock/gmock.h>

#include "saccade/io/onnx.h"
#include "saccade/io/onnx/testing_internal.h"
#include "tests/support/test_data.h"

namespace saccade::internal {
namespace {

/// A network, and the folder of images with the outputs that another program recorded for it.
struct Recorded {
  std::string network, folder;
  Index parameters;
};
void PrintTo(const Recorded& r, std::ostream* out) { *out << r.network; }

class Pretrained : public testing::TestWithParam<Recorded> {};

TEST_P(Pretrained, ReproducesItsRecordedOutputs) {
  const std::filesystem::path folder = test::data_path("pretrained");
  if (!std::filesystem::exists(folder / GetParam().network)) {
    GTEST_SKIP() << "no " << folder / GetParam().network << "; set SACCADE_TEST_DATA";
  }
  Model model = load_onnx(folder / GetParam().network);
  EXPECT_EQ(model.parameter_count(), GetParam().parameters);
  int sets = 0;
  for (const auto& set : std::filesystem::directory_iterator(folder / GetParam().folder)) {
    const Constant images = load_onnx_tensor(set.path() / "input_0.pb");
    Constant expected = load_onnx_tensor(set.path() / "output_0.pb");
    expected.dims.resize(2);  // SqueezeNet's has two axes of one pixel more
    EXPECT_LT(error_between(run(model, images), expected), 1e-4) << set.path();
    ++sets;
  }
  EXPECT_GT(sets, 0);
}

INSTANTIATE_TEST_SUITE_P(Networks, Pretrained,
                         testing::Values(Recorded{"squeezenet1.1/squeezenet1.1_f32.onnx",
                                                  "squeezenet1.1/squeezenet1.1_f32_testdata", 1235496},
                                         Recorded{"mobilenet_v1_0.25_224/mobilenet_v1_0.25_224.onnx",
                                                  "mobilenet_v1_0.25_224/mobilenet_v1_0.25_224_testdata", 475544},
                                         Recorded{"mobilenet_v2_1.0_224/tf2_mobilenet_v2_1.0_224_ptq.f32.onnx",
                                                  "mobilenet_v2_1.0_224/tf2_mobilenet_v2_1.0_224_ptq.f32_testdata",
                                                  3487816}));

/// Other exports of one network: the same numbers must come out of each.
TEST(PretrainedResNet20, EveryExportComputesTheSame) {
  const std::filesystem::path folder = test::data_path("pretrained/cifar10-resnets");
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no " << folder << "; set SACCADE_TEST_DATA";
  Constant images = Constant::of({2, 3, 32, 32}, std::vector<float>(6144));
  auto& pixels = std::get<0>(images.values);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = std::sin(0.37F * static_cast<float>(i % 1021));
  Model plain = load_onnx(folder / "resnet20_cifar10.onnx");
  EXPECT_EQ(plain.trainable_count(), 269722);  // as published for option A
  const Constant expected = run(plain, images);
  for (const char* const other :
       {"resnet20_cifar10.torch13export_bn.onnx", "resnet20_cifar10.torch13export_bnfolded.onnx"}) {
    Model model = load_onnx(folder / other);
    EXPECT_LT(error_between(run(model, images), expected), 1e-5) << other;
  }
}

}  // namespace
}  // namespace saccade::internal
