#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

#include "saccade/base/parallel.h"
#include "saccade/kernels/dense/onednn_dense_internal.h"
#include "saccade/kernels/gemm/small_gemm_internal.h"

namespace saccade::kernels {
namespace {

std::atomic<int> g_signals{0};
std::atomic<std::uintptr_t> g_lowest_frame{0}, g_highest_frame{0};

extern "C" void note_frame(int) {
  const auto frame = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  if (frame < g_lowest_frame) g_lowest_frame = frame;
  if (frame > g_highest_frame) g_highest_frame = frame;
  ++g_signals;
}

/// Sends the thread that made it SIGUSR1 every 200 us; the handler notes where its stack frame lies.
class SignalStorm {
 public:
  SignalStorm() {
    g_signals = 0;
    g_lowest_frame = UINTPTR_MAX;
    g_highest_frame = 0;
    std::signal(SIGUSR1, note_frame);
    sender_ = std::jthread([target = pthread_self()](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        std::this_thread::sleep_for(std::chrono::microseconds(200));
        pthread_kill(target, SIGUSR1);
      }
    });
  }
  ~SignalStorm() {
    sender_ = {};
    std::signal(SIGUSR1, SIG_DFL);
  }

 private:
  std::jthread sender_;
};

/// A handler's frame outside the thread's stack has been written over someone's memory.
void expect_handlers_on_this_stack() {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_getattr_np(pthread_self(), &attributes), 0);
  void* low = nullptr;
  std::size_t size = 0;
  ASSERT_EQ(pthread_attr_getstack(&attributes, &low, &size), 0);
  pthread_attr_destroy(&attributes);
  EXPECT_GT(g_signals, 20);
  EXPECT_GE(g_lowest_frame, reinterpret_cast<std::uintptr_t>(low));
  EXPECT_LT(g_highest_frame, reinterpret_cast<std::uintptr_t>(low) + size);
}

template <class Run>
void run_in_a_storm(Run&& run) {
  const SingleThreadScope alone;  // this thread, and no other, does the work
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
  const SignalStorm storm;
  while (std::chrono::steady_clock::now() < end || g_signals <= 20) run();
}

TEST(Signals, InterruptNoMatrixProductOfOneDnn) {
  for (const Pass pass : {Pass::forward, Pass::backward_data, Pass::backward_weights}) {
    const DenseProblem p{.pass = pass, .m = 128, .k = 400, .u = 120};
    const std::vector<float> src(usize(p.m * p.k), 1.0F), weight(usize(p.k * p.u), 1.0F), bias(usize(p.u));
    std::vector<float> dst(usize(p.m * p.u)), grad_src(src.size()), grad_weight(weight.size()), grad_bias(bias.size());
    const auto kernel = onednn::make_dense(p);
    run_in_a_storm([&] {
      kernel->run({.src = src,
                   .weight = weight,
                   .bias = bias,
                   .grad_dst = dst,
                   .dst = dst,
                   .grad_src = grad_src,
                   .grad_weight = grad_weight,
                   .grad_bias = grad_bias});
    });
    expect_handlers_on_this_stack();
  }
}

TEST(Signals, FindAStackInsideSmallProducts) {
  if (!SmallGemm::decline().empty()) GTEST_SKIP() << SmallGemm::decline();
  for (const bool transposed : {false, true}) {
    const std::vector<float> a(usize(64 * 96), 1.0F), b(usize(96 * 64), 1.0F);
    std::vector<float> c(usize(64 * 64));
    const SmallGemm product({.rows = 64,
                             .columns = 64,
                             .inner = 96,
                             .a_stride = transposed ? 64 : 96,
                             .b_stride = 64,
                             .c_stride = 64,
                             .a_transposed = transposed});
    run_in_a_storm([&] { product(a.data(), b.data(), c.data()); });
    expect_handlers_on_this_stack();
    EXPECT_EQ(c, std::vector<float>(usize(64 * 64), 96.0F));
  }
}

}  // namespace
}  // namespace saccade::kernels
