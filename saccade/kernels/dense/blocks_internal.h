#pragma once
#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "saccade/kernels/gemm/small_gemm_internal.h"

namespace saccade::kernels {

/// An extent cut into blocks of one size, the last one of which may be smaller.
struct Blocks {
  Index extent, size;

  Index count() const { return ceil_divide(extent, size); }
  Index begin(Index block) const { return block * size; }
  Index length(Index block) const { return std::min(size, extent - begin(block)); }
  bool is_last(Index block) const { return block + 1 == count(); }
};

/// Blocks of about equal size, a multiple of `step`, none above `most`, which is one too.
inline Blocks equal_blocks(Index extent, Index most, Index step = 1) {
  return {extent, round_up(ceil_divide(extent, ceil_divide(extent, most)), step)};
}

/// Likewise, and so many that two, four or eight threads share them out evenly.
inline Blocks even_blocks(Index extent, Index most) {
  constexpr Index kShares = 8;
  return {extent, ceil_divide(extent, round_up(ceil_divide(extent, most), kShares))};
}

/// Why dense layers are not made from blocks on this machine, or "".
inline std::string decline_blocks() {
  if (std::string reason = SmallGemm::decline(); !reason.empty()) return reason;
  return SmallGemm::has_long_vectors() ? "" : "without AVX-512 oneDNN is as fast";
}

/// SmallGemm for every combination of whole and last blocks.
class BlockGemm {
 public:
  /// `shape` without rows, columns and inner.
  BlockGemm(const Blocks& rows, const Blocks& columns, const Blocks& inner, SmallGemm::Shape shape)
      : rows_(rows), columns_(columns), inner_(inner) {
    const auto length = [](const Blocks& blocks, bool last) { return blocks.length(last ? blocks.count() - 1 : 0); };
    for (std::size_t i = 0; i < products_.size(); ++i) {
      shape.rows = length(rows, (i & 1U) != 0);
      shape.columns = length(columns, (i & 2U) != 0);
      shape.inner = length(inner, (i & 4U) != 0);
      products_[i].emplace(shape);
    }
  }

  const SmallGemm& at(Index row, Index column, Index inner) const {
    return *products_[(rows_.is_last(row) ? 1U : 0U) + (columns_.is_last(column) ? 2U : 0U) +
                      (inner_.is_last(inner) ? 4U : 0U)];
  }

 private:
  Blocks rows_, columns_, inner_;
  std::array<std::optional<SmallGemm>, 8> products_;
};

}  // namespace saccade::kernels
