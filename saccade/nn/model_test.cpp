#include "saccade/nn/model.h"

#include <gmock/gmock.h>

#include <limits>

#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/conv2d_transpose.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/depthwise_conv2d.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/local_response_norm.h"
#include "saccade/nn/merge.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/prelu.h"
#include "saccade/nn/registry.h"
#include "saccade/nn/testing_internal.h"
#include "saccade/nn/up_sampling2d.h"
#include "saccade/nn/view.h"
#include "saccade/nn/zero_padding2d.h"

namespace saccade {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Model lenet5() {
  return Sequential("lenet5", {
                                  Input{{28, 28, 1}},
                                  Conv2D{{.filters = 6, .kernel = 5, .padding = same, .activation = relu}},
                                  MaxPool2D{{.pool = 2}},
                                  Conv2D{{.filters = 16, .kernel = 5, .padding = valid, .activation = relu}},
                                  MaxPool2D{{.pool = 2}},
                                  Flatten{},
                                  Dense{{.units = 120, .activation = relu}},
                                  Dense{{.units = 84, .activation = relu}},
                                  Dense{{.units = 10}},
                              });
}

TEST(Model, LeNet5HasTheWeightsAndTheWorkOfTheBooks) {
  const Model net = lenet5();
  EXPECT_EQ(net.parameter_count(), 61706);
  EXPECT_EQ(net.multiply_adds(), 416520);
  EXPECT_EQ(net.parameter("conv2d.weight").value.shape(), (Shape{5, 5, 1, 6}));
  EXPECT_EQ(net.parameter("conv2d_1.bias").value.shape(), (Shape{16}));
  EXPECT_EQ(net.parameter("dense_2.weight").value.shape(), (Shape{84, 10}));
}

TEST(Model, SummaryIsTheTableThatPeopleRead) {
  EXPECT_EQ(lenet5().summary(),
            "network \"lenet5\"\n"
            "-------------------------------------------------------------------------------\n"
            "layer (type)              output shape     parameters  multiply-adds  trainable\n"
            "-------------------------------------------------------------------------------\n"
            "input (Input)             [28, 28, 1]               0              0\n"
            "conv2d (Conv2D)           [28, 28, 6]             156        117,600  yes\n"
            "max_pool2d (MaxPool2D)    [14, 14, 6]               0              0\n"
            "conv2d_1 (Conv2D)         [10, 10, 16]          2,416        240,000  yes\n"
            "max_pool2d_1 (MaxPool2D)  [5, 5, 16]                0              0\n"
            "flatten (Flatten)         [400]                     0              0\n"
            "dense (Dense)             [120]                48,120         48,000  yes\n"
            "dense_1 (Dense)           [84]                 10,164         10,080  yes\n"
            "dense_2 (Dense)           [10]                    850            840  yes\n"
            "-------------------------------------------------------------------------------\n"
            "parameters     61,706 (61,706 trainable, 0 not)\n"
            "multiply-adds  416,520 an image\n");
}

TEST(Model, FreezingCountsAsTheSemanticsPageSays) {
  Model net = lenet5();
  EXPECT_EQ(net.freeze("conv2d"), 2);
  EXPECT_EQ(net.trainable_count(), 61550);
  net.freeze("conv*");
  EXPECT_EQ(net.trainable_count(), 59134);
  net.freeze("*");
  net.unfreeze("dense_2.*");
  EXPECT_EQ(net.trainable_count(), 850);
  EXPECT_THAT(message_of<ValueError>([&] { net.freeze("block*"); }),
              AllOf(HasSubstr("a pattern that matches one of conv2d.weight"), HasSubstr("got 'block*'")));
}

TEST(Model, TrainingStartsAtALayerOrAtTheLastOnes) {
  Model net = Sequential("m", {Input{{8, 8, 1}}, Conv2D{{.filters = 2, .name = "c1"}}, BatchNorm{{.name = "b1"}},
                               Conv2D{{.filters = 3, .name = "c2"}}, BatchNorm{{.name = "b2"}}, PReLU{}, Flatten{},
                               Dense{{.units = 2, .name = "head"}}});
  const Index head = 2 * 192 + 2, second = 2 * 3 + 3 + 2 * 3 + 3;
  EXPECT_EQ(net.train_last(1), "head");
  EXPECT_EQ(net.trainable_count(), head);
  EXPECT_FALSE(net.parameter("b2.moving_mean").trainable);
  EXPECT_EQ(net.train_last(2), "c2");
  EXPECT_EQ(net.trainable_count(), head + second);
  EXPECT_TRUE(net.parameter("b2.moving_mean").trainable);
  net.train_from("b2");
  EXPECT_EQ(net.trainable_count(), head + 6 + 3);
  EXPECT_EQ(net.train_last(3), "c1");
  EXPECT_EQ(net.trainable_count(), net.graph().trainable_count());
  for (const Index count : {-1, 0, 4}) {
    EXPECT_THAT(message_of<ValueError>([&] { net.train_last(count); }),
                AllOf(HasSubstr("1 to 3, which is how many have weights"), HasSubstr("got " + std::to_string(count))));
  }
  EXPECT_THAT(message_of<ValueError>([&] { net.train_from("c3"); }),
              HasSubstr("a layer among c1, b1, c2, b2, p_relu, flatten, head, got 'c3'"));
}

TEST(Model, ManyWeightsCostNothingInAGraph) {
  const Graph graph = Sequential("large", {Input{{1'000'000}}, Dense{{.units = 1'000'000}}});
  EXPECT_EQ(graph.parameter_count(), 1'000'001'000'000);
  EXPECT_THAT(graph.summary(), HasSubstr("parameters     1,000,001,000,000 (1,000,001,000,000 trainable, 0 not)"));
}

TEST(Model, WeightsMayStartAtZero) {
  const Model net(lenet5().graph(), Model::Weights::zeros);
  for (const Parameter& p : net.parameters()) EXPECT_EQ(std::ranges::count(p.value.floats(), 0.0F), p.value.elements());
}

TEST(Model, InitialisationDependsOnSeedAndNameOnly) {
  Model a = lenet5(), b = lenet5();
  a.initialize(3);
  b.initialize(3);
  EXPECT_TRUE(std::ranges::equal(a.parameter("dense.weight").value.bytes(), b.parameter("dense.weight").value.bytes()));
  b.initialize(4);
  EXPECT_FALSE(
      std::ranges::equal(a.parameter("dense.weight").value.bytes(), b.parameter("dense.weight").value.bytes()));
}

TEST(Model, CopiesAreDeep) {
  const Model a = lenet5();
  Model b = a;
  b.parameter("conv2d.bias").value.floats()[0] = 7.0F;
  EXPECT_EQ(a.parameter("conv2d.bias").value.floats()[0], 0.0F);
}

TEST(Model, FunctionalBuildingBranchesAndMerges) {
  const Node x = input({8, 8, 3}, "image");
  const Node a = Conv2D{{.filters = 4, .kernel = 3, .padding = same}}(x);
  const Node b = Conv2D{{.filters = 4, .kernel = 1}}(x);
  const Node sum = Add{}({a, b});
  const Node both = Concatenate{}({sum, a});
  const Model net("branches", x, Dense{{.units = 2}}(Flatten{}(both)));
  EXPECT_EQ(net.nodes().size(), 7U);
  EXPECT_EQ(net.nodes()[0].name, "image");
  EXPECT_EQ(net.output_shape(), (Shape{2}));
  EXPECT_EQ(net.parameter("dense.weight").value.shape(), (Shape{8 * 8 * 8, 2}));
}

TEST(Model, RefusesGraphsThatAreNoNetwork) {
  const Node x = input({4});
  const Node other = input({4});
  EXPECT_THAT(message_of<ValueError>([&] { Model("m", x, Dense{{.units = 2}}(other)); }),
              HasSubstr("network 'm': expected an output that depends on the given input and on no other"));
  EXPECT_THAT(message_of<ValueError>([&] { Model("m", x, Add{}({x, other})); }), HasSubstr("got 2 inputs"));
  EXPECT_THAT(message_of<ValueError>([&] { Sequential("m", {Dense{{.units = 2}}}); }),
              HasSubstr("expected an Input as the first layer, got dense"));
  EXPECT_THAT(message_of<ValueError>([&] {
                Sequential("m", {Input{{4}}, Dense{{.units = 2, .name = "d"}}, Dense{{.units = 2, .name = "d"}}});
              }),
              HasSubstr("layer name 'd': expected a name of its own for every layer"));
  EXPECT_THAT(message_of<ValueError>([&] {
                Sequential("m", {Input{{4}}, Dense{{.units = 2, .name = "a.b"}}});
              }),
              HasSubstr("a name without '.' and '*'"));
}

TEST(Model, UnknownParameterListsTheKnownOnes) {
  EXPECT_THAT(message_of<ValueError>([] { lenet5().parameter("conv2d.kernel"); }),
              AllOf(HasSubstr("conv2d.weight, conv2d.bias"), HasSubstr("got 'conv2d.kernel'")));
}

struct BadLayer {
  const char* what;
  std::function<void()> build;
  const char* message;
};

TEST(Layers, RefuseOptionsAndInputsThatDoNotFit) {
  const auto chain = [](Shape shape, AnyLayer layer) { Sequential("m", {Input{shape}, std::move(layer)}); };
  const std::vector<BadLayer> cases{
      {"no filters",
       [&] {
         chain({8, 8, 1}, Conv2D{{.kernel = 3}});
       },
       "conv2d: filters: expected at least 1, got 0; set .filters to 1 or more"},
      {"negative stride",
       [&] {
         chain({8, 8, 1}, Conv2D{{.filters = 1, .kernel = 3, .strides = {1, -2}, .name = "c"}});
       },
       "conv2d 'c': strides: expected at least 1x1, got 1x-2; set .strides to 1 or more in both directions"},
      {"oversized kernel",
       [&] {
         chain({4, 8, 1}, Conv2D{{.filters = 1, .kernel = 5}});
       },
       "conv2d: expected at least 5 pixels of height for its window, got 4; use a smaller kernel"},
      {"groups",
       [&] {
         chain({8, 8, 3}, Conv2D{{.filters = 4, .kernel = 3, .groups = 2}});
       },
       "conv2d: expected input channels and filters that 2 groups divide, got 3 channels and 4 filters"},
      {"conv on a row", [&] { chain({8}, Conv2D{{.filters = 1, .kernel = 3}}); },
       "conv2d: expected an image [height, width, channels], got [8]; put it before Flatten"},
      {"endless clip",
       [&] { chain({3}, ActivationLayer{{.activation = clip, .clip_high = std::numeric_limits<float>::infinity()}}); },
       "activation: clip_low, clip_high: expected finite numbers, got 0 and inf"},
      {"clip upside down", [&] { chain({3}, ActivationLayer{{.activation = clip, .clip_low = 2.0F}}); },
       "activation: clip_low: expected at most clip_high, 1, got 2"},
      {"depth multiplier",
       [&] {
         chain({8, 8, 3}, DepthwiseConv2D{{.depth_multiplier = 0}});
       },
       "depthwise_conv2d: depth_multiplier: expected at least 1, got 0; set .depth_multiplier to 1 or more"},
      {"numbers that would overflow",
       [&] {
         chain({8, 8, 3}, Conv2D{{.filters = 1, .kernel = 3, .dilation = {1, std::numeric_limits<Index>::max()}}});
       },
       "conv2d: dilation: expected at most 2147483647 in both directions, got 1x9223372036854775807"},
      {"an image that would overflow",
       [&] {
         chain({1, Index{1} << 40, 1}, UpSampling2D{});
       },
       "up_sampling2d: expected an image [height, width, channels], got [1, 1099511627776, 1]"},
      {"an output that would overflow",
       [&] {
         chain({1000, 8, 3}, Conv2DTranspose{{.filters = 1, .strides = {2'000'000'000, 1}}});
       },
       "conv2d_transpose: expected padding and strides that leave some output, and not too much, got 2000000000000 by "
       "8"},
      {"padding that would overflow", [] { pads(0, 0, Index{1} << 40, 0); }, "padding: expected at most 2147483647"},
      {"output padding of same",
       [&] {
         chain({8, 8, 3}, Conv2DTranspose{{.filters = 2, .strides = 2, .padding = same, .output_padding = 1}});
       },
       "conv2d_transpose: output_padding: expected 0x0 with valid and same, which set the size of the output, got 1x1; "
       "use explicit padding"},
      {"output padding beyond the strides",
       [&] {
         chain({8, 8, 3}, Conv2DTranspose{{.filters = 2, .padding = pads(0, 0, 0, 0), .output_padding = {0, 1}}});
       },
       "conv2d_transpose: output_padding: expected 0 up to, but not, the strides 1x1, got 0x1"},
      {"transposed convolution padded away",
       [&] {
         chain({1, 3, 3}, Conv2DTranspose{{.filters = 2, .padding = pads(1, 0, 0, 0)}});
       },
       "conv2d_transpose: expected padding and strides that leave some output, and not too much, got 0 by 3 pixels of "
       "it; "
       "use less padding"},
      {"up-sampling by nothing",
       [&] {
         chain({4, 4, 1}, UpSampling2D{{.size = {0, 2}}});
       },
       "up_sampling2d: size: expected at least 1x1, got 0x2; set .size to 1 or more in both directions"},
      {"response window",
       [&] {
         chain({4, 4, 1}, LocalResponseNorm{{.size = 0}});
       },
       "local_response_norm: size: expected at least 1, got 0; set .size to 1 or more"},
      {"response without bias",
       [&] {
         chain({4, 4, 1}, LocalResponseNorm{{.bias = 0.0F}});
       },
       "local_response_norm: bias: expected a number from"},
      {"factors that do not fit",
       [&] {
         const Node x = input({4, 4, 2});
         Multiply{}({x, GlobalAveragePool2D{}(x)});
       },
       "multiply: expected two inputs of one shape, or an image and [1, 1, its channels], got [4, 4, 2] and [2]; "
       "GlobalAveragePool2D with keepdims makes [1, 1, channels]"},
      {"one factor", [&] { Multiply{}(input({4})); }, "multiply: expected 2 inputs, got 1"},
      {"negative channels",
       [&] {
         chain({4, 4, 1}, ZeroPadding2D{{.channels_after = -1}});
       },
       "zero_padding2d: channels: expected 0 to 2147483647 before and after, got 0 and -1"},
      {"dense on an image",
       [&] {
         chain({8, 8, 3}, Dense{{.units = 4}});
       },
       "dense: expected one row of numbers an image, such as [400], got [8, 8, 3]; put Flatten{}"},
      {"pool",
       [&] {
         chain({8, 8, 3}, MaxPool2D{{.pool = {0, 2}}});
       },
       "max_pool2d: pool: expected at least 1x1, got 0x2"},
      {"pool of padding",
       [&] {
         chain({8, 8, 3}, AveragePool2D{{.pool = 2, .padding = pads(2, 0, 0, 0)}});
       },
       "average_pool2d: padding: expected fewer pixels than the 2x2 window on each side, got 2,0,0,0"},
      {"dropout", [&] { chain({8}, Dropout{{.rate = 1.0F}}); },
       "dropout: rate: expected a number from 0 up to, but not, 1, got 1"},
      {"reshape",
       [&] {
         chain({8}, Reshape{{.shape = {3, 3}}});
       },
       "reshape: expected 8 elements like its input [8], got [3, 3]; choose a shape with as many elements"},
      {"padding kind",
       [&] {
         chain({8, 8, 1}, ZeroPadding2D{{.padding = same}});
       },
       "zero_padding2d: padding: expected pads(top, bottom, left, right), got same"},
      {"momentum", [&] { chain({8}, BatchNorm{{.momentum = 1.0F}}); },
       "batch_norm: momentum: expected a number from 0 up to, but not, 1, got 1"},
      {"empty image",
       [&] {
         chain({8, 0, 1}, Flatten{});
       },
       "input: expected the shape of one image"},
      {"add",
       [] {
         const Node x = input({4, 4, 2});
         Add{}({x, Conv2D{{.filters = 3}}(x)});
       },
       "add: expected inputs of one shape, [4, 4, 2], got [4, 4, 3]"},
      {"concatenate",
       [] {
         const Node x = input({4, 4, 2});
         Concatenate{}({x, MaxPool2D{}(x)});
       },
       "concatenate: expected inputs like [4, 4, 2] in all but the last axis, got [2, 2, 2]"},
      {"one input to add", [] { Add{}(input({4})); }, "add: expected at least 2 inputs, got 1"},
  };
  for (const BadLayer& bad : cases) {
    EXPECT_THAT(message_of<Error>(bad.build), HasSubstr(bad.message)) << bad.what;
  }
}

TEST(Layers, ShapesFollowTensorFlow) {
  const auto shape_after = [](Shape shape, AnyLayer layer) {
    return Sequential("m", {Input{shape}, std::move(layer)}).output_shape();
  };
  EXPECT_EQ(shape_after({224, 224, 3}, Conv2D{{.filters = 8, .kernel = 7, .strides = 2, .padding = same}}),
            (Shape{112, 112, 8}));
  EXPECT_EQ(shape_after({5, 5, 3}, Conv2D{{.filters = 8, .kernel = 3, .padding = same, .dilation = 2}}),
            (Shape{5, 5, 8}));
  EXPECT_EQ(shape_after({7, 9, 2}, Conv2D{{.filters = 4, .kernel = {3, 5}, .strides = {2, 1}}}), (Shape{3, 5, 4}));
  EXPECT_EQ(shape_after({6, 6, 2}, Conv2D{{.filters = 1, .kernel = 3, .padding = pads(0, 1, 2, 3)}}), (Shape{5, 9, 1}));
  EXPECT_EQ(shape_after({5, 5, 1}, MaxPool2D{{.pool = 2, .padding = same}}), (Shape{3, 3, 1}));
  EXPECT_EQ(shape_after({5, 5, 1}, AveragePool2D{{.pool = 3, .strides = 1}}), (Shape{3, 3, 1}));
  EXPECT_EQ(shape_after({5, 5, 7}, GlobalMaxPool2D{}), (Shape{7}));
  EXPECT_EQ(shape_after({5, 5, 7}, GlobalAveragePool2D{{.keepdims = true}}), (Shape{1, 1, 7}));
  EXPECT_EQ(shape_after({2, 3, 4}, Reshape{{.shape = {6, 4}}}), (Shape{6, 4}));
}

TEST(Registry, NamesAreTheLayersOwnAndSorted) {
  std::string_view last;
  for (const RegisteredLayer& entry : registered_layers()) {
    EXPECT_LT(last, entry.type);
    last = entry.type;
  }
  EXPECT_THAT(message_of<ValueError>([] { registered_layer("Conv3D"); }),
              AllOf(HasSubstr("one of Activation, Add"), HasSubstr("got 'Conv3D'")));
}

TEST(Options, PaddingAndActivationReadTheirOwnText) {
  for (const Padding& padding : {valid, same, pads(1, 2, 3, 4)})
    EXPECT_EQ(Padding::parse(padding.to_string()), padding);
  EXPECT_EQ(Padding::parse("SAME"), same);
  EXPECT_THAT(message_of<ValueError>([] { Padding::parse("1,2,3"); }), HasSubstr("got '1,2,3'"));
  EXPECT_THAT(message_of<ValueError>([] { Padding::parse("full"); }), HasSubstr("valid, same or four numbers"));
  EXPECT_THAT(message_of<ValueError>([] { pads(0, -1, 0, 0); }), HasSubstr("zero or more pixels"));
  EXPECT_EQ(parse_activation("ReLU"), relu);
  EXPECT_THAT(message_of<ValueError>([] { parse_activation("selu"); }), HasSubstr("linear, relu, leaky_relu"));
  EXPECT_EQ(parse_activation("silu"), swish);
  EXPECT_EQ(parse_activation("hard_silu"), hard_swish);
  EXPECT_EQ(parse_activation(name_of(gelu_tanh)), gelu_tanh);
}

TEST(Names, SnakeCase) {
  EXPECT_EQ(snake_case("Conv2D"), "conv2d");
  EXPECT_EQ(snake_case("MaxPool2D"), "max_pool2d");
  EXPECT_EQ(snake_case("GlobalAveragePool2D"), "global_average_pool2d");
  EXPECT_EQ(snake_case("PReLU"), "p_relu");
  EXPECT_EQ(snake_case("Conv2DTranspose"), "conv2d_transpose");
  EXPECT_EQ(snake_case("UpSampling2D"), "up_sampling2d");
}

}  // namespace
}  // namespace saccade
