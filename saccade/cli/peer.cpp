#include "saccade/cli/peer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/io/onnx.h"

namespace saccade::cli {

extern const std::string_view kPyTorchProgram, kOnnxRuntimeProgram;  // embedded: peers/

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kLongestAnswer = std::size_t{1} << 20;

/// OpenBLAS's OpenMP build, where Debian's package libopenblas0-openmp puts it. With any other BLAS of Debian's, PyTorch's
/// OpenMP team and the BLAS's own threads fight over the cores, and it takes about twice as long.
std::string openmp_blas() {
  utsname machine{};
  ::uname(&machine);
  std::string files;
  for (const char* name : {"libblas.so.3", "liblapack.so.3"}) {
    const std::string file = fmt::format("/usr/lib/{}-linux-gnu/openblas-openmp/{}", machine.machine, name);
    if (!fs::exists(file)) return "";
    files += (files.empty() ? "" : " ") + file;
  }
  return files;
}

/// A folder for the files that a peer reads, gone with this object.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_((fs::temp_directory_path() / "saccade-bench-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) != nullptr) return;
    throw SystemError({.where = path_,
                       .expected = "to make a folder",
                       .got = std::strerror(errno),
                       .fix = "set TMPDIR to a folder that you may write to"});
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  fs::path operator/(const char* name) const { return fs::path(path_) / name; }

 private:
  std::string path_;
};

/// [batch, ..., channels] as [batch, channels, ...].
std::vector<float> channels_first(std::span<const float> images, const Shape& image, Index batch) {
  if (image.rank() != 3) return {images.begin(), images.end()};
  const Index pixels = image[0] * image[1], channels = image[2];
  std::vector<float> planes(images.size());
  for (Index n = 0; n < batch; ++n) {
    for (Index c = 0; c < channels; ++c) {
      for (Index i = 0; i < pixels; ++i) {
        planes[usize((n * channels + c) * pixels + i)] = images[usize((n * pixels + i) * channels + c)];
      }
    }
  }
  return planes;
}

std::vector<float> read_floats(const fs::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

}  // namespace

PeerKind parse_peer(std::string_view name) {
  if (name == "pytorch") return PeerKind::pytorch;
  if (name == "onnxruntime") return PeerKind::onnxruntime;
  throw ValueError({.where = "bench: --compare",
                    .expected = "pytorch or onnxruntime",
                    .got = fmt::format("'{}'", name),
                    .fix = "check the spelling"});
}

/// How one kind of peer is started.
struct Peer::Program {
  std::vector<std::string> executables;  ///< To try one after the other.
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;
  std::string expected, install;

  static Program of(const PeerOptions& options) {
    Program program;
    if (options.kind == PeerKind::pytorch) {
      program = {.executables = {"python3", "/usr/bin/python3"},
                 .arguments = {"-c", std::string(kPyTorchProgram)},
                 .environment = {{"OMP_NUM_THREADS", std::to_string(options.threads)}},
                 .expected = "PyTorch",
                 .install =
                     "apt-get install python3-torch libopenblas0-openmp (Debian), or name the python3 that has it "
                     "with --peer-program"};
      if (const std::string blas = openmp_blas(); !blas.empty()) program.environment.emplace_back("LD_PRELOAD", blas);
    } else {
      program = {.executables = {"node"},
                 .arguments = {"-e", std::string(kOnnxRuntimeProgram)},
                 .environment = {},
                 .expected = "ONNX Runtime for Node.js",
                 .install =
                     "apt-get install nodejs npm (Debian), npm install onnxruntime-node here, or set NODE_PATH to the "
                     "node_modules folder that has it"};
    }
    if (!options.program.empty()) program.executables = {options.program};
    return program;
  }

  /// The environment of this process but for what the program sets itself.
  std::vector<std::string> environment_block() const {
    std::vector<std::string> all;
    for (char** entry = ::environ; *entry != nullptr; ++entry) {
      const std::string_view text = *entry;
      const bool replaced =
          std::ranges::any_of(environment, [&](const auto& own) { return text.starts_with(own.first + "="); });
      if (!replaced) all.emplace_back(text);
    }
    for (const auto& [name, value] : environment) all.push_back(name + "=" + value);
    return all;
  }
};

