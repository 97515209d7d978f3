#include "saccade/data/fetch/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "saccade/base/error.h"
#include "saccade/data/fetch/source_failure.h"

namespace saccade::data {
namespace {

constexpr std::size_t kKeptOutput = 64 * 1024;

/// The reading end of a child's output and the child itself; both are gone when this object is.
class Child {
 public:
  explicit Child(const std::vector<std::string>& arguments) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      throw SystemError(
          {.where = "pipe", .expected = "to open one", .got = std::strerror(errno), .fix = "close some files"});
    }
    std::vector<char*> argv;
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    const int code = ::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), ::environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    output_ = ends[0];
    if (code != 0) {
      ::close(output_);
      throw SourceFailure(fmt::format("cannot run {} ({})", arguments[0],
                                      code == ENOENT ? "it is not installed" : std::strerror(code)));
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) {
      ::kill(pid_, SIGTERM);
      wait();
    }
    ::close(output_);
  }

  int output() const { return output_; }

  int wait() {
    int status = 0;
    const pid_t pid = std::exchange(pid_, 0);
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_ = 0;
  int output_ = -1;
};

}  // namespace

ProcessResult run_process(const std::vector<std::string>& arguments, const std::function<void()>& tick) {
  Child child(arguments);
  ProcessResult result;
  std::array<char, 4096> buffer{};
  for (;;) {
    tick();
    pollfd waiting{.fd = child.output(), .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, 200) <= 0) continue;
    const ssize_t count = ::read(child.output(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;  // every copy of the writing end is closed: the program has ended
    result.output.append(buffer.data(), static_cast<std::size_t>(count));
    if (result.output.size() > kKeptOutput) result.output.erase(0, result.output.size() - kKeptOutput);
  }
  result.exit_code = child.wait();
  return result;
}

}  // namespace saccade::data
