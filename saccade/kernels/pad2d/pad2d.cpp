#include "saccade/kernels/pad2d/pad2d.h"

#include <array>
#include <memory>

#include "saccade/kernels/pad2d/pad2d_copy.h"
#include "saccade/kernels/pad2d/reference.h"
#include "saccade/kernels/problem_id.h"

namespace saccade::kernels {
namespace {

class ReferencePad2D final : public Pad2DKernel {
 public:
  explicit ReferencePad2D(const Pad2DProblem& problem) : problem_(problem) {}
  void run(const Pad2DBuffers& buffers) override {
    if (problem_.pass == Pass::forward) {
      reference::pad2d_forward<float>(problem_, buffers.src, buffers.dst);
    } else {
      reference::pad2d_backward_data<float>(problem_, buffers.grad_dst, buffers.grad_src);
    }
  }

 private:
  Pad2DProblem problem_;
};

std::unique_ptr<Pad2DKernel> make_reference(const Pad2DProblem& problem) {
  return std::make_unique<ReferencePad2D>(problem);
}

constexpr std::array kPad2DImplementations = {
    Pad2DImplementation{"copy", accept_all, copy::make},
    Pad2DImplementation{"reference", accept_all, make_reference},
};

}  // namespace

std::string Pad2DProblem::id() const {
  std::string id = problem_id({{"n", n},
                               {"ih", ih},
                               {"iw", iw},
                               {"c", c},
                               {"pt", ph.before},
                               {"pb", ph.after},
                               {"pl", pw.before},
                               {"pr", pw.after}});
  if (pc.before != 0 || pc.after != 0) id += problem_id({{"pf", pc.before}, {"pk", pc.after}});
  return id;
}

std::span<const Pad2DImplementation> pad2d_implementations() { return kPad2DImplementations; }

}  // namespace saccade::kernels
