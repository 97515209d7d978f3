#include <gmock/gmock.h>

#include <cmath>
#include <map>

#include "saccade/io/model_file.h"
#include "saccade/io/onnx.h"
#include "saccade/io/onnx/graph_internal.h"
#include "saccade/io/safetensors.h"
#include "saccade/nn/plan.h"
#include "saccade/zoo/zoo.h"
#include "tests/support/test_data.h"
#include "workplace.h"

namespace saccade::e2e {
namespace {

using ::testing::HasSubstr;

const fs::path kSource = SACCADE_SOURCE;

TEST(Convert, AnOnnxNetworkTellsWhatIsOnPhotographs) {
  const fs::path nets = test::data_path("pretrained"), photos = test::data_path("photos");
  const fs::path names = test::data_path("synset_words.txt");
  if (!fs::exists(nets)) GTEST_SKIP() << nets << " is not there; SACCADE_TEST_DATA names its folder";
  struct Pretrained {
    fs::path file;
    const char* preprocessing;
  };
  const Pretrained all[] = {
      {nets / "squeezenet1.1/squeezenet1.1_f32.onnx", "caffe"},
      {nets / "mobilenet_v2_1.0_224/tf2_mobilenet_v2_1.0_224_ptq.f32.onnx", "tf"},
  };
  for (const Pretrained& net : all) {
    const Workplace place;
    place.expect(
        0, {"convert", net.file, "net.safetensors", "--preprocessing", net.preprocessing, "--class-names", names});
    for (const auto& [photo, label] :
         {std::pair{"coral_parrot.jpg", "macaw"}, std::pair{"coral_cat_720p.jpg", "Egyptian cat"},
          std::pair{"coral_hot_dog.jpg", "hotdog"}, std::pair{"coral_bird.bmp", "chickadee"},
          std::pair{"winml_kitten_224.png", "tabby"}}) {
      const Result result = place.expect(0, {"predict", "net.safetensors", photos / photo, "--top", "1"});
      EXPECT_THAT(result.out, HasSubstr(label)) << net.file;
    }
  }
}

TEST(Convert, ListsOfClassesMayComeFromAnyEditor) {
  const Workplace place;
  const std::string net = kSource / "tests/fuzz/seeds/onnx/small.onnx";
  write(place / "names.txt", "\xEF\xBB\xBFn01440764 tench\r\nK\xC3\xB6nig\r\nn0 cat\r\n\r\n");
  place.expect(0, {"convert", net, "n.safetensors", "--class-names", "names.txt"});
  EXPECT_THAT(load_model(place / "n.safetensors").class_names,
              ::testing::ElementsAre("tench", "K\xC3\xB6nig", "n0 cat"));
}

/// The ONNX file of ResNet-20 keeps PyTorch's names and layouts: its tensors are the state dict that PyTorch would save.
TEST(Convert, PyTorchsWeightsFindTheirPlaceInTheZoo) {
  const fs::path file = test::data_path("pretrained/cifar10-resnets/resnet20_cifar10.onnx");
  if (!fs::exists(file)) GTEST_SKIP() << file << " is not there; SACCADE_TEST_DATA names its folder";
  const Workplace place;
  const internal::OnnxGraph graph = internal::read_onnx_graph(read_file(file), file.string());
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, constant] : graph.initializers) {
    if (constant.is_float()) tensors.emplace(name, Tensor(Shape(constant.dims), constant.floats()));
  }
  std::vector<TensorEntry> entries;
  for (const auto& [name, tensor] : tensors) entries.push_back({name, &tensor});
  write_safetensors(place / "torch.safetensors", entries);
  place.expect(0, {"convert", "torch.safetensors", "net.safetensors", "--model", "resnet20"});

  Model ours = load_model(place / "net.safetensors");
  Model imported = load_onnx(file);
  std::vector<float> image(3072);
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = std::sin(0.37F * static_cast<float>(i % 1021));
  Plan a(ours, 1, PlanMode::inference), b(imported, 1, PlanMode::inference);
  EXPECT_THAT(a.forward(image), testing::Pointwise(testing::FloatNear(1e-4F), b.forward(image)));
}

