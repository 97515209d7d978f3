#include "saccade/nn/blocks.h"

#include <gmock/gmock.h>

#include "saccade/zoo/zoo.h"

namespace saccade {
namespace {

using testing::ElementsAre;

std::vector<std::string> beginnings(const Graph& graph) {
  std::vector<std::string> names;
  for (const std::size_t i : blocks_of(graph)) names.push_back(graph.nodes()[i].name);
  return names;
}

TEST(Blocks, EndWhereTheImageShrinks) {
  EXPECT_THAT(beginnings(zoo::lenet5({28, 28, 1}, 10)),
              ElementsAre("input", "conv2d_1", "dense", "dense_1", "dense_2"));
  EXPECT_EQ(beginnings(zoo::vgg16({224, 224, 3}, 10)).size(), 8U);
  EXPECT_THAT(beginnings(zoo::resnet50({224, 224, 3}, 10)),
              ElementsAre("input", "layer1_0_conv1", "layer2_0_conv2", "layer3_0_conv2", "layer4_0_conv2", "fc"));
  EXPECT_THAT(beginnings(zoo::squeezenet1_1({224, 224, 3}, 10)),
              ElementsAre("input", "features_3_squeeze", "features_6_squeeze", "features_9_squeeze", "classifier_1"));
  EXPECT_EQ(beginnings(zoo::mobilenet_v2({224, 224, 3}, 10)).size(), 6U);
}

}  // namespace
}  // namespace saccade
