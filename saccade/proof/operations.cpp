#include "saccade/proof/operations.h"

#include <algorithm>
#include <array>
#include <string>

#include "saccade/base/error.h"
#include "saccade/proof/cases.h"

namespace saccade::proof {
namespace {

// Layers at the batch sizes they are trained with.
constexpr std::array kConv2D{
    NamedCase{"lenet5.c1", "n128ih28iw28ic1oc6kh5kw5_same"},
    NamedCase{"lenet5.c2", "n128ih14iw14ic6oc16kh5kw5"},
    NamedCase{"vgg.3-64@32", "n64ih32iw32ic3oc64kh3kw3_same"},
    NamedCase{"vgg.64-64@32", "n64ih32iw32ic64oc64kh3kw3_same"},
    NamedCase{"vgg.128-128@16", "n64ih16iw16ic128oc128kh3kw3_same"},
    NamedCase{"vgg.256-256@8", "n64ih8iw8ic256oc256kh3kw3_same"},
    NamedCase{"resnet18.stem", "n8ih224iw224ic3oc64kh7kw7sh2sw2_same"},
    NamedCase{"resnet18.64@56", "n8ih56iw56ic64oc64kh3kw3_same"},
    NamedCase{"resnet18.64-128/2", "n8ih56iw56ic64oc128kh3kw3sh2sw2_same"},
    NamedCase{"resnet18.128@28", "n8ih28iw28ic128oc128kh3kw3_same"},
    NamedCase{"resnet18.256@14", "n8ih14iw14ic256oc256kh3kw3_same"},
    NamedCase{"resnet18.512@7", "n8ih7iw7ic512oc512kh3kw3_same"},
    NamedCase{"resnet18.1x1/2", "n8ih56iw56ic64oc128kh1kw1sh2sw2"},
    NamedCase{"mobilenetv2.stem", "n8ih224iw224ic3oc32kh3kw3sh2sw2_same"},
    NamedCase{"mobilenetv2.dw32@112", "n8ih112iw112ic32oc32kh3kw3g32_same"},
    NamedCase{"mobilenetv2.16-96@112", "n8ih112iw112ic16oc96"},
    NamedCase{"mobilenetv2.dw96/2", "n8ih112iw112ic96oc96kh3kw3sh2sw2g96_same"},
    NamedCase{"mobilenetv2.384-64@14", "n8ih14iw14ic384oc64"},
    NamedCase{"mobilenetv2.dw960@7", "n8ih7iw7ic960oc960kh3kw3g960_same"},
    NamedCase{"efficientnet_lite0.dw672@14", "n8ih14iw14ic672oc672kh5kw5g672_same"},
    NamedCase{"mobilenetv2.320-1280@7", "n8ih7iw7ic320oc1280"},
};

constexpr std::array kConvPool2D{
    NamedCase{"lenet5.c1", "n128ih28iw28ic1oc6kh5kw5_relu_same"},
    NamedCase{"lenet5.c2", "n128ih14iw14ic6oc16kh5kw5_relu"},
    NamedCase{"lenet5.c1@1", "n1ih28iw28ic1oc6kh5kw5_relu_same"},
    NamedCase{"lenet5.c2@1", "n1ih14iw14ic6oc16kh5kw5_relu"},
    NamedCase{"rgb.3-32@32", "n64ih32iw32ic3oc32kh3kw3_relu_same"},
    NamedCase{"16-32@14", "n64ih14iw14ic16oc32kh5kw5_relu_same"},
};

constexpr std::array kConv2DBackward{
    NamedCase{"mobilenetv2.dw32@112", "n8ih112iw112ic32oc32kh3kw3g32_same_nobias"},
    NamedCase{"mobilenetv2.dw96/2", "n8ih112iw112ic96oc96kh3kw3sh2sw2g96_same_nobias"},
    NamedCase{"mobilenetv2.dw192@28", "n8ih28iw28ic192oc192kh3kw3g192_same_nobias"},
    NamedCase{"mobilenetv2.dw576@14", "n8ih14iw14ic576oc576kh3kw3g576_same_nobias"},
    NamedCase{"mobilenetv2.dw960@7", "n8ih7iw7ic960oc960kh3kw3g960_same_nobias"},
    NamedCase{"mobilenetv2.16-96@112", "n8ih112iw112ic16oc96_nobias"},
    NamedCase{"mobilenetv2.144-24@56", "n8ih56iw56ic144oc24_nobias"},
    NamedCase{"mobilenetv2.32-192@28", "n8ih28iw28ic32oc192_nobias"},
    NamedCase{"mobilenetv2.64-384@14", "n8ih14iw14ic64oc384_nobias"},
};

constexpr std::array kConvDepthwise2D{
    NamedCase{"mobilenetv2.16-96@112/2", "n1ih112iw112ic16oc96kh3kw3sh2sw2_same_relu6"},
    NamedCase{"mobilenetv2.24-144@56", "n1ih56iw56ic24oc144kh3kw3_same_relu6"},
    NamedCase{"mobilenetv2.32-192@28", "n1ih28iw28ic32oc192kh3kw3_same_relu6"},
    NamedCase{"mobilenetv2.64-384@14", "n1ih14iw14ic64oc384kh3kw3_same_relu6"},
    NamedCase{"mobilenetv2.160-960@7", "n1ih7iw7ic160oc960kh3kw3_same_relu6"},
    NamedCase{"mobilenetv2.24-144@56x8", "n8ih56iw56ic24oc144kh3kw3_same_relu6"},
};

constexpr std::array kDense{
    NamedCase{"mlp.1", "m128k784u1200"},    NamedCase{"mlp.2", "m128k1200u1200"},  NamedCase{"mlp.4", "m128k1200u10"},
    NamedCase{"lenet5.f1", "m128k400u120"}, NamedCase{"lenet5.f2", "m128k120u84"}, NamedCase{"lenet5.f3", "m128k84u10"},
    NamedCase{"mlp.2@1", "m1k1200u1200"},
};

constexpr std::array kPool2D{
    NamedCase{"lenet5.s1", "n128ih28iw28c6kh2kw2_max"},
    NamedCase{"lenet5.s2", "n128ih10iw10c16kh2kw2_max"},
    NamedCase{"vgg.64@32", "n64ih32iw32c64kh2kw2_max"},
    NamedCase{"resnet18.stem", "n8ih112iw112c64kh3kw3sh2sw2_same_max"},
    NamedCase{"resnet18.global", "n8ih7iw7c512kh7kw7_average"},
    NamedCase{"average.lenet5.s1", "n128ih28iw28c6kh2kw2_average"},
};

constexpr std::array kActivation{
    NamedCase{"lenet5.c1", "n602112_relu"},
    NamedCase{"lenet5.c2", "n204800_relu"},
    NamedCase{"lenet5.f1", "n15360_relu"},
    NamedCase{"vgg.64@32", "n4194304_relu"},
    NamedCase{"mobilenetv2.96@112", "n9633792_relu6"},
    NamedCase{"sigmoid", "n602112_sigmoid"},
    NamedCase{"tanh", "n602112_tanh"},
    NamedCase{"swish", "n602112_swish"},
    NamedCase{"hard_swish", "n602112_hard_swish"},
    NamedCase{"gelu", "n602112_gelu"},
    NamedCase{"gelu_tanh", "n602112_gelu_tanh"},
};

constexpr std::array kSoftmax{NamedCase{"lenet5", "r128c10"}, NamedCase{"imagenet", "r128c1000"}};

constexpr std::array kLoss{
    NamedCase{"lenet5", "r128c10_softmax_cross_entropy"},
    NamedCase{"cifar10.smooth", "r512c10s0.2_softmax_cross_entropy"},
    NamedCase{"imagenet", "r128c1000_softmax_cross_entropy"},
};

constexpr std::array kDropout{NamedCase{"lenet5.f1", "r128n120p0.5"}, NamedCase{"vgg.f1", "r64n4096p0.5"}};

constexpr std::array kBatchNorm{
    NamedCase{"lenet5.c1", "r100352c6"},
    NamedCase{"lenet5.c2", "r25088c16"},
    NamedCase{"vgg.64@32", "r65536c64"},
    NamedCase{"vgg.256@8", "r4096c256"},
    NamedCase{"resnet18.64@56", "r25088c64"},
    NamedCase{"resnet18.512@7", "r392c512"},
    NamedCase{"mobilenet_v2.144@56", "r25088c144_relu6"},
    NamedCase{"resnet18.64@56.add", "r25088c64_residual_relu"},
    NamedCase{"vgg.64@32.frozen", "r65536c64_frozen"},
};

constexpr std::array kBias{NamedCase{"lenet5.c1", "r100352c6"}, NamedCase{"vgg.64@32", "r65536c64"},
                           NamedCase{"mlp.1", "r128c1200"}};

constexpr std::array kAdd{NamedCase{"mlp", "i2n3840000"}, NamedCase{"resnet18.64@56", "i2n1605632"},
                          NamedCase{"lenet5.f1", "i2n15360"}};

constexpr std::array kConcat{NamedCase{"squeezenet.64@55", "r24200c64c64"},
                             NamedCase{"squeezenet.256@13", "r1352c256c256"}, NamedCase{"mixed", "r24200c3c5c1"}};

constexpr std::array kPRelu{NamedCase{"vgg.64@32", "r65536c64"}};

constexpr std::array kMultiply{NamedCase{"efficientnet_b0.96@56", "n8p3136c96"},
                               NamedCase{"efficientnet_b0.1152@7", "n8p49c1152"},
                               NamedCase{"one_shape", "n8p1c200704"}};

constexpr std::array kLocalResponseNorm{NamedCase{"alexnet.96@55", "r24200c96s5a0.0001b0.75k2"},
                                        NamedCase{"alexnet.256@27", "r5832c256s5a0.0001b0.75k2"}};

constexpr std::array kUpSample2D{NamedCase{"nearest.64@28", "n8ih28iw28c64fh2fw2_nearest"},
                                 NamedCase{"bilinear.64@28", "n8ih28iw28c64fh2fw2_bilinear"}};

constexpr std::array kPad2D{NamedCase{"lenet5.input", "n128ih28iw28c1pt2pb2pl2pr2"},
                            NamedCase{"resnet18.64@56", "n8ih56iw56c64pt1pb1pl1pr1"},
                            NamedCase{"resnet20.16-32@16", "n128ih16iw16c16pt0pb0pl0pr0pf8pk8"}};

constexpr std::array kArithmetic{NamedCase{"normalise@224", "a8a50176a3b1b1b3_subtract"},
                                 NamedCase{"one_shape", "a1605632b1605632_divide"}};

constexpr std::array kAxisMap{NamedCase{"slice.58@28", "o6272n116i1m58t1s1"},
                              NamedCase{"resample.64@28", "o8n28i3584m56t2s1"},
                              NamedCase{"mean.512@7", "o8n49i512m1t49s1"}};

constexpr std::array kPermute{NamedCase{"nchw-nhwc.64@56", "e8e64e3136p0p2p1"},
                              NamedCase{"shufflenet.116@28", "e6272e2e58p0p2p1"}};

constexpr std::array kOperations{
    Operation{"conv2d", parse_conv2d, kConv2D},
    Operation{"conv2d_backward", parse_conv2d_backward, kConv2DBackward},
    Operation{"conv_depthwise2d", parse_conv_depthwise2d, kConvDepthwise2D},
    Operation{"conv_pool2d", parse_conv_pool2d, kConvPool2D},
    Operation{"dense", parse_dense, kDense},
    Operation{"pool2d", parse_pool2d, kPool2D},
    Operation{"activation", parse_activation, kActivation},
    Operation{"softmax", parse_softmax, kSoftmax},
    Operation{"loss", parse_loss, kLoss},
    Operation{"dropout", parse_dropout, kDropout},
    Operation{"batch_norm", parse_batch_norm, kBatchNorm},
    Operation{"bias", parse_bias, kBias},
    Operation{"add", parse_add, kAdd},
    Operation{"concat", parse_concat, kConcat},
    Operation{"pad2d", parse_pad2d, kPad2D},
    Operation{"multiply", parse_multiply, kMultiply},
    Operation{"upsample2d", parse_upsample2d, kUpSample2D},
    Operation{"prelu", parse_prelu, kPRelu},
    Operation{"local_response_norm", parse_local_response_norm, kLocalResponseNorm},
    Operation{"arithmetic", parse_arithmetic, kArithmetic},
    Operation{"axis_map", parse_axis_map, kAxisMap},
    Operation{"permute", parse_permute, kPermute},
};

}  // namespace

std::span<const Operation> operations() { return kOperations; }

bool is_operation(std::string_view name) {
  return std::ranges::find(kOperations, name, &Operation::name) != kOperations.end();
}

const Operation& find_operation(std::string_view name) {
  std::string known;
  for (const Operation& operation : kOperations) {
    if (operation.name == name) return operation;
    known += (known.empty() ? "" : ", ") + std::string(operation.name);
  }
  throw ValueError({.where = "bench", .expected = "one of " + known, .got = "'" + std::string(name) + "'", .fix = ""});
}

}  // namespace saccade::proof
