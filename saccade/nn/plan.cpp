#include "saccade/nn/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "saccade/base/error.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/fold_internal.h"
#include "saccade/nn/joins_internal.h"
#include "saccade/nn/roles_internal.h"
#include "saccade/nn/view.h"

namespace saccade {

/// What a plan knows of one graph node. `values` is the node's output, `grad` the gradient of the loss with respect to
/// it.
struct Plan::Step {
  std::string name;
  std::vector<std::size_t> inputs;
  Index elements = 0;                    // of the output, batch included
  std::unique_ptr<Operation> operation;  // none for the Input
  OperationMemory memory;
  std::vector<Parameter*> parameters;
  std::optional<internal::FoldedParameters> fold;  // what parameters point at, where something is folded in
  std::string done_by;     // where another step does this one's work: that it does, and its name
  std::string not_joined;  // why it is not computed together with a layer beside it, where it might be
  int consumers = 0;
  bool wants_grad = false;     // a parameter that learns stands here or below
  bool runs_backward = false;  // so backward() is called

  std::optional<Arena::Id> values_id, grad_id, saved_id, scratch_id, backward_scratch_id;
  std::vector<std::optional<Arena::Id>> addend_ids;  // per input: where a gradient waits to be added to others

  std::vector<std::span<const float>> src;
  std::span<float> dst;
  std::span<float> grad_dst;
  std::vector<std::span<float>> grad_src;
  std::span<std::byte> saved, scratch, backward_scratch;
  struct Addition {  // after backward: grad of an input += what this step wrote aside
    std::unique_ptr<kernels::AddKernel> kernel;
    std::vector<std::span<const float>> src;
    std::span<float> dst;
  };
  std::vector<Addition> additions;

