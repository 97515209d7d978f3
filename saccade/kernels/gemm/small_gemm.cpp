#include <libxsmm.h>

#include "saccade/base/error.h"
#include "saccade/kernels/gemm/small_gemm_internal.h"

namespace saccade::kernels {
namespace {

/// Asks the library for its target once; it finds out about the processor then.
bool has_code() {
  static const bool result = [] {
    libxsmm_init();
    return libxsmm_get_target_archid() >= LIBXSMM_X86_AVX2;
  }();
  return result;
}

libxsmm_blasint blas(Index i) { return static_cast<libxsmm_blasint>(i); }

}  // namespace

std::string SmallGemm::decline() { return has_code() ? "" : "the processor has no AVX2"; }

SmallGemm::SmallGemm(const Shape& s) {
  const libxsmm_blasint lda = blas(s.b_stride), ldb = blas(s.a_stride), ldc = blas(s.c_stride);
  const float one = 1.0F, beta = s.add ? 1.0F : 0.0F;
  const int flags = s.a_transposed ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
  call_ = has_code() ? libxsmm_smmdispatch(blas(s.columns), blas(s.rows), blas(s.inner), &lda, &ldb, &ldc, &one, &beta,
                                           &flags, nullptr)
                     : nullptr;
  if (call_ == nullptr) {
    throw SystemError({.where = "matrix product",
                       .expected = "machine code from LIBXSMM",
                       .got = "none",
                       .fix = "free memory, or allow this process executable memory"});
  }
}

}  // namespace saccade::kernels
