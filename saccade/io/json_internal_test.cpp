#include "saccade/io/json_internal.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>

#include "saccade/base/error.h"
#include "tests/support/message_of.h"

namespace saccade::internal {
namespace {

TEST(ParseJson, ObjectsInAnArrayDoNotSlowEachOtherDown) {
  constexpr std::size_t kObjects = 200'000;
  std::string text = "[{}";
  for (std::size_t i = 1; i < kObjects; ++i) text += ",{}";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(parse_json(text + "]", "file").size(), kObjects);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST(ParseJson, CountsLevels) {
  EXPECT_EQ(parse_json(R"({"a":[{}],"b":[[1]]})", "file", 3).size(), 2U);
  for (const char* deeper : {R"({"a":[[[]]]})", R"([[[{"a":1}]]])", R"([[],[[[[ )"}) {
    EXPECT_EQ(test::message_of<FormatError>([&] { parse_json(deeper, "file", 3); }),
              "file: expected JSON of at most 3 levels, got more; the file is damaged, or of a newer version");
  }
}

TEST(ParseJson, TakesEachKeyOnceInAnObject) {
  EXPECT_EQ(parse_json(R"({"a":{"a":1},"b":[{"a":1},{"a":2}]})", "file").size(), 2U);
  EXPECT_THROW(parse_json(R"({"a":{"b":[{}],"c":1,"b":2}})", "file"), FormatError);
}

}  // namespace
}  // namespace saccade::internal