/// The child, and this process's end of the line to it.
class Peer::Process {
 public:
  Process(const std::string& executable, const std::vector<std::string>& arguments,
          const std::vector<std::string>& environment) {
    std::array<int, 2> ends{};
    errors_.reset(std::tmpfile());
    if (!errors_ || ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      throw SystemError(
          {.where = "bench", .expected = "a line to another process", .got = std::strerror(errno), .fix = ""});
    }
    const auto pointers = [](const std::vector<std::string>& texts) {
      std::vector<char*> all;
      for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
      all.push_back(nullptr);
      return all;
    };
    std::vector<std::string> command = {executable};
    command.insert(command.end(), arguments.begin(), arguments.end());
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, ::fileno(errors_.get()), STDERR_FILENO);
    const int code = ::posix_spawnp(&pid_, executable.c_str(), &actions, nullptr, pointers(command).data(),
                                    pointers(environment).data());
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    line_ = ends[0];
    if (code == 0) return;
    pid_ = 0;
    failure_ = std::strerror(code);
  }
  ~Process() {
    ::close(line_);
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Why it did not start; empty when it did.
  const std::string& failure() const noexcept { return failure_; }

  /// Sends a line and waits for the one that answers. A JSON value that is no object where there is none.
  json ask(const std::string& request) {
    std::string_view left = request;
    while (!left.empty()) {
      const ssize_t sent = ::send(line_, left.data(), left.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) break;
      left.remove_prefix(static_cast<std::size_t>(sent));
    }
    std::array<char, 4096> buffer{};
    std::size_t end = std::string::npos;
    while ((end = received_.find('\n')) == std::string::npos && received_.size() < kLongestAnswer) {
      const ssize_t got = ::recv(line_, buffer.data(), buffer.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return nullptr;
      received_.append(buffer.data(), static_cast<std::size_t>(got));
    }
    json answer = json::parse(received_.substr(0, end), nullptr, false);
    received_.erase(0, end == std::string::npos ? end : end + 1);
    return answer;
  }

  /// The last line that it wrote to its standard error.
  std::string last_words() const {
    std::string text, last;
    std::array<char, 4096> buffer{};
    std::rewind(errors_.get());
    while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), errors_.get())) {
      text.append(buffer.data(), got);
    }
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.pop_back();
    last = text.substr(text.rfind('\n') + 1);
    return last.empty() ? "nothing more" : last;
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  pid_t pid_ = 0;
  int line_ = -1;
  std::unique_ptr<std::FILE, Close> errors_;
  std::string failure_, received_;
};

/// Whether this executable has the peer; missing_ says what it lacks when not.
bool Peer::start(const Program& program, const std::string& executable, const std::string& request) {
  process_ = std::make_unique<Process>(executable, program.arguments, program.environment_block());
  if (!process_->failure().empty()) {
    missing_ = fmt::format("{}: {}", executable, process_->failure());
    return false;
  }
  const json answer = process_->ask(request);
  if (answer.is_object() && answer.contains("missing")) {
    missing_ = fmt::format("{}: {}", executable, answer["missing"].dump());
    return false;
  }
  const auto text = [&](const char* key) { return answer.value(key, std::string()); };
  if (answer.is_object() && answer.contains("refused")) {
    throw ValueError(
        {.where = where_, .expected = "a network that it runs", .got = answer["refused"].dump(), .fix = ""});
  }
  if (!answer.is_object() || !answer.contains("name")) {
    throw SystemError({.where = where_,
                       .expected = fmt::format("{} to load the network", executable),
                       .got = process_->last_words(),
                       .fix = ""});
  }
  name_ = text("name");
  version_ = text("version");
  file_ = text("file");
  const json layouts = answer.value("setup", json::object());
  for (auto entry = layouts.begin(); entry != layouts.end(); ++entry) layouts_[entry.key()] = entry.value();
  return true;
}

Peer::Peer(const PeerOptions& options, const Model& net, std::span<const float> images, Index batch) {
  const bool pytorch = options.kind == PeerKind::pytorch;
  where_ = fmt::format("bench: --compare {}", pytorch ? "pytorch" : "onnxruntime");
  const Program program = Program::of(options);
  const TemporaryFolder folder;
  const fs::path network = folder / (pytorch ? "network.safetensors" : "network.onnx");
  if (pytorch) {
    net.save(network);
  } else {
    save_onnx(net, network);
  }
  const std::vector<float> planes = channels_first(images, net.input_shape(), batch);
  write_file(folder / "images", std::as_bytes(std::span(planes)));
  const json request = {{"network", network.string()},
                        {"images", (folder / "images").string()},
                        {"outputs", (folder / "outputs").string()},
                        {"batch", batch},
                        {"threads", options.threads},
                        {"steps", options.steps}};
  bool found = false;
  for (const std::string& executable : program.executables) {
    found = found || start(program, executable, request.dump() + "\n");
  }
  if (!found) {
    throw ValueError({.where = where_,
                      .expected = program.expected,
                      .got = fmt::format("none ({})", missing_),
                      .fix = "install it: " + program.install});
  }
  if (file_.starts_with("/usr/lib/python3/") && openmp_blas().empty()) {
    throw ValueError({.where = where_,
                      .expected = "OpenBLAS for OpenMP, without which Debian's PyTorch takes twice as long",
                      .got = "none",
                      .fix = "install it: apt-get install libopenblas0-openmp"});
  }
  outputs_ = read_floats(folder / "outputs");
}

Peer::~Peer() = default;

double Peer::time(std::string_view step, double seconds) {
  const json answer = process_->ask(json{{"step", step}, {"seconds", seconds}}.dump() + "\n");
  if (answer.is_object() && answer.contains("seconds") && answer["seconds"].is_number()) return answer["seconds"];
  throw SystemError({.where = where_,
                     .expected = fmt::format("{} to make steps of {}", name_, step),
                     .got = answer.is_object() ? answer.dump() : process_->last_words(),
                     .fix = ""});
}

}  // namespace saccade::cli
