#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "saccade/data/dataset.h"
#include "saccade/nn/model.h"

namespace saccade {

struct TransferAdviceOptions {
  Index most_images = 500;  ///< Looked at, of each class as many as there are in proportion; 20 at least.
  Index batch_size = 32;
  std::uint64_t seed = 0;  ///< Of which images.
  int workers = 1;
  std::function<bool()> stop{};                  ///< Asked after each batch; true ends early with an InterruptedError.
  std::function<void(Index, Index)> progress{};  ///< Told (images done, all) after each batch.
};

/// How well a linear classifier does on what the network makes of images at one depth.
struct Probe {
  std::string layer;     ///< The last of the layers that run.
  Index layers = 0;      ///< How many layers with weights run.
  Index dimensions = 0;  ///< Numbers an image, averaged over its area (of the images themselves: over 8 x 8 fields).
  double accuracy = 0.0;
};

/// How much of the network to train.
enum class Training : std::uint8_t {
  last_layer,  ///< A new head on features that fit.
  last_block,  ///< The layers of the last block, too.
  from_layer,  ///< What lies behind the depth at which features fit best.
  all,         ///< Everything, gently.
  scratch,     ///< A new network: what this one knows is of no use here.
};

std::string_view name_of(Training training) noexcept;  ///< "last layer", ...

struct TransferAdvice {
  Index images = 0, classes = 0;
  Index fewest = 0, most = 0;  ///< Images of the smallest and the largest class.
  std::string smallest_class;
  Index looked_at = 0;          ///< Images of the probes.
  double majority = 0.0;        ///< Accuracy of naming the largest class whatever the image.
  double standard_error = 0.0;  ///< Of the best probe's accuracy.
  std::vector<Probe> probes;    ///< From the images themselves to what the last layer reads.
  Training training = Training::last_layer;
  std::string options;               ///< For `saccade train --from`: "--train-last 1"; empty for scratch.
  std::vector<std::string> reasons;  ///< With the numbers; a sentence each.
};

/// Looks at how many images there are and how far they lie from what the network was trained on: linear probes
/// (leave_one_out() of ridge regression) on features from several depths say how much of the way to these classes it goes.
///   features no better than pixels          what it knows is of no use: from scratch, or all with few images
///   deepest features best, few images       the last layer
///   deepest features best, many images      the last block; all with very many
///   earlier features better                 from there on; all with very many
/// Few is less than 100 an image class, very many 500 or more. "Better" is by more than two standard errors.
/// Throws ShapeError for images of another shape, ValueError for less than two classes or 20 images.
TransferAdvice transfer_advice(Model& net, const data::DatasetPtr& images, const TransferAdviceOptions& options = {});

/// Everything in it, as JSON.
std::string to_json(const TransferAdvice& advice);

}  // namespace saccade