/// Drawing many millions of numbers would take its time.
Model with_simple_weights(Graph graph) {
  Model net(std::move(graph), Model::Weights::zeros);
  for (Parameter& parameter : net.parameters()) {
    const auto is = [&](const char* name) { return parameter.name.ends_with(name); };
    const float base = is(".moving_variance") || is(".gamma") ? 1.0F : is(".bias") ? 0.5F : 0.0F;
    const std::span<float> values = parameter.value.floats();
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = base + 0.004F * (static_cast<float>(i * 7919 % 23) - 11.0F);
  }
  return net;
}

/// One by the command, the others without the detour over files.
TEST(Convert, EveryNetworkOfTheZooComesBackFromOnnxBitForBit) {
  for (const zoo::Entry& entry : zoo::entries()) {
    const Shape image =
        entry.image[0] > 64 ? Shape{64, 64, 3} : entry.image;  // VGG has 138 million weights for larger ones
    Model net = with_simple_weights(entry.graph(image, 10));
    Model back = [&] {
      const std::string bytes = encode_onnx(net);
      if (entry.name != "resnet20") return read_onnx(std::as_bytes(std::span(bytes)), "net.onnx");
      const Workplace place;
      net.save(place / "net.safetensors");
      place.expect(0, {"convert", "net.safetensors", "net.onnx"});
      EXPECT_EQ(read(place / "net.onnx"), bytes);
      place.expect(0, {"convert", "net.onnx", "back.safetensors"});
      return load_model(place / "back.safetensors");
    }();
    std::vector<float> pixels(usize(image.elements()));
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = std::sin(0.37F * static_cast<float>(i % 1021));
    Plan a(net, 1, PlanMode::inference), b(back, 1, PlanMode::inference);
    const std::span<const float> out = a.forward(pixels);
    EXPECT_NE(out[0], out[1]) << entry.name;
    EXPECT_THAT(out, testing::ElementsAreArray(b.forward(pixels))) << entry.name;
  }
}

TEST(Convert, SaysWhatIsWrong) {
  const Workplace place;
  const std::string net = kSource / "tests/fuzz/seeds/onnx/small.onnx";
  write(place / "two.txt", "cat\ndog\n");
  write(place / "blank.txt", "cat\n\ndog\n");
  write(place / "text.onnx", "this is no network\n");
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{net, "net.pb"}, "convert: TO: expected a file whose name ends in .safetensors or .onnx, got 'net.pb'"},
      {{net, "n.safetensors", "--preprocessing", "imagenet"},
       "expected one of none, unit, torch, tf, caffe, got 'imagenet'"},
      {{net, "n.safetensors", "--mean", "1,2,3"}, "3"},
      {{net, "n.safetensors", "--mean", "1,x"}, "convert: --mean: expected numbers with commas between them"},
      {{net, "n.safetensors", "--channel-order", "bgr"}, "expected an image of three channels"},
      {{net, "n.safetensors", "--class-names", "two.txt"}, "two.txt: expected 3 lines, a class name for each output"},
      {{net, "n.safetensors", "--class-names", "blank.txt"}, "blank.txt: line 2: expected a class name"},
      {{net, "n.safetensors", "--preprocessing", "caffe", "--channel-order", "rgb"},
       "convert: --channel-order: expected bgr, as --preprocessing caffe says, got 'rgb'"},
      {{"text.onnx", "n.safetensors"}, "text.onnx: expected an ONNX model"},
      {{"absent.onnx", "n.safetensors"}, "absent.onnx"},
  };
  for (const auto& [arguments, message] : cases) {
    std::vector<std::string> command = {"convert"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    EXPECT_THAT(place.expect(2, command).err, HasSubstr(message));
    EXPECT_FALSE(fs::exists(place / "n.safetensors"));
  }
}

}  // namespace
}  // namespace saccade::e2e
