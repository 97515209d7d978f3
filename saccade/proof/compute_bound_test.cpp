#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "saccade/kernels/conv2d/pixel_products.h"
#include "saccade/kernels/conv2d/winograd.h"
#include "saccade/kernels/dense/block_dense.h"
#include "saccade/proof/operations.h"
#include "saccade/proof/prove.h"

// Every check of prove() on the operations that are bound by arithmetic, over shapes that are odd in every way: images
// that are no multiple of the stride, filters larger and smaller than it, batches that do not divide into shards.
namespace saccade::proof {
namespace {

using Ids = std::vector<std::string>;

/// Every combination of one word from each list, side by side.
Ids combine(const std::vector<Ids>& lists) {
  Ids all{""};
  for (const Ids& words : lists) {
    Ids longer;
    for (const std::string& id : all) {
      for (const std::string& word : words) longer.push_back(id + word);
    }
    all = std::move(longer);
  }
  return all;
}

/// Proves the cases; `declined` is how often an implementation may leave a pass to the reference, and the rest must hold.
/// Implementations for special cases are not counted.
void expect_proved(std::string_view operation, const Ids& ids, std::size_t declined, double derivative_budget = 1e5) {
  Report report;
  for (const std::string& id : ids) {
    const std::unique_ptr<Case> c = find_operation(operation).parse(id);
    EXPECT_EQ(find_operation(operation).parse(c->id())->id(), c->id());
    report.add(prove(*c, {.derivative_budget = derivative_budget}));
  }
  EXPECT_TRUE(report.holds()) << report.to_string();
  const auto general = [](const Declined& d) {
    return !d.implementation.starts_with("pixel") && d.implementation != "dense" && d.implementation != "winograd" &&
           d.implementation != "blocks" && !d.implementation.starts_with("depthwise");
  };
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count_if(report.declined, general)), declined);
  EXPECT_GT(report.proved, 0);
}

TEST(ComputeBound, Conv2DOfOddWindows) {
  expect_proved("conv2d",
                combine({{"n1ih5iw7", "n3ih8iw5"},
                         {"ic1oc6", "ic3oc16", "ic8oc1"},
                         {"kh3kw3", "kh1kw4", "kh5kw2sh2sw3", "kh2kw1sh3sw2", "kh3kw2dh2dw1", "kh2kw3sh2sw1dh1dw2"},
                         {"", "_same_nobias"}}),
                0);
}

TEST(ComputeBound, Conv2DWithExplicitPads) {
  expect_proved("conv2d",
                {"n2ih4iw4ic3oc5kh3kw3pt2pb0pl0pr3", "n2ih4iw4ic8oc8kh2kw2sh2sw2pt3pb1pl1pr2",
                 "n1ih1iw1ic1oc1kh3kw3pt1pb1pl1pr1", "n2ih3iw3ic2oc2kh1kw1pt1pb1pl1pr1"},
                0);
}

TEST(ComputeBound, Conv2DInGroups) {
  expect_proved("conv2d",
                combine({{"n1ih5iw6", "n5ih6iw4"},
                         {"ic4oc4g2", "ic6oc9g3", "ic8oc8g8", "ic5oc10g5", "ic32oc32g2", "ic16oc16g16"},
                         {"kh3kw3", "kh3kw2sh2sw2"},
                         {"_same"}}),
                0);
}

TEST(ComputeBound, Conv2DDepthwise) {
  // Channels around a vector, windows that reach over the edge on either side or never lie whole within the image. oneDNN
  // leaves the gradients of the weights of the large ones to "depthwise".
  const Ids ids = combine({{"n2ih7iw6"},
                           {"ic16oc16g16", "ic21oc21g21"},
                           {"kh5kw5", "kh5kw5sh2sw2", "kh1kw7", "kh4kw3dh2dw1sh3sw2", "kh2kw5sh1sw3dh1dw2pr3pl2"},
                           {"_same", "_same_nobias"}});
  expect_proved("conv2d", ids, ids.size(), 1e4);
  Report report;
  for (const std::string& id : ids)
    report.add(prove(*find_operation("conv2d").parse(id), {.only = "depthwise", .derivative_budget = 1e3}));
  EXPECT_TRUE(report.holds()) << report.to_string();
  EXPECT_EQ(report.proved, static_cast<int>(ids.size()));
}

TEST(ComputeBound, Conv2DByWinograd) {
  const std::string declined =
      kernels::decline_winograd({.n = 64, .ih = 32, .iw = 32, .ic = 64, .oc = 64, .kh = 3, .kw = 3});
  if (!declined.empty()) GTEST_SKIP() << declined;
  // Tiles that reach over the edge, tiles of 2 and of 4, panels and blocks of rows that are not full.
  const Ids ids{"n9ih13iw11ic16oc32kh3kw3_same", "n13ih14iw18ic32oc16kh3kw3_nobias",
                "n70ih6iw6ic32oc16kh3kw3_same_nobias", "n8ih17iw16ic16oc80kh3kw3pt2pb0pl0pr3"};
  Report report;
  for (const std::string& id : ids)
    report.add(prove(*find_operation("conv2d").parse(id), {.only = "winograd", .derivative_budget = 1e4}));
  report.add(prove(*find_operation("conv2d").parse("n8ih13iw11ic16oc32kh3kw3_same_relu"), {.only = "winograd"}));
  EXPECT_TRUE(report.holds()) << report.to_string();
  EXPECT_EQ(report.proved, 3 * static_cast<int>(ids.size()) + 1) << report.to_string();
}

