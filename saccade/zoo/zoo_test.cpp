#include "saccade/zoo/zoo.h"

#include <gmock/gmock.h>

namespace saccade::zoo {
namespace {

TEST(VggSmall, LargerImagesComeDownToTheSameGroups) {
  struct Case {
    Shape image;
    Index parameters;
  };
  for (const Case& c : std::vector<Case>{{{32, 32, 3}, 289642},
                                         {{63, 80, 3}, 289642},
                                         {{64, 64, 3}, 289642 + 3 * 9 * 16 + (16 - 3) * 9 * 32 + 4 * 16},
                                         {{128, 160, 3}, 293882 + 9 * 16 * 16 + 4 * 16},
                                         {{224, 224, 3}, 296250}}) {
    const Model net = vgg_small(c.image, 10);
    EXPECT_EQ(net.parameter_count(), c.parameters) << c.image.to_string();
    EXPECT_EQ(net.output_shape(), Shape({10}));
  }
}

TEST(Zoo, BuildsByName) {
  for (const Entry& entry : entries()) {
    EXPECT_EQ(build(entry.name, {64, 48, 3}, 7).output_shape(), Shape({7})) << entry.name;
  }
}

}  // namespace
}  // namespace saccade::zoo
