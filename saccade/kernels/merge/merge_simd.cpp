#include "saccade/kernels/merge/merge_simd.h"

#include <algorithm>

#include "saccade/base/parallel.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/merge/merge_simd.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/simd/vector_internal.h"

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

/// dst[i] = a[i] + b[i]; dst may be a.
void AddTwo(const float* a, const float* b, float* dst, std::size_t count) {
  Map(a, b, dst, count, [](FloatVector x, FloatVector y) HWY_ATTR { return hn::Add(x, y); });
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(AddTwo);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

class SimdAdd final : public AddKernel {
 public:
  explicit SimdAdd(const AddProblem& problem) : problem_(problem) {}

  void run(const AddBuffers& buffers) override {
    parallel_ranges(problem_.elements, kGrain, [&](Index begin, Index end) {
      const std::size_t count = usize(end - begin);
      const float* sum = buffers.src[0].data() + begin;
      float* dst = buffers.dst.data() + begin;
      if (problem_.inputs == 1) std::copy_n(sum, count, dst);
      // The third and later inputs are added while the piece of dst is still in the cache.
      for (std::size_t k = 1; k < usize(problem_.inputs); ++k, sum = dst) {
        HWY_DYNAMIC_DISPATCH(AddTwo)(sum, buffers.src[k].data() + begin, dst, count);
      }
    });
  }

 private:
  AddProblem problem_;
};

}  // namespace

std::unique_ptr<AddKernel> make(const AddProblem& problem) { return std::make_unique<SimdAdd>(problem); }

}  // namespace saccade::kernels::simd
#endif
