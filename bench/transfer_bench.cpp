#include <benchmark/benchmark.h>

#include <algorithm>
#include <vector>

#include "saccade/base/random.h"
#include "saccade/nn/frozen_cuts.h"
#include "saccade/nn/loss.h"
#include "saccade/nn/plan.h"
#include "saccade/optim/adam.h"
#include "saccade/zoo/zoo.h"

// What a training step of MobileNetV2 costs when all of it learns and when only its end does: forward, loss, backward, Adam.
// Reading and augmenting images is not in it; fit() does that in a thread of its own.
namespace saccade {
namespace {

constexpr Index kBatch = 16, kClasses = 5;

enum class Images : std::uint8_t {
  augmented,  ///< Other ones at each step, so that the frozen layers have to run.
  same,       ///< What the frozen layers make of them has been kept.
};

void run(benchmark::State& state, Index layers, Images images) {
  Model net = zoo::mobilenet_v2({224, 224, 3}, kClasses);
  if (layers > 0) net.train_last(layers);
  const std::size_t first = images == Images::same ? frozen_cuts(net).back() : 0;
  Plan plan(net, kBatch, PlanMode::training, {.first = first});
  LossOperation loss(SoftmaxCrossEntropy{}, kBatch, kClasses);
  std::vector<Parameter*> parameters;
  for (Parameter& parameter : net.parameters()) parameters.push_back(&parameter);
  Adam adam;
  adam.bind(parameters);
  Tensor input(net.nodes()[first].shape.with_batch(kBatch));
  Stream stream(1, 0, 0, slot_of("transfer_bench"));
  for (float& value : input.floats()) value = stream.uniform();
  const std::vector<std::int32_t> labels(usize(kBatch), 2);
  for (auto iteration : state) {
    loss.run(plan.forward(input.floats()), {.labels = labels}, plan.output_grad());
    plan.backward();
    adam.step(1e-6);
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
  state.counters["MB"] = static_cast<double>(plan.arena_bytes()) / 1e6;
}

BENCHMARK_CAPTURE(run, all_layers, 0, Images::augmented)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(run, last_10_layers, 10, Images::augmented)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(run, last_layer, 1, Images::augmented)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(run, last_layer_from_kept_features, 1, Images::same)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace saccade

BENCHMARK_MAIN();
