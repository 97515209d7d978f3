#pragma once
#include <functional>

#include "saccade/data/dataset.h"
#include "saccade/data/loader.h"
#include "saccade/nn/loss.h"
#include "saccade/nn/model.h"
#include "saccade/train/metrics.h"
#include "saccade/train/test_time.h"

namespace saccade {

struct EvaluateOptions {
  Index batch_size = 256;
  Loss loss = SoftmaxCrossEntropy{};
  int workers = 1;  ///< Threads that read images ahead.
  Index max_queue_size = 10;
  data::Transform transform{};  ///< Applied to every image, e.g. a shift.
  TestTimeAugmentation test_time_augmentation = TestTimeAugmentation::none;
  std::function<bool()> stop{};                  ///< Asked after each batch; true ends early with an InterruptedError.
  std::function<void(Index, Index)> progress{};  ///< Told (images done, all) after each batch.
};

/// Images at a time that take no more memory to evaluate than `training_batch` of them take to train: twice as many, since no
/// gradients are kept, and at most 256.
constexpr Index evaluation_batch(Index training_batch) noexcept {
  return training_batch < 128 ? 2 * training_batch : 256;
}

/// Loss, accuracy and every single prediction of a network on a dataset, in the dataset's order. Weights are only read.
/// Throws ShapeError or ValueError when the two do not fit together.
Evaluation evaluate(Model& net, const data::DatasetPtr& dataset, const EvaluateOptions& options = {});

struct PredictOptions {
  Index batch_size = 256;
};

/// The network's outputs [n, ...] for images [n,h,w,c]: uint8 ones are preprocessed as the network wants, float32 ones
/// are taken as they are.
Tensor predict(Model& net, const Tensor& images, const PredictOptions& options = {});

/// Rows of logits or probabilities as probabilities: softmax, unless the network ends in softmax already.
Tensor probabilities(const Model& net, const Tensor& outputs);

/// Throws ShapeError or ValueError unless the network can be trained or tested on the dataset: image shape, number of
/// classes.
void check_fit(const Model& net, const data::Dataset& dataset);

}  // namespace saccade
