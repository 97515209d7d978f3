// The same loops over std::thread, for ThreadSanitizer: it cannot see the synchronisation inside libgomp. Chosen with
// SACCADE_PARALLEL=threads; slower, because threads are made anew for every loop.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/base/parallel.h"

namespace saccade {
namespace {

std::atomic<int> g_threads{std::max(1, static_cast<int>(std::thread::hardware_concurrency()))};
thread_local int t_number = 0;
thread_local bool t_inside = false;
thread_local bool t_single = false;

}  // namespace

int thread_count() noexcept { return t_single ? 1 : g_threads.load(); }

void set_thread_count(int count) {
  if (count < 1 || count > kMaxThreads) {
    throw ValueError({.where = "threads",
                      .expected = "1 to " + std::to_string(kMaxThreads),
                      .got = std::to_string(count),
                      .fix = "leave it out to use every core"});
  }
  g_threads = count;
}

int thread_number() noexcept { return t_number; }

SingleThreadScope::SingleThreadScope() noexcept : previous_(t_single ? 1 : 0) { t_single = true; }
SingleThreadScope::~SingleThreadScope() { t_single = previous_ != 0; }

namespace internal {

void parallel_run(Index count, void (*call)(void*, Index), void* context) {
  const int threads = static_cast<int>(std::min<Index>(count, thread_count()));
  if (threads <= 1 || t_inside) {
    for (Index i = 0; i < count; ++i) call(context, i);
    return;
  }
  std::atomic<Index> next{0};
  std::exception_ptr error;
  Index error_index = count;
  std::mutex error_mutex;
  auto work = [&](int number) {
    t_number = number;
    t_inside = true;
    for (Index i = next++; i < count; i = next++) {
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
    t_number = 0;
    t_inside = false;
  };
  {
    std::vector<std::jthread> team;
    for (int number = 1; number < threads; ++number) team.emplace_back(work, number);
    work(0);
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace internal
}  // namespace saccade
