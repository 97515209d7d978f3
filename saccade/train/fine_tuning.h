#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "saccade/base/integer.h"
#include "saccade/nn/model.h"

namespace saccade {

/// Whether batch normalisation learns. A layer that does not uses its moving averages as in inference, and leaves them and
/// gamma and beta alone, bit for bit.
enum class BatchNormPolicy : std::uint8_t {
  with_layers,  ///< As parameters say: those of frozen layers do not, the others do.
  frozen,       ///< None does, also among layers that learn: for batches too small or too odd to take statistics from.
  train,  ///< All do, also among frozen layers: for images of other brightness or contrast than the network knows.
};

std::string_view name_of(BatchNormPolicy policy) noexcept;  ///< "with-layers", "frozen" or "train"
/// The policy of that name. Throws ValueError listing the names.
BatchNormPolicy batch_norm_policy_named(std::string_view name);

/// Freezes or unfreezes the batch normalisation layers of a network as the policy says. Recompile plans afterwards.
void apply(BatchNormPolicy policy, Model& net);

/// How a trained network is trained on for other images. Blocks are those of blocks_of().
struct FineTuning {
  /// The learning rate of each block is that of the block behind it times this (Howard and Ruder 2018, "discriminative
  /// fine-tuning"; timm: layer_decay): above 0, at most 1.
  double block_decay = 1.0;
  /// The learning rate of the last block is multiplied by this: above 0.
  double head_factor = 1.0;
  /// After so many epochs the block before those that learn begins to learn, too, and so on ("gradual unfreezing"); 0 is off.
  Index unfreeze_every = 0;
  BatchNormPolicy batch_norm = BatchNormPolicy::with_layers;
  /// The learning rate rises in a straight line from 0 to what the schedule says over so many epochs; zero or more.
  double warmup_epochs = 0.0;
};

/// Throws ValueError for a number outside its domain.
void check(const FineTuning& options);

/// Sets every parameter's learning_rate_factor: block_decay ^ (blocks behind its own), and in the last block head_factor.
void set_learning_rates(Model& net, const FineTuning& options);

/// The block before the first in which something learns begins to learn, wholly. Returns the name of its first layer with
/// weights, or nothing where the first block learns already or none does. Recompile plans, and bind optimisers afterwards.
std::string unfreeze_next_block(Model& net);

}  // namespace saccade
