#include <gmock/gmock.h>

#include "saccade/kernels/conv2d/pieces_internal.h"

namespace saccade::kernels {
namespace {

using ::testing::SizeIs;

/// What pieces write, end to end, is the result; each has as many rows as it says.
void expect_whole(const Conv2DProblem& p, const std::vector<Conv2DPiece>& pieces) {
  Index next = 0;
  for (const Conv2DPiece& piece : pieces) {
    EXPECT_EQ(piece.first_dst, next);
    EXPECT_LE(piece.first_src + piece.problem.src_elements(), p.src_elements());
    next += piece.problem.dst_elements();
  }
  EXPECT_EQ(next, p.dst_elements());
}

constexpr Conv2DProblem kPhoto{.ih = 56, .iw = 56, .ic = 64, .oc = 64, .kh = 3, .kw = 3, .ph = {1, 1}, .pw = {1, 1}};

TEST(Conv2DPieces, OfOneImageAreRows) {
  const auto pieces = cut_into_pieces(kPhoto);
  ASSERT_THAT(pieces, SizeIs(4));
  expect_whole(kPhoto, pieces);
  EXPECT_EQ(pieces[0].problem.ih, 15);  // fourteen rows, the padding above, and the one below that they see
  EXPECT_EQ(pieces[0].problem.ph, (Pads{1, 0}));
  EXPECT_EQ(pieces[1].problem.ih, 16);
  EXPECT_EQ(pieces[1].problem.ph, (Pads{0, 0}));
  EXPECT_EQ(pieces[1].first_src, 13 * 56 * 64);
  EXPECT_EQ(pieces[3].problem.ph, (Pads{0, 1}));
}

TEST(Conv2DPieces, OfSinglePixelsAreEven) {
  Conv2DProblem p{.ih = 7, .iw = 7, .ic = 320, .oc = 1280};
  const auto pieces = cut_into_pieces(p);
  ASSERT_THAT(pieces, SizeIs(4));
  expect_whole(p, pieces);
  EXPECT_EQ(pieces[0].problem.iw, 13);
}

TEST(Conv2DPieces, WriteNoMoreThanTheCacheHolds) {
  const Conv2DProblem p{.ih = 112, .iw = 112, .ic = 16, .oc = 96};  // 4.8 MB
  const auto pieces = cut_into_pieces(p);
  ASSERT_THAT(pieces, SizeIs(16));
  expect_whole(p, pieces);
}

TEST(Conv2DPieces, ADepthwiseFilterHasMoreOfThemForItsWork) {
  const Conv2DProblem p{
      .ih = 14, .iw = 14, .ic = 384, .oc = 384, .kh = 3, .kw = 3, .ph = {1, 1}, .pw = {1, 1}, .groups = 384};
  const auto pieces = cut_into_pieces(p);
  ASSERT_THAT(pieces, SizeIs(4));
  expect_whole(p, pieces);
}

TEST(Conv2DPieces, OfABatchAreImages) {
  Conv2DProblem p = kPhoto;
  p.n = 20;
  const auto pieces = cut_into_pieces(p);
  ASSERT_THAT(pieces, SizeIs(10));
  expect_whole(p, pieces);
  EXPECT_EQ(pieces[9].problem.n, 2);
  EXPECT_EQ(pieces[9].problem.ih, 56);
}

TEST(Conv2DPieces, OfLittleWorkAreOne) {
  EXPECT_THAT(cut_into_pieces({.ih = 9, .iw = 9, .ic = 8, .oc = 8}), SizeIs(1));
}

TEST(Conv2DPieces, GradientsOfDataAreCutBetweenImagesAlone) {
  Conv2DProblem p = kPhoto;
  p.pass = Pass::backward_data;
  EXPECT_THAT(cut_into_pieces(p), SizeIs(1));
}

TEST(Conv2DPieces, NoneSeesPaddingAlone) {
  Conv2DProblem p = kPhoto;
  p.ph = {60, 0};
  const auto pieces = cut_into_pieces(p);
  EXPECT_THAT(pieces, SizeIs(1));
  expect_whole(p, pieces);
}

}  // namespace
}  // namespace saccade::kernels
