#include "saccade/train/fit.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <sstream>
#include <tuple>
#include <utility>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/base/parallel.h"
#include "saccade/io/model_file.h"
#include "saccade/kernels/dense/dense.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/plan.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/view.h"
#include "saccade/optim/sgd.h"
#include "saccade/train/callbacks.h"
#include "saccade/train/evaluate.h"
#include "tests/support/message_of.h"
#include "tests/support/scratch_folder.h"

namespace saccade {
namespace {

using test::message_of;

namespace fs = std::filesystem;
using testing::AllOf;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;

/// 6x6 images with a bright row (class 0) or column (class 1) at a random place, and noise.
data::DatasetPtr stripes(Index count, std::uint64_t seed) {
  Tensor images({count, 6, 6, 1}, DType::uint8);
  std::vector<std::int32_t> labels;
  const std::span<std::uint8_t> pixels = images.uint8s();
  for (Index i = 0; i < count; ++i) {
    Stream stream(seed, 0, static_cast<std::uint64_t>(i), slot_of("stripes"));
    const auto label = static_cast<std::int32_t>(stream.below(2));
    const Index place = stream.below(6);
    for (Index y = 0; y < 6; ++y) {
      for (Index x = 0; x < 6; ++x) {
        const bool bright = (label == 0 ? y : x) == place;
        pixels[usize((i * 6 + y) * 6 + x)] = static_cast<std::uint8_t>((bright ? 180 : 0) + stream.below(60));
      }
    }
    labels.push_back(label);
  }
  return std::make_shared<data::InMemory>("stripes", std::move(images), std::move(labels),
                                          std::vector<std::string>{"row", "column"});
}

Model small_network() {
  return Sequential(
      "small", {Input{{6, 6, 1}}, Conv2D{{.filters = 4, .kernel = 3, .activation = relu}},
                BatchNorm{{.momentum = 0.9F}}, MaxPool2D{}, Flatten{}, Dropout{{.rate = 0.1F}}, Dense{{.units = 2}}});
}

std::vector<float> weights_of(const Model& net) {
  std::vector<float> all;
  for (const Parameter& p : net.parameters()) all.insert(all.end(), p.value.floats().begin(), p.value.floats().end());
  return all;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(Fit, LearnsWithinAFewEpochs) {
  Model net = small_network();
  const History history =
      fit(net, stripes(600, 1),
          {.epochs = 10, .batch_size = 32, .optimizer = Adam{{.learning_rate = 1e-2}}, .validation = stripes(200, 2)});
  ASSERT_EQ(history.epochs.size(), 10U);
  EXPECT_LT(history.epochs.back().at("loss"), history.epochs.front().at("loss"));
  EXPECT_GT(history.epochs.back().at("val_accuracy"), 0.97);
  EXPECT_GT(evaluate(net, stripes(200, 3)).accuracy, 0.97);
}

TEST(Fit, OneSeedOneResultForAnyThreadsAndWorkers) {
  const auto run = [](int threads, int workers, std::uint64_t seed) {
    set_thread_count(threads);
    Model net = small_network();
    fit(net, stripes(150, 1), {.epochs = 2, .batch_size = 32, .seed = seed, .workers = workers});
    return weights_of(net);
  };
  const int usual = thread_count();
  const std::vector<float> first = run(1, 0, 7);
  EXPECT_TRUE(same_bits(first, run(2, 1, 7)));
  EXPECT_TRUE(same_bits(first, run(3, 2, 7)));
  EXPECT_FALSE(same_bits(first, run(1, 0, 8)));
  set_thread_count(usual);
}

TEST(Fit, UpdatesMadeWithTheGradientAreThoseOfTheStep) {
  struct Options {
    float l2 = 0.0F;      ///< Of the second layer.
    double factor = 1.0;  ///< Of the first weight's learning rate.
    bool late = false;    ///< All but the first layer learn from the second step on, with steps counted from there.
  };
  const auto train = [](AnyOptimizer optimizer, bool at_once, const Options& o) {
    Model net = Sequential("mlp", {Input{{100}}, Dense{{.units = 70, .activation = relu}},
                                   Dense{{.units = 130, .activation = relu, .l2 = o.l2}}, Dense{{.units = 3}}});
    net.initialize(3);
    std::vector<Parameter*> parameters;
    for (Parameter& p : net.parameters()) parameters.push_back(&p);
    parameters[0]->learning_rate_factor = o.factor;
    optimizer->bind(o.late ? std::span(parameters).first(2) : parameters);
    Plan plan(net, 20, PlanMode::training);
    LossOperation loss(SoftmaxCrossEntropy{}, 20, 3);
    Tensor rows({20, 100});
    const std::vector<std::int32_t> labels(20, 1);
    std::ptrdiff_t done = 0;
    for (std::uint32_t step = 0; step < 3; ++step) {
      Stream stream(5, step, 0, 0);
      for (float& x : rows.floats()) x = stream.uniform() - 0.5F;
      loss.run(plan.forward(rows.floats()), {.labels = labels}, plan.output_grad());
      const auto updates = at_once ? optimizer->begin_step() : std::span<kernels::WeightUpdate>{};
      plan.backward(updates);
      done = std::ranges::count_if(updates, &kernels::WeightUpdate::done);
      add_l2(parameters);
      optimizer->step();
      optimizer->bind_more(parameters);
    }
    return std::pair{weights_of(net), done};
  };
  const kernels::DenseProblem problem{.pass = kernels::Pass::backward_weights, .m = 20, .k = 100, .u = 70};
  const bool declined = !kernels::dense_update_implementations()[0].decline(problem).empty();
  const std::tuple<AnyOptimizer, Options, int> cases[] = {
      {Adam{{.learning_rate = 1e-3}}, {}, 3},
      {AdamW{{.learning_rate = 1e-3, .clipvalue = 1e-3, .use_ema = true}}, {}, 3},
      {AdamW{{.learning_rate = 1e-3}}, {.factor = 0.25}, 3},
      {AdamW{{.learning_rate = 1e-3}}, {.late = true}, 3},
      {SGD{{.learning_rate = 0.1, .momentum = 0.9}}, {.l2 = 0.01F}, 2},  // the gradient of l2 is added behind
      {Adam{{.learning_rate = 1e-3, .global_clipnorm = 0.1}}, {}, 0},
      {Adam{{.learning_rate = 1e-3, .clipnorm = 0.1}}, {}, 0},
  };
  for (const auto& [optimizer, options, updates] : cases) {
    const auto [expected, none] = train(optimizer, false, options);
    const auto [weights, done] = train(optimizer, true, options);
    // Weights move by about 1e-3 a step; gradients, summed in another order, by their rounding.
    EXPECT_THAT(weights, Pointwise(FloatNear(1e-5F), expected)) << optimizer->describe();
    EXPECT_EQ(done, declined ? 0 : updates) << optimizer->describe();
  }
}

TEST(Fit, StoppedAnywhereAndResumedEndsWithTheSameBits) {
  std::vector<float> weights(150);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i % 4) * 0.5F;
  const data::DatasetPtr train = data::with_weights(stripes(150, 1), weights), validation = stripes(60, 2);
  const auto options = [&](const fs::path& folder) {
    return FitOptions{.epochs = 4,
                      .batch_size = 32,
                      .optimizer = Adam{{.learning_rate = 3e-3}},
                      .schedule = OneCycle{},
                      .validation = validation,
                      .callbacks = {std::make_shared<CSVLogger>(folder / "metrics.csv"),
                                    std::make_shared<EarlyStopping>(
                                        EarlyStoppingOptions{.patience = 3, .restore_best_weights = true}),
                                    std::make_shared<ReduceLROnPlateau>(PlateauOptions{.factor = 0.5, .patience = 1}),
                                    std::make_shared<ModelCheckpoint>(ModelCheckpointOptions{.folder = folder})}};
  };
  const test::ScratchFolder whole;
  Model expected = small_network();
  const History straight = fit(expected, train, options(whole.path()));
  for (const Index stop_after : {1, 4, 5, 7, 13, 19}) {
    const test::ScratchFolder folder;
    Model first = small_network();
    FitOptions until = options(folder.path());
    Index steps = 0;
    until.stop = [&] { return ++steps == stop_after; };
    EXPECT_TRUE(fit(first, train, until).interrupted);
    Model second = small_network();
    second.initialize(99);  // everything must come from the checkpoint
    FitOptions rest = options(folder.path());
    rest.resume = folder.path() / "last.ckpt";
    const History resumed = fit(second, train, rest);
    for (const char* metric : {"loss", "accuracy", "weighted_accuracy", "val_loss"}) {
      if (resumed.epochs.empty()) break;
      EXPECT_EQ(resumed.epochs.front().at(metric), straight.epochs[usize(resumed.first_epoch)].at(metric)) << metric;
    }
    EXPECT_TRUE(same_bits(weights_of(expected), weights_of(second))) << "stopped after step " << stop_after;
    EXPECT_TRUE(same_bits(weights_of(load_model(whole.path() / "best.safetensors")),
                          weights_of(load_model(folder.path() / "best.safetensors"))));
  }
}

TEST(Fit, FrozenWeightsStayBitIdentical) {
  Model net = small_network();
  net.freeze("conv2d");
  const std::vector<float> before(net.parameter("conv2d.weight").value.floats().begin(),
                                  net.parameter("conv2d.weight").value.floats().end());
  fit(net, stripes(100, 1), {.epochs = 1});
  const std::span<const float> after = net.parameter("conv2d.weight").value.floats();
  EXPECT_TRUE(std::ranges::equal(before, after));
}

TEST(Fit, StopsOnNanBeforeTheWeightsAreSpoilt) {
  Model net = small_network();
  net.parameter("dense.bias").value.floats()[0] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> before = weights_of(net);
  EXPECT_THAT(message_of<ValueError>([&] { fit(net, stripes(64, 1)); }),
              AllOf(HasSubstr("training, epoch 1 step 1: loss: expected a finite number, got nan"),
                    HasSubstr("lower the learning rate (it is 0.001)")));
  const std::vector<float> after = weights_of(net);
  const std::size_t dense_bias = after.size() - 2;
  EXPECT_TRUE(std::isnan(after[dense_bias]));
  EXPECT_EQ(after[0], before[0]);
}

TEST(Fit, RefusesWhatDoesNotFit) {
  Model net = small_network();
  EXPECT_THAT(message_of<ValueError>([&] { fit(net, stripes(10, 1), {.epochs = 0}); }),
              HasSubstr("fit: epochs: expected at least 1, got 0"));
  EXPECT_THAT(message_of<ValueError>([&] { fit(net, stripes(10, 1), {.batch_size = 0}); }), HasSubstr("batch"));
  Model other = Sequential("other", {Input{{28, 28, 1}}, Flatten{}, Dense{{.units = 10}}});
  EXPECT_THAT(message_of<ShapeError>([&] { fit(other, stripes(10, 1)); }),
              HasSubstr("network 'other' on stripes: expected images of shape [28, 28, 1], got [6, 6, 1]"));
  Model ten = Sequential("ten", {Input{{6, 6, 1}}, Flatten{}, Dense{{.units = 10}}});
  EXPECT_THAT(message_of<ShapeError>([&] { fit(ten, stripes(10, 1)); }),
              HasSubstr("expected one output a class, [2], got [10]"));
  net.freeze("*");
  EXPECT_THAT(message_of<ValueError>([&] { fit(net, stripes(10, 1)); }), HasSubstr("every parameter frozen"));
}

TEST(Fit, ACheckpointOfAnotherTrainingIsRefused) {
  const test::ScratchFolder folder;
  const auto options = [&](Index batch_size) {
    return FitOptions{
        .batch_size = batch_size,
        .callbacks = {std::make_shared<ModelCheckpoint>(ModelCheckpointOptions{.folder = folder.path()})}};
  };
  Model net = small_network();
  fit(net, stripes(64, 1), options(32));
  FitOptions other = options(16);
  other.resume = folder.path() / "last.ckpt";
  EXPECT_THAT(message_of<ValueError>([&] { fit(net, stripes(64, 1), other); }),
              AllOf(HasSubstr("batch_size: expected 32, got 16"),
                    HasSubstr("a run goes on with the options it was begun with")));
}

TEST(Fit, L2IsPartOfTheLossAndShrinksWeights) {
  const auto norm_after = [](float l2) {
    Model net = Sequential("m", {Input{{6, 6, 1}}, Flatten{}, Dense{{.units = 2, .l2 = l2}}});
    fit(net, stripes(200, 1), {.epochs = 10, .optimizer = Adam{{.learning_rate = 1e-2}}});
    double sum = 0.0;
    for (const float w : net.parameter("dense.weight").value.floats())
      sum += static_cast<double>(w) * static_cast<double>(w);
    return sum;
  };
  EXPECT_LT(norm_after(0.1F), 0.5 * norm_after(0.0F));
}

Model linear(Index outputs) { return Sequential("linear", {Input{{6, 6, 1}}, Flatten{}, Dense{{.units = outputs}}}); }

/// Weights 2 and 0 of two images are the first image alone: (2 a + 0 b) / 2.
TEST(Fit, WeightsScaleTheLossOfTheirImages) {
  const data::DatasetPtr two = data::take(stripes(2, 1), 2);
  const auto trained = [](const data::DatasetPtr& images) {
    Model net = linear(2);
    net.initialize(3);
    const History history = fit(net, images, {.epochs = 3, .batch_size = 2, .optimizer = SGD{{.learning_rate = 0.1}}});
    return std::pair(weights_of(net), history.epochs.back().at("loss"));
  };
  const auto [expected, loss] = trained(data::take(two, 1));
  const auto [weighted, weighted_loss] = trained(data::with_weights(two, {2, 0}));
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(weighted[i], expected[i], 1e-6);
  EXPECT_NEAR(weighted_loss, loss, 1e-6);
  EXPECT_FALSE(same_bits(trained(two).first, expected));
}

TEST(Evaluate, WeightsScaleLossAndWeightedAccuracy) {
  Model net = linear(2);
  net.initialize(3);
  const data::DatasetPtr plain = stripes(20, 1);
  std::vector<float> weights(20);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i);
  const Evaluation before = evaluate(net, plain), after = evaluate(net, data::with_weights(plain, weights));
  double loss = 0.0, correct = 0.0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const Prediction& p = before.predictions[i];
    loss += static_cast<double>(weights[i]) * static_cast<double>(p.loss) / 20;
    correct += p.predicted == p.label ? static_cast<double>(weights[i]) / 190 : 0.0;
  }
  EXPECT_NEAR(after.loss, loss, 1e-6);
  EXPECT_EQ(after.accuracy, before.accuracy);
  EXPECT_NEAR(after.weighted_accuracy(), correct, 1e-9);
  EXPECT_EQ(before.weighted_accuracy(), before.accuracy);
  const History history = fit(net, plain, {.validation = data::with_weights(plain, weights)});
  EXPECT_FALSE(history.epochs[0].contains("weighted_accuracy"));
  EXPECT_EQ(history.epochs[0].at("val_weighted_accuracy"),
            evaluate(net, data::with_weights(plain, weights)).weighted_accuracy());
}

