#include "saccade/proof/prove.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>

#include "saccade/base/parallel.h"

// A tool that proves kernels must itself be proved: each fault planted here has to be found, by the check that is meant
// for it.
namespace saccade::proof {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Index kElements = 40;

/// dst[i] = src[i] * weight[i], and its gradients.
template <class T>
void multiply(Pass pass, const Views<T>& v) {
  for (std::size_t i = 0; i < usize(kElements); ++i) {
    if (pass == Pass::forward) v.results[0][i] = v.operands[0][i] * v.operands[1][i];
    if (pass == Pass::backward_data) v.gradients[0][i] = v.grad_dst[i] * v.operands[1][i];
    if (pass == Pass::backward_weights) v.gradients[1][i] = v.grad_dst[i] * v.operands[0][i];
  }
}

/// What a planted implementation does; memory is its scratch and saved memory.
using Run = std::function<void(Pass, const Views<float>&, std::span<std::byte> scratch, std::span<std::byte> saved)>;

class Planted final : public Prepared {
 public:
  Planted(Run run, Pass declined, bool declines) : run_(std::move(run)), declined_(declined), declines_(declines) {}
  std::string declined(Pass pass) const override { return declines_ && pass == declined_ ? "it is too odd" : ""; }
  Index scratch_bytes() const override { return 64; }
  Index saved_bytes() const override { return 64; }
  void run(Pass pass, const Views<float>& views, std::span<std::byte> scratch, std::span<std::byte> saved) override {
    run_(pass, views, scratch, saved);
  }

 private:
  Run run_;
  Pass declined_;
  bool declines_;
};

class Multiply final : public CaseOf<Multiply> {
 public:
  explicit Multiply(Run run = {}) : run_(std::move(run)) {}

  bool declines_backward_data = false;
  bool wrong_reference = false;

  std::string_view operation() const override { return "multiply"; }
  std::string id() const override { return "n40"; }
  std::vector<Operand> operands() const override {
    return {{"src", kElements, Gradient::data}, {"weight", kElements, Gradient::weights}};
  }
  std::vector<Result> results() const override { return {{"dst", kElements}}; }
  std::vector<Pass> passes() const override { return {Pass::forward, Pass::backward_data, Pass::backward_weights}; }
  double flops(Pass) const override { return kElements; }
  double bytes(Pass) const override { return 0.0; }
  double rounding(Pass) const override { return 1.0; }
  std::vector<std::string_view> implementations() const override { return {"planted"}; }
  std::unique_ptr<Prepared> prepare(std::string_view) const override {
    const Run sound = [](Pass pass, const Views<float>& v, std::span<std::byte>, std::span<std::byte>) {
      multiply(pass, v);
    };
    return std::make_unique<Planted>(run_ ? run_ : sound, Pass::backward_data, declines_backward_data);
  }

  template <class T>
  void compute(Pass pass, const Views<T>& v) const {
    multiply(pass, v);
    if (wrong_reference && pass == Pass::backward_weights) v.gradients[1][7] *= T(1.000001F);
  }

