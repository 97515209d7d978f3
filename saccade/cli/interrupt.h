#pragma once

namespace saccade::cli {

/// While it lives, the first Ctrl-C (or SIGTERM) asks for a tidy stop instead of ending the process; the second ends
/// it.
class InterruptScope {
 public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  /// Whether a stop was asked for.
  static bool requested() noexcept;
};

/// What a command that was interrupted exits with: 128 + SIGINT, as shells expect.
inline constexpr int kInterruptedExit = 130;

}  // namespace saccade::cli
