#pragma once
#include <functional>
#include <iosfwd>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace saccade::cli {

/// Thrown by a command that has said all there is to say and ends with another code than 0.
struct Exit {
  int code;
};

/// What a number or a std::optional of one holds.
template <class Value>
struct NumberIn {
  using Type = Value;
};
template <class Number>
struct NumberIn<std::optional<Number>> {
  using Type = Number;
};

/// An option that was declared. A handle: copies mean the same option.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(&option) {}

  Option& required();
  /// What --help calls its value: FILE, DIR, N|RxC.
  Option& type(const std::string& name);
  Option& describe(const std::string& help);

 private:
  CLI::Option* option_;
};

/// A command or a group of commands, to which options are added. A handle: copies mean the same command.
///
/// The parser behind it is CLI11, which only command.cpp sees: its header alone takes seconds to compile.
class Command {
 public:
  explicit Command(CLI::App& app) : app_(&app) {}

  /// `saccade GROUP NAME`.
  Command add_command(const std::string& name, const std::string& help) const;

  /// Adds an option; without leading dashes in its name it is a positional argument. A text or a list of texts is never
  /// empty when given; a bool is a flag. A default that is not empty shows in --help. `value` must live until run() returns.
  Option add(const std::string& name, bool& value, const std::string& help) const;
  Option add(const std::string& name, std::string& value, const std::string& help) const;
  Option add(const std::string& name, std::vector<std::string>& values, const std::string& help) const;

  /// Adds an option that is a number from `least` to `most`, or a std::optional of one: Index, int, std::uint64_t, float or
  /// double. A default other than 0 shows in --help.
  template <class Value, class Number = typename NumberIn<Value>::Type>
  Option add(const std::string& name, Value& value, const std::string& help,
             std::type_identity_t<Number> least = std::numeric_limits<Number>::lowest(),
             std::type_identity_t<Number> most = std::numeric_limits<Number>::max()) const;

  /// Adds every option that options.visit(visitor) names, by visitor(name, value, help).
  template <class Options>
  void add_all(Options& options) const {
    options.visit([this](const char* name, auto& value, const char* help) { add(name, value, help); });
  }

  /// What stands below the options in --help: more to know, and examples.
  void footer(const std::string& text) const;
  /// What the command does, once its options are read.
  void action(std::function<void()> action) const;

  Option option(const std::string& name) const;
  bool is_given(const std::string& name) const;
  /// The names of all options that were given.
  std::vector<std::string> given() const;
  std::string help() const;

 private:
  CLI::App* app_;
};

/// The whole program: its commands, and what reads a command line.
class Program {
 public:
  Program(const std::string& name, const std::string& help, const std::string& version);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  Command root() const;

  /// Reads a command line and runs the command that it names. Returns the exit code: 0, what a command threw as Exit, or 2
  /// after a line on `err` that says what is wrong with the command line. A group that is named without a command, --help
  /// and --version are answered on `out`. What else a command throws comes through.
  int run(int argc, const char* const* argv, std::ostream& out, std::ostream& err);

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace saccade::cli
