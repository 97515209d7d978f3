#pragma once
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <charconv>
#include <concepts>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>

namespace saccade::cli {

/// Reads an option's number. Says what is wrong with the text, or nothing. (CLI11 itself reads 010 as 8, and makes the largest
/// number there is of one that is larger.)
template <class Number>
std::string read_number(const std::string& text, Number& value, Number least = std::numeric_limits<Number>::lowest()) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && stop == end && !(value < least)) return {};
  const char* const kind = std::integral<Number> ? "whole number" : "number";
  if (error == std::errc::invalid_argument || stop != end) return fmt::format("expected a {}, got '{}'", kind, text);
  return fmt::format("expected a {} from {} to {}, got {}", kind, least, std::numeric_limits<Number>::max(), text);
}

/// What an option's whole number must be at least.
inline CLI::Validator at_least(long least) {
  return {[least](const std::string& text) {
            long value = 0;
            return read_number(text, value, least);
          },
          "N>=" + std::to_string(least)};
}

/// What a number or a std::optional of one holds.
template <class Value>
struct NumberIn {
  using Type = Value;
};
template <class Number>
struct NumberIn<std::optional<Number>> {
  using Type = Number;
};

/// Declares an option that is a number, or a std::optional of one. A number that is not 0 shows in --help as the default.
template <class Value, class Number = typename NumberIn<Value>::Type>
CLI::Option* add_number(CLI::App& command, const std::string& flag, Value& value, const std::string& help,
                        std::type_identity_t<Number> least = std::numeric_limits<Number>::lowest()) {
  CLI::Option* option = command.add_option_function<std::string>(
      flag,
      [&value](const std::string& text) {
        Number number{};
        read_number(text, number);
        value = number;
      },
      help);
  option->type_name("N")->check(CLI::Validator(
      [least](const std::string& text) {
        Number number{};
        return read_number(text, number, least);
      },
      ""));
  if constexpr (std::same_as<Value, Number>) {
    if (value != Number{}) option->default_str(fmt::format("{}", value));
  }
  return option;
}

/// Declares one option of Options::visit() on a command: a bool is a flag, a text TEXT, anything else a number. Defaults
/// that are not empty show in --help.
template <class Value>
void declare(CLI::App& command, const char* flag, Value& value, const char* help) {
  if constexpr (std::same_as<Value, bool>) {
    command.add_flag(flag, value, help);
  } else if constexpr (std::same_as<Value, std::string>) {
    CLI::Option* option = command.add_option(flag, value, help)->type_name("TEXT");
    if (!value.empty()) option->capture_default_str();
  } else {
    add_number(command, flag, value, help);
  }
}

/// Declares every option that options.visit() names on a command.
template <class Options>
void declare_all(CLI::App& command, Options& options) {
  options.visit([&](const char* flag, auto& value, const char* help) { declare(command, flag, value, help); });
}

}  // namespace saccade::cli
