// Stands in for small_gemm.cpp where LIBXSMM was not found: what is built from it declines.
#include "saccade/base/error.h"
#include "saccade/kernels/gemm/small_gemm_internal.h"

namespace saccade::kernels {

std::string SmallGemm::decline() { return "Saccade was built without LIBXSMM"; }

bool SmallGemm::has_long_vectors() { return false; }

SmallGemm::SmallGemm(const Shape&) : call_(nullptr) {
  throw SystemError({.where = "matrix product", .expected = "LIBXSMM", .got = decline(), .fix = "ask decline() first"});
}

}  // namespace saccade::kernels
