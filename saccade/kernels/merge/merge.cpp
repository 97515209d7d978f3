#include "saccade/kernels/merge/merge.h"

#include <array>
#include <memory>

#include "saccade/kernels/merge/concat_copy.h"
#include "saccade/kernels/merge/merge_simd.h"
#include "saccade/kernels/merge/onednn_merge_internal.h"
#include "saccade/kernels/merge/reference.h"
#include "saccade/kernels/problem_id.h"

namespace saccade::kernels {
namespace {

class ReferenceAdd final : public AddKernel {
 public:
  explicit ReferenceAdd(const AddProblem& problem) : problem_(problem) {}
  void run(const AddBuffers& buffers) override { reference::add<float>(problem_, buffers.src, buffers.dst); }

 private:
  AddProblem problem_;
};

class ReferenceConcat final : public ConcatKernel {
 public:
  explicit ReferenceConcat(const ConcatProblem& problem) : problem_(problem) {}
  void run(const ConcatBuffers& buffers) override {
    if (problem_.pass == Pass::forward) {
      reference::concat_forward<float>(problem_, buffers.src, buffers.dst);
    } else {
      reference::concat_backward_data<float>(problem_, buffers.grad_dst, buffers.grad_src);
    }
  }

 private:
  ConcatProblem problem_;
};

std::unique_ptr<AddKernel> make_reference_add(const AddProblem& problem) {
  return std::make_unique<ReferenceAdd>(problem);
}

std::unique_ptr<ConcatKernel> make_reference_concat(const ConcatProblem& problem) {
  return std::make_unique<ReferenceConcat>(problem);
}

constexpr std::array kAddImplementations = {
    AddImplementation{"simd", accept_all, simd::make},
    AddImplementation{"onednn", onednn::decline_add, onednn::make_add},
    AddImplementation{"reference", accept_all, make_reference_add},
};

constexpr std::array kConcatImplementations = {
    ConcatImplementation{"copy", accept_all, copy::make},
    ConcatImplementation{"onednn", onednn::decline_concat, onednn::make_concat},
    ConcatImplementation{"reference", accept_all, make_reference_concat},
};

}  // namespace

std::string AddProblem::id() const { return problem_id({{"i", inputs}, {"n", elements}}); }

std::string ConcatProblem::id() const {
  std::string id = problem_id({{"r", rows}});
  for (const Index c : channels) id += problem_id({{"c", c}});
  return id;
}

std::span<const AddImplementation> add_implementations() { return kAddImplementations; }
std::span<const ConcatImplementation> concat_implementations() { return kConcatImplementations; }

}  // namespace saccade::kernels
