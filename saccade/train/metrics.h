#pragma once
#include <span>
#include <string>
#include <vector>

#include "saccade/base/integer.h"

namespace saccade {

/// What a network said of one image.
struct Prediction {
  Index index = 0;           ///< The image's number in its dataset.
  Index label = 0;           ///< What it is.
  Index predicted = 0;       ///< The class of the largest output; the first of equals.
  float probability = 0.0F;  ///< That the network gave to `predicted`.
  float loss = 0.0F;         ///< Of this image, times its weight.
  float weight = 1.0F;       ///< Of this image.
  Index rank = 0;  ///< How many classes scored higher than the label, or as high and stand before it; 0 is right.
};

/// Counts of (true class, predicted class).
class ConfusionMatrix {
 public:
  ConfusionMatrix(Index classes, std::span<const Prediction> predictions);
  Index classes() const noexcept { return classes_; }
  Index at(Index label, Index predicted) const { return counts_[usize(label * classes_ + predicted)]; }

  /// Of one class, with t = correct predictions of it: precision = t / predicted as it, recall = t / labelled so,
  /// f1 = 2 precision recall / (precision + recall). 0 where the denominator is 0 (scikit-learn's zero_division=0).
  struct ClassScore {
    double precision = 0.0, recall = 0.0, f1 = 0.0;
    Index support = 0;  ///< Images labelled so.
  };
  ClassScore score(Index label) const;

 private:
  Index classes_;
  std::vector<Index> counts_;
};

/// How well a network does on a dataset.
struct Evaluation {
  double loss = 0.0;      ///< Mean over the images of loss times weight. As in Keras it is the sum over their number.
  double accuracy = 0.0;  ///< Share of images whose label has the largest output.
  Index classes = 0;
  std::vector<Prediction> predictions;  ///< One an image, in the dataset's order.

  /// Share of the weights that is of images whose label has the largest output; 0 when all are 0.
  double weighted_accuracy() const;
  /// Share of images whose label is among the k largest outputs.
  double top_k_accuracy(Index k) const;
  ConfusionMatrix confusion() const { return {classes, predictions}; }
  /// The wrongly classified images, largest loss first; at most `count`.
  std::vector<Prediction> worst(Index count) const;
};

/// The position of the largest of `scores`; the first of equals.
Index argmax(std::span<const float> scores);
/// How many scores beat scores[label], counting equal ones that stand before it.
Index rank_of(std::span<const float> scores, Index label);

}  // namespace saccade
