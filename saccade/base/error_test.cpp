#include "saccade/base/error.h"

#include <gmock/gmock.h>

#include <string>
#include <type_traits>
#include <utility>

namespace saccade {
namespace {

std::string text_of(ErrorText text) { return ValueError(std::move(text)).what(); }

TEST(Error, SaysWhereExpectedGotAndFix) {
  EXPECT_EQ(text_of({.where = "conv2d 'c2'", .expected = "6 channels", .got = "3", .fix = "change .filters"}),
            "conv2d 'c2': expected 6 channels, got 3; change .filters");
}

TEST(Error, LeavesEmptyPartsOut) {
  EXPECT_EQ(text_of({.where = "a", .got = "b"}), "a: got b");
  EXPECT_EQ(text_of({.where = "a", .expected = "b"}), "a: expected b");
  EXPECT_EQ(text_of({.where = "a", .fix = "b"}), "a; b");
  EXPECT_EQ(text_of({.expected = "a", .got = "b"}), "expected a, got b");
  EXPECT_EQ(text_of({.got = "b", .fix = "c"}), "got b; c");
  EXPECT_EQ(text_of({}), "");
}

TEST(Error, StaysOnOneLineWhateverItQuotes) {
  EXPECT_EQ(text_of({.where = "a\nb", .got = "\x1b[31m\t\x7f"}), "a\\x0ab: got \\x1b[31m\\x09\\x7f");
  EXPECT_EQ(text_of({.where = "Größe 7×7"}), "Größe 7×7");
}

TEST(Error, KeepsItsParts) {
  const ShapeError error({.where = "shape", .expected = "x", .got = "y\n", .fix = "z"});
  EXPECT_EQ(error.text().where, "shape");
  EXPECT_EQ(error.text().got, "y\n");
}

TEST(Error, EveryKindIsCaughtAsError) {
  EXPECT_THROW(throw ValueError(ErrorText{}), Error);
  EXPECT_THROW(throw ShapeError(ErrorText{}), Error);
  EXPECT_THROW(throw FormatError(ErrorText{}), Error);
  EXPECT_THROW(throw SystemError(ErrorText{}), Error);
  EXPECT_FALSE((std::is_base_of_v<ValueError, ShapeError>));
}

}  // namespace
}  // namespace saccade
