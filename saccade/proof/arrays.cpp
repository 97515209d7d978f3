#include "saccade/proof/arrays.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "saccade/base/random.h"

namespace saccade::proof {
namespace {

constexpr std::size_t kWall = 64;              // floats: four cache lines, more than the widest vector store
constexpr std::uint32_t kBrick = 0x7fa5a5a5U;  // a NaN that no computation makes

bool near_a_kink(const Domain& domain, double value) {
  return std::ranges::any_of(domain.kinks, [&](double kink) { return std::abs(value - kink) < domain.gap; });
}

Inputs draw(const Case& c, std::uint64_t seed,
            std::vector<float> (*values)(const Domain&, Index, std::uint64_t, std::uint32_t)) {
  Inputs inputs;
  std::uint32_t slot = 0;
  for (const Operand& operand : c.operands()) {
    inputs.operands.push_back(values(operand.domain, operand.elements, seed, slot++));
  }
  inputs.grad_dst = values(c.grad_dst_domain(), c.results().front().elements, seed, slot);
  return inputs;
}

}  // namespace

WalledArray::WalledArray(Index elements)
    : memory_((usize(elements) + 2 * kWall) * sizeof(float)), elements_(usize(elements)) {
  // std::uint32_t and float have the same size; a wall is compared as bits, because its bricks are NaN.
  auto* const first = reinterpret_cast<std::uint32_t*>(memory_.bytes().data());
  std::fill_n(first, elements_ + 2 * kWall, kBrick);
  begin_ = reinterpret_cast<float*>(first + kWall);
}

void WalledArray::fill(float value) { std::fill_n(begin_, elements_, value); }

bool WalledArray::intact() const {
  const auto* const bits = reinterpret_cast<const std::uint32_t*>(begin_);
  const auto stands = [](std::uint32_t brick) { return brick == kBrick; };
  return std::all_of(bits - kWall, bits, stands) && std::all_of(bits + elements_, bits + elements_ + kWall, stands);
}

std::vector<float> draw_reals(const Domain& domain, Index elements, std::uint64_t seed, std::uint32_t slot) {
  if (domain.only_integers) return draw_integers(domain, elements, seed, slot);
  Stream stream(seed, 0, 0, slot);
  std::vector<float> values(usize(elements));
  if (domain.distinct) {
    const double step = (domain.high - domain.low) / static_cast<double>(elements);
    for (Index i = 0; i < elements; ++i) {
      values[usize(i)] = static_cast<float>(domain.low + (static_cast<double>(i) + 0.5) * step);
    }
    for (Index i = elements - 1; i > 0; --i) {
      std::swap(values[usize(i)], values[stream.below(static_cast<std::uint32_t>(i) + 1)]);
    }
    return values;
  }
  for (float& value : values) {
    do {
      value = static_cast<float>(stream.uniform(domain.low, domain.high));
    } while (near_a_kink(domain, static_cast<double>(value)));
  }
  return values;
}

std::vector<float> draw_integers(const Domain& domain, Index elements, std::uint64_t seed, std::uint32_t slot) {
  Stream stream(seed, 1, 0, slot);
  const auto choices = static_cast<std::uint32_t>(domain.integer_high - domain.integer_low) + 1;
  std::vector<float> values(usize(elements));
  for (float& value : values) {
    const auto integer = domain.integer_low + static_cast<std::int32_t>(stream.below(choices));
    value = static_cast<float>(integer * domain.integer_step);
  }
  return values;
}

Inputs Inputs::reals(const Case& c, std::uint64_t seed) { return draw(c, seed, draw_reals); }
Inputs Inputs::integers(const Case& c, std::uint64_t seed) { return draw(c, seed, draw_integers); }

void Case::magnitude(Pass pass, const Views<double>& views) const {
  const auto absolute = [](std::span<const double> values) {
    std::vector<double> result(values.begin(), values.end());
    for (double& value : result) value = std::abs(value);
    return result;
  };
  std::vector<std::vector<double>> operands;
  for (const std::span<const double> operand : views.operands) operands.push_back(absolute(operand));
  const std::vector<Operand> described = this->operands();
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (!described[i].subtracted) continue;
    for (double& value : operands[i]) value = -value;
  }
  const std::vector<double> grad_dst = absolute(views.grad_dst);

  Views<double> positive = views;
  for (std::size_t i = 0; i < operands.size(); ++i) positive.operands[i] = operands[i];
  positive.grad_dst = grad_dst;
  reference(pass, positive);
}

Arrays<double> run_magnitude(const Case& c, const Inputs& inputs) {
  Arrays<double> arrays(c, inputs);
  for (const Pass pass : c.passes()) c.magnitude(pass, arrays.views());
  return arrays;
}

}  // namespace saccade::proof
