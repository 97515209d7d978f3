#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "saccade/proof/arrays.h"

namespace saccade::proof {

/// Holds the gradients that a backward pass wrote against the complex-step derivative of the reference forward pass,
///   d/dx <grad_dst, results[0]> = Im <grad_dst, results[0](x + i h)> / h,  h = 1e-50,
/// which has no rounding error of its own. Every element of every operand when the budget (multiply-adds) allows,
/// otherwise a sample of elements and two random directions through all of them.
/// Source: Squire and Trapp, "Using complex variables to estimate derivatives of real functions", 1998.
class ComplexStep {
 public:
  ComplexStep(const Case& c, const Inputs& inputs, double budget, std::uint64_t seed);

  /// "" or the worst difference beyond tolerance * magnitude, an element (or direction) each.
  std::string compare(const std::vector<Array<double>>& gradients, const std::vector<Array<double>>& magnitudes,
                      double tolerance) const;

 private:
  /// <derivative, direction> of one operand; a single element has a direction of one coordinate.
  struct Probe {
    std::size_t operand;
    Index element;                  // -1 for a whole direction
    std::vector<double> direction;  // empty for a single element
    double derivative;
  };

  void probe_element(Arrays<Complex>& arrays, std::size_t operand, Index element);
  void probe_direction(Arrays<Complex>& arrays, std::size_t operand, std::uint64_t seed, std::uint32_t slot);
  double evaluate(Arrays<Complex>& arrays) const;

  const Case& case_;
  std::vector<Operand> operands_;
  std::vector<Probe> probes_;
};

}  // namespace saccade::proof
