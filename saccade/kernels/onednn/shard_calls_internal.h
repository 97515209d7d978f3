#pragma once
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "saccade/kernels/onednn/onednn_internal.h"

namespace saccade::kernels::onednn {

/// The descriptions of the primitives for whole shards and for the last shard, which is smaller when the batch does not
/// divide evenly.
struct WholeAndLast {
  dnnl::primitive_desc_base whole, last;
};

/// The cut of a batch and its primitives.
struct CutPrimitives {
  Shards shards;
  WholeAndLast primitives;
};

/// Why oneDNN has nothing better than a plain loop for what `describe` (giving CutPrimitives) asks of it, or "".
template <class Describe>
std::string decline_plain_loops(const Describe& describe) {
  try {
    const CutPrimitives cut = describe();
    const bool plain = is_plain_loop(cut.primitives.whole) || is_plain_loop(cut.primitives.last);
    return plain ? "oneDNN has only a plain loop for it" : "";
  } catch (const dnnl::error& error) {
    return std::string("oneDNN: ") + error.what();
  }
}

/// A batch of `rows` for an operation that is bound by memory: pieces of at least 64 KiB of floats.
inline Shards cut_by_memory(Index rows, Index elements_per_row) {
  constexpr Index kLeastElements = 16384;  // Below, a piece is not worth its start.
  constexpr Index kMostShards = 16;
  return Shards::cut(rows, elements_per_row, kLeastElements, kMostShards);
}

/// One call a shard, and the scratch memory they want.
class ShardCalls {
 public:
  /// `arguments` are DNNL_ARG_... numbers; scratchpads are added to `scratch`.
  ShardCalls(const Shards& shards, const WholeAndLast& descriptions, std::span<const int> arguments,
             ScratchLayout& scratch);

  Index count() const { return shards_.count(); }

  /// A shard's images in a buffer of the whole batch.
  template <class T>
  std::span<T> part(std::span<T> batch, Index shard) const {
    const Index image = isize(batch.size()) / shards_.n;
    return batch.subspan(usize(shards_.first(shard) * image), usize(shards_.size(shard) * image));
  }

  /// Points call number `shard` at its arguments, in the order of the constructor's list (more are ignored), and
  /// executes it. Calls of different shards may run at the same time.
  void execute(Index shard, std::span<std::byte> scratch, std::initializer_list<const void*> arguments) {
    execute(shard, scratch, std::span(arguments.begin(), arguments.size()));
  }
  void execute(Index shard, std::span<std::byte> scratch, std::span<const void* const> arguments);

 private:
  Shards shards_;
  std::size_t arguments_;
  std::vector<Call> calls_;
  std::vector<Index> scratchpads_;
};

}  // namespace saccade::kernels::onednn
