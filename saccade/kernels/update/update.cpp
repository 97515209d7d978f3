#include "saccade/kernels/update/update.h"

#include <array>
#include <memory>

#include "saccade/base/parallel.h"
#include "saccade/kernels/update/reference.h"
#include "saccade/kernels/update/update_simd_internal.h"

namespace saccade::kernels {
namespace {

using SliceFunction = void (*)(UpdateRule, const UpdateNumbers&, const UpdateSlice&);

template <SliceFunction kUpdateSlice>
class SliceUpdate final : public UpdateKernel {
 public:
  explicit SliceUpdate(const UpdateProblem& problem) : rule_(problem.rule) {}
  void run(const UpdateBuffers& buffers) override {
    Index elements = 0;
    for (const UpdateSlice& slice : buffers.slices) elements += slice.elements;
    const auto update = [&](Index i) { kUpdateSlice(rule_, buffers.numbers, buffers.slices[usize(i)]); };
    // Waking the other threads costs more than a handful of elements.
    if (elements > kUpdateSliceElements) return parallel_for(isize(buffers.slices.size()), update);
    for (Index i = 0; i < isize(buffers.slices.size()); ++i) update(i);
  }

 private:
  UpdateRule rule_;
};

template <SliceFunction kUpdateSlice>
std::unique_ptr<UpdateKernel> make(const UpdateProblem& problem) {
  return std::make_unique<SliceUpdate<kUpdateSlice>>(problem);
}

constexpr std::array kUpdateImplementations = {
    UpdateImplementation{"simd", accept_all, make<simd::update_slice>},
    UpdateImplementation{"reference", accept_all, make<reference::update_slice>},
};

}  // namespace

std::string_view name_of(UpdateRule rule) noexcept {
  switch (rule) {
    case UpdateRule::sgd:
      return "sgd";
    case UpdateRule::momentum:
      return "momentum";
    case UpdateRule::nesterov:
      return "nesterov";
    case UpdateRule::rmsprop:
      return "rmsprop";
    case UpdateRule::rmsprop_momentum:
      return "rmsprop_momentum";
    case UpdateRule::rmsprop_centered:
      return "rmsprop_centered";
    case UpdateRule::rmsprop_centered_momentum:
      return "rmsprop_centered_momentum";
    case UpdateRule::adam:
      return "adam";
    case UpdateRule::amsgrad:
      return "amsgrad";
  }
  return "unknown";
}

int slot_count(UpdateRule rule) noexcept {
  switch (rule) {
    case UpdateRule::sgd:
      return 0;
    case UpdateRule::momentum:
    case UpdateRule::nesterov:
    case UpdateRule::rmsprop:
      return 1;
    case UpdateRule::rmsprop_momentum:
    case UpdateRule::rmsprop_centered:
    case UpdateRule::adam:
      return 2;
    case UpdateRule::rmsprop_centered_momentum:
    case UpdateRule::amsgrad:
      return 3;
  }
  return 0;
}

void WeightUpdate::run(Index first, std::span<float> grad) const {
  UpdateSlice slice = whole;
  slice.weight += first;
  slice.grad = grad.data();
  for (int i = 0; i < slot_count(rule); ++i) slice.slots[usize(i)] += first;
  if (slice.average != nullptr) slice.average += first;
  slice.elements = isize(grad.size());
  simd::update_slice(rule, numbers, slice);
}

std::string UpdateProblem::id() const { return std::string(name_of(rule)); }

std::span<const UpdateImplementation> update_implementations() { return kUpdateImplementations; }

}  // namespace saccade::kernels
