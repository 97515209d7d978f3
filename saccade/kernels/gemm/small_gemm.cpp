#include <libxsmm.h>

#include "saccade/base/error.h"
#include "saccade/kernels/gemm/small_gemm_internal.h"

namespace saccade::kernels {
namespace {

libxsmm_blasint blas(Index i) { return static_cast<libxsmm_blasint>(i); }

/// Machine code for a product, or null when there is none.
libxsmm_smmfunction code_for(const SmallGemm::Shape& s) {
  const libxsmm_blasint lda = blas(s.b_stride), ldb = blas(s.a_stride), ldc = blas(s.c_stride);
  const float one = 1.0F, beta = s.add ? 1.0F : 0.0F;
  const int flags = s.a_transposed ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
  const int prefetch = LIBXSMM_GEMM_PREFETCH_AL2;
  return libxsmm_smmdispatch(blas(s.columns), blas(s.rows), blas(s.inner), &lda, &ldb, &ldc, &one, &beta, &flags,
                             s.fetches ? &prefetch : nullptr);
}

/// Why there is no code here, or "". A process may be forbidden to write any.
std::string find_out() {
  libxsmm_init();
  if (libxsmm_get_target_archid() < LIBXSMM_X86_AVX2) return "the processor has no AVX2";
  constexpr Index kSide = 16;
  const SmallGemm::Shape shape{
      .rows = kSide, .columns = kSide, .inner = kSide, .a_stride = kSide, .b_stride = kSide, .c_stride = kSide};
  return code_for(shape) == nullptr ? "LIBXSMM could not write machine code" : "";
}

}  // namespace

std::string SmallGemm::decline() {
  static const std::string reason = find_out();
  return reason;
}

bool SmallGemm::has_long_vectors() { return decline().empty() && libxsmm_get_target_archid() >= LIBXSMM_X86_AVX512; }

SmallGemm::SmallGemm(const Shape& shape) : call_(decline().empty() ? code_for(shape) : nullptr) {
  if (call_ != nullptr) return;
  throw SystemError({.where = "matrix product",
                     .expected = "machine code from LIBXSMM",
                     .got = "none",
                     .fix = "free memory, or allow this process executable memory"});
}

}  // namespace saccade::kernels
