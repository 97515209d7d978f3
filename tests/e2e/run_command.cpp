#include "run_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <stdexcept>

namespace saccade::e2e {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  int read_end = -1, write_end = -1;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  return {ends[0], ends[1]};
}

/// The child between fork and exec.
[[noreturn]] void become(const std::vector<std::string>& argv, const RunOptions& options, int in, int out, int err) {
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  if (!options.cwd.empty() && ::chdir(options.cwd.c_str()) != 0) ::_exit(126);
  for (const auto& [name, value] : options.env) ::setenv(name.c_str(), value.c_str(), 1);
  if (options.file_limit_bytes > 0) {
    const rlimit limit{options.file_limit_bytes, options.file_limit_bytes};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    std::signal(SIGXFSZ, SIG_IGN);  // write() then fails with EFBIG
  }
  if (options.memory_limit_bytes > 0) {
    const rlimit limit{options.memory_limit_bytes, options.memory_limit_bytes};
    ::setrlimit(RLIMIT_AS, &limit);
  }
  std::vector<char*> pointers;
  for (const std::string& argument : argv) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  ::execvp(pointers[0], pointers.data());
  ::_exit(127);
}

/// Moves what there is from a descriptor to a text. False at its end.
bool drain(int descriptor, std::string& text) {
  std::array<char, 16384> buffer{};
  const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
  if (count < 0) return errno == EINTR || errno == EAGAIN;
  text.append(buffer.data(), static_cast<std::size_t>(count));
  return count > 0;
}

/// Hands `text` to the child bit by bit; closes and clears the descriptor when done.
void feed(int& descriptor, const std::string& text, std::size_t& done) {
  if (done < text.size()) {
    const ssize_t count = ::write(descriptor, text.data() + done, text.size() - done);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
    done = count < 0 ? text.size() : done + static_cast<std::size_t>(count);
  }
  if (done < text.size()) return;
  ::close(descriptor);
  descriptor = -1;
}

}  // namespace

Result run_program(const std::vector<std::string>& argv, const RunOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);  // a child that ends early must not end the test
  const Pipe in = make_pipe(), out = make_pipe(), err = make_pipe();
  const Clock::time_point start = Clock::now();
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    std::signal(SIGPIPE, SIG_DFL);
    become(argv, options, in.read_end, out.write_end, err.write_end);
  }
  for (const int end : {in.read_end, out.write_end, err.write_end}) ::close(end);
  ::fcntl(in.write_end, F_SETFL, O_NONBLOCK);

  Result result;
  std::array<pollfd, 3> watched{{{out.read_end, POLLIN, 0}, {err.read_end, POLLIN, 0}, {in.write_end, POLLOUT, 0}}};
  std::size_t fed = 0;
  std::optional<Clock::time_point> kill_at;
  bool sent = options.kill_after_ms < 0;
  while (watched[0].fd >= 0 || watched[1].fd >= 0) {
    ::poll(watched.data(), watched.size(), 5);
    if (watched[0].fd >= 0 && watched[0].revents != 0 && !drain(watched[0].fd, result.out)) watched[0].fd = -1;
    if (watched[1].fd >= 0 && watched[1].revents != 0 && !drain(watched[1].fd, result.err)) watched[1].fd = -1;
    if (watched[2].fd >= 0 && watched[2].revents != 0) feed(watched[2].fd, options.stdin_text, fed);

    const Clock::time_point now = Clock::now();
    if (!sent && !kill_at && result.err.find(options.kill_clock_starts_at) != std::string::npos) {
      kill_at = (options.kill_clock_starts_at.empty() ? start : now) + std::chrono::milliseconds(options.kill_after_ms);
    }
    if (!sent && kill_at && now >= *kill_at) {
      ::kill(child, options.signal);
      sent = true;
    }
    if (!result.timed_out && now - start > std::chrono::milliseconds(options.timeout_ms)) {
      ::kill(child, SIGKILL);
      result.timed_out = true;
    }
  }
  if (watched[2].fd >= 0) ::close(watched[2].fd);
  ::close(out.read_end);
  ::close(err.read_end);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  return result;
}

Result run(std::vector<std::string> args, const RunOptions& options) {
  args.insert(args.begin(), SACCADE_COMMAND);
  return run_program(args, options);
}

std::string describe(const std::vector<std::string>& args, const Result& result) {
  return fmt::format("saccade {}\nexit code {}, signal {}, {:.1f} s{}\nstdout: {}\nstderr: {}\n", fmt::join(args, " "),
                     result.exit_code, result.signal, result.seconds, result.timed_out ? ", timed out" : "", result.out,
                     result.err);
}

}  // namespace saccade::e2e
