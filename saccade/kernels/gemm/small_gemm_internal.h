#pragma once
#include <string>

#include "saccade/base/integer.h"

namespace saccade::kernels {

/// A product of small matrices, prepared once for its extents: the block from which convolutions and dense layers are
/// built. Row-major:
///
///   c[i,j] = sum over k of a[i,k] * b[k,j]     (+ c[i,j] with `add`), 0 <= i < rows, 0 <= j < columns, 0 <= k < inner
///
/// a [rows, inner] or, with a_transposed, [inner, rows]; b [inner, columns]; c [rows, columns]; the distances between
/// their rows are given. Sums run over k in order, so results do not depend on how rows and columns are cut. One thread,
/// any number of them at once. LIBXSMM writes the machine code when the object is made: 93 to 99 % of a core's peak at
/// 64 columns, on AVX2 as on AVX-512, where oneDNN's product for large matrices reaches 60 to 90 %.
class SmallGemm {
 public:
  struct Shape {
    Index rows = 1, columns = 1, inner = 1;
    Index a_stride = 1, b_stride = 1, c_stride = 1;  ///< Elements from one row to the next.
    bool a_transposed = false;
    bool add = false;
    bool fetches = false;  ///< Each call is told the next one's b, and brings it to the second cache meanwhile.
  };

  /// "" where these products can be had, otherwise the reason why not.
  static std::string decline();
  /// Whether vectors hold 16 floats, with AVX-512, where decline() is empty.
  static bool has_long_vectors();

  /// Only where decline() is empty; throws SystemError when there is no memory for code.
  explicit SmallGemm(const Shape& shape);

  void operator()(const float* a, const float* b, float* c) const { call_(b, a, c, b, a, c); }
  /// With `fetches`. What next_b points at need not be there.
  void operator()(const float* a, const float* b, float* c, const float* next_b) const { call_(b, a, c, next_b, a, c); }

 private:
  // The library's matrices are column-major: it sees every matrix transposed, and the factors change places.
  using Call = void (*)(const float* b, const float* a, float* c, ...);
  Call call_;
};

}  // namespace saccade::kernels
