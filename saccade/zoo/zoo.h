#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "saccade/nn/model.h"

/// Networks of the literature, one family a file. Each function gives the graph; a Model is made of it where one is wanted:
/// `Model net = zoo::resnet18({224, 224, 3}, 1000);`. All end in logits. Layers are named as in the library that a
/// network is defined after, with '_' for '.' ("layer1_0_conv1"), so that weights of that library find their place.
/// Images may have any size that the layers leave something of (they throw ShapeError otherwise) and any channels.
namespace saccade::zoo {

/// LeNet-5 as it is taught today: full connectivity, ReLU, max pooling; 61,706 weights and 416,520 multiply-adds on
/// [28, 28, 1] with 10 classes. Conv 5x5x6 SAME, pool, conv 5x5x16 VALID, pool, dense 120, 84, classes. Source: LeCun et
/// al. 1998. Throws ShapeError for images smaller than 12x12.
Graph lenet5(const Shape& image, Index classes);

/// The baseline: flatten, three hidden layers of 1200 ReLU units, classes; 3,836,410 weights on [28, 28, 1] with 10
/// classes.
Graph mlp(const Shape& image, Index classes);

/// A small VGG for [32, 32, 3]: three groups of two 3x3 convolutions with batch normalisation (32, 64, 128 filters),
/// each followed by 2x2 max pooling and dropout, then global average pooling and one dense layer. In front of them, larger
/// images pass through a 3x3 convolution (16 filters) and pooling for each time that their shorter side can be halved
/// and is still at least 32: once at 64x64, twice at 128x128 and 224x224. Source: Simonyan and Zisserman 2014, shrunk.
/// Throws ShapeError for images smaller than 8x8.
Graph vgg_small(const Shape& image, Index classes);

/// The network that learns CIFAR-10, [32, 32, 3], to 94 % fastest: 2x2 convolution meant to be whitened (see
/// whiten_first_layer()), then three groups of 3x3 convolution, 2x2 max pooling, batch normalisation without gamma, GELU, 3x3
/// convolution, normalisation and GELU (64, 256, 256 filters), the largest of each channel, and a dense layer without bias.
/// Source: Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU"; KellerJordan/cifar10-airbench. Throws ShapeError
/// for images smaller than 9x9.
Graph airbench94(const Shape& image, Index classes);

/// AlexNet as torchvision defines it ("one weird trick": no groups, no local response normalisation), for [224, 224, 3].
/// Other sizes are flattened as they are, where torchvision pools them to 6x6. Source: Krizhevsky 2014.
Graph alexnet(const Shape& image, Index classes);

/// VGG with 11 and with 16 layers, without batch normalisation, as torchvision defines them, for [224, 224, 3]. Other
/// sizes are flattened as they are. Source: Simonyan and Zisserman 2014.
Graph vgg11(const Shape& image, Index classes);
Graph vgg16(const Shape& image, Index classes);

/// Residual networks as torchvision defines them, for [224, 224, 3]; resnet50 has its stride in the 3x3 convolution
/// ("v1.5"). Source: He et al. 2015.
Graph resnet18(const Shape& image, Index classes);
Graph resnet34(const Shape& image, Index classes);
Graph resnet50(const Shape& image, Index classes);

/// The residual networks for CIFAR-10, [32, 32, 3], with shortcuts that have no weights: every second pixel, and channels
/// of zeros ("option A"). Named as in akamaster/pytorch_resnet_cifar10. Source: He et al. 2015, section 4.2.
Graph resnet20(const Shape& image, Index classes);
Graph resnet32(const Shape& image, Index classes);
Graph resnet56(const Shape& image, Index classes);

/// SqueezeNet 1.1 as torchvision defines it, for [224, 224, 3]. Source: Iandola et al. 2016.
Graph squeezenet1_1(const Shape& image, Index classes);

struct MobileNetOptions {
  float alpha = 1.0F;  ///< Width: every layer has so many times the channels.
};

/// MobileNet v1 as Keras defines it, for [224, 224, 3]. Source: Howard et al. 2017; keras.applications.MobileNet.
Graph mobilenet_v1(const Shape& image, Index classes, const MobileNetOptions& options);
Graph mobilenet_v1(const Shape& image, Index classes);

/// MobileNet v2 as torchvision defines it, for [224, 224, 3]. Source: Sandler et al. 2018.
Graph mobilenet_v2(const Shape& image, Index classes, const MobileNetOptions& options);
Graph mobilenet_v2(const Shape& image, Index classes);

/// EfficientNet-Lite0, for [224, 224, 3], named as timm's tf_efficientnet_lite0 (SAME padding). Source: Tan and Le 2019;
/// Liu 2020, github.com/tensorflow/tpu, efficientnet/lite.
Graph efficientnet_lite0(const Shape& image, Index classes);

struct Entry {
  std::string_view name;
  std::string_view summary;  ///< One line for --help.
  Graph (*graph)(const Shape& image, Index classes);
  Shape image;    ///< What it was made for.
  Index classes;  ///< Likewise.
};

/// Every network of the zoo, by name.
std::span<const Entry> entries();

/// Throws ValueError that lists the known names.
const Entry& find_entry(std::string_view name);

/// The named network for these images, its weights drawn with `seed`. Throws as find_entry does.
Model build(std::string_view name, const Shape& image, Index classes, std::uint64_t seed = 0);

}  // namespace saccade::zoo
