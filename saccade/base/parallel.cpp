#include "saccade/base/parallel.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "saccade/base/error.h"

namespace saccade {
namespace {

/// How long a worker looks for work before it sleeps: longer than the gaps within a training step, shorter than
/// anything a person or another process would notice. A sleeping worker costs the next loop a wake-up of some 50 us.
constexpr int kSpinsBeforeSleep = 20000;
/// A loop's owner that waits for the last tasks lets others run after so many looks: the missing thread may need this
/// core.
constexpr int kSpinsBeforeYield = 2000;

thread_local int t_number = 0;
thread_local bool t_inside = false;  // a loop's task, or a SingleThreadScope: further loops stay on this thread

void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// Threads that share out the tasks of one loop at a time.
///
/// `state_` holds the loop's number (high half) and its next task (low half), and a task is claimed by exchanging it
/// for state + 1. Before a loop's description is replaced, state_ is closed: a late thread that has read a part of the
/// new description has, by acquire and release, also seen the closing, so its exchange fails. An exchange that succeeds
/// therefore belongs to the description read just before it.
/// A loop ends when all its tasks are done, not when all threads have come by: a thread that the system has put aside
/// delays nobody, unless it holds a task. (OpenMP's barriers wait for every thread; beside a busy process that made a
/// training step ten times slower.)
class Pool {
 public:
  static Pool& instance() {
    static Pool pool;
    return pool;
  }

  int thread_count() const noexcept { return limit_.load(std::memory_order_relaxed); }
  void set_thread_count(int count) noexcept { limit_.store(count, std::memory_order_relaxed); }

  /// False when another thread's loop is under way.
  bool try_run(Index count, void (*call)(void*, Index), void* context);

 private:
  Pool() : limit_(std::max(1, omp_get_max_threads())) {}
  ~Pool();

  static constexpr std::uint64_t kNoTask = 0xffffffffU;  // as a next task, above every count: nothing to claim

  static constexpr std::uint64_t number_of(std::uint64_t state) noexcept { return state >> 32; }
  static constexpr Index task_of(std::uint64_t state) noexcept { return static_cast<Index>(state & 0xffffffffU); }

  void start_workers(int count);
  void work(int number);
  bool run_one();
  std::uint64_t wait_for_loop(std::uint64_t last_number);

  std::atomic<int> limit_;
  std::mutex owner_;  // held by the thread whose loop is under way
  std::vector<std::jthread> workers_;

  alignas(64) std::atomic<std::uint64_t> state_{0};
  std::atomic<Index> count_{0};
  std::atomic<void (*)(void*, Index)> call_{nullptr};
  std::atomic<void*> context_{nullptr};
  alignas(64) std::atomic<Index> done_{0};
  alignas(64) std::atomic<int> sleepers_{0};
  std::atomic<std::uint32_t> wake_{0};
  std::atomic<bool> ending_{false};

  std::mutex error_mutex_;
  std::exception_ptr error_;
  Index error_task_ = 0;
};

Pool::~Pool() {
  ending_ = true;
  ++wake_;
  wake_.notify_all();
}

void Pool::start_workers(int count) {
  while (static_cast<int>(workers_.size()) < count) {
    const int number = static_cast<int>(workers_.size()) + 1;
    workers_.emplace_back([this, number] { work(number); });
  }
}

/// Claims a task of the current loop and does it; false when there is none left.
bool Pool::run_one() {
  std::uint64_t state = state_.load(std::memory_order_acquire);
  for (;;) {
    const Index task = task_of(state);
    if (task >= count_.load(std::memory_order_acquire)) return false;
    const auto call = call_.load(std::memory_order_acquire);
    void* const context = context_.load(std::memory_order_acquire);
    if (!state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
    try {
      call(context, task);
    } catch (...) {
      const std::scoped_lock lock(error_mutex_);
      if (!error_ || task < error_task_) {
        error_ = std::current_exception();
        error_task_ = task;
      }
    }
    done_.fetch_add(1, std::memory_order_release);
    return true;
  }
}

/// Returns the number of a loop later than `last_number`, or 0 when the pool ends.
std::uint64_t Pool::wait_for_loop(std::uint64_t last_number) {
  for (;;) {
    for (int spin = 0; spin < kSpinsBeforeSleep; ++spin) {
      const std::uint64_t number = number_of(state_.load(std::memory_order_acquire));
      if (number != last_number) return number;
      pause();
    }
    // Sequential consistency: either the owner sees this sleeper, or this thread sees the owner's new loop.
    const std::uint32_t ticket = wake_.load();
    ++sleepers_;
    if (number_of(state_.load()) == last_number && !ending_) wake_.wait(ticket);
    --sleepers_;
    if (ending_) return 0;
  }
}

void Pool::work(int number) {
  t_number = number;
  t_inside = true;
  omp_set_num_threads(1);  // this thread's own setting: oneDNN must not start a team here
  for (std::uint64_t loop = wait_for_loop(0); loop != 0; loop = wait_for_loop(loop)) {
    while (number < thread_count() && run_one()) {
    }
  }
}

bool Pool::try_run(Index count, void (*call)(void*, Index), void* context) {
  const std::unique_lock lock(owner_, std::try_to_lock);
  if (!lock.owns_lock()) return false;
  start_workers(std::min(thread_count() - 1, static_cast<int>(std::min<Index>(count, 4096)) - 1));
  const std::uint64_t last_number = number_of(state_.load(std::memory_order_relaxed));
  state_.store(last_number << 32 | kNoTask, std::memory_order_relaxed);  // ordered by the releases that follow
  call_.store(call, std::memory_order_release);
  context_.store(context, std::memory_order_release);
  count_.store(count, std::memory_order_release);
  done_.store(0, std::memory_order_relaxed);
  error_ = nullptr;
  std::uint64_t number = last_number + 1;
  if (number > std::numeric_limits<std::uint32_t>::max()) number = 1;
  state_.store(number << 32);
  if (sleepers_.load() > 0) {
    ++wake_;
    wake_.notify_all();
  }
  const SingleThreadScope single;
  while (run_one()) {
  }
  for (int spin = 0; done_.load(std::memory_order_acquire) < count; ++spin) {
    if (spin < kSpinsBeforeYield) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }
  if (error_) std::rethrow_exception(std::exchange(error_, std::exception_ptr()));
  return true;
}

}  // namespace

int thread_count() noexcept { return t_inside ? 1 : Pool::instance().thread_count(); }

void set_thread_count(int count) {
  if (count < 1 || count > kMaxThreads) {
    throw ValueError({.where = "threads",
                      .expected = "1 to " + std::to_string(kMaxThreads),
                      .got = std::to_string(count),
                      .fix = "leave it out to use every core"});
  }
  Pool::instance().set_thread_count(count);
}

int thread_number() noexcept { return t_number; }

SingleThreadScope::SingleThreadScope() noexcept : previous_openmp_(omp_get_max_threads()), previous_inside_(t_inside) {
  omp_set_num_threads(1);
  t_inside = true;
}

SingleThreadScope::~SingleThreadScope() {
  omp_set_num_threads(previous_openmp_);
  t_inside = previous_inside_;
}

namespace internal {

void parallel_run(Index count, void (*call)(void*, Index), void* context) {
  constexpr Index kMostTasks = std::numeric_limits<std::int32_t>::max();
  const bool shared = count > 1 && count <= kMostTasks && thread_count() > 1;
  if (shared && Pool::instance().try_run(count, call, context)) return;
  const SingleThreadScope single;
  for (Index i = 0; i < count; ++i) call(context, i);
}

}  // namespace internal
}  // namespace saccade
