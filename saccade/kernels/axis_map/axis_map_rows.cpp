#include "saccade/kernels/axis_map/axis_map_rows.h"

#include <algorithm>
#include <array>

#include "saccade/base/parallel.h"
#include "saccade/kernels/simd/simd.h"

namespace saccade::kernels::rows {
namespace {

constexpr Index kSummedTogether = 64;  // numbers that are summed up together

/// The taps of the backward pass: each input is the sum of the outputs that read it.
AxisMapProblem transposed(const AxisMapProblem& p) {
  AxisMapProblem result{.outer = p.outer, .in = p.out(), .inner = p.inner, .first = {}, .taps = {}};
  result.first.assign(usize(p.in) + 1, 0);
  for (const AxisTap& tap : p.taps) ++result.first[usize(tap.from) + 1];
  for (std::size_t k = 1; k < result.first.size(); ++k) result.first[k] += result.first[k - 1];
  result.taps.resize(p.taps.size());
  std::vector<Index> next(result.first.begin(), result.first.end() - 1);
  for (Index j = 0; j < p.out(); ++j) {
    for (Index t = p.first[usize(j)]; t < p.first[usize(j) + 1]; ++t) {
      const AxisTap& tap = p.taps[usize(t)];
      result.taps[usize(next[usize(tap.from)]++)] = {j, tap.weight};
    }
  }
  return result;
}

/// Outputs `to` .. to + count - 1 that copy inputs from `from` on; count 1 for one that does not copy (from: -1).
struct Run {
  Index to, count, from;
};

std::vector<Run> runs_of(const AxisMapProblem& p) {
  std::vector<Run> runs;
  for (Index j = 0; j < p.out(); ++j) {
    const Index begin = p.first[usize(j)];
    const bool copies = p.first[usize(j) + 1] == begin + 1 && p.taps[usize(begin)].weight == 1.0;
    const Index from = copies ? p.taps[usize(begin)].from : -1;
    if (copies && !runs.empty() && runs.back().from >= 0 && runs.back().from + runs.back().count == from) {
      ++runs.back().count;
    } else {
      runs.push_back({j, 1, from});
    }
  }
  return runs;
}

class RowsAxisMap final : public AxisMapKernel {
 public:
  explicit RowsAxisMap(const AxisMapProblem& p)
      : pass_(p.pass), p_(p.pass == Pass::forward ? p : transposed(p)), runs_(runs_of(p_)) {}

  void run(const AxisMapBuffers& b) override {
    const bool forward = pass_ == Pass::forward;
    const float* from = (forward ? b.src : b.grad_dst).data();
    float* to = (forward ? b.dst : b.grad_src).data();
    const Index runs = isize(runs_.size());
    if (runs == 0) return;
    const Index work = std::max(p_.out(), isize(p_.taps.size())) * p_.inner / runs;
    parallel_ranges(p_.outer * runs, simd::rows_per_task(std::max<Index>(work, 1)), [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        const Run& run = runs_[usize(i % runs)];
        const float* src = from + i / runs * p_.in * p_.inner;
        float* dst = to + (i / runs * p_.out() + run.to) * p_.inner;
        if (run.from >= 0) {
          std::copy_n(src + run.from * p_.inner, run.count * p_.inner, dst);
        } else {
          sum_up(src, run.to, dst);
        }
      }
    });
  }

 private:
  void sum_up(const float* src, Index j, float* dst) const {
    const Index begin = p_.first[usize(j)], end = p_.first[usize(j) + 1];
    if (begin == end) {
      std::fill_n(dst, p_.inner, p_.fill);
      return;
    }
    for (Index i = 0; i < p_.inner; i += kSummedTogether) {
      const Index columns = std::min(kSummedTogether, p_.inner - i);
      std::array<double, usize(kSummedTogether)> sums{};
      for (Index t = begin; t < end; ++t) {
        const AxisTap& tap = p_.taps[usize(t)];
        const float* x = src + tap.from * p_.inner + i;
        for (Index c = 0; c < columns; ++c) sums[usize(c)] += static_cast<double>(x[c]) * tap.weight;
      }
      for (Index c = 0; c < columns; ++c) dst[i + c] = static_cast<float>(sums[usize(c)]);
    }
  }

  Pass pass_;
  AxisMapProblem p_;
  std::vector<Run> runs_;
};

}  // namespace

std::unique_ptr<AxisMapKernel> make_axis_map(const AxisMapProblem& problem) {
  return std::make_unique<RowsAxisMap>(problem);
}

}  // namespace saccade::kernels::rows
