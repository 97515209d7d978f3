#include "saccade/optim/optimizer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "saccade/base/error.h"
#include "saccade/kernels/update/squares.h"

namespace saccade {
namespace {

bool is_finite(double value) { return std::fabs(value) <= double{std::numeric_limits<float>::max()}; }

// As the float that it is used as: 0.1F, and so 0.10000000149011612, reads 0.1.
std::string text(double value) { return fmt::format("{}", static_cast<float>(value)); }

void require_gradient(const Parameter& parameter) {
  if (parameter.grad.shape() == parameter.value.shape()) return;
  throw ShapeError({.where = fmt::format("parameter '{}'", parameter.name),
                    .expected = fmt::format("a gradient of shape {}", parameter.value.shape().to_string()),
                    .got = parameter.grad.shape().to_string(),
                    .fix = "compile the network for training"});
}

// What shrinks a gradient of length sqrt(squares) to `limit`; 1 when it is short enough, or NaN.
float clip_scale(double squares, double limit) {
  const double norm = std::sqrt(squares);
  return norm > limit ? static_cast<float>(limit / norm) : 1.0F;
}

}  // namespace

Optimizer::Optimizer(Setup setup) : setup_(std::move(setup)) {
  learning_rate_ = setup_.numbers.front().value;
  const std::pair<std::string_view, const std::optional<double>&> clips[] = {
      {"clipvalue", setup_.clipvalue}, {"clipnorm", setup_.clipnorm}, {"global_clipnorm", setup_.global_clipnorm}};
  std::vector<std::string_view> clipping;
  for (const auto& [name, value] : clips) {
    if (!value) continue;
    clipping.push_back(name);
    setup_.numbers.push_back({name, *value, Domain::positive, 1.0});
  }
  if (clipping.size() > 1) {
    throw ValueError({.where = std::string(setup_.label),
                      .expected = "at most one of clipvalue, clipnorm and global_clipnorm",
                      .got = fmt::format("{}", fmt::join(clipping, " and ")),
                      .fix = "keep one"});
  }
  if (setup_.use_ema) setup_.numbers.push_back({"ema_momentum", setup_.ema_momentum, Domain::fraction, 0.99});
  for (const Number& number : setup_.numbers) {
    const auto fail = [&](std::string_view expected) {
      throw ValueError({.where = fmt::format("{} {}", setup_.label, number.name),
                        .expected = std::string(expected),
                        .got = fmt::format("{}", number.value),
                        .fix = fmt::format("try {}", number.advice)});
    };
    const bool finite = is_finite(number.value);
    // Positive as the float that it will become.
    const bool positive = finite && number.value >= double{std::numeric_limits<float>::min()};
    if (number.domain == Domain::positive && !positive) fail("a positive finite number");
    if (number.domain == Domain::not_negative && !(finite && number.value >= 0.0)) {
      fail("a finite number of zero or more");
    }
    if (number.domain == Domain::fraction && !(number.value >= 0.0 && number.value < 1.0)) {
      fail("at least 0 and below 1");
    }
  }
  auto choice = kernels::choose(kernels::update_implementations(), kernels::UpdateProblem{setup_.rule});
  kernel_ = std::move(choice.kernel);
  directed_ =
      kernels::choose(kernels::update_implementations(), kernels::UpdateProblem{kernels::UpdateRule::sgd}).kernel;
  explanation_ = std::move(choice.explanation);
}

std::string Optimizer::describe() const {
  std::vector<std::string> parts;
  for (const Number& number : setup_.numbers) parts.push_back(fmt::format("{}={}", number.name, text(number.value)));
  parts.insert(parts.end(), setup_.flags.begin(), setup_.flags.end());
  if (!setup_.exclude_from_weight_decay.empty()) {
    parts.push_back(fmt::format("exclude_from_weight_decay={}", setup_.exclude_from_weight_decay));
  }
  return fmt::format("{}({})", setup_.label, fmt::join(parts, ", "));
}

Optimizer::Bound Optimizer::make_bound(Parameter& parameter) const {
  const Shape& shape = parameter.value.shape();
  const bool directed = is_directed(parameter);
  Bound entry{.parameter = &parameter,
              .slots = {},
              .average = {},
              .directed = directed,
              .decays = (directed ? setup_.directed_weight_decay : setup_.weight_decay) != 0.0,
              .first = iterations_};
  const std::size_t slots = directed ? 1 : setup_.slots.size();
  for (std::size_t slot = 0; slot < slots; ++slot) entry.slots.emplace_back(shape);
  if (setup_.use_ema) entry.average = Tensor(shape);
  for (const std::string& part : setup_.exclude_from_weight_decay) {
    if (parameter.name.find(part) != std::string::npos) entry.decays = false;
  }
  return entry;
}

void Optimizer::reserve_slices() {
  std::size_t slices = 0;
  for (const Bound& bound : bound_) {
    slices += usize(ceil_divide(bound.parameter->value.elements(), kernels::kUpdateSliceElements));
  }
  slices_.clear();
  slices_.reserve(slices);
  updates_.clear();
  updates_.reserve(bound_.size());
}

void Optimizer::require_bound(std::string_view call) const {
  if (is_bound_) return;
  throw ValueError({.where = std::string(setup_.label),
                    .expected = fmt::format("bind() before {}", call),
                    .got = "no parameters",
                    .fix = "bind it to the network's parameters"});
}

void Optimizer::bind(std::span<Parameter* const> parameters) {
  std::set<std::string_view> names;
  for (const Parameter* parameter : parameters) {
    if (names.insert(parameter->name).second) continue;
    throw ValueError({.where = std::string(setup_.label),
                      .expected = "parameters with different names",
                      .got = fmt::format("'{}' twice", parameter->name),
                      .fix = "give every layer its own name"});
  }
  bound_.clear();
  iterations_ = 0;
  is_bound_ = true;
  bind_more(parameters);
}

void Optimizer::bind_more(std::span<Parameter* const> parameters) {
  require_bound("bind_more()");
  std::set<const Parameter*> known;
  for (const Bound& bound : bound_) known.insert(bound.parameter);
  for (Parameter* parameter : parameters) {
    if (parameter->learns() && !known.contains(parameter)) bound_.push_back(make_bound(*parameter));
  }
  reserve_slices();
}

void Optimizer::check_gradients() const {
  for (const Bound& bound : bound_) {
    const Parameter& parameter = *bound.parameter;
    if (!parameter.learns()) continue;
    require_gradient(parameter);
    if (!(is_finite(parameter.learning_rate_factor) && parameter.learning_rate_factor >= 0.0)) {
      throw ValueError({.where = fmt::format("parameter '{}': learning_rate_factor", parameter.name),
                        .expected = "a finite number of zero or more",
                        .got = fmt::format("{}", parameter.learning_rate_factor),
                        .fix = "1 leaves the learning rate as it is"});
    }
    // The weight may have been replaced since bind() by one that the slots do not fit.
    const Tensor& like = !bound.slots.empty() ? bound.slots.front() : bound.average;
    if ((bound.slots.empty() && !setup_.use_ema) || like.shape() == parameter.value.shape()) continue;
    throw ShapeError({.where = fmt::format("parameter '{}'", parameter.name),
                      .expected = fmt::format("shape {}, as at bind()", like.shape().to_string()),
                      .got = parameter.value.shape().to_string(),
                      .fix = "bind the optimizer again"});
  }
}

float Optimizer::global_scale() const {
  if (!setup_.global_clipnorm) return 1.0F;
  double squares = 0.0;
  for (const Bound& bound : bound_) {
    if (bound.parameter->learns()) squares += kernels::sum_of_squares(std::as_const(bound.parameter->grad).floats());
  }
  return clip_scale(squares, *setup_.global_clipnorm);
}

Optimizer::Pace Optimizer::pace_of(const Bound& bound) const {
  const double ratio = bound.directed ? 1.0 : setup_.rule_rate_ratio;
  return {bound.parameter->learning_rate_factor * ratio, bound.first, bound.directed};
}

kernels::UpdateNumbers Optimizer::numbers_of(const Pace& pace, double learning_rate) const {
  const Index t = iterations_ - pace.first + 1;
  const double rate = learning_rate * pace.factor;
  kernels::UpdateNumbers result =
      pace.directed ? kernels::UpdateNumbers{.rate = static_cast<float>(rate)} : numbers(rate, t);
  if (setup_.clipvalue) result.clip_value = static_cast<float>(*setup_.clipvalue);
  const double average_momentum = t == 1 ? 0.0 : setup_.ema_momentum;
  result.average_momentum = static_cast<float>(average_momentum);
  result.one_minus_average_momentum = static_cast<float>(1.0 - average_momentum);
  return result;
}

float Optimizer::decay_of(const Bound& bound, double learning_rate) const {
  if (!bound.decays) return 0.0F;
  const double weight_decay = bound.directed ? setup_.directed_weight_decay : setup_.weight_decay;
  return static_cast<float>(learning_rate * pace_of(bound).factor * weight_decay);
}

kernels::UpdateSlice Optimizer::slice_of(Bound& bound, Index first, Index elements) const {
  kernels::UpdateSlice slice{.weight = bound.parameter->value.floats().data() + first, .elements = elements};
  for (std::size_t slot = 0; slot < bound.slots.size(); ++slot) {
    slice.slots[slot] = bound.slots[slot].floats().data() + first;
  }
  if (setup_.use_ema) slice.average = bound.average.floats().data() + first;
  return slice;
}

void Optimizer::cut_slices(Bound& bound, float grad_scale, float decay) {
  const Index elements = bound.parameter->value.elements();
  float* const grad = bound.parameter->grad.floats().data();
  for (Index first = 0; first < elements; first += kernels::kUpdateSliceElements) {
    kernels::UpdateSlice slice = slice_of(bound, first, std::min(kernels::kUpdateSliceElements, elements - first));
    slice.grad = grad + first;
    slice.grad_scale = grad_scale;
    slice.decay = decay;
    slices_.push_back(slice);
  }
}

void Optimizer::run_slices(const Pace& pace, double learning_rate) {
  if (slices_.empty()) return;
  (pace.directed ? directed_ : kernel_)->run({.slices = slices_, .numbers = numbers_of(pace, learning_rate)});
  slices_.clear();
}

bool Optimizer::is_done(const Bound& bound) const {
  return std::ranges::any_of(
      updates_, [weight = std::as_const(bound.parameter->value).floats().data()](const kernels::WeightUpdate& u) {
        return u.done && u.whole.weight == weight;
      });
}

void Optimizer::check_step(double learning_rate) const {
  require_bound("step()");
  if (!(is_finite(learning_rate) && learning_rate >= 0.0)) {
    throw ValueError({.where = fmt::format("{} step {}", setup_.label, iterations_),
                      .expected = "a finite learning rate of zero or more",
                      .got = fmt::format("{}", learning_rate),
                      .fix = "check the learning rate schedule"});
  }
  check_gradients();
}

std::span<kernels::WeightUpdate> Optimizer::begin_step(double learning_rate) {
  check_step(learning_rate);
  updates_.clear();
  if (setup_.clipnorm || setup_.global_clipnorm) return {};
  for (Bound& bound : bound_) {
    const Parameter& parameter = *bound.parameter;
    if (!parameter.learns() || parameter.l2 != 0.0F || bound.directed) continue;
    kernels::WeightUpdate& update = updates_.emplace_back();
    update.rule = setup_.rule;
    update.numbers = numbers_of(pace_of(bound), learning_rate);
    update.whole = slice_of(bound, 0, parameter.value.elements());
    update.whole.decay = decay_of(bound, learning_rate);
  }
  return updates_;
}

void Optimizer::step(double learning_rate) {
  check_step(learning_rate);
  const float scale = global_scale();
  slices_.clear();
  Pace pace;
  for (Bound& bound : bound_) {
    Parameter& parameter = *bound.parameter;
    if (!parameter.learns() || is_done(bound)) continue;
    const Pace own = pace_of(bound);
    if (own != pace) run_slices(std::exchange(pace, own), learning_rate);
    const auto grad = std::as_const(parameter.grad).floats();
    const float own_scale = setup_.clipnorm ? clip_scale(kernels::sum_of_squares(grad), *setup_.clipnorm) : scale;
    if (bound.directed) direct(parameter, bound.slots.front().floats());
    cut_slices(bound, own_scale, decay_of(bound, learning_rate));
  }
  run_slices(pace, learning_rate);
  updates_.clear();
  ++iterations_;
}

void Optimizer::set_iterations(Index iterations) {
  if (iterations < 0) {
    throw ValueError({.where = fmt::format("{} iterations", setup_.label),
                      .expected = "zero or more",
                      .got = fmt::format("{}", iterations),
                      .fix = "use the count of an earlier iterations()"});
  }
  iterations_ = iterations;
}

std::vector<NamedTensor> Optimizer::state() {
  std::vector<NamedTensor> state;
  for (Bound& bound : bound_) {
    const auto add = [&](std::string_view slot, Tensor& tensor) {
      state.push_back({fmt::format("{}/{}/{}", setup_.name, slot, bound.parameter->name), &tensor});
    };
    for (std::size_t slot = 0; slot < bound.slots.size(); ++slot) add(setup_.slots[slot], bound.slots[slot]);
    if (setup_.use_ema) add("average", bound.average);
  }
  return state;
}

void Optimizer::swap_averages() {
  if (!setup_.use_ema || iterations_ == 0) return;
  for (Bound& bound : bound_) {
    if (bound.first == iterations_) continue;  // no step yet
    if (bound.parameter->learns()) std::ranges::swap_ranges(bound.parameter->value.floats(), bound.average.floats());
  }
}

double add_l2(std::span<Parameter* const> parameters) {
  double loss = 0.0;
  for (Parameter* parameter : parameters) {
    if (!parameter->learns() || parameter->l2 == 0.0F) continue;
    require_gradient(*parameter);
    loss += kernels::add_l2(std::as_const(parameter->value).floats(), parameter->grad.floats(), parameter->l2);
  }
  return loss;
}

double l2_loss(std::span<const Parameter* const> parameters) {
  double loss = 0.0;
  for (const Parameter* parameter : parameters) {
    if (!parameter->learns() || parameter->l2 == 0.0F) continue;
    loss += double{parameter->l2} * kernels::sum_of_squares(parameter->value.floats());
  }
  return loss;
}

}  // namespace saccade
