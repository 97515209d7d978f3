#include "saccade/base/place_of.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/support/message_of.h"

namespace saccade {
namespace {

TEST(PlaceOf, FindsTheWholeNameOnly) {
  constexpr std::array<std::string_view, 3> kNames{"wrap", "grid-wrap", "nearest"};
  EXPECT_EQ(place_of("wrap", kNames, "mode"), 0U);
  EXPECT_EQ(place_of("nearest", kNames, "mode"), 2U);
  EXPECT_EQ(test::message_of([&] { (void)place_of("near", kNames, "mode"); }),
            "mode: expected one of wrap, grid-wrap, nearest, got 'near'; use one of these names");
  EXPECT_EQ(test::message_of([&] { (void)place_of("", {}, "mode", "name none"); }),
            "mode: expected one of , got ''; name none");
}

}  // namespace
}  // namespace saccade
