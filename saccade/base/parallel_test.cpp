#include "saccade/base/parallel.h"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "saccade/base/error.h"

namespace saccade {
namespace {

using testing::Each;

/// How often each task ran, counted from any thread.
class Counts {
 public:
  explicit Counts(Index count) : counts_(usize(count)) {}
  void add(Index i) { ++counts_[usize(i)]; }
  std::vector<int> values() const { return {counts_.begin(), counts_.end()}; }

 private:
  std::vector<std::atomic<int>> counts_;
};

/// Puts the number of threads back when a test ends.
class ParallelTest : public testing::TestWithParam<int> {
 protected:
  ParallelTest() : before_(thread_count()) {}
  ~ParallelTest() override { set_thread_count(before_); }

 private:
  int before_;
};

INSTANTIATE_TEST_SUITE_P(Threads, ParallelTest, testing::Values(1, 2, 3, 8));

TEST_P(ParallelTest, RunsEveryTaskOnce) {
  set_thread_count(GetParam());
  EXPECT_EQ(thread_count(), GetParam());
  for (const Index count : {0, 1, 2, 7, 1000}) {
    Counts runs(count);
    parallel_for(count, [&](Index i) { runs.add(i); });
    EXPECT_THAT(runs.values(), Each(1)) << count;
  }
}

TEST_P(ParallelTest, RangesCoverEveryElementOnce) {
  set_thread_count(GetParam());
  for (const Index count : {0, 1, 99, 100, 101}) {
    for (const Index grain : {Index{1}, Index{10}, Index{100}, std::numeric_limits<Index>::max()}) {
      Counts runs(count);
      parallel_ranges(count, grain, [&](Index begin, Index end) {
        EXPECT_LT(begin, end);
        EXPECT_LE(end - begin, grain);
        for (Index i = begin; i < end; ++i) runs.add(i);
      });
      EXPECT_THAT(runs.values(), Each(1)) << count << " by " << grain;
    }
  }
}

TEST_P(ParallelTest, RethrowsTheExceptionOfTheSmallestTask) {
  set_thread_count(GetParam());
  for (int round = 0; round < 20; ++round) {
    try {
      parallel_for(100, [](Index i) {
        if (i % 10 == 3) throw std::runtime_error("task " + std::to_string(i));
      });
      FAIL() << "expected an exception";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "task 3");
    }
  }
  std::atomic<int> runs{0};
  parallel_for(10, [&](Index) { ++runs; });
  EXPECT_EQ(runs, 10) << "the loop after a failed one";
}

TEST_P(ParallelTest, ALoopInsideATaskRunsOnTheTasksOwnThread) {
  set_thread_count(GetParam());
  Counts runs(60);
  parallel_for(6, [&](Index outer) {
    const auto thread = std::this_thread::get_id();
    const int number = thread_number();
    parallel_for(10, [&](Index inner) {
      EXPECT_EQ(std::this_thread::get_id(), thread);
      EXPECT_EQ(thread_number(), number);
      runs.add(outer * 10 + inner);
    });
  });
  EXPECT_THAT(runs.values(), Each(1));
}

TEST_P(ParallelTest, NumbersItsThreads) {
  set_thread_count(GetParam());
  EXPECT_EQ(thread_number(), 0);
  std::mutex mutex;
  std::set<std::pair<std::thread::id, int>> seen;
  parallel_for(200, [&](Index) {
    const std::scoped_lock lock(mutex);
    seen.emplace(std::this_thread::get_id(), thread_number());
  });
  EXPECT_EQ(thread_number(), 0);
  std::set<std::thread::id> threads;
  std::set<int> numbers;
  for (const auto& [thread, number] : seen) {
    threads.insert(thread);
    numbers.insert(number);
    EXPECT_GE(number, 0);
    EXPECT_LT(number, GetParam());
  }
  EXPECT_EQ(threads.size(), seen.size()) << "one number for each thread";
  EXPECT_EQ(numbers.size(), seen.size()) << "one thread for each number";
}

TEST_F(ParallelTest, UsesItsThreadsAtTheSameTime) {
  set_thread_count(2);
  std::atomic<int> arrived{0};
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  parallel_for(2, [&](Index) {
    ++arrived;
    while (arrived < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  });
  EXPECT_LT(std::chrono::steady_clock::now(), deadline) << "each task waits for the other";
}

TEST_F(ParallelTest, TheSettingHoldsForOtherThreadsToo) {
  set_thread_count(1);
  int seen = 0;
  std::thread([&] { seen = thread_count(); }).join();
  EXPECT_EQ(seen, 1);
}

TEST_F(ParallelTest, SingleThreadScopeHoldsUntilItEnds) {
  set_thread_count(2);
  {
    const SingleThreadScope outer;
    EXPECT_EQ(thread_count(), 1);
    {
      const SingleThreadScope inner;
      EXPECT_EQ(thread_count(), 1);
    }
    EXPECT_EQ(thread_count(), 1);
  }
  EXPECT_EQ(thread_count(), 2);
}

TEST_F(ParallelTest, RejectsCountsThatNoMachineHas) {
  for (const int count : {0, -1, kMaxThreads + 1}) {
    try {
      set_thread_count(count);
      FAIL() << count;
    } catch (const ValueError& error) {
      EXPECT_EQ(error.what(),
                "threads: expected 1 to 1024, got " + std::to_string(count) + "; leave it out to use every core");
    }
  }
}

}  // namespace
}  // namespace saccade
