#include "saccade/kernels/update/squares.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "saccade/base/parallel.h"

namespace saccade::kernels {
namespace {

constexpr Index kPiece = 8192;  // Elements that one thread sums.
constexpr Index kPieces = 256;  // Partial sums kept at a time, on the stack.
constexpr std::size_t kLanes = 8;

// Element i goes to sum i % 8: independent additions that the compiler can put into vectors.
double sum_piece(std::span<const float> x) {
  std::array<double, kLanes> lanes{};
  std::size_t i = 0;
  for (; i + kLanes <= x.size(); i += kLanes) {
    for (std::size_t j = 0; j < kLanes; ++j) lanes[j] += double{x[i + j]} * double{x[i + j]};
  }
  for (; i < x.size(); ++i) lanes[i % kLanes] += double{x[i]} * double{x[i]};
  return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

// The sum of piece_sum(begin, end) over the pieces of 0 .. count, in order.
template <class PieceSum>
double sum_pieces(Index count, const PieceSum& piece_sum) {
  std::array<double, kPieces> sums{};
  double total = 0.0;
  for (Index first = 0; first < count; first += kPiece * kPieces) {
    const Index pieces = std::min(kPieces, ceil_divide(count - first, kPiece));
    parallel_for(pieces, [&](Index piece) {
      const Index begin = first + piece * kPiece;
      sums[usize(piece)] = piece_sum(usize(begin), usize(std::min(begin + kPiece, count)));
    });
    for (Index piece = 0; piece < pieces; ++piece) total += sums[usize(piece)];
  }
  return total;
}

}  // namespace

double sum_of_squares(std::span<const float> values) {
  return sum_pieces(isize(values.size()), [values](std::size_t begin, std::size_t end) {
    return sum_piece(values.subspan(begin, end - begin));
  });
}

double add_l2(std::span<const float> weight, std::span<float> grad, float l2) {
  const float factor = 2.0F * l2;
  return double{l2} * sum_pieces(isize(weight.size()), [=](std::size_t begin, std::size_t end) {
           for (std::size_t i = begin; i < end; ++i) grad[i] += factor * weight[i];
           return sum_piece(weight.subspan(begin, end - begin));
         });
}

}  // namespace saccade::kernels