/// How many pixels are bright in the left and in the right half: measures that a linear network learns.
TEST(Fit, LearnsTargetsThatAreMeasures) {
  const data::DatasetPtr plain = stripes(400, 1);
  std::vector<float> targets;
  for (Index i = 0; i < plain->size(); ++i) {
    std::vector<float> image(36);
    plain->read(i, {.scale = 1.0F / 255.0F}, image);
    for (const Index half : {0, 1}) {
      float sum = 0.0F;
      for (Index p = 0; p < 36; ++p) sum += (p % 6 < 3) == (half == 0) ? image[usize(p)] : 0.0F;
      targets.push_back(sum / 10.0F);
    }
  }
  const data::DatasetPtr measured = data::with_targets(plain, targets, {"left", "right"});
  Model net = linear(2);
  net.initialize(3);
  fit(net, measured, {.epochs = 40, .optimizer = Adam{{.learning_rate = 1e-2}}, .loss = MeanSquaredError{}});
  const Evaluation result = evaluate(net, measured, {.loss = MeanSquaredError{}});
  EXPECT_LT(result.loss, 1e-3);
  EXPECT_GT(result.accuracy, 0.9) << "the larger of the two";
  EXPECT_GT(evaluate(net, plain, {.loss = MeanSquaredError{}}).loss, 0.05) << "labels are other targets";
}

