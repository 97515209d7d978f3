#pragma once
#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>

#include "saccade/base/integer.h"
#include "saccade/kernels/simd/simd.h"

namespace saccade::kernels::simd {

/// How a matrix [rows, c] is walked when each column has its own coefficients or its own sum. Few columns would leave
/// most of a vector empty, so several rows are taken together: a period of `rows_together` rows is a whole number of
/// vectors, and the coefficients are repeated to fill it. All of it depends on the extents alone.
class Columns {
 public:
  Columns(Index rows, Index c) : rows_(rows), c_(c) {
    if (c < 4 * kMostLanes) rows_together_ = kMostLanes / std::gcd(c, kMostLanes);
    const Index least = std::max({rows_per_task(c), kLeastRows, ceil_divide(rows, kMostBlocks)});
    block_rows_ = round_up(least, rows_together_);
  }

  Index rows() const { return rows_; }
  Index c() const { return c_; }
  /// Elements of a period.
  Index period() const { return rows_together_ * c_; }
  /// Floats of one array of repeated coefficients: whole vectors.
  Index pattern_size() const { return round_up(period(), kMostLanes); }
  /// Rows of one task, whole periods; the last block has what remains.
  Index block_rows() const { return block_rows_; }
  Index blocks() const { return ceil_divide(rows_, block_rows_); }

  /// pattern[p] = coefficient(p % c), zero after the period.
  template <class Coefficient>
  void fill_pattern(std::span<float> pattern, const Coefficient& coefficient) const {
    for (Index p = 0; p < c_; ++p) pattern[usize(p)] = static_cast<float>(coefficient(usize(p)));
    for (Index p = c_; p < period(); ++p) pattern[usize(p)] = pattern[usize(p - c_)];
    std::fill(pattern.begin() + period(), pattern.end(), 0.0F);
  }

  /// Adds up the sums of the blocks, [blocks, count], in order, into the first of them.
  void combine(std::span<double> sums, Index count) const {
    for (Index block = 1; block < blocks(); ++block) {
      for (Index i = 0; i < count; ++i) sums[usize(i)] += sums[usize(block * count + i)];
    }
  }

 private:
  // Bounds the memory for partial sums,
  static constexpr Index kMostBlocks = 256;
  // and the share of the walk that they take: as many bytes a block as eight rows, when there are two.
  static constexpr Index kLeastRows = 64;

  Index rows_;
  Index c_;
  Index rows_together_ = 1;
  Index block_rows_ = 1;
};

}  // namespace saccade::kernels::simd
