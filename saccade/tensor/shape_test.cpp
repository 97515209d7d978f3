#include "saccade/tensor/shape.h"

#include <gmock/gmock.h>

#include <vector>

#include "saccade/base/error.h"
#include "tests/support/message_of.h"

namespace saccade {
namespace {

using test::message_of;
using testing::ElementsAre;

TEST(Shape, TellsItsExtents) {
  const Shape image{28, 20, 3};
  EXPECT_EQ(image.rank(), 3);
  EXPECT_EQ(image.elements(), 28 * 20 * 3);
  EXPECT_EQ(image[0], 28);
  EXPECT_EQ(image[2], 3);
  EXPECT_EQ(image[-1], 3);
  EXPECT_EQ(image[-3], 28);
  EXPECT_THAT(image.extents(), ElementsAre(28, 20, 3));
  EXPECT_EQ(image.to_string(), "[28, 20, 3]");
}

TEST(Shape, OfAScalarHasOneElement) {
  const Shape scalar;
  EXPECT_EQ(scalar.rank(), 0);
  EXPECT_EQ(scalar.elements(), 1);
  EXPECT_EQ(scalar.to_string(), "[]");
  EXPECT_EQ(scalar.without_batch(), scalar);
}

TEST(Shape, ComparesExtents) {
  EXPECT_EQ(Shape({2, 3}), Shape({2, 3}));
  EXPECT_NE(Shape({2, 3}), Shape({3, 2}));
  EXPECT_NE(Shape({2, 3}), Shape({2, 3, 1}));
  EXPECT_NE(Shape({0}), Shape());
}

TEST(Shape, GainsAndLosesABatchAxis) {
  EXPECT_EQ(Shape({28, 28, 1}).with_batch(128), Shape({128, 28, 28, 1}));
  EXPECT_EQ(Shape({128, 28, 28, 1}).without_batch(), Shape({28, 28, 1}));
  const Shape full{1, 1, 1, 1, 1, 1, 1, 1};
  EXPECT_EQ(message_of([&] { (void)full.with_batch(2); }),
            "shape: expected at most 8 axes, got [2, 1, 1, 1, 1, 1, 1, 1, 1]; merge axes with Reshape");
}

TEST(Shape, RejectsWhatIsNoSize) {
  EXPECT_EQ(message_of([] {
              Shape({2, -1});
            }),
            "shape: expected extents of zero or more whose product fits in 63 bits, got [2, -1]; "
            "check the sizes that led here");
  const Index huge = Index{1} << 32;
  EXPECT_THAT(message_of([&] { Shape({huge, huge}); }), testing::HasSubstr("got [4294967296, 4294967296]"));
  EXPECT_THAT(message_of([&] { Shape({huge, 0, huge}); }), testing::HasSubstr("fits in 63 bits"));
  EXPECT_EQ(Shape({huge, huge / 4}).elements(), Index{1} << 62);
}

TEST(Shape, MayBeEmpty) {
  const Shape none{0, 28, 28};
  EXPECT_EQ(none.elements(), 0);
  EXPECT_EQ(none.without_batch(), Shape({28, 28}));
}

TEST(Shape, RejectsAnAxisItDoesNotHave) {
  EXPECT_EQ(message_of([] { (void)Shape({2, 3})[2]; }), "shape: expected an axis of [2, 3], got 2; use -2 to 1");
  EXPECT_EQ(message_of([] { (void)Shape({2, 3})[-3]; }), "shape: expected an axis of [2, 3], got -3; use -2 to 1");
  EXPECT_EQ(message_of([] { (void)Shape()[0]; }), "shape: expected an axis of [], got 0; a scalar has none");
}

}  // namespace
}  // namespace saccade