 private:
  Run run_;
};

/// The sound computation with a fault after it.
template <class Fault>
Multiply with(Fault fault) {
  return Multiply([fault](Pass pass, const Views<float>& v, std::span<std::byte>, std::span<std::byte>) {
    multiply(pass, v);
    fault(pass, v);
  });
}

std::vector<std::string> checks_that_failed(const Multiply& c) {
  std::vector<std::string> checks;
  for (const Failure& failure : prove(c).failures) checks.push_back(failure.check);
  return checks;
}

TEST(Prove, PassesASoundImplementation) {
  const Report report = prove(Multiply());
  EXPECT_TRUE(report.holds()) << report.to_string();
  EXPECT_EQ(report.proved, 3);
  EXPECT_EQ(report.to_string(), "3 proved, 0 declined, 0 failures");
}

TEST(Prove, FindsAWrongSignOfANegativePair) {
  const Multiply c = with([](Pass pass, const Views<float>& v) {
    for (std::size_t i = 0; i < usize(kElements) && pass == Pass::forward; ++i) {
      if (v.operands[0][i] < 0 && v.operands[1][i] < 0) v.results[0][i] *= -1.0F;
    }
  });
  EXPECT_THAT(checks_that_failed(c), testing::IsSupersetOf({"exact", "rounding"}));
}

TEST(Prove, FindsASingleNaN) {
  const Multiply c = with([](Pass pass, const Views<float>& v) {
    if (pass == Pass::backward_weights) v.gradients[1][39] = NAN;
  });
  EXPECT_THAT(checks_that_failed(c), testing::IsSupersetOf({"exact", "rounding"}));
}

TEST(Prove, FindsAnUntouchedOutput) {
  // It keeps what was there before, as a kernel that forgets the last column would.
  const Multiply c([](Pass pass, const Views<float>& v, std::span<std::byte>, std::span<std::byte>) {
    const float before = pass == Pass::forward ? v.results[0][39] : 0.0F;
    multiply(pass, v);
    if (pass == Pass::forward) v.results[0][39] = before;
  });
  EXPECT_THAT(checks_that_failed(c), testing::IsSupersetOf({"exact", "full write"}));
}

TEST(Prove, FindsAllZeros) {
  const Multiply c = with([](Pass pass, const Views<float>& v) {
    if (pass == Pass::backward_data) std::ranges::fill(v.gradients[0], 0.0F);
  });
  EXPECT_THAT(checks_that_failed(c), testing::IsSupersetOf({"exact", "rounding"}));
}

TEST(Prove, FindsAGradientThatIsAddedInsteadOfWritten) {
  const Multiply c([](Pass pass, const Views<float>& v, std::span<std::byte>, std::span<std::byte>) {
    if (pass != Pass::backward_weights) return multiply(pass, v);
    for (std::size_t i = 0; i < usize(kElements); ++i) v.gradients[1][i] += v.grad_dst[i] * v.operands[0][i];
  });
  EXPECT_THAT(checks_that_failed(c), testing::IsSupersetOf({"exact", "full write"}));
}

TEST(Prove, FindsASmallError) {
  const Multiply c = with([](Pass pass, const Views<float>& v) {
    if (pass == Pass::backward_data) v.gradients[0][3] *= 1.000001F;
  });
  EXPECT_THAT(checks_that_failed(c), Contains("rounding"));
}

TEST(Prove, FindsWritesBeyondTheEnds) {
  const Multiply after = with([](Pass pass, const Views<float>& v) {
    if (pass == Pass::forward) v.results[0].data()[kElements] = 1.0F;
  });
  EXPECT_THAT(checks_that_failed(after), Contains("bounds"));
  const Multiply before = with([](Pass pass, const Views<float>& v) {
    if (pass == Pass::backward_data) *(v.gradients[0].data() - 1) = 1.0F;
  });
  EXPECT_THAT(checks_that_failed(before), Contains("bounds"));
}

TEST(Prove, FindsResultsThatDependOnTheNumberOfThreads) {
  const Multiply c = with([](Pass pass, const Views<float>& v) {
    if (pass == Pass::forward && thread_count() == 3) v.results[0][0] = std::nextafter(v.results[0][0], 9.0F);
  });
  EXPECT_THAT(checks_that_failed(c), testing::ElementsAre("threads"));
}

TEST(Prove, FindsResultsThatChangeFromRunToRun) {
  int runs = 0;
  const Multiply c = with([&runs](Pass pass, const Views<float>& v) {
    if (pass == Pass::forward && ++runs == 4) v.results[0][0] = std::nextafter(v.results[0][0], 9.0F);
  });
  EXPECT_THAT(checks_that_failed(c), testing::ElementsAre("repeat"));
}

TEST(Prove, FindsUseOfScratchMemoryThatNobodyWrote) {
  const Multiply c([](Pass pass, const Views<float>& v, std::span<std::byte> scratch, std::span<std::byte>) {
    multiply(pass, v);
    if (pass == Pass::forward) v.results[0][5] += std::to_integer<int>(scratch[0]) == 0xff ? 1e-7F : 0.0F;
  });
  EXPECT_THAT(checks_that_failed(c), Contains("full write"));
}

TEST(Prove, TurnsAnExceptionIntoAFailure) {
  const Multiply c = with([](Pass, const Views<float>&) { throw std::runtime_error("no such primitive"); });
  const Report report = prove(c);
  ASSERT_EQ(report.failures.size(), 1);
  EXPECT_EQ(report.failures[0].check, "error");
  EXPECT_EQ(report.failures[0].text, "no such primitive");
  EXPECT_EQ(report.proved, 0);
}

TEST(Prove, FindsAReferenceGradientThatIsNotTheDerivative) {
  Multiply c;
  c.wrong_reference = true;
  const Report report = prove(c);
  ASSERT_FALSE(report.holds());
  EXPECT_EQ(report.failures[0].check, "gradient");
  EXPECT_EQ(report.failures[0].implementation, "reference");
  EXPECT_THAT(report.failures[0].text, HasSubstr("grad_weight[7]: expected"));
}

TEST(Prove, CountsADeclinedPassAsNeitherProvedNorFailed) {
  Multiply c;
  c.declines_backward_data = true;
  const Report report = prove(c);
  EXPECT_THAT(report.failures, IsEmpty());
  EXPECT_EQ(report.proved, 2);
  ASSERT_EQ(report.declined.size(), 1);
  EXPECT_EQ(report.declined[0].case_id, "n40");
  EXPECT_EQ(report.declined[0].implementation, "planted");
  EXPECT_EQ(report.declined[0].pass, Pass::backward_data);
  EXPECT_EQ(report.declined[0].reason, "it is too odd");
}

TEST(Prove, SaysHowToRepeatAFailure) {
  const Multiply c = with([](Pass pass, const Views<float>& v) {
    if (pass == Pass::forward) v.results[0][2] = 1000.0F;
  });
  const Report report = prove(c, {.seed = 41});
  ASSERT_FALSE(report.holds());
  EXPECT_THAT(report.failures[0].to_string(), HasSubstr("planted: exact: dst[2]: expected "));
  EXPECT_THAT(report.failures[0].to_string(), HasSubstr("got 1000 (1 of 40 elements differ)"));
  EXPECT_EQ(report.failures[0].reproduce, "saccade bench multiply --case n40 --seed 41");
}

TEST(Prove, PutsTheNumberOfThreadsBack) {
  const int before = thread_count();
  set_thread_count(5);
  prove(Multiply());
  EXPECT_EQ(thread_count(), 5);
  set_thread_count(before);
}

TEST(Report, AddsUp) {
  Report sum;
  Multiply c;
  c.declines_backward_data = true;
  sum.add(prove(c));
  sum.add(prove(with([](Pass pass, const Views<float>& v) {
    if (pass == Pass::forward) v.results[0][0] = NAN;
  })));
  EXPECT_EQ(sum.proved, 2);
  EXPECT_EQ(sum.declined.size(), 1);
  EXPECT_FALSE(sum.holds());
}

}  // namespace
}  // namespace saccade::proof
