#include <benchmark/benchmark.h>

#include <algorithm>

#include "saccade/base/random.h"
#include "saccade/nn/arithmetic.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/conv2d_transpose.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/depthwise_conv2d.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/local_response_norm.h"
#include "saccade/nn/merge.h"
#include "saccade/nn/pad.h"
#include "saccade/nn/permute.h"
#include "saccade/nn/plan.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/prelu.h"
#include "saccade/nn/reduce.h"
#include "saccade/nn/resample.h"
#include "saccade/nn/slice.h"
#include "saccade/nn/up_sampling2d.h"
#include "saccade/nn/view.h"
#include "saccade/nn/zero_padding2d.h"

// One row a registered layer: a training pass, forward and backward, through a plan. The layer stands behind a batch
// normalisation, so that it has the gradient of its input to compute too; the row of "Input" is what that alone costs.
namespace saccade {
namespace {

constexpr Index kBatch = 64;
const Shape kImage{16, 16, 64};

void run(benchmark::State& state, Model net) {
  Plan plan(net, kBatch, PlanMode::training);
  Tensor images(Shape{kBatch, net.input_shape().elements()});
  Stream stream(1, 0, 0, slot_of("layers_bench"));
  for (float& pixel : images.floats()) pixel = stream.uniform();
  for (auto iteration : state) {
    benchmark::DoNotOptimize(plan.forward(images.floats()));
    std::ranges::fill(plan.output_grad(), 1.0F);  // the last backward() may have written over it
    plan.backward();
  }
}

template <class Layers>
void row(const char* name, const Shape& image, const Layers& layers) {
  benchmark::RegisterBenchmark(name, [image, layers](benchmark::State& state) {
    const Node x = input(image);
    run(state, Model("bench", x, layers(BatchNorm{}(x))));
  })->Unit(benchmark::kMicrosecond);
}

void register_rows() {
  row("Activation", kImage, ActivationLayer{{.activation = relu}});
  row("Add", kImage, [](const Node& x) { return Add{}({x, x}); });
  row("Arithmetic", kImage, Arithmetic{{.operation = ArithmeticKind::multiply, .operand = {64}}});
  row("AveragePool2D", kImage, AveragePool2D{{.pool = 2}});
  row("BatchNorm", kImage, BatchNorm{});
  row("Concatenate", kImage, [](const Node& x) { return Concatenate{}({x, x}); });
  row("Conv2D", kImage, Conv2D{{.filters = 64, .kernel = 3, .padding = same}});
  row("Conv2DTranspose", kImage, Conv2DTranspose{{.filters = 64, .kernel = 3, .strides = 2, .padding = same}});
  row("Dense", Shape{1200}, Dense{{.units = 1200}});
  row("DepthwiseConv2D", kImage, DepthwiseConv2D{{.padding = same}});
  row("Dropout", kImage, Dropout{{.rate = 0.2F}});
  row("Flatten", kImage, Flatten{});
  row("GlobalAveragePool2D", kImage, GlobalAveragePool2D{});
  row("GlobalMaxPool2D", kImage, GlobalMaxPool2D{});
  row("Input", kImage, [](const Node& x) { return x; });
  row("LocalResponseNorm", kImage, LocalResponseNorm{});
  row("MaxPool2D", kImage, MaxPool2D{{.pool = 2}});
  row("Multiply", kImage, [](const Node& x) { return Multiply{}({x, GlobalAveragePool2D{{.keepdims = true}}(x)}); });
  row("PReLU", kImage, PReLU{});
  row("Pad", kImage, Pad{{.axis = 0, .before = 1, .after = 1, .mode = PadMode::reflect}});
  row("Permute", kImage, Permute{{.axes = {2, 0, 1}}});
  row("Reduce", kImage, Reduce{{.axis = 0}});
  row("Resample", kImage, Resample{{.axis = 0, .size = 24}});
  row("Reshape", kImage, Reshape{{.shape = Shape{256, 64}}});
  row("Slice", kImage, Slice{{.count = 32}});
  row("UpSampling2D", kImage, UpSampling2D{{.interpolation = UpSampling::bilinear}});
  row("ZeroPadding2D", kImage, ZeroPadding2D{{.padding = pads(1, 1, 1, 1)}});
}

}  // namespace
}  // namespace saccade

int main(int argc, char** argv) {
  saccade::register_rows();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
