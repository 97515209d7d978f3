#pragma once
#include <complex>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/base/integer.h"
#include "saccade/kernels/kernel.h"

/// The proof of the kernels: one description of an operation (a Case) from which follow its correctness, its gradients,
/// its repeatability (prove.h) and its speed (benchmark.h). The unit tests and `saccade bench` run the same code, so a
/// test that fails prints the command that repeats it.
///
/// A new operation writes <operation>_case.h/.cpp: a class derived from CaseOf, a parser of its id, and one line in
/// operations.cpp.
namespace saccade::proof {

using kernels::Pass;
using Complex = std::complex<double>;

/// How the values of an operand are drawn.
struct Domain {
  /// Real values: uniform in [low, high], at least `gap` away from every kink.
  double low = -1.0;
  double high = 1.0;
  std::vector<double> kinks;
  double gap = 0.0;
  /// Real values that differ from each other: a shuffle of evenly spaced ones, so that a maximum is unique.
  bool distinct = false;
  /// Integer values: integer_step times a number in integer_low .. integer_high. Few and small enough that every sum of
  /// the operation is exact in float; integer_step makes divisions come out even.
  std::int32_t integer_low = -4;
  std::int32_t integer_high = 4;
  std::int32_t integer_step = 1;
  /// Integers in the rounds of real values too: labels.
  bool only_integers = false;
};

/// Which pass writes the gradient with respect to an operand.
enum class Gradient : std::uint8_t { none, data, weights };

/// One input array.
struct Operand {
  std::string name;  ///< "src", "weight": the vocabulary's.
  Index elements = 0;
  Gradient gradient = Gradient::none;
  Domain domain = {};
  bool subtracted = false;  ///< For magnitude(): as if it were negative.
};

/// One output array. The first is the one that is differentiated.
struct Result {
  std::string name;
  Index elements = 0;
};

/// The arrays of one run, in the order of Case::operands() and Case::results(). The forward pass reads operands and
/// writes results. The backward passes read operands, results (of the forward pass) and grad_dst (the gradient with
/// respect to results[0]); each writes the gradients of its operands. gradients has one entry an operand, empty where
/// there is none.
template <class T>
struct Views {
  std::vector<std::span<const T>> operands;
  std::vector<std::span<T>> results;
  std::span<const T> grad_dst;
  std::vector<std::span<T>> gradients;
};

/// One implementation, made ready for a case.
class Prepared {
 public:
  Prepared() = default;
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;
  virtual ~Prepared() = default;

  /// "" when it runs this pass, otherwise the reason why not.
  virtual std::string declined(Pass pass) const = 0;
  virtual Index scratch_bytes() const { return 0; }
  virtual Index saved_bytes() const { return 0; }
  /// Only called for passes that it runs; `saved` survives from the forward pass to the backward passes.
  virtual void run(Pass pass, const Views<float>& views, std::span<std::byte> scratch, std::span<std::byte> saved) = 0;
};

/// One problem of one operation.
class Case {
 public:
  Case() = default;
  virtual ~Case() = default;

  virtual std::string_view operation() const = 0;  ///< "conv2d": what `saccade bench` calls it.
  virtual std::string id() const = 0;              ///< What the operation's parser turns into this case again.
  virtual std::vector<Operand> operands() const = 0;
  virtual std::vector<Result> results() const = 0;
  /// The passes it has, forward first.
  virtual std::vector<Pass> passes() const = 0;
  /// Values of grad_dst.
  virtual Domain grad_dst_domain() const { return {}; }

  /// Floating-point operations of a pass; 0 for operations measured in bytes alone.
  virtual double flops(Pass pass) const = 0;
  /// Bytes that a pass must read and write at the least.
  virtual double bytes(Pass pass) const = 0;

  /// Whether integer operands give results without any rounding, so that implementations must agree exactly.
  virtual bool exact(Pass) const { return true; }
  /// Roundings that may stand between the operands and one element of the result (the length of a sum, at most). Float
  /// results may differ from the double reference by rounding(pass) * 2^-23 * magnitude.
  virtual double rounding(Pass pass) const = 0;
  /// How many times as large the errors of an implementation may be, where it computes the result in another way than by
  /// the definition's sum. It mixes neighbours, so the largest element's magnitude is then the scale of all.
  virtual double growth(std::string_view) const { return 1.0; }
  /// The scale of that bound, an element each: what the sums come to when no term cancels another. Unless overridden, the
  /// reference on the absolute values of operands and grad_dst, which is that for products and sums.
  virtual void magnitude(Pass pass, const Views<double>& views) const;

  virtual void reference(Pass pass, const Views<float>& views) const = 0;
  virtual void reference(Pass pass, const Views<double>& views) const = 0;
  virtual void reference(Pass pass, const Views<Complex>& views) const = 0;  ///< Forward only.

  /// Names of the implementations, in the order of the operation's list; the plain reference is the last.
  virtual std::vector<std::string_view> implementations() const = 0;
  virtual std::unique_ptr<Prepared> prepare(std::string_view implementation) const = 0;
};

/// Derived writes one template for all number types,
///   template <class T> void compute(Pass pass, const Views<T>& views) const;
/// which calls the templates of the operation's reference.h.
template <class Derived>
class CaseOf : public Case {
 public:
  void reference(Pass pass, const Views<float>& views) const final { self().template compute<float>(pass, views); }
  void reference(Pass pass, const Views<double>& views) const final { self().template compute<double>(pass, views); }
  void reference(Pass pass, const Views<Complex>& views) const final { self().template compute<Complex>(pass, views); }

 private:
  const Derived& self() const { return static_cast<const Derived&>(*this); }
};

/// Names of a list of kernels::Implementation.
template <class List>
std::vector<std::string_view> names_of(const List& list) {
  std::vector<std::string_view> names;
  for (const auto& implementation : list) names.push_back(implementation.name);
  return names;
}

}  // namespace saccade::proof
