#pragma once
#include <CLI/CLI.hpp>

#include <charconv>
#include <string>
#include <type_traits>

namespace saccade::cli {

/// What an option's whole number must be at least.
inline CLI::Validator at_least(long least) {
  return {[least](const std::string& text) -> std::string {
            long value = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
            if (error == std::errc() && end == text.data() + text.size() && value >= least) return {};
            return "expected a whole number of at least " + std::to_string(least) + ", got '" + text + "'";
          },
          "N>=" + std::to_string(least)};
}

/// Declares every option that options.visit() names on a command: a bool is a flag, a text TEXT, anything else a number.
/// Defaults that are not empty show in --help.
template <class Options>
void declare_all(CLI::App& command, Options& options) {
  options.visit([&](const char* flag, auto& value, const char* help) {
    using Value = std::remove_reference_t<decltype(value)>;
    if constexpr (std::is_same_v<Value, bool>) {
      command.add_flag(flag, value, help);
    } else {
      CLI::Option* option = command.add_option(flag, value, help);
      if constexpr (std::is_same_v<Value, std::string>) {
        option->type_name("TEXT");
      } else {
        option->type_name("N");
      }
      if (value != Value{}) option->capture_default_str();
    }
  });
}

}  // namespace saccade::cli
