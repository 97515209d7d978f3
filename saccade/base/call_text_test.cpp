#include "saccade/base/call_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "saccade/base/error.h"

namespace saccade {
namespace {

// "name|key=value|..." of a text, or its error.
std::string parts(std::string_view text) {
  try {
    const CallText call("thing", text);
    std::string all(call.name());
    for (const auto& [key, value] : call.arguments()) {
      all.append("|").append(key).append(key.empty() ? "" : "=").append(value);
    }
    return all;
  } catch (const ValueError& error) {
    return error.what();
  }
}

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(CallText, Parts) {
  EXPECT_EQ(parts("cosine"), "cosine");
  EXPECT_EQ(parts("  cosine ( ) "), "cosine");
  EXPECT_EQ(parts("f(1)"), "f|1");
  EXPECT_EQ(parts("f( 1 ,b = 2,)"), "f|1|b=2|");
  EXPECT_EQ(parts("f(,)"), "f||");
  EXPECT_EQ(parts("warmup(5, step(0.1@5,10))"), "warmup|5|step(0.1@5,10)");
  EXPECT_EQ(parts("f(g(a=1), k=h(b=2))"), "f|g(a=1)|k=h(b=2)");
  EXPECT_EQ(parts(""), "");
}

TEST(CallText, ParenthesesMustMatch) {
  EXPECT_EQ(parts("f(1"), "thing 'f(1': expected ')' at the end, got none; close what '(' opens");
  EXPECT_EQ(parts("f(1)x"), "thing 'f(1)x': expected ')' at the end, got none; close what '(' opens");
  EXPECT_EQ(parts("f((1)"), "thing 'f((1)': expected matching parentheses, got others; count them");
  EXPECT_EQ(parts("f(1))"), "thing 'f(1))': expected matching parentheses, got others; count them");
  EXPECT_EQ(parts("f(a),(b)"), "thing 'f(a),(b)': expected matching parentheses, got others; count them");
  EXPECT_EQ(parts("("), "thing '(': expected ')' at the end, got none; close what '(' opens");
}

TEST(CallText, Numbers) {
  const CallText call("thing", "f(1)");
  EXPECT_EQ(call.number("-2.5e-3"), -2.5e-3);
  EXPECT_EQ(call.integer("-12"), -12);
  EXPECT_EQ(error_of([&] { call.number("1x"); }),
            "thing 'f(1)': expected a number, got '1x'; write it like 0.05 or 1e-3");
  EXPECT_EQ(error_of([&] { call.number(""); }), "thing 'f(1)': expected a number, got ''; write it like 0.05 or 1e-3");
  EXPECT_EQ(error_of([&] { call.integer("1.5"); }),
            "thing 'f(1)': expected a whole number, got '1.5'; write it like 500");
  EXPECT_EQ(error_of([&] { call.integer("99999999999999999999"); }),
            "thing 'f(1)': expected a whole number, got '99999999999999999999'; write it like 500");
}

TEST(CallText, LongTextsAreCutInMessages) {
  const std::string long_text = "f(" + std::string(99, 'x');
  EXPECT_EQ(parts(long_text),
            "thing 'f(" + std::string(98, 'x') + "...': expected ')' at the end, got none; close what '(' opens");
  const std::string umlauts = "f(" + std::string(97, 'x') + "\u00e4\u00e4";
  EXPECT_EQ(parts(umlauts),
            "thing 'f(" + std::string(97, 'x') + "...': expected ')' at the end, got none; close what '(' opens");
}

TEST(CallText, Counts) {
  const CallText call("thing", "f(1)");
  call.require_count(1, 1, "f(1)");
  EXPECT_EQ(error_of([&] { call.require_count(0, 0, "f"); }), "thing 'f(1)': expected 0 arguments, got 1; write f");
  EXPECT_EQ(error_of([&] { call.require_count(2, 2, "f(1, 2)"); }),
            "thing 'f(1)': expected 2 arguments, got 1; write f(1, 2)");
  EXPECT_EQ(error_of([&] { call.require_count(2, 3, "f(1, 2)"); }),
            "thing 'f(1)': expected 2 or 3 arguments, got 1; write f(1, 2)");
}

}  // namespace
}  // namespace saccade
