#include "saccade/kernels/permute/permute.h"

#include <array>
#include <memory>

#include "saccade/kernels/permute/permute_tiled.h"
#include "saccade/kernels/permute/reference.h"
#include "saccade/kernels/problem_id.h"

namespace saccade::kernels {
namespace {

class ReferencePermute final : public PermuteKernel {
 public:
  explicit ReferencePermute(const PermuteProblem& problem) : problem_(problem) {}
  void run(const PermuteBuffers& buffers) override {
    if (problem_.pass == Pass::forward) {
      reference::permute_forward<float>(problem_, buffers.src, buffers.dst);
    } else {
      reference::permute_backward_data<float>(problem_, buffers.grad_dst, buffers.grad_src);
    }
  }

 private:
  PermuteProblem problem_;
};

std::unique_ptr<PermuteKernel> make_reference(const PermuteProblem& problem) {
  return std::make_unique<ReferencePermute>(problem);
}

constexpr std::array kPermuteImplementations = {
    PermuteImplementation{"tiled", accept_all, tiled::make_permute},
    PermuteImplementation{"reference", accept_all, make_reference},
};

}  // namespace

Index PermuteProblem::elements() const {
  Index elements = 1;
  for (const Index extent : extents) elements *= extent;
  return elements;
}

std::string PermuteProblem::id() const {
  std::string id;
  for (const Index extent : extents) id += problem_id({{"e", extent}});
  for (const Index axis : order) id += problem_id({{"p", axis}});
  return id;
}

std::span<const PermuteImplementation> permute_implementations() { return kPermuteImplementations; }

}  // namespace saccade::kernels