  /// Whether backward reads that input.
  bool reads_src(std::size_t input) const {
    return memory.backward_reads_src && memory.backward_src.value_or(input) == input;
  }
};

Plan::Plan(Plan&&) noexcept = default;
Plan& Plan::operator=(Plan&&) noexcept = default;
Plan::~Plan() = default;

Plan::Plan(Model& model, Index batch, PlanMode mode, const PlanPart& part)
    : batch_(batch), mode_(mode), first_(part.first) {
  if (batch < 1) {
    throw ValueError({.where = "batch size", .expected = "at least 1", .got = std::to_string(batch), .fix = "try 32"});
  }
  prepare(model, part);
  plan_forward_memory();
  if (mode_ == PlanMode::training) plan_backward_memory();
  arena_.allocate();
  bind_memory();
}

Index Plan::forward_time(std::size_t step) const { return isize(step); }

Index Plan::backward_time(std::size_t step) const { return 2 * isize(steps_.size()) - isize(step); }

namespace {

/// What folds into each node from `first` to `last`.
std::vector<std::optional<internal::Fold>> folds_of(const Model& model, PlanMode mode, const internal::Roles& roles,
                                                    const PlanPart& part, std::size_t last) {
  const std::size_t first = part.first;
  if (mode == PlanMode::inference || (mode == PlanMode::training && part.wants_grad))
    return std::vector<std::optional<internal::Fold>>(model.nodes().size());
  if (mode == PlanMode::training) return internal::folds_in_training(model, roles);
  std::vector<bool> inside(model.nodes().size());
  std::fill(inside.begin() + isize(first) + 1, inside.begin() + isize(last) + 1, true);
  return internal::find_folds(model.graph(), inside, inside);
}

/// Whether no backward pass comes to a node.
std::vector<bool> passive_nodes(const Model& model, PlanMode mode, const internal::Roles& roles, const PlanPart& part) {
  if (mode != PlanMode::training) return std::vector<bool>(model.nodes().size(), true);
  return part.wants_grad ? std::vector<bool>(model.nodes().size()) : internal::passive_in_training(roles);
}

/// For each node the step that does its work, in words; nothing where that is its own.
std::vector<std::string> work_done_elsewhere(std::span<const GraphNode> nodes,
                                             const std::vector<std::optional<internal::Fold>>& folds,
                                             const internal::Joins& joins) {
  std::vector<std::string> done_by(folds.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (folds[i]) {
      done_by[folds[i]->norm] = "part of " + nodes[i].name;
      if (folds[i]->activation) done_by[*folds[i]->activation] = "part of " + nodes[i].name;
    }
    if (!joins[i] || !joins[i]->declined.empty()) continue;
    for (const std::size_t other : joins[i]->others) done_by[other] = "computed together with " + nodes[i].name;
  }
  return done_by;
}

void require_part(const Model& model, std::size_t first, std::size_t last) {
  const std::span<const GraphNode> nodes = model.nodes();
  const auto fail = [&](std::string expected, std::string got) {
    throw ValueError({.where = fmt::format("plan of a part of network '{}'", model.name()),
                      .expected = std::move(expected),
                      .got = std::move(got),
                      .fix = "choose a node through which everything passes"});
  };
  if (last >= nodes.size() || first > last) {
    fail(fmt::format("a first node up to a last one of {}", nodes.size()), fmt::format("{} and {}", first, last));
  }
  for (std::size_t i = first + 1; i <= last; ++i) {
    for (const std::size_t input : nodes[i].inputs) {
      if (input < first)
        fail(fmt::format("nothing behind '{}' to read what lies before it", nodes[first].name),
             fmt::format("'{}' reads '{}'", nodes[i].name, nodes[input].name));
    }
  }
}

}  // namespace

Plan::Step Plan::make_input(const GraphNode& node) const {
  Step step;
  step.name = node.name;
  const auto elements = checked_multiply(batch_, node.shape.elements());
  if (!elements || !checked_multiply(*elements, isize(sizeof(float)))) {
    throw ShapeError({.where = node.name,
                      .expected = "an output that fits in memory",
                      .got = node.shape.with_batch(batch_).to_string(),
                      .fix = "use a smaller batch"});
  }
  step.elements = *elements;
  return step;
}

Plan::Step Plan::make_step(Model& model, const GraphNode& node) const {
  Step step = make_input(node);
  step.inputs = node.inputs;
  for (const std::size_t index : node.parameters) {
    Parameter& parameter = model.parameters()[index];
    step.parameters.push_back(&parameter);
    if (mode_ != PlanMode::training || !parameter.learns()) continue;
    step.wants_grad = true;
    if (parameter.grad.shape() != parameter.value.shape()) parameter.grad = Tensor(parameter.value.shape());
  }
  return step;
}

void Plan::fold(Model& model, const internal::Fold& fold, Step& step) {
  const GraphNode& norm = model.nodes()[fold.norm];
  std::vector<const Parameter*> conv(step.parameters.begin(), step.parameters.end()), of_norm;
  for (const std::size_t index : norm.parameters) of_norm.push_back(&model.parameters()[index]);
  const auto& options = dynamic_cast<const BatchNorm&>(*norm.layer).options();
  step.fold.emplace(std::move(conv), std::move(of_norm), options.epsilon);
  step.parameters.clear();
  for (Parameter& parameter : step.fold->parameters()) step.parameters.push_back(&parameter);
}

void Plan::join(Model& model, const internal::Join& join, Step& step) {
  step.elements = batch_ * model.nodes()[join.output].shape.elements();
  step.parameters.clear();
  for (const std::size_t index : join.parameters) {
    for (const std::size_t i : model.nodes()[index].parameters) {
      Parameter& parameter = model.parameters()[i];
      step.wants_grad = step.wants_grad || (mode_ == PlanMode::training && parameter.learns());
      if (!steps_[index].fold) step.parameters.push_back(&parameter);
    }
    if (!steps_[index].fold) continue;
    for (Parameter& parameter : steps_[index].fold->parameters()) step.parameters.push_back(&parameter);
  }
}

void Plan::prepare(Model& model, const PlanPart& part) {
  const std::size_t last = part.last.value_or(model.nodes().size() - 1);
  require_part(model, first_, last);
  const std::span<const GraphNode> nodes = model.nodes().first(last + 1);
  const bool training = mode_ == PlanMode::training;
  const internal::Roles roles = internal::roles_in_training(model);
  const std::vector<std::optional<internal::Fold>> folds = folds_of(model, mode_, roles, part, last);
  const std::vector<bool> wanted =
      training ? internal::wanted_gradients(model, first_, part.wants_grad) : std::vector<bool>(model.nodes().size());
  const internal::Joins joins =
      internal::find_joins({model, folds, passive_nodes(model, mode_, roles, part), wanted, first_, last, batch_});
  const std::vector<std::string> done_by = work_done_elsewhere(nodes, folds, joins);
  steps_.resize(first_);
  steps_.push_back(make_input(nodes[first_]));
  steps_.back().wants_grad = training && part.wants_grad;
  for (std::size_t i = first_ + 1; i < nodes.size(); ++i) {
    const GraphNode& node = nodes[i];
    const Layer& layer = folds[i] ? *folds[i]->layer : *node.layer;
    Step& step = steps_.emplace_back(make_step(model, node));
    step.done_by = done_by[i];
    if (!step.done_by.empty()) step.wants_grad = false;  // what learns is another step's
    if (folds[i]) fold(model, *folds[i], step);
    const bool is_joined = joins[i] && joins[i]->declined.empty();
    if (is_joined) join(model, *joins[i], step);
    if (joins[i] && !is_joined) {
      step.not_joined = fmt::format("not together with {}: {}", nodes[joins[i]->partner].name, joins[i]->declined);
    }
    const bool frozen = training && roles.frozen[i];
    const bool passive = frozen && !part.wants_grad;  // no backward pass
    PrepareContext context{.batch = batch_,
                           .src = model.graph().input_shapes(node),
                           .dst = is_joined ? nodes[joins[i]->output].shape : node.shape,
                           .training = training && !passive,
                           .wants_grad_src = {},
                           .parameters = {step.parameters.begin(), step.parameters.end()},
                           .constant_parameters = mode_ == PlanMode::constant || frozen,
                           .slot = static_cast<std::uint32_t>(i)};
    for (const std::size_t input : node.inputs) {
      context.wants_grad_src.push_back(training && steps_[input].wants_grad);
      step.wants_grad = step.wants_grad || context.wants_grad_src.back();
      ++steps_[input].consumers;
    }
    const bool drops_nothing = frozen && layer.is_random();
    if (!step.done_by.empty() || drops_nothing) {
      step.parameters.clear();
      step.operation = std::make_unique<ViewOperation>();
    } else {
      step.runs_backward = context.runs_backward();
      step.operation = is_joined ? joins[i]->prepare(context) : layer.prepare(context);
    }
    step.memory = step.operation->memory();
  }
}

bool Plan::is_kept(std::size_t index) const {
  const Step* step = &steps_[index];
  const auto kept = [](const Step& s) { return s.consumers != 1 || (s.runs_backward && s.memory.backward_reads_dst); };
  // Behind a view stands the memory of its input.
  for (; step->memory.view; step = &steps_[step->inputs[0]]) {
    if (kept(*step)) return true;
  }
  return kept(*step);
}

void Plan::share_or_add(std::size_t index) {
  Step& step = steps_[index];
  const std::size_t k = step.memory.in_place_input;
  Step& source = steps_[step.inputs[k]];
  const bool reads_src = step.runs_backward && step.reads_src(k);
  const bool overwrite = step.memory.in_place && !reads_src && !is_kept(step.inputs[k]);
  if (source.values_id && (step.memory.view || overwrite)) {
    step.values_id = source.values_id;
  } else if (!step.memory.view) {  // a view of the input images has no memory of its own
    step.values_id = arena_.add(step.elements * isize(sizeof(float)), forward_time(index));
  }
}

void Plan::plan_forward_memory() {
  for (std::size_t i = first_ + 1; i < steps_.size(); ++i) {
    Step& step = steps_[i];
    share_or_add(i);
    if (step.values_id) arena_.extend(*step.values_id, forward_time(i));
    for (const std::size_t input : step.inputs) {
      if (steps_[input].values_id) arena_.extend(*steps_[input].values_id, forward_time(i));
    }
    if (step.memory.scratch_bytes > 0) step.scratch_id = arena_.add(step.memory.scratch_bytes, forward_time(i));
    if (step.memory.saved_bytes > 0) step.saved_id = arena_.add(step.memory.saved_bytes, forward_time(i));
  }
  // The caller reads the output after the last operation, and may do so until the next forward().
  if (steps_.back().values_id) arena_.extend(*steps_.back().values_id, backward_time(0));
}

void Plan::plan_backward_memory() {
  const std::size_t last = steps_.size() - 1;
  if (!steps_[last].wants_grad) return;
  const auto size_of = [&](std::size_t i) { return steps_[i].elements * isize(sizeof(float)); };
  steps_[last].grad_id = arena_.add(size_of(last), forward_time(last) + 1);
  for (std::size_t i = last; i > first_; --i) {
    Step& step = steps_[i];
    step.addend_ids.resize(step.inputs.size());
    if (!step.wants_grad || !step.grad_id) continue;
    const Index now = backward_time(i);
    arena_.extend(*step.grad_id, now);
    if (step.saved_id) arena_.extend(*step.saved_id, now);
    if (step.memory.scratch_bytes > 0) step.backward_scratch_id = arena_.add(step.memory.scratch_bytes, now);
    if (step.memory.backward_reads_dst && step.values_id) arena_.extend(*step.values_id, now);
    for (std::size_t k = 0; k < step.inputs.size(); ++k) {
      Step& source = steps_[step.inputs[k]];
      if (step.reads_src(k) && source.values_id) arena_.extend(*source.values_id, now);
      if (!source.wants_grad) continue;
      const bool shares = step.memory.view || (step.memory.in_place && step.memory.in_place_input == k);
      const Arena::Id written = shares ? *step.grad_id : arena_.add(size_of(step.inputs[k]), now);
      if (source.grad_id) {  // another consumer has written this gradient already
        step.addend_ids[k] = written;
      } else {
        source.grad_id = written;
      }
      arena_.extend(*source.grad_id, now);
    }
  }
}

void Plan::bind_memory() {
  if (steps_[first_].grad_id) steps_[first_].grad_dst = arena_.floats(*steps_[first_].grad_id);
  for (std::size_t i = first_ + 1; i < steps_.size(); ++i) {
    Step& step = steps_[i];
    step.src.resize(step.inputs.size());
    step.grad_src.resize(step.inputs.size());
    if (step.values_id) step.dst = arena_.floats(*step.values_id);
    if (step.grad_id) step.grad_dst = arena_.floats(*step.grad_id);
    if (step.saved_id) step.saved = arena_.bytes(*step.saved_id);
    if (step.scratch_id) step.scratch = arena_.bytes(*step.scratch_id);
    if (step.backward_scratch_id) step.backward_scratch = arena_.bytes(*step.backward_scratch_id);
    for (std::size_t k = 0; k < step.inputs.size(); ++k) {
      const Step& source = steps_[step.inputs[k]];
      if (source.values_id) step.src[k] = arena_.floats(*source.values_id);
      if (!step.grad_id || !source.grad_id) continue;
      const std::span<float> total = arena_.floats(*source.grad_id);
      step.grad_src[k] = total;
      if (!step.addend_ids[k]) continue;
      const std::span<float> addend = arena_.floats(*step.addend_ids[k]);
      step.grad_src[k] = addend;
      auto choice =
          choose(kernels::add_implementations(), kernels::AddProblem{.inputs = 2, .elements = isize(total.size())});
      step.additions.push_back({std::move(choice.kernel), {total, addend}, total});
    }
  }
}

std::span<const float> Plan::forward(std::span<const float> images, StepAddress address) {
  if (isize(images.size()) != steps_[first_].elements) {
    throw ShapeError({.where = "plan",
                      .expected = fmt::format("{} numbers for a batch of {}", steps_[first_].elements, batch_),
                      .got = std::to_string(images.size()),
                      .fix = "compile a plan for that batch size"});
  }
  if (!folded_) {
    for (Step& step : steps_) {
      if (step.fold) step.fold->compute();
    }
    folded_ = true;
  }
  for (std::size_t i = first_ + 1; i < steps_.size(); ++i) {
    Step& step = steps_[i];
    for (std::size_t k = 0; k < step.inputs.size(); ++k) {
      // Only the images, and views of them, live outside the arena.
      if (!steps_[step.inputs[k]].values_id) step.src[k] = images;
    }
    step.operation->forward({.src = step.src,
                             .dst = step.dst,
                             .parameters = step.parameters,
                             .saved = step.saved,
                             .scratch = step.scratch,
                             .address = address});
    if (observer_) observer_(i);
  }
  return steps_.back().values_id ? steps_.back().dst : images;
}

std::span<float> Plan::output_grad() {
  if (!steps_.back().grad_id) {
    throw ValueError({.where = "plan",
                      .expected = "a plan for training with at least one parameter that learns",
                      .got = mode_ == PlanMode::training ? "every parameter frozen" : "a plan for inference",
                      .fix = mode_ == PlanMode::training ? "unfreeze a layer" : "compile it with PlanMode::training"});
  }
  return steps_.back().grad_dst;
}

std::span<const float> Plan::input_grad() const {
  if (!steps_[first_].grad_id) {
    throw ValueError({.where = "plan",
                      .expected = "a plan for training with PlanPart::wants_grad",
                      .got = "one without",
                      .fix = "compile it with .wants_grad = true"});
  }
  return steps_[first_].grad_dst;
}

void Plan::backward(std::span<kernels::WeightUpdate> updates) {
  for (std::size_t i = steps_.size() - 1; i > first_; --i) {
    Step& step = steps_[i];
    if (!step.grad_id || !step.wants_grad) continue;
    step.operation->backward({.src = step.src,
                              .dst = step.dst,
                              .grad_dst = step.grad_dst,
                              .grad_src = step.grad_src,
                              .parameters = step.parameters,
                              .saved = step.saved,
                              .scratch = step.backward_scratch,
                              .updates = updates});
    for (Step::Addition& addition : step.additions) addition.kernel->run({.src = addition.src, .dst = addition.dst});
    if (observer_) observer_(i);
  }
}

std::vector<PlanStep> Plan::steps() const {
  std::vector<PlanStep> all;
  for (std::size_t i = first_ + 1; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    all.push_back({.node = i,
                   .name = step.name,
                   .computes = !step.memory.view,
                   .elements = step.elements,
                   .backward_reads_dst = step.memory.backward_reads_dst,
                   .parts = step.operation->explain()});
  }
  return all;
}

std::string Plan::explain() const {
  std::string text;
  for (const Step& step : steps_) {
    if (!step.operation) continue;
    text += fmt::format("{}\n", step.name);
    const std::vector<Operation::Part> parts = step.operation->explain();
    if (!step.done_by.empty()) {
      text += fmt::format("  {}\n", step.done_by);
    } else if (parts.empty()) {
      text += "  nothing to compute\n";
    }
    for (const Operation::Part& part : parts) {
      text += fmt::format("  {:<22} {}", part.part, part.explanation.name);
      for (const auto& declined : part.explanation.declined) {
        text += fmt::format("; not {}: {}", declined.name, declined.reason);
      }
      text += "\n";
    }
    if (!step.not_joined.empty()) text += fmt::format("  {}\n", step.not_joined);
  }
  return text;
}

}  // namespace saccade
