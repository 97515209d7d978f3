#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/base/integer.h"

namespace saccade {

/// A short text of the form `name`, `name(1, 2)` or `name(key=1, other)`, in parts: how initialisers, schedules and the
/// like are written in files and on the command line. Spaces around the parts are dropped; parentheses and the commas in
/// them stay within one argument. Everything is a view into the text, which must outlive this.
///
/// Errors are ValueErrors about "{what} '{text}'".
class CallText {
 public:
  struct Argument {
    std::string_view key;  ///< Empty without '='.
    std::string_view value;
  };

  /// Throws when parentheses do not match.
  CallText(std::string_view what, std::string_view text);

  std::string_view name() const noexcept { return name_; }
  const std::vector<Argument>& arguments() const noexcept { return arguments_; }

  /// Throws unless there are least .. most arguments; `example` is what to write instead.
  void require_count(std::size_t least, std::size_t most, std::string_view example) const;
  /// The number that `value` reads; throws when it is none, or something follows it.
  double number(std::string_view value) const;
  Index integer(std::string_view value) const;

  /// Throws. What is too long to read is cut short in the message.
  [[noreturn]] void fail(std::string expected, std::string_view got, std::string fix) const;

 private:
  std::string_view what_;
  std::string_view text_;
  std::string_view name_;
  std::vector<Argument> arguments_;
};

/// The text without spaces at its ends.
std::string_view trim(std::string_view text) noexcept;

}  // namespace saccade
