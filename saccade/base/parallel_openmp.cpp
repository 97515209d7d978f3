#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <string>

#include "saccade/base/error.h"
#include "saccade/base/parallel.h"

namespace saccade {

namespace {
// OpenMP keeps one setting a thread; this is the one that holds for all of them. 0 while it was never set.
std::atomic<int> g_limit{0};
}  // namespace

int thread_count() noexcept {
  const int limit = g_limit.load(std::memory_order_relaxed);
  return limit == 0 ? omp_get_max_threads() : std::min(limit, omp_get_max_threads());
}

void set_thread_count(int count) {
  if (count < 1 || count > kMaxThreads) {
    throw ValueError({.where = "threads",
                      .expected = "1 to " + std::to_string(kMaxThreads),
                      .got = std::to_string(count),
                      .fix = "leave it out to use every core"});
  }
  g_limit = count;
  omp_set_num_threads(count);
}

int thread_number() noexcept { return omp_get_thread_num(); }

SingleThreadScope::SingleThreadScope() noexcept : previous_(omp_get_max_threads()) { omp_set_num_threads(1); }
SingleThreadScope::~SingleThreadScope() { omp_set_num_threads(previous_); }

namespace internal {

void parallel_run(Index count, void (*call)(void*, Index), void* context) {
  if (count <= 1 || omp_in_parallel() != 0 || thread_count() == 1) {
    for (Index i = 0; i < count; ++i) call(context, i);
    return;
  }
  std::exception_ptr error;
  Index error_index = count;
  std::mutex error_mutex;
  const int threads = static_cast<int>(std::min<Index>(count, thread_count()));
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
  for (Index i = 0; i < count; ++i) {
    try {
      call(context, i);
    } catch (...) {
      const std::scoped_lock lock(error_mutex);
      if (i < error_index) {
        error_index = i;
        error = std::current_exception();
      }
    }
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace internal
}  // namespace saccade
