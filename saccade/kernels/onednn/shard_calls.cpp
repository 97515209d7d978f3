#include <algorithm>

#include "saccade/base/parallel.h"
#include "saccade/kernels/onednn/shard_calls_internal.h"

namespace saccade::kernels::onednn {

ShardCalls::ShardCalls(const Shards& shards, const WholeAndLast& descriptions, std::span<const int> arguments,
                       ScratchLayout& scratch)
    : shards_(shards), arguments_(arguments.size()) {
  const SingleThreadScope single;
  const dnnl::primitive whole(descriptions.whole.get()), last(descriptions.last.get());
  for (Index shard = 0; shard < shards_.count(); ++shard) {
    if (shards_.size(shard) == shards_.images) {
      calls_.emplace_back(whole, descriptions.whole, arguments);
    } else {
      calls_.emplace_back(last, descriptions.last, arguments);
    }
    scratchpads_.push_back(scratch.add(calls_.back().scratchpad_bytes()));
  }
}

void ShardCalls::execute(Index shard, std::span<std::byte> scratch, std::span<const void* const> arguments) {
  Call& call = calls_[usize(shard)];
  for (std::size_t i = 0; i < std::min(arguments_, arguments.size()); ++i) call.set(i, arguments[i]);
  call.set_scratchpad(scratch.data() + scratchpads_[usize(shard)]);
  call.execute();
}

}  // namespace saccade::kernels::onednn
