#pragma once

#include <vector>

namespace saccade::cli {

/// Processes that do nothing but keep a core busy each, as another program on the machine would. They wait at first, and
/// end with this object, or with this program.
class BusyProcesses {
 public:
  /// Throws SystemError where the system gives no more processes.
  explicit BusyProcesses(int count);
  ~BusyProcesses();
  BusyProcesses(const BusyProcesses&) = delete;
  BusyProcesses& operator=(const BusyProcesses&) = delete;

  void go_on() const;
  void pause() const;
  const std::vector<int>& ids() const noexcept { return ids_; }

 private:
  void signal_all(int signal) const;

  std::vector<int> ids_;
};

}  // namespace saccade::cli
