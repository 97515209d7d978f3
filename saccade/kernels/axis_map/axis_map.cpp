#include "saccade/kernels/axis_map/axis_map.h"

#include <array>
#include <memory>

#include "saccade/kernels/axis_map/axis_map_rows.h"
#include "saccade/kernels/axis_map/reference.h"

namespace saccade::kernels {
namespace {

class ReferenceAxisMap final : public AxisMapKernel {
 public:
  explicit ReferenceAxisMap(const AxisMapProblem& problem) : problem_(problem) {}
  void run(const AxisMapBuffers& buffers) override {
    if (problem_.pass == Pass::forward) {
      reference::axis_map_forward<float>(problem_, buffers.src, buffers.dst);
    } else {
      reference::axis_map_backward_data<float>(problem_, buffers.grad_dst, buffers.grad_src);
    }
  }

 private:
  AxisMapProblem problem_;
};

std::unique_ptr<AxisMapKernel> make_reference(const AxisMapProblem& problem) {
  return std::make_unique<ReferenceAxisMap>(problem);
}

constexpr std::array kAxisMapImplementations = {
    AxisMapImplementation{"rows", accept_all, rows::make_axis_map},
    AxisMapImplementation{"reference", accept_all, make_reference},
};

}  // namespace

std::span<const AxisMapImplementation> axis_map_implementations() { return kAxisMapImplementations; }

}  // namespace saccade::kernels
