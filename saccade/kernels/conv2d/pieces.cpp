#include <algorithm>

#include "saccade/kernels/conv2d/pieces_internal.h"

namespace saccade::kernels {
namespace {

constexpr Index kLeastWork = 1'000'000;  // Multiply-adds below which a piece is not worth its start.
constexpr Index kMostPieces = 16;
// A depthwise filter sees one channel at a time: reading it takes longer than its few multiply-adds.
constexpr Index kDepthwiseCost = 8;
// A single image makes so many: enough for a few cores, and few enough that filters are not read over and over. More where
// what a piece writes would not stay in the second-level cache, in which its activation finds it.
constexpr Index kFewPieces = 4;
constexpr Index kCachedFloats = (Index{256} << 10) / isize(sizeof(float));

/// How many items go into a piece, so that pieces are nearly equal.
Index cut_evenly(Index items, Index pieces) { return ceil_divide(items, std::clamp<Index>(pieces, 1, items)); }

/// The same convolution over an image that is one row: a filter of one pixel does not see rows.
Conv2DProblem as_one_row(Conv2DProblem p) {
  p.iw *= p.ih;
  p.ih = 1;
  return p;
}

bool sees_single_pixels(const Conv2DProblem& p) {
  return p.kh == 1 && p.kw == 1 && p.sh == 1 && p.sw == 1 && p.ph == Pads{} && p.pw == Pads{};
}

/// Rows `first` up to `last` of the output of a single image.
Conv2DPiece rows_of(const Conv2DProblem& p, Index first, Index last) {
  const Index begin = first * p.sh - p.ph.before;
  const Index end = (last - 1) * p.sh - p.ph.before + window_extent(p.kh, p.dh);
  const Index from = std::clamp<Index>(begin, 0, p.ih), to = std::clamp<Index>(end, 0, p.ih);
  Conv2DPiece piece{.problem = p, .first_src = from * p.iw * p.ic, .first_dst = first * p.ow() * p.oc};
  piece.problem.ih = to - from;
  piece.problem.ph = {from - begin, end - to};
  return piece;
}

/// Pixels `first` up to `last` of an image that is one row.
Conv2DPiece pixels_of(const Conv2DProblem& p, Index first, Index last) {
  Conv2DPiece piece{.problem = p, .first_src = first * p.ic, .first_dst = first * p.oc};
  piece.problem.iw = last - first;
  return piece;
}

/// One image, between rows of its output; none when a piece would see nothing of it but padding.
std::vector<Conv2DPiece> cut_image(const Conv2DProblem& image, Index count) {
  const bool pixels = sees_single_pixels(image);
  const Conv2DProblem p = pixels ? as_one_row(image) : image;
  const Index items = pixels ? p.iw : p.oh();
  const Index size = cut_evenly(items, count);
  std::vector<Conv2DPiece> pieces;
  for (Index first = 0; first < items; first += size) {
    const Index last = std::min(items, first + size);
    pieces.push_back(pixels ? pixels_of(p, first, last) : rows_of(p, first, last));
    if (pieces.back().problem.ih < 1) return {};
  }
  return pieces;
}

std::vector<Conv2DPiece> cut_batch(const Conv2DProblem& p, Index count) {
  const Index size = cut_evenly(p.n, count);
  std::vector<Conv2DPiece> pieces;
  for (Index first = 0; first < p.n; first += size) {
    pieces.push_back(
        {.problem = p, .first_src = first * (p.src_elements() / p.n), .first_dst = first * (p.dst_elements() / p.n)});
    pieces.back().problem.n = std::min(size, p.n - first);
  }
  return pieces;
}

}  // namespace

std::vector<Conv2DPiece> cut_into_pieces(const Conv2DProblem& p) {
  const bool depthwise = p.groups > 1 && p.groups == p.ic;
  const Index worth = std::max<Index>(1, p.multiply_adds() * (depthwise ? kDepthwiseCost : 1) / kLeastWork);
  const Index few = std::clamp(p.dst_elements() / kCachedFloats, kFewPieces, kMostPieces);
  const Index rows_an_image = std::min(worth, few) / p.n;
  if (p.pass == Pass::forward && rows_an_image > 1) {
    Conv2DProblem image = p;
    image.n = 1;
    const std::vector<Conv2DPiece> of_image = cut_image(image, rows_an_image);
    std::vector<Conv2DPiece> pieces;
    for (Index n = 0; n < p.n; ++n) {
      for (Conv2DPiece piece : of_image) {
        piece.first_src += n * image.src_elements();
        piece.first_dst += n * image.dst_elements();
        pieces.push_back(piece);
      }
    }
    if (!pieces.empty()) return pieces;
  }
  return cut_batch(p, std::min(worth, kMostPieces));
}

}  // namespace saccade::kernels
