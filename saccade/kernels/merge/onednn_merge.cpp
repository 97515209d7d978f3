#include <array>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "saccade/base/aligned_buffer.h"
#include "saccade/base/parallel.h"
#include "saccade/kernels/merge/onednn_merge_internal.h"
#include "saccade/kernels/onednn/onednn_internal.h"
#include "saccade/kernels/onednn/shard_calls_internal.h"

namespace saccade::kernels::onednn {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

/// DNNL_ARG_MULTIPLE_SRC, DNNL_ARG_MULTIPLE_SRC + 1, ..., DNNL_ARG_DST
std::vector<int> many_to_one(std::size_t inputs) {
  std::vector<int> arguments(inputs + 1, DNNL_ARG_DST);
  std::iota(arguments.begin(), arguments.end() - 1, static_cast<int>(DNNL_ARG_MULTIPLE_SRC));
  return arguments;
}

/// Runs a primitive of several inputs and one result on every shard. The list of arguments of each shard is kept here, so
/// that a run allocates nothing.
class ManyToOne {
 public:
  ManyToOne(const CutPrimitives& d, std::size_t inputs)
      : calls_(d.shards, d.primitives, many_to_one(inputs), scratch_),
        own_(usize(scratch_.size_bytes())),
        pointers_(usize(calls_.count()), std::vector<const void*>(inputs + 1)) {}

  void run(std::span<const std::span<const float>> src, std::span<float> dst) {
    parallel_for(calls_.count(), [&](Index shard) {
      std::vector<const void*>& pointers = pointers_[usize(shard)];
      for (std::size_t i = 0; i < src.size(); ++i) pointers[i] = calls_.part(src[i], shard).data();
      pointers.back() = calls_.part(dst, shard).data();
      calls_.execute(shard, own_.bytes(), pointers);
    });
  }

 private:
  ScratchLayout scratch_;
  ShardCalls calls_;
  AlignedBuffer own_;
  std::vector<std::vector<const void*>> pointers_;
};

CutPrimitives describe(const AddProblem& p) {
  const SingleThreadScope single;
  const auto sum = [&](Index elements) {
    const memory::desc shape({elements}, memory::data_type::f32, Tag::a);
    const std::vector<memory::desc> inputs(usize(p.inputs), shape);
    return dnnl::sum::primitive_desc(shape, std::vector<float>(inputs.size(), 1.0F), inputs, engine(), attributes());
  };
  const Shards shards = cut_by_memory(p.elements, p.inputs);
  return {shards, {sum(shards.images), sum(shards.last())}};
}

memory::desc matrix(Index rows, Index columns) { return {{rows, columns}, memory::data_type::f32, Tag::ab}; }

Index row_of(const ConcatProblem& p) { return std::accumulate(p.channels.begin(), p.channels.end(), Index{0}); }

CutPrimitives describe(const ConcatProblem& p) {
  const SingleThreadScope single;
  const auto concat = [&](Index rows) {
    std::vector<memory::desc> inputs;
    for (const Index channels : p.channels) inputs.push_back(matrix(rows, channels));
    return dnnl::concat::primitive_desc(matrix(rows, row_of(p)), 1, inputs, engine(), attributes());
  };
  const Shards shards = cut_by_memory(p.rows, row_of(p));
  return {shards, {concat(shards.images), concat(shards.last())}};
}

class OneDnnAdd final : public AddKernel {
 public:
  explicit OneDnnAdd(const AddProblem& p) : sum_(describe(p), usize(p.inputs)) {}
  void run(const AddBuffers& b) override { sum_.run(b.src, b.dst); }

 private:
  ManyToOne sum_;
};

class OneDnnConcat final : public ConcatKernel {
 public:
  explicit OneDnnConcat(const ConcatProblem& p) : concat_(describe(p), p.channels.size()) {}
  void run(const ConcatBuffers& b) override { concat_.run(b.src, b.dst); }

 private:
  ManyToOne concat_;
};

/// Concat has no backward primitive: each input's columns are a reorder out of the gradient.
class OneDnnConcatGradient final : public ConcatKernel {
 public:
  explicit OneDnnConcatGradient(const ConcatProblem& p)
      : shards_(cut_by_memory(p.rows, row_of(p))), row_(row_of(p)), channels_(p.channels) {
    for (Index shard = 0; shard < shards_.count(); ++shard) {
      const memory::desc whole = matrix(shards_.size(shard), row_);
      Index first = 0;
      for (const Index channels : channels_) {
        reorders_.push_back(make_reorder(whole.submemory_desc({shards_.size(shard), channels}, {0, first}),
                                         matrix(shards_.size(shard), channels)));
        scratchpads_.push_back(scratch_.add(reorders_.back().scratchpad_bytes()));
        first += channels;
      }
    }
    own_.emplace(usize(scratch_.size_bytes()));
  }

  void run(const ConcatBuffers& b) override {
    parallel_for(shards_.count(), [&](Index shard) {
      for (std::size_t k = 0; k < channels_.size(); ++k) {
        if (b.grad_src[k].empty()) continue;
        const std::size_t i = usize(shard) * channels_.size() + k;
        reorders_[i].set(0, b.grad_dst.data() + shards_.first(shard) * row_);
        reorders_[i].set(1, b.grad_src[k].data() + shards_.first(shard) * channels_[k]);
        reorders_[i].set_scratchpad(own_->bytes().data() + scratchpads_[i]);
        reorders_[i].execute();
      }
    });
  }

 private:
  Shards shards_;
  Index row_;
  std::vector<Index> channels_;
  std::vector<Call> reorders_;  // [shard][input]
  ScratchLayout scratch_;
  std::vector<Index> scratchpads_;
  std::optional<AlignedBuffer> own_;
};

}  // namespace

std::string decline_add(const AddProblem& p) {
  if (p.elements == 0) return "there is nothing to compute";
  return decline_plain_loops([&] { return describe(p); });
}

std::unique_ptr<AddKernel> make_add(const AddProblem& p) { return std::make_unique<OneDnnAdd>(p); }

std::string decline_concat(const ConcatProblem& p) {
  if (p.rows == 0 || row_of(p) == 0) return "there is nothing to compute";
  return decline_plain_loops([&] { return describe(p); });
}

std::unique_ptr<ConcatKernel> make_concat(const ConcatProblem& p) {
  if (p.pass == Pass::forward) return std::make_unique<OneDnnConcat>(p);
  return std::make_unique<OneDnnConcatGradient>(p);
}

}  // namespace saccade::kernels::onednn
