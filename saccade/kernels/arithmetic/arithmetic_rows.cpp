#include "saccade/kernels/arithmetic/arithmetic_rows.h"

#include <algorithm>
#include <array>

#include "saccade/base/parallel.h"
#include "saccade/kernels/arithmetic/formula.h"
#include "saccade/kernels/simd/simd.h"

namespace saccade::kernels::rows {
namespace {

constexpr Index kColumns = 64;  // sums of a repeated array that are kept at a time

/// An axis of dst, and how far apart its neighbours stand in each array (0: repeated).
struct Axis {
  Index extent, dst, a, b;
};

/// Where an element stands.
struct Position {
  Index dst = 0, a = 0, b = 0;
  void move(const Axis& axis, Index steps) {
    dst += axis.dst * steps;
    a += axis.a * steps;
    b += axis.b * steps;
  }
};

/// dst's axes, outermost first; neighbours that can be walked as one are one.
std::vector<Axis> joined_axes(const ArithmeticProblem& p) {
  const std::vector<Index> extents = p.dst();
  std::vector<Axis> axes;  // innermost first
  Axis next{1, 1, 1, 1};   // strides if no array is repeated
  for (std::size_t k = extents.size(); k-- > 0;) {
    const Axis axis{extents[k], next.dst, p.a[k] == 1 ? 0 : next.a, p.b[k] == 1 ? 0 : next.b};
    next = {1, next.dst * extents[k], next.a * p.a[k], next.b * p.b[k]};
    if (axis.extent == 1) continue;
    const auto continues = [](Index stride, Index inner, Index extent) { return stride == inner * extent; };
    const Axis* last = axes.empty() ? nullptr : &axes.back();
    if (last && continues(axis.a, last->a, last->extent) && continues(axis.b, last->b, last->extent)) {
      axes.back().extent *= axis.extent;
    } else {
      axes.push_back(axis);
    }
  }
  if (axes.empty()) axes.push_back({1, 1, 1, 1});
  std::ranges::reverse(axes);
  return axes;
}

Index count(std::span<const Axis> axes) {
  Index count = 1;
  for (const Axis& axis : axes) count *= axis.extent;
  return count;
}

/// The i-th place of a walk over these axes, in row-major order.
Position place(std::span<const Axis> axes, Index i) {
  Position position;
  for (std::size_t k = axes.size(); k-- > 0;) {
    position.move(axes[k], i % axes[k].extent);
    i /= axes[k].extent;
  }
  return position;
}

class RowsArithmetic final : public ArithmeticKernel {
 public:
  explicit RowsArithmetic(const ArithmeticProblem& p) : pass_(p.pass), kind_(p.kind), axes_(joined_axes(p)) {}

  void run(const ArithmeticBuffers& b) override {
    for_kind(kind_, [&]<ArithmeticKind kKind>() {
      if (pass_ == Pass::forward) {
        for_each_element(
            [&](const Position& at) { b.dst[usize(at.dst)] = arithmetic<kKind>(b.a[usize(at.a)], b.b[usize(at.b)]); });
      } else {
        if (!b.grad_a.empty()) gradient<kKind, false>(b, b.grad_a);
        if (!b.grad_b.empty()) gradient<kKind, true>(b, b.grad_b);
      }
    });
  }

 private:
  /// Calls visit(position) for columns begin .. end-1 of a row along `axis`. The strides that occur are constants to the
  /// compiler.
  template <class Visit>
  static void walk_row(const Axis& axis, const Position& start, Index begin, Index end, Visit&& visit) {
    const auto walk = [&](auto a_stride, auto b_stride) {
      for (Index c = begin; c < end; ++c)
        visit(Position{start.dst + c, start.a + c * a_stride, start.b + c * b_stride});
    };
    using Zero = std::integral_constant<Index, 0>;
    using One = std::integral_constant<Index, 1>;
    if (axis.a == 1 && axis.b == 1) return walk(One{}, One{});
    if (axis.a == 1) return walk(One{}, Zero{});
    walk(Zero{}, One{});
  }

  template <class Visit>
  void for_each_element(Visit visit) const {
    const Axis& row = axes_.back();
    const auto outer = std::span(axes_).first(axes_.size() - 1);
    const Index pieces = ceil_divide(row.extent, simd::kGrain);  // of a row
    parallel_ranges(count(outer) * pieces, simd::rows_per_task(row.extent), [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        const Index first = i % pieces * simd::kGrain;
        walk_row(row, place(outer, i / pieces), first, std::min(first + simd::kGrain, row.extent), visit);
      }
    });
  }

  template <ArithmeticKind kKind, bool kOfB>
  void gradient(const ArithmeticBuffers& b, std::span<float> grad) const {
    const auto stride = [](const Axis& axis) { return kOfB ? axis.b : axis.a; };
    std::vector<Axis> kept, summed;
    for (const Axis& axis : axes_) (stride(axis) == 0 && axis.extent > 1 ? summed : kept).push_back(axis);
    if (summed.empty()) {
      for_each_element([&](const Position& at) {
        grad[usize(at.dst)] =
            arithmetic_gradient<kKind, kOfB>(b.a[usize(at.a)], b.b[usize(at.b)], b.grad_dst[usize(at.dst)]);
      });
      return;
    }
    const auto term = [&](const Position& at) {
      return arithmetic_gradient<kKind, kOfB>(static_cast<double>(b.a[usize(at.a)]),
                                              static_cast<double>(b.b[usize(at.b)]),
                                              static_cast<double>(b.grad_dst[usize(at.dst)]));
    };
    const Axis row = axes_.back();
    const auto moved = [](Position at, const Position& by) {
      return Position{at.dst + by.dst, at.a + by.a, at.b + by.b};
    };
    if (stride(row) != 0) {  // sums side by side
      kept.pop_back();
      const Index pieces = ceil_divide(row.extent, kColumns), terms = count(summed);
      parallel_for(count(kept) * pieces, [&](Index i) {
        const Position start = place(kept, i / pieces);
        const Index first = i % pieces * kColumns, last = std::min(first + kColumns, row.extent);
        std::array<double, usize(kColumns)> sums{};
        for (Index t = 0; t < terms; ++t) {
          const Position from = moved(start, place(summed, t));
          walk_row(row, from, first, last,
                   [&](const Position& at) { sums[usize(at.dst - from.dst - first)] += term(at); });
        }
        for (Index c = first; c < last; ++c) {
          grad[usize((kOfB ? start.b : start.a) + c)] = static_cast<float>(sums[usize(c - first)]);
        }
      });
      return;
    }
    summed.pop_back();
    const Index terms = count(summed);
    parallel_for(count(kept), [&](Index i) {
      const Position start = place(kept, i);
      double sum = 0.0;
      for (Index t = 0; t < terms; ++t) {
        walk_row(row, moved(start, place(summed, t)), 0, row.extent, [&](const Position& at) { sum += term(at); });
      }
      grad[usize(kOfB ? start.b : start.a)] = static_cast<float>(sum);
    });
  }

  Pass pass_;
  ArithmeticKind kind_;
  std::vector<Axis> axes_;
};

}  // namespace

std::unique_ptr<ArithmeticKernel> make_arithmetic(const ArithmeticProblem& problem) {
  return std::make_unique<RowsArithmetic>(problem);
}

}  // namespace saccade::kernels::rows
