#include "saccade/zoo/zoo.h"

#include <array>
#include <vector>

#include "saccade/base/place_of.h"

namespace saccade::zoo {
namespace {

const Shape kDigit{28, 28, 1}, kTiny{32, 32, 3}, kPhoto{224, 224, 3};
constexpr Index kImageNet = 1000;

const std::array kEntries{
    Entry{"lenet5", "LeNet-5: two 5x5 convolutions, three dense layers", &lenet5, kDigit, 10},
    Entry{"mlp", "784-1200-1200-1200-10: the dense baseline", &mlp, kDigit, 10},
    Entry{"vgg_small", "six 3x3 convolutions with batch normalisation, for 32x32 colour images; more for larger ones",
          &vgg_small, kTiny, 10},
    Entry{"airbench94", "seven convolutions that learn 32x32 colour images fast, 2.0 million weights", &airbench94,
          kTiny, 10},
    Entry{"resnet20", "residual network for 32x32 colour images, 0.27 million weights", &resnet20, kTiny, 10},
    Entry{"resnet32", "the same with 32 layers, 0.46 million weights", &resnet32, kTiny, 10},
    Entry{"resnet56", "the same with 56 layers, 0.85 million weights", &resnet56, kTiny, 10},
    Entry{"alexnet", "AlexNet, 61 million weights", &alexnet, kPhoto, kImageNet},
    Entry{"vgg11", "VGG with 11 layers, 133 million weights", &vgg11, kPhoto, kImageNet},
    Entry{"vgg16", "VGG with 16 layers, 138 million weights", &vgg16, kPhoto, kImageNet},
    Entry{"resnet18", "residual network, 11.7 million weights", &resnet18, kPhoto, kImageNet},
    Entry{"resnet34", "residual network, 21.8 million weights", &resnet34, kPhoto, kImageNet},
    Entry{"resnet50", "residual network with bottlenecks, 25.6 million weights", &resnet50, kPhoto, kImageNet},
    Entry{"squeezenet1_1", "SqueezeNet 1.1, 1.2 million weights", &squeezenet1_1, kPhoto, kImageNet},
    Entry{"mobilenet_v1", "MobileNet v1, 4.2 million weights", &mobilenet_v1, kPhoto, kImageNet},
    Entry{"mobilenet_v2", "MobileNet v2, 3.5 million weights", &mobilenet_v2, kPhoto, kImageNet},
    Entry{"efficientnet_lite0", "EfficientNet-Lite0, 4.7 million weights", &efficientnet_lite0, kPhoto, kImageNet},
};

}  // namespace

std::span<const Entry> entries() { return kEntries; }

const Entry& find_entry(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Entry& entry : kEntries) names.push_back(entry.name);
  return kEntries[place_of(name, names, "network", "name one of these, or a file that holds a network")];
}

Model build(std::string_view name, const Shape& image, Index classes, std::uint64_t seed) {
  Model net(find_entry(name).graph(image, classes), Model::Weights::zeros);
  net.initialize(seed);
  return net;
}

}  // namespace saccade::zoo
