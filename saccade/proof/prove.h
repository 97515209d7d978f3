#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/proof/case.h"

namespace saccade::proof {

struct ProofOptions {
  std::uint64_t seed = 1;
  std::string_view only = {};               ///< One implementation; empty for all.
  std::vector<int> thread_counts = {2, 3};  ///< Results must be the same bits as with one thread.
  /// Complex evaluations of the reference that the derivative may cost, in multiply-adds; when every element would cost
  /// more, elements are sampled and whole directions are added.
  double derivative_budget = 2e7;
};

/// Something that does not hold, and how to see it again.
struct Failure {
  std::string check;           ///< "exact", "gradient", "full write", "repeat", "threads", "bounds", "error"
  std::string implementation;  ///< "onednn", or "reference" for the reference itself
  std::string text;            ///< "dst[17]: expected 4, got -4"
  std::string reproduce;       ///< "saccade bench conv2d --case n1ih5... --seed 1"
  std::string to_string() const;
};

/// An implementation that does not take the case, or one of its passes. Neither passed nor failed: count them, and bound
/// the count.
struct Declined {
  std::string case_id;
  std::string implementation;
  Pass pass;
  std::string reason;
};

struct Report {
  int proved = 0;  ///< Passes of implementations that went through every check.
  std::vector<Declined> declined;
  std::vector<Failure> failures;

  bool holds() const { return failures.empty(); }
  void add(Report other);
  /// One line a failure, then the counts.
  std::string to_string() const;
};

/// Checks a case:
///   gradient    the reference backward pass in double agrees with the complex-step derivative of the reference forward
///               pass to 1e-9 of its magnitude, for every operand
/// and for each implementation
///   exact       integers: results and gradients equal the reference's
///   rounding    reals: results and gradients are within rounding * eps * magnitude of the double reference
///   full write  results and gradients come out the same whether they held NaN or 9 before, scratch memory likewise
///   bounds      nothing is written beyond them
///   repeat      the same bits again
///   threads     the same bits for every thread count
/// It never throws for an implementation that fails: what it throws becomes a failure ("error").
Report prove(const Case& c, const ProofOptions& options = {});

}  // namespace saccade::proof
