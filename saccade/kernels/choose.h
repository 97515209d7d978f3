#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace saccade::kernels {

/// One way of computing an operation. Lists of these are ordered by preference, as measured on typical shapes, the plain
/// reference last. Where our own vectors come first, "onednn" follows them though it is never taken unless asked for by
/// name: it is proved and measured like the others. That holds for sigmoid and tanh too, which oneDNN computes 10 to
/// 20 % faster in the cache, but whose gradients take it 1.4 to 2 times as long.
template <class Problem, class Kernel>
struct Implementation {
  std::string_view name;                            ///< "onednn", "reference"
  std::string (*decline)(const Problem&);           ///< "" accepts; otherwise the reason, e.g. "stride is 2"
  std::unique_ptr<Kernel> (*make)(const Problem&);  ///< Prepares it; only called when decline() accepts.
};

/// Who runs, and why the ones before it in the list do not.
struct Explanation {
  struct Declined {
    std::string_view name;
    std::string reason;
  };
  std::string_view name;
  std::vector<Declined> declined;
};

template <class Kernel>
struct Choice {
  std::unique_ptr<Kernel> kernel;
  Explanation explanation;
};

/// The first implementation that accepts the problem; with `only`, the one of that name or none (a null kernel).
template <class Problem, class Kernel>
Choice<Kernel> choose(std::span<const Implementation<Problem, Kernel>> list, const Problem& problem,
                      std::string_view only = {}) {
  Choice<Kernel> choice;
  for (const auto& implementation : list) {
    if (!only.empty() && implementation.name != only) continue;
    if (std::string reason = implementation.decline(problem); !reason.empty()) {
      choice.explanation.declined.push_back({implementation.name, std::move(reason)});
      continue;
    }
    choice.kernel = implementation.make(problem);
    choice.explanation.name = implementation.name;
    break;
  }
  return choice;
}

/// Why the implementation of that name, which is in the list, declines; "" when it accepts.
template <class Problem, class Kernel>
std::string decline_of(std::span<const Implementation<Problem, Kernel>> list, std::string_view name,
                       const Problem& problem) {
  for (const auto& implementation : list) {
    if (implementation.name == name) return implementation.decline(problem);
  }
  return "there is no such implementation";
}

/// For the reference, which takes every problem.
template <class Problem>
std::string accept_all(const Problem&) {
  return {};
}

}  // namespace saccade::kernels
