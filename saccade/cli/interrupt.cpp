#include "saccade/cli/interrupt.h"

#include <csignal>

namespace saccade::cli {
namespace {

volatile std::sig_atomic_t g_requested = 0;

extern "C" void on_signal(int signal) {
  if (g_requested != 0) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  g_requested = 1;
}

}  // namespace

InterruptScope::InterruptScope() {
  g_requested = 0;
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

InterruptScope::~InterruptScope() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

bool InterruptScope::requested() noexcept { return g_requested != 0; }

}  // namespace saccade::cli