/// A control that only remembers what it was told.
class FakeControl final : public TrainingControl {
 public:
  Model& model() override { return net_; }
  void stop(std::string reason) override { reason_ = std::move(reason); }
  void scale_learning_rate(double factor) override { factor_ *= factor; }
  void save_checkpoint(const fs::path&) override {}
  std::string reason_;
  double factor_ = 1.0;

 private:
  Model net_ = small_network();
};

TEST(EarlyStopping, StopsWhereKerasStops) {
  EarlyStopping callback({.patience = 2});
  FakeControl control;
  Index stopped_at = -1;
  const std::vector<double> losses{1, 0.9, 0.95, 0.92};
  for (Index epoch = 0; epoch < isize(losses.size()) && stopped_at < 0; ++epoch) {
    callback.on_epoch_end(control, {.epoch = epoch, .logs = {{"val_loss", losses[usize(epoch)]}}});
    if (!control.reason_.empty()) stopped_at = epoch;
  }
  EXPECT_EQ(stopped_at, 3);
  EXPECT_EQ(control.reason_, "val_loss has not improved on 0.9000 for 2 epochs");
}

TEST(EarlyStopping, RestoresTheBestWeights) {
  EarlyStopping callback({.patience = 5, .restore_best_weights = true});
  FakeControl control;
  const auto epoch = [&](Index number, double loss, float weight) {
    control.model().parameter("dense.bias").value.floats()[0] = weight;
    callback.on_epoch_end(control, {.epoch = number, .logs = {{"val_loss", loss}}});
  };
  epoch(0, 1.0, 10);
  epoch(1, 0.5, 11);
  epoch(2, 0.7, 12);
  callback.on_train_end(control);
  EXPECT_EQ(control.model().parameter("dense.bias").value.floats()[0], 11.0F);
}