TEST(ComputeBound, Conv2DDepthwiseByRows) {
  // Rows of four pixels and a rest, windows that reach over an edge or both, rows that see nothing but padding, tasks of
  // rows of two images.
  const Ids ids = combine({{"n2ih7iw6", "n1ih5iw11", "n3ih2iw1", "n1ih40iw30"},
                           {"ic16oc16g16", "ic21oc21g21", "ic40oc40g40"},
                           {"kh3kw3", "kh3kw3sh2sw2", "kh5kw3sh3sw1dh2dw1pt11pb2", "kh1kw3pl2pr3"},
                           {"_same", "_same_nobias_relu6", "_same_tanh"}});
  Report report;
  for (const std::string& id : ids)
    report.add(prove(*find_operation("conv2d").parse(id), {.only = "depthwise_rows", .derivative_budget = 1e3}));
  EXPECT_TRUE(report.holds()) << report.to_string();
  EXPECT_EQ(report.proved, static_cast<int>(ids.size()));
}

TEST(ComputeBound, Conv2DDepthwiseByRowsOfWhatANormMakes) {
  // As above, and tasks that normalise bands of one image and of two, or of nothing but padding.
  const Ids ids = combine({{"n2ih7iw6", "n1ih5iw11", "n3ih2iw1", "n1ih40iw30", "n2ih90iw90"},
                           {"ic16oc16g16", "ic80oc80g80"},
                           {"kh3kw3", "kh3kw3sh2sw2", "kh5kw3sh3sw1dh2dw1pt11pb2", "kh1kw3pl2pr3"},
                           {"_same_normrelu6", "_same_nobias_relu6_normrelu", "_nobias_same_norm"}});
  Report report;
  for (const std::string& id : ids) report.add(prove(*find_operation("conv2d").parse(id), {.only = "depthwise_rows"}));
  EXPECT_TRUE(report.holds()) << report.to_string();
  EXPECT_EQ(report.proved, static_cast<int>(ids.size()));
}

TEST(ComputeBound, Conv2DByPixelProducts) {
  const std::string declined = kernels::decline_pixel_products({.n = 2, .ih = 32, .iw = 32, .ic = 16, .oc = 16});
  if (!declined.empty()) GTEST_SKIP() << declined;
  // Channels around a vector, several tasks, a last block that is not full.
  const Ids ids = combine({{"n1ih32iw32ic16oc24", "n3ih23iw17ic9oc33", "n1ih1iw1025ic8oc8", "n2ih29iw29ic70oc50"},
                           {"", "_nobias", "_relu", "_nobias_tanh"}});
  Report report;
  for (const std::string& id : ids)
    report.add(prove(*find_operation("conv2d").parse(id), {.only = "pixel_products", .derivative_budget = 1e3}));
  const Ids normed = combine({{"n1ih32iw32ic16oc24", "n3ih23iw17ic80oc9"}, {"_norm", "_nobias_relu_normrelu6"}});
  for (const std::string& id : normed)
    report.add(prove(*find_operation("conv2d").parse(id), {.only = "pixel_products"}));
  EXPECT_TRUE(report.holds()) << report.to_string();
  EXPECT_EQ(report.proved, static_cast<int>(ids.size() + normed.size())) << report.to_string();
}

TEST(ComputeBound, Conv2DOfWholeImages) {
  const Ids ids =
      combine({{"n1ih1iw1ic40oc24", "n3ih4iw5ic3oc7kh4kw5", "n2ih1iw6ic2oc1kh1kw6sh2sw3"}, {"", "_nobias", "_relu"}});
  expect_proved("conv2d", ids, 0);
  Report report;
  for (const std::string& id : ids) report.add(prove(*find_operation("conv2d").parse(id), {.only = "dense"}));
  EXPECT_TRUE(report.holds()) << report.to_string();
  EXPECT_GE(report.proved, static_cast<int>(ids.size()));
}

TEST(ComputeBound, Conv2DInSeveralShards) {
  // Enough work for several shards, and a last one that is smaller.
  expect_proved("conv2d",
                {"n19ih28iw28ic1oc6kh5kw5_same", "n19ih14iw14ic6oc16kh5kw5", "n7ih12iw12ic16oc48kh3kw3_same",
                 "n7ih14iw14ic64oc64kh1kw1sh2sw2"},
                0);
}

