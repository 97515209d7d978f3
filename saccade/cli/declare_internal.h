#pragma once
#include <CLI/CLI.hpp>

#include <string>
#include <type_traits>

namespace saccade::cli {

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
