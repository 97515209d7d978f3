#include "saccade/proof/prove.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <utility>

#include "saccade/base/parallel.h"
#include "saccade/proof/arrays.h"
#include "saccade/proof/compare.h"
#include "saccade/proof/derivative.h"

namespace saccade::proof {
namespace {

constexpr double kReferenceTolerance = 1e-9;
constexpr double kFloatEpsilon = 0x1p-23;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// What an implementation wrote, pass by pass.
struct Outputs {
  std::vector<WalledArray> results, gradients;

  explicit Outputs(const Case& c) {
    for (const Result& result : c.results()) results.emplace_back(result.elements);
    for (const Operand& operand : c.operands()) {
      gradients.emplace_back(operand.gradient == Gradient::none ? 0 : operand.elements);
    }
  }
};

/// One thread, unless set otherwise, until the end of the scope. Most runs of a proof are so small that starting threads
/// would cost more than the work.
class OneThread {
 public:
  OneThread() : previous_(thread_count()) { set_thread_count(1); }
  ~OneThread() { set_thread_count(previous_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int previous_;
};

class Prover {
 public:
  Prover(const Case& c, const ProofOptions& options)
      : case_(c),
        options_(options),
        operands_(c.operands()),
        results_(c.results()),
        integers_(Inputs::integers(c, options.seed)),
        reals_(Inputs::reals(c, options.seed)),
        exact_reference_(run_reference<float>(c, integers_)),
        float_reference_(run_reference<float>(c, reals_)),
        real_reference_(run_reference<double>(c, reals_)),
        magnitude_(run_magnitude(c, reals_)) {}

  Report prove() {
    prove_reference();
    for (const std::string_view name : case_.implementations()) {
      if (!options_.only.empty() && name != options_.only) continue;
      implementation_ = name;
      try {
        prove_implementation();
      } catch (const std::exception& error) {
        fail("error", error.what());
        set_thread_count(1);
      }
    }
    return std::move(report_);
  }

 private:
  void fail(std::string_view check, std::string text) {
    report_.failures.push_back(
        {std::string(check), std::string(implementation_), std::move(text),
         fmt::format("saccade bench {} --case {} --seed {}", case_.operation(), case_.id(), options_.seed)});
  }

  void expect(std::string_view check, std::string difference) {
    if (!difference.empty()) fail(check, std::move(difference));
  }

  void prove_reference() {
    implementation_ = "reference";
    const ComplexStep derivative(case_, reals_, options_.derivative_budget, options_.seed);
    expect("gradient", derivative.compare(real_reference_.gradients, magnitude_.gradients, kReferenceTolerance));
  }

  void prove_implementation() {
    const std::unique_ptr<Prepared> prepared = case_.prepare(implementation_);
    const std::vector<Pass> passes = accepted_passes(*prepared);
    if (passes.empty()) return;
    const std::size_t failures_before = report_.failures.size();

    const auto run_integers = [&] { return run(*prepared, passes, integers_, exact_reference_.results, kNaN); };
    const auto run_reals = [&](Prepared& p, float poison) {
      return run(p, passes, reals_, float_reference_.results, poison);
    };
    const Outputs exact = run_integers();
    for (const Pass pass : passes) compare_exact(pass, exact);
    const Outputs real = run_reals(*prepared, kNaN);
    for (const Pass pass : passes) compare_rounded(pass, real);
    compare_same("full write", passes, real, run_reals(*prepared, 9.0F));
    compare_same("repeat", passes, real, run_reals(*prepared, kNaN));
    for (const int threads : options_.thread_counts) {
      set_thread_count(threads);
      // Anew: some keep memory for each thread that there is when they are made.
      compare_same("threads", passes, real, run_reals(*case_.prepare(implementation_), kNaN));
    }
    set_thread_count(1);
    if (report_.failures.size() == failures_before) report_.proved += static_cast<int>(passes.size());
  }

  std::vector<Pass> accepted_passes(const Prepared& prepared) {
    std::vector<Pass> passes;
    for (const Pass pass : case_.passes()) {
      const std::string reason = prepared.declined(pass);
      if (reason.empty()) {
        passes.push_back(pass);
      } else {
        report_.declined.push_back({case_.id(), std::string(implementation_), pass, reason});
      }
    }
    return passes;
  }

  /// Runs the passes on fresh outputs and working memory that hold `poison`. The backward passes are handed the
  /// reference's results, so that one pass's fault is not reported as another's.
  Outputs run(Prepared& prepared, const std::vector<Pass>& passes, const Inputs& inputs,
              const std::vector<Array<float>>& reference_results, float poison) {
    Outputs outputs(case_);
    for (WalledArray& array : outputs.results) array.fill(poison);
    for (WalledArray& array : outputs.gradients) array.fill(poison);
    const std::byte filling{static_cast<unsigned char>(poison == 9.0F ? 0x09 : 0xff)};  // 0xff...: NaN in every type
    AlignedBuffer scratch(usize(prepared.scratch_bytes())), saved(usize(prepared.saved_bytes()));
    std::ranges::fill(saved.bytes(), filling);

    for (const Pass pass : passes) {
      std::ranges::fill(scratch.bytes(), filling);
      Views<float> views;
      for (const std::vector<float>& operand : inputs.operands) views.operands.emplace_back(operand);
      std::vector<Array<float>> given;
      if (pass == Pass::forward) {
        for (WalledArray& array : outputs.results) views.results.push_back(array.values());
      } else {
        given = reference_results;
        for (Array<float>& result : given) views.results.emplace_back(result);
      }
      views.grad_dst = inputs.grad_dst;
      for (std::size_t i = 0; i < operands_.size(); ++i) {
        views.gradients.push_back(writes(pass, i) ? outputs.gradients[i].values() : std::span<float>());
      }
      prepared.run(pass, views, scratch.bytes(), saved.bytes());
    }
    check_walls(outputs);
    return outputs;
  }

  bool writes(Pass pass, std::size_t operand) const {
    const Gradient gradient = operands_[operand].gradient;
    return pass == Pass::backward_data ? gradient == Gradient::data
                                       : pass == Pass::backward_weights && gradient == Gradient::weights;
  }

  void check_walls(const Outputs& outputs) {
    for (std::size_t i = 0; i < results_.size(); ++i) {
      if (!outputs.results[i].intact()) fail("bounds", results_[i].name + ": written beyond its ends");
    }
    for (std::size_t i = 0; i < operands_.size(); ++i) {
      if (!outputs.gradients[i].intact()) fail("bounds", "grad_" + operands_[i].name + ": written beyond its ends");
    }
  }

  /// Calls visit(name, is_gradient, index) for the arrays that a pass writes.
  template <class Visit>
  void for_outputs(Pass pass, Visit&& visit) const {
    if (pass == Pass::forward) {
      for (std::size_t i = 0; i < results_.size(); ++i) visit(results_[i].name, false, i);
    }
    for (std::size_t i = 0; i < operands_.size(); ++i) {
      if (writes(pass, i)) visit("grad_" + operands_[i].name, true, i);
    }
  }

  void compare_exact(Pass pass, const Outputs& outputs) {
    if (!case_.exact(pass)) return;
    for_outputs(pass, [&](const std::string& name, bool is_gradient, std::size_t i) {
      const auto& expected = is_gradient ? exact_reference_.gradients[i] : exact_reference_.results[i];
      expect("exact", compare_equal(name, expected, (is_gradient ? outputs.gradients : outputs.results)[i].values()));
    });
  }

  void compare_rounded(Pass pass, const Outputs& outputs) {
    const double growth = case_.growth(implementation_);
    const double tolerance = case_.rounding(pass) * kFloatEpsilon * growth;
    for_outputs(pass, [&](const std::string& name, bool is_gradient, std::size_t i) {
      const auto& expected = is_gradient ? real_reference_.gradients[i] : real_reference_.results[i];
      Array<double> scale = is_gradient ? magnitude_.gradients[i] : magnitude_.results[i];
      if (growth != 1.0) std::ranges::fill(scale, *std::ranges::max_element(scale));
      const auto got = std::as_const(is_gradient ? outputs.gradients : outputs.results)[i].values();
      expect("rounding", compare_near(name, expected, got, scale, tolerance));
    });
  }

  void compare_same(std::string_view check, const std::vector<Pass>& passes, const Outputs& a, const Outputs& b) {
    for (const Pass pass : passes) {
      for_outputs(pass, [&](const std::string& name, bool is_gradient, std::size_t i) {
        const auto& first = is_gradient ? a.gradients : a.results;
        const auto& second = is_gradient ? b.gradients : b.results;
        expect(check, compare_bits(name, first[i].values(), second[i].values()));
      });
    }
  }

  const Case& case_;
  const ProofOptions& options_;
  std::vector<Operand> operands_;
  std::vector<Result> results_;
  Inputs integers_, reals_;
  Arrays<float> exact_reference_, float_reference_;
  Arrays<double> real_reference_, magnitude_;
  std::string_view implementation_;
  Report report_;
};

}  // namespace

std::string Failure::to_string() const {
  return fmt::format("{}: {}: {}\n  {}", implementation, check, text, reproduce);
}

void Report::add(Report other) {
  proved += other.proved;
  std::ranges::move(other.declined, std::back_inserter(declined));
  std::ranges::move(other.failures, std::back_inserter(failures));
}

std::string Report::to_string() const {
  std::string text;
  for (const Failure& failure : failures) text += failure.to_string() + "\n";
  return text + fmt::format("{} proved, {} declined, {} failures", proved, declined.size(), failures.size());
}

Report prove(const Case& c, const ProofOptions& options) {
  const OneThread one;
  return Prover(c, options).prove();
}

}  // namespace saccade::proof
