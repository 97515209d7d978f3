#pragma once
#include <atomic>
#include <memory>
#include <type_traits>

#include "saccade/base/integer.h"

namespace saccade {

/// Threads that the calling thread's parallel loops may use: 1 inside a loop or a SingleThreadScope. At start:
/// OMP_NUM_THREADS, or the cores this process may run on.
int thread_count() noexcept;

/// Sets thread_count(); throws ValueError unless 1 <= count <= kMaxThreads. Results never depend on it: work is cut
/// into pieces by its size alone. Call it from the main thread, before others start.
void set_thread_count(int count);
inline constexpr int kMaxThreads = 1024;

/// The number of the calling thread inside a parallel loop, 0 <= number < thread_count(); 0 outside.
/// It may choose scratch memory, and nothing that shows in a result.
int thread_number() noexcept;

/// As long as it lives, this thread works alone: parallel loops run on it, and code that asks OpenMP for its team size
/// (oneDNN, when it plans a primitive) is told 1. A primitive planned for two threads deadlocks or crawls inside a
/// parallel loop.
class SingleThreadScope {
 public:
  SingleThreadScope() noexcept;
  ~SingleThreadScope();
  SingleThreadScope(const SingleThreadScope&) = delete;
  SingleThreadScope& operator=(const SingleThreadScope&) = delete;

 private:
  int previous_openmp_;
  bool previous_inside_;
};

namespace internal {
void parallel_run(Index count, void (*call)(void*, Index), void* context);
}

/// Calls task(i) once for every 0 <= i < count, on up to thread_count() threads, tasks handed out as threads come free.
/// Loops that several threads begin at once do not wait for one another: the first has the pool, the others run alone.
/// Tasks must write to disjoint places. A loop inside a task runs on the task's own thread. An exception thrown by a
/// task is rethrown here when the loop has ended (the one of the smallest i); tasks of greater i may then have run or
/// not. Allocates nothing unless one is thrown.
template <class Task>
void parallel_for(Index count, Task&& task) {
  using T = std::remove_reference_t<Task>;
  internal::parallel_run(
      count, [](void* context, Index i) { (*static_cast<T*>(context))(i); },
      const_cast<void*>(static_cast<const void*>(std::addressof(task))));
}

/// Calls task(slot, i) once for every 0 <= i < count, in an order and on threads that vary; tasks that run at the same time have
/// different slots, 0 <= slot < slots. For working memory that is too large to have one part a task.
template <class Task>
void parallel_slots(Index slots, Index count, Task&& task) {
  std::atomic<Index> next = 0;
  parallel_for(slots < count ? slots : count, [&](Index slot) {
    for (Index i = next.fetch_add(1); i < count; i = next.fetch_add(1)) task(slot, i);
  });
}

/// Calls task(begin, end) for consecutive ranges of at most `grain` elements that cover 0 .. count. grain >= 1.
template <class Task>
void parallel_ranges(Index count, Index grain, Task&& task) {
  parallel_for(ceil_divide(count, grain), [&](Index piece) {
    const Index begin = piece * grain;
    const Index end = grain < count - begin ? begin + grain : count;
    task(begin, end);
  });
}

}  // namespace saccade
