#include "saccade/cli/busy_processes.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "saccade/base/error.h"

namespace saccade::cli {
namespace {

/// After fork() in a program with threads, a child may call little: nothing here takes memory or a lock.
[[noreturn]] void keep_busy(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);  // it ended before
  std::signal(SIGINT, SIG_DFL);
  raise(SIGSTOP);
  for (std::atomic<unsigned> count = 0;;) ++count;  // which no compiler leaves out
}

}  // namespace

BusyProcesses::BusyProcesses(int count) {
  const pid_t parent = getpid();
  for (int i = 0; i < count; ++i) {
    const pid_t id = fork();
    if (id == 0) keep_busy(parent);
    if (id < 0) {
      const int error = errno;
      signal_all(SIGKILL);
      throw SystemError({.where = "busy processes",
                         .expected = "to start one more",
                         .got = std::strerror(error),
                         .fix = "ask for fewer"});
    }
    ids_.push_back(id);
    waitpid(id, nullptr, WUNTRACED);  // until it has stopped itself
  }
}

BusyProcesses::~BusyProcesses() {
  signal_all(SIGKILL);
  for (const pid_t id : ids_) waitpid(id, nullptr, 0);
}

void BusyProcesses::go_on() const { signal_all(SIGCONT); }

void BusyProcesses::pause() const { signal_all(SIGSTOP); }

void BusyProcesses::signal_all(int signal) const {
  for (const pid_t id : ids_) kill(id, signal);
}

}  // namespace saccade::cli
