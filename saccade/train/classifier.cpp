#include "saccade/train/classifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <numeric>

#include "saccade/base/error.h"
#include "saccade/io/network_file.h"
#include "saccade/nn/plan.h"
#include "saccade/train/evaluate.h"

namespace saccade {
namespace {

void require_classifier(const Model& net) {
  const Shape& in = net.input_shape();
  if (in.rank() == 3 && net.output_shape().rank() == 1) return;
  throw ShapeError({.where = fmt::format("network '{}'", net.name()),
                    .expected = "a classifier: images in, one output a class",
                    .got = fmt::format("{} in, {} out", in.to_string(), net.output_shape().to_string()),
                    .fix = "name a network that ends in class scores"});
}

std::string label_of(const Model& net, std::size_t i) {
  return i < net.class_names.size() ? net.class_names[i] : fmt::format("class {}", i);
}

std::vector<Guess> best_of(const Model& net, std::span<const float> probabilities, Index count) {
  std::vector<std::size_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater{}, [&](std::size_t i) { return probabilities[i]; });
  std::vector<Guess> guesses;
  for (const std::size_t i : std::span(order).first(std::min(order.size(), usize(std::max<Index>(count, 0))))) {
    guesses.push_back({.index = isize(i), .label = label_of(net, i), .probability = probabilities[i]});
  }
  return guesses;
}

}  // namespace

struct Classifier::State {
  /// What one question at a time works with.
  struct Worker {
    Worker(Model& net, Index batch)
        : plan(net, batch, PlanMode::constant), input(usize(batch * net.input_shape().elements())) {}
    Plan plan;
    std::vector<float> input;
  };

  State(Model model, const ClassifierOptions& options) : net(std::move(model)), batch_size(options.batch_size) {
    require_classifier(net);
    if (batch_size < 1) {
      throw ValueError({.where = "batch_size",
                        .expected = "at least 1",
                        .got = fmt::format("{}", batch_size),
                        .fix = "leave it out for the default"});
    }
    reading = data::reading_for(net.input_shape(), options.reading);
  }

  /// Runs images of the network's size, as many as `out` has rows for, with a worker that nobody else uses meanwhile.
  void run(std::span<const std::uint8_t> pixels, Index rows, std::span<float> out) {
    std::unique_ptr<Worker> worker = take(rows);
    net.preprocessing.apply(pixels, worker->input);
    std::ranges::copy(worker->plan.forward(worker->input), out.begin());
    const std::scoped_lock lock(mutex);
    idle[rows].push_back(std::move(worker));
  }

  std::unique_ptr<Worker> take(Index rows) {
    {
      const std::scoped_lock lock(mutex);
      std::vector<std::unique_ptr<Worker>>& waiting = idle[rows];
      if (!waiting.empty()) {
        std::unique_ptr<Worker> worker = std::move(waiting.back());
        waiting.pop_back();
        return worker;
      }
    }
    return std::make_unique<Worker>(net, rows);
  }

  Model net;
  Index batch_size;
  data::ImageReading reading;
  std::mutex mutex;
  std::map<Index, std::vector<std::unique_ptr<Worker>>> idle;  // by batch: 1 and batch_size
};

Classifier::Classifier(Model net, const ClassifierOptions& options)
    : state_(std::make_unique<State>(std::move(net), options)) {}
Classifier::Classifier(const std::filesystem::path& network, const ClassifierOptions& options)
    : Classifier(load_network(network), options) {}
Classifier::Classifier(Classifier&&) noexcept = default;
Classifier& Classifier::operator=(Classifier&&) noexcept = default;
Classifier::~Classifier() = default;

const Model& Classifier::model() const noexcept { return state_->net; }
const data::ImageReading& Classifier::reading() const noexcept { return state_->reading; }

Tensor Classifier::probabilities(const Tensor& images) const {
  const Model& net = state_->net;
  if (images.dtype() != DType::uint8 || images.shape().rank() != 4 ||
      images.shape().without_batch() != net.input_shape()) {
    throw ShapeError({.where = fmt::format("network '{}'", net.name()),
                      .expected = fmt::format("images [n, ...] of shape {}, uint8", net.input_shape().to_string()),
                      .got = fmt::format("{}, {}", images.shape().to_string(), name_of(images.dtype())),
                      .fix = "resize them, or ask about one at a time"});
  }
  const Index count = images.shape()[0];
  const Index image = net.input_shape().elements(), classes = net.output_shape().elements();
  Tensor outputs(Shape{count, classes});
  for (Index first = 0; first < count;) {
    const Index rows = count - first < state_->batch_size ? 1 : state_->batch_size;
    state_->run(images.uint8s().subspan(usize(first * image), usize(rows * image)), rows,
                outputs.floats().subspan(usize(first * classes), usize(rows * classes)));
    first += rows;
  }
  return saccade::probabilities(net, outputs);
}

std::vector<Guess> Classifier::top(const Tensor& image, Index count) const {
  Tensor fitted = data::fit_image(image, state_->reading);
  const Tensor result = probabilities(std::move(fitted).reshaped(state_->net.input_shape().with_batch(1)));
  return best_of(state_->net, result.floats(), count);
}

std::vector<Guess> Classifier::top(const std::filesystem::path& image, Index count) const {
  return top(data::read_image(image, state_->reading), count);
}

Guess Classifier::classify(const Tensor& image) const { return top(image, 1).front(); }

Guess Classifier::classify(const std::filesystem::path& image) const { return top(image, 1).front(); }

std::vector<Guess> Classifier::classify(std::span<const Tensor> images) const {
  const Shape& shape = state_->net.input_shape();
  Tensor batch(shape.with_batch(isize(images.size())), DType::uint8);
  for (std::size_t i = 0; i < images.size(); ++i) {
    const Tensor fitted = data::fit_image(images[i], state_->reading);
    std::ranges::copy(fitted.uint8s(), batch.uint8s().subspan(i * usize(shape.elements())).begin());
  }
  const Tensor result = probabilities(batch);
  std::vector<Guess> guesses;
  for (std::size_t i = 0; i < images.size(); ++i) {
    const std::size_t classes = usize(state_->net.output_shape().elements());
    guesses.push_back(best_of(state_->net, result.floats().subspan(i * classes, classes), 1).front());
  }
  return guesses;
}

}  // namespace saccade
