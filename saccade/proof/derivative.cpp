#include "saccade/proof/derivative.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "saccade/base/random.h"

namespace saccade::proof {
namespace {

constexpr double kComplexStep = 1e-50;
constexpr Index kLeastSample = 4;
constexpr std::uint32_t kDirections = 2;

}  // namespace

ComplexStep::ComplexStep(const Case& c, const Inputs& inputs, double budget, std::uint64_t seed)
    : case_(c), operands_(c.operands()) {
  Arrays<Complex> arrays(c, inputs);
  const double cost = std::max(1.0, c.flops(Pass::forward) / 2.0 + static_cast<double>(c.results().front().elements));
  for (std::size_t operand = 0; operand < operands_.size(); ++operand) {
    if (operands_[operand].gradient == Gradient::none) continue;
    const Index elements = operands_[operand].elements;
    const Index sample = std::max(static_cast<Index>(budget / cost), kLeastSample);
    if (elements <= sample) {
      for (Index element = 0; element < elements; ++element) probe_element(arrays, operand, element);
      continue;
    }
    Stream stream(seed, 2, operand, slot_of("sample"));
    for (Index i = 0; i < sample; ++i) {
      probe_element(arrays, operand, stream.below(static_cast<std::uint32_t>(elements)));
    }
    for (std::uint32_t slot = 0; slot < kDirections; ++slot) probe_direction(arrays, operand, seed, slot);
  }
}

double ComplexStep::evaluate(Arrays<Complex>& arrays) const {
  case_.reference(Pass::forward, arrays.views());
  double sum = 0.0;
  for (std::size_t i = 0; i < arrays.grad_dst.size(); ++i) {
    sum += arrays.grad_dst[i].real() * arrays.results.front()[i].imag();
  }
  return sum / kComplexStep;
}

void ComplexStep::probe_element(Arrays<Complex>& arrays, std::size_t operand, Index element) {
  Complex& x = arrays.operands[operand][usize(element)];
  x.imag(kComplexStep);
  probes_.push_back({operand, element, {}, evaluate(arrays)});
  x.imag(0.0);
}

void ComplexStep::probe_direction(Arrays<Complex>& arrays, std::size_t operand, std::uint64_t seed,
                                  std::uint32_t slot) {
  Stream stream(seed, 3, operand, slot);
  Array<Complex>& x = arrays.operands[operand];
  std::vector<double> direction(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    direction[i] = stream.uniform(-1.0, 1.0);
    x[i].imag(kComplexStep * direction[i]);
  }
  const double derivative = evaluate(arrays);
  probes_.push_back({operand, -1, std::move(direction), derivative});
  for (Complex& value : x) value.imag(0.0);
}

std::string ComplexStep::compare(const std::vector<Array<double>>& gradients,
                                 const std::vector<Array<double>>& magnitudes, double tolerance) const {
  std::string worst;
  double worst_excess = 1.0;
  for (const Probe& probe : probes_) {
    const Array<double>& gradient = gradients[probe.operand];
    const Array<double>& magnitude = magnitudes[probe.operand];
    double got = 0.0;
    double scale = 0.0;
    if (probe.element >= 0) {
      got = gradient[usize(probe.element)];
      scale = magnitude[usize(probe.element)];
    } else {
      for (std::size_t i = 0; i < gradient.size(); ++i) {
        got += gradient[i] * probe.direction[i];
        scale += magnitude[i] * std::abs(probe.direction[i]);
      }
    }
    const double difference = std::abs(got - probe.derivative);
    if (difference <= tolerance * scale) continue;  // false for NaN
    const double excess = std::isnan(difference) ? HUGE_VAL : difference / (tolerance * scale + 1e-300);
    if (excess < worst_excess) continue;
    worst_excess = excess;
    const std::string place = probe.element >= 0 ? fmt::format("[{}]", probe.element) : " along a direction";
    worst = fmt::format("grad_{}{}: expected {:.12g}, got {:.12g}, allowed difference {:.3g}",
                        operands_[probe.operand].name, place, probe.derivative, got, tolerance * scale);
  }
  return worst;
}

}  // namespace saccade::proof
