#include "saccade/train/fine_tuning.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "saccade/base/error.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/blocks.h"

namespace saccade {
namespace {

constexpr std::array kPolicies = {BatchNormPolicy::with_layers, BatchNormPolicy::frozen, BatchNormPolicy::train};

void require(bool holds, std::string_view option, std::string_view expected, double got, std::string_view fix) {
  if (holds) return;
  throw ValueError({.where = fmt::format("fine tuning: {}", option),
                    .expected = std::string(expected),
                    .got = fmt::format("{}", got),
                    .fix = std::string(fix)});
}

}  // namespace

std::string_view name_of(BatchNormPolicy policy) noexcept {
  if (policy == BatchNormPolicy::frozen) return "frozen";
  return policy == BatchNormPolicy::train ? "train" : "with-layers";
}

BatchNormPolicy batch_norm_policy_named(std::string_view name) {
  const auto found = std::ranges::find(kPolicies, name, [](BatchNormPolicy policy) { return name_of(policy); });
  if (found != kPolicies.end()) return *found;
  throw ValueError({.where = "batch normalisation",
                    .expected = "with-layers, frozen or train",
                    .got = fmt::format("'{}'", name),
                    .fix = "with-layers freezes that of frozen layers"});
}

void apply(BatchNormPolicy policy, Model& net) {
  if (policy == BatchNormPolicy::with_layers) return;
  for (const GraphNode& node : net.nodes()) {
    if (dynamic_cast<const BatchNorm*>(node.layer.get()) == nullptr) continue;
    for (const std::size_t i : node.parameters) net.parameters()[i].trainable = policy == BatchNormPolicy::train;
  }
}

void check(const FineTuning& o) {
  require(o.block_decay > 0.0 && o.block_decay <= 1.0, "block_decay", "above 0 and at most 1", o.block_decay,
          "0.5 halves the learning rate from block to block; 1 is off");
  require(o.head_factor > 0.0 && std::isfinite(o.head_factor), "head_factor", "a finite number above 0", o.head_factor,
          "10 suits a new head; 1 is off");
  require(o.unfreeze_every >= 0, "unfreeze_every", "zero or more epochs", static_cast<double>(o.unfreeze_every),
          "0 is off");
  require(o.warmup_epochs >= 0.0 && std::isfinite(o.warmup_epochs), "warmup_epochs", "zero or more", o.warmup_epochs,
          "0 is off");
}

void set_learning_rates(Model& net, const FineTuning& options) {
  const std::vector<std::size_t> blocks = blocks_of(net.graph());
  for (std::size_t block = 0; block < blocks.size(); ++block) {
    const std::size_t behind = blocks.size() - 1 - block;
    const double factor =
        behind == 0 ? options.head_factor : std::pow(options.block_decay, static_cast<double>(behind));
    const std::size_t end = behind == 0 ? net.nodes().size() : blocks[block + 1];
    for (const GraphNode& node : net.nodes().subspan(blocks[block], end - blocks[block])) {
      for (const std::size_t i : node.parameters) net.parameters()[i].learning_rate_factor = factor;
    }
  }
}

std::string unfreeze_next_block(Model& net) {
  const std::vector<std::size_t> blocks = blocks_of(net.graph());
  const auto learns = [&](const GraphNode& node) {
    return std::ranges::any_of(node.parameters, [&](std::size_t i) { return net.parameters()[i].learns(); });
  };
  const auto first = std::ranges::find_if(net.nodes(), learns);
  const auto position = static_cast<std::size_t>(first - net.nodes().begin());
  // The block that it stands in, or the end of them.
  const auto block = std::ranges::upper_bound(blocks, position) - 1;
  if (first == net.nodes().end() || blocks.empty() || block == blocks.begin()) return {};
  std::string name;
  for (std::size_t i = *(block - 1); i < *block; ++i) {
    for (const std::size_t p : net.nodes()[i].parameters) {
      net.parameters()[p].trainable = true;
      if (name.empty()) name = net.nodes()[i].name;
    }
  }
  return name;
}

}  // namespace saccade
