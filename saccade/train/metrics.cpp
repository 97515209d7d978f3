#include "saccade/train/metrics.h"

#include <algorithm>

namespace saccade {

ConfusionMatrix::ConfusionMatrix(Index classes, std::span<const Prediction> predictions)
    : classes_(classes), counts_(usize(classes * classes)) {
  for (const Prediction& p : predictions) ++counts_[usize(p.label * classes + p.predicted)];
}

ConfusionMatrix::ClassScore ConfusionMatrix::score(Index label) const {
  Index labelled = 0, predicted = 0;
  for (Index other = 0; other < classes_; ++other) {
    labelled += at(label, other);
    predicted += at(other, label);
  }
  const auto ratio = [](double part, double whole) { return whole == 0.0 ? 0.0 : part / whole; };
  const auto correct = static_cast<double>(at(label, label));
  ClassScore score{.precision = ratio(correct, static_cast<double>(predicted)),
                   .recall = ratio(correct, static_cast<double>(labelled)),
                   .support = labelled};
  score.f1 = ratio(2.0 * score.precision * score.recall, score.precision + score.recall);
  return score;
}

double Evaluation::weighted_accuracy() const {
  double correct = 0.0, all = 0.0;
  for (const Prediction& p : predictions) {
    const auto weight = static_cast<double>(p.weight);
    all += weight;
    if (p.predicted == p.label) correct += weight;
  }
  return all == 0.0 ? 0.0 : correct / all;
}

double Evaluation::top_k_accuracy(Index k) const {
  if (predictions.empty()) return 0.0;
  const auto hits = std::ranges::count_if(predictions, [k](const Prediction& p) { return p.rank < k; });
  return static_cast<double>(hits) / static_cast<double>(predictions.size());
}

std::vector<Prediction> Evaluation::worst(Index count) const {
  std::vector<Prediction> wrong;
  std::ranges::copy_if(predictions, std::back_inserter(wrong),
                       [](const Prediction& p) { return p.predicted != p.label; });
  std::ranges::stable_sort(wrong, std::greater{}, &Prediction::loss);
  if (isize(wrong.size()) > count) wrong.resize(usize(count));
  return wrong;
}

Index argmax(std::span<const float> scores) { return std::ranges::max_element(scores) - scores.begin(); }

Index rank_of(std::span<const float> scores, Index label) {
  const float own = scores[usize(label)];
  Index rank = 0;
  for (Index i = 0; i < isize(scores.size()); ++i) {
    const float other = scores[usize(i)];
    rank += (other > own || (other == own && i < label)) ? 1 : 0;
  }
  return rank;
}

}  // namespace saccade
