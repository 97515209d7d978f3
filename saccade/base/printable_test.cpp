#include "saccade/base/printable.h"

#include <gtest/gtest.h>

namespace saccade {
namespace {

TEST(Printable, LeavesTextAlone) {
  for (const char* text : {"", "rose garden/1.png", "C:\\x", "Grüße", "写真", "\xf0\x9f\x8c\xb7", "\xc2\xa0"}) {
    EXPECT_EQ(printable(text), text);
  }
}

TEST(Printable, WritesOutControlCharacters) {
  EXPECT_EQ(printable("a\x1b[31mred\nb\tc\x7f"), "a\\x1b[31mred\\x0ab\\x09c\\x7f");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(printable("a\xc2\x9b[2Jb"), "a\\xc2\\x9b[2Jb");  // U+009B: what ESC [ is in one character
}

TEST(Printable, WritesOutWhatIsNotUtf8) {
  EXPECT_EQ(printable("caf\xe9"), "caf\\xe9");
  EXPECT_EQ(printable("\x9b[2J"), "\\x9b[2J");
  EXPECT_EQ(printable("\xc0\x8a\xe0\x80\x8a\xed\xa0\x80"), "\\xc0\\x8a\\xe0\\x80\\x8a\\xed\\xa0\\x80");
  EXPECT_EQ(printable("\xf0\x80\x80\x8a\xf5\x80\x80\x80"), "\\xf0\\x80\\x80\\x8a\\xf5\\x80\\x80\\x80");
  EXPECT_EQ(printable("\xe5\x86\x99\xe5\x86"), "\xe5\x86\x99\\xe5\\x86");
}

TEST(Printable, LinesStayLines) {
  EXPECT_EQ(printable_lines("a\x1b\nb\r\n\nc\t"), "a\\x1b\nb\\x0d\n\nc\\x09");
  EXPECT_EQ(printable_lines("one\n"), "one\n");
  EXPECT_EQ(printable_lines(""), "");
}

}  // namespace
}  // namespace saccade