TEST(ComputeBound, Conv2DInRowsOfAnImage) {
  // Few images with enough work for several pieces each: windows that overlap, that leave rows out, padding on either side.
  expect_proved("conv2d",
                combine({{"n1ih33iw20ic24oc24kh3kw3", "n1ih33iw20ic24oc24kh3kw3dh3dw2"}, {"_same_relu", "_nobias"}}), 0,
                1e4);
  expect_proved(
      "conv2d",
      {"n1ih65iw40ic16oc32kh5kw2sh2sw2_same_relu", "n1ih41iw50ic16oc64kh1kw1_nobias",
       "n1ih65iw64ic32oc64kh1kw1sh2sw2_same_relu", "n1ih65iw40ic16oc32kh2kw3sh3sw1_nobias",
       "n1ih49iw40ic32oc32kh3kw3g8_same_relu", "n2ih33iw20ic16oc24kh3kw3_same_relu", "n2ih45iw46ic16oc64kh1kw1_nobias",
       "n1ih12iw30ic16oc40kh3kw3pt9pb9pl1pr0", "n1ih30iw30ic3oc64kh7kw7sh2sw2pt0pb6pl3pr3"},
      0, 1e4);
}

TEST(ComputeBound, Conv2DWithActivation) {
  expect_proved("conv2d",
                combine({{"n3ih6iw5ic3oc7kh3kw3", "n9ih14iw14ic6oc16kh5kw5"},
                         {"_relu", "_relu6", "_leaky_relu", "_sigmoid", "_tanh", "_nobias_relu"}}),
                0);
}

TEST(ComputeBound, Dense) {
  expect_proved("dense",
                combine({{"m1", "m3", "m17", "m40"}, {"k1", "k7", "k130"}, {"u1", "u10", "u200"}, {"", "_nobias"}}), 0);
}

TEST(ComputeBound, DenseInSeveralBlocks) {
  expect_proved("dense", {"m128k400u120", "m100k84u10", "m67k300u130", "m1k300u1200", "m9k784u300"}, 0);
}

TEST(ComputeBound, DenseFromBlocks) {
  // Whole blocks and remainders of all three extents, with an activation and without a bias.
  Report report;
  for (const char* id : {"m48k96u96", "m128k300u200", "m129k257u97_nobias", "m192k513u130_relu", "m64k128u10",
                         "m70k100u99_nobias_tanh"}) {
    report.add(prove(*find_operation("dense").parse(id), {.only = "blocks", .derivative_budget = 1e4}));
  }
  EXPECT_TRUE(report.holds()) << report.to_string();
  // Gradients of weights are oneDNN's; without LIBXSMM everything is.
  const bool declined = !kernels::decline_block_dense({.m = 48, .k = 96, .u = 96}).empty();
  EXPECT_EQ(report.declined.size(), declined ? 14U : 5U);
}

TEST(ComputeBound, DenseWithActivation) {
  expect_proved("dense",
                combine({{"m3k7u9", "m70k33u50", "m2k300u700"},
                         {"_relu", "_relu6", "_leaky_relu", "_sigmoid", "_tanh", "_nobias_relu"}}),
                0);
}

TEST(ComputeBound, Pool2DOfOddWindows) {
  expect_proved("pool2d",
                combine({{"n1ih5iw7", "n3ih8iw5"},
                         {"c1", "c3", "c6", "c8", "c17"},
                         {"kh2kw2", "kh3kw2sh2sw1", "kh1kw2sh2sw3", "kh3kw3sh2sw2"},
                         {"_max", "_same_max", "_average", "_same_average"}}),
                0);
}

TEST(ComputeBound, Pool2DOfDilatedWindows) {
  // Only the reference takes them.
  expect_proved("pool2d",
                {"n2ih7iw8c5kh3kw2sh1sw2pt1pb0pl0pr1dh2dw3_max", "n1ih9iw9c3kh2kw2sh2sw2pt0pb0pl0pr0dh2dw2_average"},
                8);
}

TEST(ComputeBound, Pool2DWithWindowsInThePadding) {
  // oneDNN declines them, in both passes.
  expect_proved("pool2d",
                {"n2ih3iw3c5kh2kw2sh1sw1pt2_max", "n2ih3iw3c5kh2kw2sh1sw1pt2pr3_average",
                 "n1ih2iw2c16kh1kw1sh1sw1pt1pb1pl1pr1_max"},
                6);
}

TEST(ComputeBound, Pool2DOfWholeImages) {
  // oneDNN keeps a maximum's place in one byte.
  expect_proved("pool2d", {"n2ih7iw7c20kh7kw7_average", "n2ih7iw7c20kh7kw7_max", "n2ih20iw17c3kh20kw17_max"}, 2);
}

TEST(ComputeBound, Pool2DInSeveralTasks) {
  expect_proved("pool2d",
                {"n37ih28iw28c6kh2kw2_max", "n19ih10iw10c16kh2kw2_max", "n5ih28iw28c24kh3kw3sh2sw2_same_max",
                 "n19ih14iw14c6kh2kw2_average"},
                0);
}

}  // namespace
}  // namespace saccade::proof
