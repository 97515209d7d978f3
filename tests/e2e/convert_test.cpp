#include <gmock/gmock.h>

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

TEST(Convert, SaysWhatIsWrong) {
  const Workplace place;
  const std::string net = kSource / "tests/fuzz/seeds/onnx/small.onnx";
  write(place / "two.txt", "cat\ndog\n");
  write(place / "text.onnx", "this is no network\n");
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{net, "net.onnx"}, "convert: TO: expected a file whose name ends in .safetensors, got 'net.onnx'"},
      {{net, "n.safetensors", "--preprocessing", "imagenet"},
       "expected one of none, unit, torch, tf, caffe, got 'imagenet'"},
      {{net, "n.safetensors", "--mean", "1,2,3"}, "3"},
      {{net, "n.safetensors", "--mean", "1,x"}, "convert: --mean: expected numbers with commas between them"},
      {{net, "n.safetensors", "--channel-order", "bgr"}, "expected an image of three channels"},
      {{net, "n.safetensors", "--class-names", "two.txt"}, "two.txt: expected 3 lines, a class name for each output"},
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
