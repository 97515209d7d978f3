#pragma once
#include <initializer_list>
#include <span>
#include <vector>

#include "saccade/kernels/onednn/onednn_internal.h"

namespace saccade::kernels::onednn {

/// The descriptions of the primitives for whole shards and for the last shard, which is smaller when the batch does not
/// divide evenly.
struct WholeAndLast {
  dnnl::primitive_desc_base whole, last;
};

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

  /// Points call number `shard` at its arguments, in the order of the constructor's list (more are ignored), and executes
  /// it. Calls of different shards may run at the same time.
  void execute(Index shard, std::span<std::byte> scratch, std::initializer_list<const void*> arguments);

 private:
  Shards shards_;
  std::size_t arguments_;
  std::vector<Call> calls_;
  std::vector<Index> scratchpads_;
};

}  // namespace saccade::kernels::onednn