TEST(EarlyStopping, AnUnknownMetricListsTheKnown) {
  EarlyStopping callback({.monitor = "val_f1"});
  FakeControl control;
  EXPECT_THAT(message_of<ValueError>([&] {
                callback.on_epoch_end(control, {.logs = {{"loss", 1.0}, {"accuracy", 0.5}}});
              }),
              HasSubstr("early stopping: monitor: expected one of accuracy, loss, got 'val_f1'"));
}

TEST(ReduceLROnPlateau, LowersTheRate) {
  ReduceLROnPlateau callback({.factor = 0.5, .patience = 2});
  FakeControl control;
  for (Index epoch = 0; epoch < 5; ++epoch) {
    callback.on_epoch_end(control,
                          {.epoch = epoch, .logs = {{"val_loss", 1.0}, {"learning_rate", 0.1 * control.factor_}}});
  }
  EXPECT_DOUBLE_EQ(control.factor_, 0.25);
}

TEST(Progress, PrintsOneLineAnEpochWhereNobodyWatches) {
  std::ostringstream out;
  Progress callback(out, {.live = false});
  FakeControl control;
  callback.on_step_end(control, {.epochs = 2, .step = 1, .steps = 2});
  callback.on_epoch_end(
      control,
      {.epochs = 2,
       .logs = {{"loss", 0.5}, {"accuracy", 0.75}, {"val_loss", 0.25}, {"val_accuracy", 1.0}, {"seconds", 1.25}}});
  EXPECT_EQ(out.str(), "epoch  1/2  loss 0.5000  accuracy 0.7500  val_loss 0.2500  val_accuracy 1.0000  1.2s\n");
}

TEST(Progress, FitsTheTerminal) {
  std::ostringstream out;
  Progress callback(out, {.live = true, .width_columns = 60});
  FakeControl control;
  callback.on_step_end(control, {.epochs = 2, .step = 2, .steps = 2, .loss = 0.5, .accuracy = 0.75});
  const std::string text = out.str();
  EXPECT_LE(text.size(), 60U + 4U);  // carriage return, and the escape that clears the rest of the line
  EXPECT_THAT(text, HasSubstr("2/2"));
}

TEST(Predict, GivesOutputsInOrderAndProbabilitiesThatSumToOne) {
  Model net = small_network();
  const auto set = std::dynamic_pointer_cast<const data::InMemory>(stripes(7, 1));
  const Tensor outputs = predict(net, set->images(), {.batch_size = 3});
  EXPECT_EQ(outputs.shape(), (Shape{7, 2}));
  const Tensor one = predict(net, set->images().slice(4, 5));
  EXPECT_EQ(outputs.floats()[8], one.floats()[0]);
  const Tensor p = probabilities(net, outputs);
  EXPECT_NEAR(p.floats()[0] + p.floats()[1], 1.0F, 1e-6F);
}

}  // namespace
}  // namespace saccade
