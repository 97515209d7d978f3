#pragma once
#include <cstdint>
#include <vector>

#include "saccade/data/loader.h"
#include "saccade/nn/loss.h"

namespace saccade {

/// Pairs of training images made into one another's neighbours. 0 is off; with both, half of the batches each.
struct MixingOptions {
  double mixup = 0.0;   ///< alpha, e.g. 0.2: x = t a + (1-t) b, targets likewise (Zhang et al., "mixup", 2018).
  double cutmix = 0.0;  ///< alpha, e.g. 1: a box of b in a; targets by area (Yun et al., "CutMix", 2019).
};

/// What a loss compares the outputs for a batch with: its targets where it has them, else its labels; and its weights. They
/// point into the batch.
Targets targets_of(const data::Batch& batch);

/// Mixes the images of a batch in place, row i with row n-1-i, both ways. One t of Beta(alpha, alpha) a batch, drawn from
/// Stream(seed, epoch, number of the batch, "mix"): the same for any number of workers, and after a resume.
///   mixup   x_i = t x_i + (1-t) x_j
///   cutmix  a box of sqrt(1-t) of height and width about a random centre, cut off at the borders, is exchanged;
///           t becomes the share of the picture that stayed
///   targets t onehot(label_i) + (1-t) onehot(label_j), or of the batch's own targets; weights likewise
class Mixer {
 public:
  /// Throws ValueError for an alpha that is negative or not finite.
  Mixer(const MixingOptions& options, Index classes, std::uint64_t seed);

  bool is_on() const noexcept { return options_.mixup > 0.0 || options_.cutmix > 0.0; }
  /// The targets that go with the changed images; they point into this object and the batch. Throws ValueError
  /// for a label outside 0 .. classes-1, ShapeError for another number of targets.
  Targets mix(data::Batch& batch);

 private:
  void require_targets(const data::Batch& batch) const;

  MixingOptions options_;
  Index classes_;
  std::uint64_t seed_;
  std::vector<float> dense_;
};

}  // namespace saccade
