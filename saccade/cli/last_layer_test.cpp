#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "saccade/data/image_folder.h"
#include "saccade/io/onnx.h"
#include "saccade/nn/frozen_cuts.h"
#include "saccade/train/evaluate.h"
#include "saccade/train/features.h"
#include "saccade/train/fit.h"
#include "saccade/zoo/surgery.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/test_data.h"

namespace saccade::cli {
namespace {

constexpr double kL2 = 1e-2;

/// y += a * x, on pointers: builds with sanitizers leave tests unoptimised, and containers would be most of the time.
void add_scaled(double a, const double* x, double* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] += a * x[i];
}

/// Multinomial logistic regression, minimising mean cross-entropy + kL2 * |weights|^2: full-batch gradients with Nesterov's
/// acceleration, restarted where the loss rises. The problem is strictly convex, so that there is one solution.
class LogisticRegression {
 public:
  LogisticRegression(const FeatureSet& set, std::size_t classes)
      : dimensions_(usize(set.image_shape().elements())), classes_(classes), weights_((dimensions_ + 1) * classes) {
    std::vector<double> look = weights_, before = weights_;
    double momentum = 1.0, least = std::numeric_limits<double>::infinity(), rate = 0.5;
    for (int i = 0; i < 20000; ++i) {
      const auto [loss, gradient] = gradient_at(set, look);
      double steepest = 0.0;
      for (const double g : gradient) steepest = std::max(steepest, std::abs(g));
      if (steepest < 1e-4) break;
      if (loss > least) {  // begins again, with smaller steps
        momentum = 1.0;
        rate *= 0.8;
        look = before = weights_;
        least = std::numeric_limits<double>::infinity();
        continue;
      }
      least = loss;
      const double next = (1.0 + std::sqrt(1.0 + 4.0 * momentum * momentum)) / 2.0;
      for (std::size_t k = 0; k < look.size(); ++k) {
        weights_[k] = look[k] - rate * gradient[k];
        look[k] = weights_[k] + (momentum - 1.0) / next * (weights_[k] - before[k]);
      }
      before = weights_;
      momentum = next;
      loss_ = loss;
    }
  }

  double loss() const { return loss_; }
  double accuracy(const FeatureSet& set) const {
    Index correct = 0;
    for (Index i = 0; i < set.size(); ++i) {
      const std::vector<double> scores = scores_of(set, i, weights_);
      correct += std::ranges::max_element(scores) - scores.begin() == set.label(i) ? 1 : 0;
    }
    return static_cast<double>(correct) / static_cast<double>(set.size());
  }

 private:
  /// The last row of weights are the biases.
  std::vector<double> scores_of(const FeatureSet& set, Index image, const std::vector<double>& weights) const {
    const std::span<const float> x = set.features().floats().subspan(usize(image) * dimensions_, dimensions_);
    std::vector<double> scores(weights.end() - isize(classes_), weights.end());
    for (std::size_t d = 0; d < dimensions_; ++d) add_scaled(x[d], &weights[d * classes_], scores.data(), classes_);
    return scores;
  }

  std::pair<double, std::vector<double>> gradient_at(const FeatureSet& set, const std::vector<double>& weights) const {
    const double n = static_cast<double>(set.size());
    double loss = 0.0;
    std::vector<double> gradient(weights.size());
    for (std::size_t k = 0; k < dimensions_ * classes_; ++k) {
      loss += kL2 * weights[k] * weights[k];
      gradient[k] = 2.0 * kL2 * weights[k];
    }
    for (Index i = 0; i < set.size(); ++i) {
      std::vector<double> p = scores_of(set, i, weights);
      double sum = 0.0;
      for (double& value : p) sum += value = std::exp(value);
      const auto label = usize(set.label(i));
      loss -= std::log(p[label] / sum) / n;
      for (std::size_t c = 0; c < classes_; ++c) p[c] = (p[c] / sum - (c == label ? 1.0 : 0.0)) / n;
      const std::span<const float> x = set.features().floats().subspan(usize(i) * dimensions_, dimensions_);
      for (std::size_t d = 0; d < dimensions_; ++d) add_scaled(x[d], p.data(), &gradient[d * classes_], classes_);
      for (std::size_t c = 0; c < classes_; ++c) gradient[dimensions_ * classes_ + c] += p[c];
    }
    return {loss, gradient};
  }

  std::size_t dimensions_, classes_;
  std::vector<double> weights_;
  double loss_ = 0.0;
};

/// Real flowers, and the smallest of the pretrained networks.
TEST(LastLayer, IsAsGoodAsALogisticRegressionOnTheSameFeatures) {
  const auto archive = test::data_path("flowers5-128px.tar.gz");
  const auto file = test::data_path("pretrained/mobilenet_v1_0.25_224/mobilenet_v1_0.25_224.onnx");
  for (const auto& path : {archive, file}) {
    if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path << "; set SACCADE_TEST_DATA";
  }
  const test::ScratchFolder scratch;
  ASSERT_EQ(std::system(fmt::format("tar -xzf '{}' -C '{}'", archive.string(), scratch.path().string()).c_str()), 0);

  const Model original = load_onnx(file);
  Model net = zoo::with_new_head(original, 5, 1);
  net.preprocessing = {.scale = 1.0F / 127.5F, .mean = {1.0F, 1.0F, 1.0F}};
  const std::string head = net.train_last(1);
  net.parameter(head + ".weight").l2 = static_cast<float>(kL2);
  const auto flowers = data::image_folder(scratch / "flowers5-128px", {.reading = {.target_size = {224, 224}}});
  const data::DatasetPtr some = data::split(flowers.images, 0.14, 3).validation;  // 604 images
  const data::Split parts = data::split(some, 0.5, 3);

  const std::size_t cut = frozen_cuts(net).back();
  const auto train = compute_features(net, parts.train, cut), test = compute_features(net, parts.validation, cut);
  const LogisticRegression regression(*train, 5);
  const History history =
      fit(net, parts.train,
          {.epochs = 500, .batch_size = 64, .optimizer = Adam{{.learning_rate = 0.01}}, .schedule = CosineDecay{}});
  const double accuracy = evaluate(net, parts.validation).accuracy;
  EXPECT_NEAR(accuracy, regression.accuracy(*test), 0.01);
  EXPECT_NEAR(history.epochs.back().at("loss"), regression.loss(), 0.01 * regression.loss());
  EXPECT_GT(accuracy, 0.5);
  std::cout << fmt::format("last layer {:.4f}, logistic regression {:.4f}; loss {:.5f} and {:.5f}\n", accuracy,
                           regression.accuracy(*test), history.epochs.back().at("loss"), regression.loss());
}

}  // namespace
}  // namespace saccade::cli
