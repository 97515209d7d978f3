#include "saccade/cli/command.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <ostream>

#include "saccade/base/error.h"
#include "saccade/base/integer.h"
#include "saccade/base/printable.h"

namespace saccade::cli {
namespace {

/// Reads an option's number. Says what is wrong with the text, or nothing. (CLI11 itself reads 010 as 8, and makes the
/// largest number there is of one that is larger.)
template <class Number>
std::string read_number(const std::string& text, Number& value, Number least, Number most) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && stop == end && value >= least && value <= most) return {};  // NaN is not
  const char* const kind = std::integral<Number> ? "whole number" : "number";
  if (error == std::errc::invalid_argument || stop != end) return fmt::format("expected a {}, got '{}'", kind, text);
  const bool any = least == std::numeric_limits<Number>::lowest() && most == std::numeric_limits<Number>::max();
  if (std::floating_point<Number> && any) return fmt::format("expected a finite number, got {}", text);
  return fmt::format("expected a {} from {} to {}, got {}", kind, least, most, text);
}

bool is_positional(const std::string& name) { return !name.starts_with('-'); }

/// No option takes an empty text: it comes of a script's variable that is not set.
std::string refuse_empty(const std::string& text) { return text.empty() ? "expected something, got ''" : ""; }

std::vector<CLI::App*> commands_of(CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

/// The innermost command that was named.
CLI::App& named_command(CLI::App& app) {
  const auto named = app.get_subcommands();
  return named.empty() ? app : named_command(*named.back());
}

std::string full_name(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent == nullptr ? command.get_name() : full_name(*parent) + " " + command.get_name();
}

/// One line in the form of every other error.
std::string usage_error(CLI::App& app, const CLI::ParseError& error) {
  CLI::App& command = named_command(app);
  const std::string name = full_name(command);
  const std::string fix = fmt::format("see {} --help", name);
  const std::vector<CLI::App*> choices = commands_of(command);
  const std::vector<std::string> rest = app.remaining(true);
  if (!choices.empty() && !rest.empty() && !rest[0].starts_with('-')) {
    std::string names;
    for (const CLI::App* choice : choices) names += (names.empty() ? "" : ", ") + choice->get_name();
    return ValueError({.where = name,
                       .expected = fmt::format("one of {}", names),
                       .got = fmt::format("'{}'", rest[0]),
                       .fix = fix})
        .what();
  }
  std::string line = fmt::format("{}: {}; {}", name, error.what(), fix);
  std::ranges::replace(line, '\n', ' ');
  return printable(line);
}

/// A command that only groups others, named without one of them, shows its help.
void show_help_of_groups(CLI::App& root, CLI::App& app, std::ostream& out) {
  app.require_subcommand(0, 1);
  const std::vector<CLI::App*> commands = commands_of(app);
  for (CLI::App* command : commands) show_help_of_groups(root, *command, out);
  if (commands.empty()) return;
  app.callback([&root, &app, &out] {
    if (app.get_subcommands().empty()) out << root.help();
  });
}

}  // namespace

// ---- Options ----

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::type(const std::string& name) {
  option_->type_name(name);
  return *this;
}

Option& Option::describe(const std::string& help) {
  option_->description(help);
  return *this;
}

// ---- Commands ----

Command Command::add_command(const std::string& name, const std::string& help) const {
  return Command(*app_->add_subcommand(name, help));
}

Option Command::add(const std::string& name, bool& value, const std::string& help) const {
  return Option(*app_->add_flag(name, value, help));
}

Option Command::add(const std::string& name, std::string& value, const std::string& help) const {
  CLI::Option* option = app_->add_option(name, value, help)->type_name(is_positional(name) ? "" : "TEXT");
  if (!value.empty()) option->default_str(value);
  return Option(*option->check(refuse_empty));
}

Option Command::add(const std::string& name, std::vector<std::string>& values, const std::string& help) const {
  CLI::Option* option = app_->add_option(name, values, help)->type_name(is_positional(name) ? "" : "TEXT");
  // Otherwise an option would swallow the positional arguments behind its first text.
  if (!is_positional(name)) option->allow_extra_args(false);
  return Option(*option->check(refuse_empty));
}

template <class Value, class Number>
Option Command::add(const std::string& name, Value& value, const std::string& help, std::type_identity_t<Number> least,
                    std::type_identity_t<Number> most) const {
  const auto check = [least, most](const std::string& text) {
    Number number{};
    return read_number(text, number, least, most);
  };
  const auto take = [&value, least, most](const std::string& text) {
    Number number{};
    read_number(text, number, least, most);
    value = number;
  };
  CLI::Option* option = app_->add_option_function<std::string>(name, take, help)->type_name("N")->check(check);
  if constexpr (std::same_as<Value, Number>) {
    if (value != Number{}) option->default_str(fmt::format("{}", value));
  }
  return Option(*option);
}

#define SACCADE_NUMBER_OPTION(Number)                                                                                  \
  template Option Command::add<Number, Number>(const std::string&, Number&, const std::string&, Number, Number) const; \
  template Option Command::add<std::optional<Number>, Number>(const std::string&, std::optional<Number>&,              \
                                                              const std::string&, Number, Number) const
SACCADE_NUMBER_OPTION(Index);
SACCADE_NUMBER_OPTION(int);
SACCADE_NUMBER_OPTION(std::uint64_t);
SACCADE_NUMBER_OPTION(float);
SACCADE_NUMBER_OPTION(double);
#undef SACCADE_NUMBER_OPTION

void Command::footer(const std::string& text) const { app_->footer(text); }

void Command::action(std::function<void()> action) const { app_->callback(std::move(action)); }

Option Command::option(const std::string& name) const { return Option(*app_->get_option(name)); }

bool Command::is_given(const std::string& name) const { return app_->get_option(name)->count() > 0; }

std::vector<std::string> Command::given() const {
  std::vector<std::string> names;
  for (const CLI::Option* option : app_->get_options()) {
    if (option->count() > 0) names.push_back(option->get_name());
  }
  return names;
}

std::string Command::help() const { return app_->help(); }

// ---- The program ----

Program::Program(const std::string& name, const std::string& help, const std::string& version)
    : app_(std::make_unique<CLI::App>(help, name)) {
  app_->set_version_flag("--version", version);
}

Program::~Program() = default;

Command Program::root() const { return Command(*app_); }

int Program::run(int argc, const char* const* argv, std::ostream& out, std::ostream& err) {
  show_help_of_groups(*app_, *app_, out);
  try {
    app_->parse(argc, argv);
    return 0;
  } catch (const Exit& exit) {
    return exit.code;
  } catch (const CLI::Success& request) {
    return app_->exit(request, out, err);  // help or version
  } catch (const CLI::ParseError& error) {
    err << usage_error(*app_, error) << std::endl;
    return 2;
  }
}

}  // namespace saccade::cli
