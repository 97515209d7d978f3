#include <gmock/gmock.h>

#include <cmath>
#include <map>

#include "keras_endings.h"
#include "saccade/io/keras.h"
#include "saccade/io/keras/import_internal.h"
#include "saccade/io/model_file.h"
#include "saccade/io/network_file.h"
#include "saccade/io/onnx.h"
#include "saccade/io/onnx/graph_internal.h"
#include "saccade/io/safetensors.h"
#include "saccade/io/torch_file.h"
#include "saccade/io/torch_weights.h"
#include "saccade/nn/plan.h"
#include "saccade/zoo/zoo.h"
#include "tests/support/message_of.h"
#include "tests/support/test_data.h"
#include "workplace.h"

namespace saccade::e2e {
namespace {

using ::testing::HasSubstr;

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

/// The outputs for an image without meaning.
std::vector<float> outputs(Model& net) {
  std::vector<float> pixels(usize(net.input_shape().elements()));
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = std::sin(0.37F * static_cast<float>(i % 1021));
  Plan plan(net, 1, PlanMode::inference);
  const std::span<const float> out = plan.forward(pixels);
  return {out.begin(), out.end()};
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
  EXPECT_THAT(outputs(ours), testing::Pointwise(testing::FloatNear(1e-4F), outputs(imported)));
}

/// PyTorch's own file of the network, of before version 1.6, and the ONNX file that was exported from it.
TEST(Convert, PyTorchsCheckpointComputesWhatItsExportDoes) {
  const fs::path folder = test::data_path("pretrained/cifar10-resnets");
  if (!fs::exists(folder)) GTEST_SKIP() << folder << " is not there; SACCADE_TEST_DATA names its folder";
  Model net(zoo::resnet20({32, 32, 3}, 10), Model::Weights::zeros);
  take_torch_weights(net, load_torch(folder / "resnet20-12fca82f.th"), "resnet20");
  Model imported = load_onnx(folder / "resnet20_cifar10.onnx");
  EXPECT_THAT(outputs(net), testing::Pointwise(testing::FloatNear(1e-4F), outputs(imported)));
}

/// PyTorch 1.13 wrote them all: in both layouts, with parameters, packed again, with a function that a pickle would call.
TEST(Convert, ReadsWhatPyTorchWrites) {
  const fs::path seeds = kSource / "tests/fuzz/seeds/torch";
  for (const char* name : {"zip.pth", "checkpoint.pth", "legacy.pth", "deflated.pth"}) {
    const NamedTensors tensors = load_torch(seeds / name);
    ASSERT_EQ(tensors.size(), 10U) << name;
    EXPECT_EQ(tensors[2].first, "t");
    EXPECT_THAT(tensors[2].second.floats(), testing::ElementsAre(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11)) << name;
    EXPECT_THAT(tensors[3].second.floats(), testing::ElementsAre(1.5F, -2.0F)) << name;
  }
  EXPECT_THAT(load_torch(seeds / "parameter.pth").at(0).second.floats(), testing::ElementsAre(1, 1));
  EXPECT_THAT(test::message_of([&] { load_torch(seeds / "calls_system.pth"); }), HasSubstr("calls 'posix.system'"));
  EXPECT_THAT(test::message_of([&] { load_torch(seeds / "whole_module.pth"); }),
              HasSubstr("calls 'torch.nn.modules.linear.Linear'"));
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

/// The network that comes back from a file of that kind: one goes by the command, the others without the detour over files.
Model there_and_back(const zoo::Entry& entry, const Model& net, const std::string& ending) {
  const bool by_command = entry.name == "resnet20";
  const std::string bytes = [&] {
    if (ending == ".onnx") return encode_onnx(net);
    const auto encoded = encode_keras(net, ending == ".h5" ? KerasFormat::h5 : KerasFormat::keras);
    return std::string(reinterpret_cast<const char*>(encoded.data()), encoded.size());
  }();
  if (!by_command) return read_network(std::as_bytes(std::span(bytes)), "net" + ending);
  const Workplace place;
  net.save(place / "net.safetensors");
  place.expect(0, {"convert", "net.safetensors", "net" + ending});
  EXPECT_EQ(read(place / ("net" + ending)), bytes);
  place.expect(0, {"convert", "net" + ending, "back.safetensors"});
  return load_model(place / "back.safetensors");
}

TEST(Convert, EveryNetworkOfTheZooComesBackBitForBit) {
  // Those of hundreds of megabytes have the layers of smaller ones: they share the formats out among themselves.
  constexpr Index kManyWeights = 16'000'000;
  std::size_t large = 0;
  for (const zoo::Entry& entry : zoo::entries()) {
    const Shape image =
        entry.image[0] > 64 ? Shape{64, 64, 3} : entry.image;  // VGG has 138 million weights for larger ones
    Model net = with_simple_weights(entry.graph(image, 10));
    const std::vector<float> out = outputs(net);
    EXPECT_NE(out[0], out[1]) << entry.name;
    std::vector<std::string> endings = keras_endings();
    endings.emplace_back(".onnx");
    if (net.parameter_count() > kManyWeights) endings = {endings[large++ % endings.size()]};
    for (const std::string& ending : endings) {
      Model back = there_and_back(entry, net, ending);
      EXPECT_EQ(out, outputs(back)) << entry.name << ending;
      if (ending[1] != 'o') {
        EXPECT_EQ(back.preprocessing, net.preprocessing) << entry.name << ending;
      }
    }
    Model torch(entry.graph(image, 10), Model::Weights::zeros);
    take_torch_weights(torch, torch_state_dict(net), "torch");
    EXPECT_EQ(out, outputs(torch)) << entry.name;
  }
}

TEST(Convert, WeightsGoToPyTorchAndComeBackUnderItsNames) {
  const Workplace place;
  Model net = with_simple_weights(zoo::resnet20({32, 32, 3}, 10));
  net.save(place / "net.safetensors");
  place.expect(0, {"convert", "net.safetensors", "torch.safetensors", "--names", "torch"});
  const SafetensorsFile file = load_safetensors(place / "torch.safetensors");
  ASSERT_NE(file.find("layer1.0.conv1.weight"), nullptr);
  EXPECT_EQ(file.find("layer1.0.conv1.weight")->shape(), (Shape{16, 16, 3, 3}));
  EXPECT_NE(file.find("bn1.running_var"), nullptr);
  place.expect(0, {"convert", "torch.safetensors", "back.safetensors", "--model", "resnet20"});
  Model back = load_model(place / "back.safetensors");
  EXPECT_EQ(outputs(back), outputs(net));
}

TEST(Convert, ThePageOfFormatsNamesEveryLayerOfKerasThatIsRead) {
  const std::string page = read(kSource / "docs/formats.md");
  for (const internal::KerasClass& one : internal::keras_classes()) {
    const std::string name(one.name);
    EXPECT_TRUE(page.find(" " + name + ",") != std::string::npos || page.find(" " + name + ".") != std::string::npos ||
                page.find(" " + name + " (") != std::string::npos)
        << name;
  }
}

/// Models of Keras's and checkpoints of PyTorch's stand where any network does.
TEST(Convert, NetworksOfEveryFormatAreTakenWhereverOneIs) {
  const fs::path nets = test::data_path("pretrained"), photos = test::data_path("photos");
  if (!fs::exists(nets)) GTEST_SKIP() << nets << " is not there; SACCADE_TEST_DATA names its folder";
  if (keras_endings().empty()) GTEST_SKIP() << "built without HDF5, which Keras's files need";
  const Workplace place;
  const fs::path keras = nets / "resnet8/pretrainedResnet.h5";
  EXPECT_THAT(place.expect(0, {"summary", keras}).out, HasSubstr("conv2d_8 (Conv2D)"));
  place.expect(0, {"predict", keras, photos / "coral_parrot.jpg", "--top", "1"});
  place.expect(0, {"convert", nets / "cifar10-resnets/resnet20-12fca82f.th", "resnet20.keras", "--model", "resnet20",
                   "--preprocessing", "torch"});
  EXPECT_EQ(load_keras(place / "resnet20.keras").preprocessing.deviation.size(), 3U);
  EXPECT_THAT(place.expect(0, {"summary", "resnet20.keras"}).out, HasSubstr("layer3_2_conv2"));
}

TEST(Convert, SaysWhatIsWrong) {
  const Workplace place;
  const std::string net = kSource / "tests/fuzz/seeds/onnx/small.onnx";
  write(place / "two.txt", "cat\ndog\n");
  write(place / "blank.txt", "cat\n\ndog\n");
  write(place / "text.onnx", "this is no network\n");
  const fs::path torch = kSource / "tests/fuzz/seeds/torch";
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{net, "net.pb"},
       "convert: TO: expected a file whose name ends in .safetensors, .onnx, .h5 or .keras, got 'net.pb'"},
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
      {{"blank.txt", "n.safetensors"},
       "blank.txt: expected a network: .safetensors, .onnx, .h5 or .keras, got something else"},
      {{torch / "zip.pth", "n.safetensors"},
       "expected a whole network, got weights alone, of PyTorch's; say which network: "
       "saccade convert"},
      {{torch / "calls_system.pth", "n.safetensors", "--model", "lenet5"}, "got one that calls 'posix.system'"},
      {{torch / "zip.pth", "n.safetensors", "--model", "lenet5"},
       "expected a tensor 'conv2d.weight' for layer 'conv2d'"},
      {{net, "n.safetensors", "--model", "lenet5"}, "expected weights alone, got a whole network; leave --model out"},
      {{net, "n.onnx", "--names", "torch"}, "convert: --names torch: expected a .safetensors file"},
      {{net, "n.safetensors", "--names", "keras"}, "convert: --names: expected one of saccade, torch, got 'keras'"},
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
