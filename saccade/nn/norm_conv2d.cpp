#include <algorithm>
#include <memory>
#include <vector>

#include "saccade/base/parallel.h"
#include "saccade/kernels/conv2d_backward/conv2d_backward.h"
#include "saccade/kernels/norm/batch_statistics.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/joins_internal.h"

namespace saccade::internal {
namespace {

using kernels::Conv2DKernel;
using kernels::Conv2DProblem;
using kernels::simd::ChannelStatistics;

/// What a convolution that reads through a batch normalisation leaves to the convolution before it: how to turn the
/// gradient that it wrote, of the normalised values, into that of what was normalised. Written before the other's
/// backward pass, which reads it.
struct PassedGradient {
  std::vector<float> mean, factor, tilt, shift;

  explicit PassedGradient(Index c) : mean(usize(c)), factor(mean), tilt(mean), shift(mean) {}
  kernels::ChannelNormGradient coefficients() const { return {mean, factor, tilt, shift}; }
};

/// A convolution in training, beside batch normalisations whose walks over memory it spares: of the one before it, it
/// reads the input, and normalises it as it goes; of the one behind it, it reads the gradient, and takes it back as it
/// goes.
struct NormedConv {
  Conv2DProblem problem;    ///< For the whole batch.
  BatchNormOptions norm{};  ///< With problem.norm.
  /// With problem.grad_norm.
  std::shared_ptr<PassedGradient> behind{};
  /// With problem.norm, where the convolution before that normalisation takes its gradient back.
  std::shared_ptr<PassedGradient> before{};
};

/// parameters: the convolution's weight, then those of the normalisation before it, if there is one.
class NormedConvOperation final : public Operation {
 public:
  explicit NormedConvOperation(NormedConv conv)
      : conv_(std::move(conv)),
        forward_(choose(kernels::conv2d_implementations(), forward_problem(conv_.problem))),
        backward_(choose(kernels::conv2d_backward_implementations(), conv_.problem)),
        statistics_({.rows = rows(), .c = channels(), .epsilon = conv_.norm.epsilon, .momentum = conv_.norm.momentum}) {
    if (!conv_.problem.norm) return;
    offset_.resize(usize(channels()));
    resolves_ = conv_.before == nullptr;
    if (resolves_) conv_.before = std::make_shared<PassedGradient>(channels());
    sums_.resize(usize(2 * channels()));
  }

  OperationMemory memory() const override {
    Index scratch = std::max(forward_.kernel->scratch_bytes(), backward_.kernel->scratch_bytes());
    if (conv_.problem.norm) scratch = std::max(scratch, statistics_.scratch_bytes());
    return {.saved_bytes = conv_.problem.norm ? ChannelStatistics::bytes(channels()) : 0,
            .scratch_bytes = scratch,
            .backward_reads_src = true,
            .backward_reads_dst = conv_.problem.grad_norm};
  }

  void forward(const ForwardBuffers& b) override {
    kernels::Conv2DBuffers buffers{
        .src = b.src[0], .weight = b.parameters[0]->value.floats(), .dst = b.dst, .scratch = b.scratch};
    if (conv_.problem.norm) {
      const auto values = [&](std::size_t i) { return b.parameters[i]->value.floats(); };
      const ChannelStatistics used = ChannelStatistics::in(b.saved, offset_.size());
      statistics_.measure(b.src[0], used, values(kMovingMean), values(kMovingVariance), b.scratch);
      for (std::size_t c = 0; c < offset_.size(); ++c) {
        const float gamma = values(kGamma)[c];
        conv_.before->mean[c] = static_cast<float>(used.mean[c]);
        conv_.before->factor[c] = static_cast<float>(used.factor(gamma, c));
        offset_[c] = static_cast<float>(used.offset(gamma, values(kBeta)[c], c));
      }
      buffers.norm = norm();
    }
    forward_.kernel->run(buffers);
  }

  void backward(const BackwardBuffers& b) override {
    kernels::Conv2DBuffers buffers{.src = b.src[0],
                                   .weight = b.parameters[0]->value.floats(),
                                   .grad_dst = b.grad_dst,
                                   .grad_src = b.grad_src[0],
                                   .grad_weight = b.parameters[0]->grad.floats(),
                                   .scratch = b.scratch};
    if (conv_.problem.norm) {
      buffers.norm = norm();
      buffers.norm_sums = sums_;
    }
    if (conv_.behind) {
      buffers.grad_norm = conv_.behind->coefficients();
      buffers.dst_in = b.dst;
    }
    backward_.kernel->run(buffers);
    if (!conv_.problem.norm) return;
    const ChannelStatistics used = ChannelStatistics::in(b.saved, offset_.size());
    const std::size_t channels = offset_.size();
    for (std::size_t c = 0; c < channels; ++c) {
      const float gamma = b.parameters[kGamma]->value.floats()[c];
      const double sum = sums_[c], dot = used.dot(sum, sums_[channels + c], c);
      if (b.parameters[kGamma]->learns()) b.parameters[kGamma]->grad.floats()[c] = static_cast<float>(dot);
      if (b.parameters[kBeta]->learns()) b.parameters[kBeta]->grad.floats()[c] = static_cast<float>(sum);
      conv_.before->tilt[c] = static_cast<float>(used.tilt(gamma, dot, rows(), c));
      conv_.before->shift[c] = static_cast<float>(used.shift(gamma, sum, dot, rows(), c));
    }
    if (resolves_) resolve(b.src[0], b.grad_src[0]);
  }

  std::vector<Part> explain() const override {
    return {{"forward", forward_.explanation},
            {conv_.behind ? "backward, from a norm" : "backward", backward_.explanation}};
  }

 private:
  static constexpr std::size_t kGamma = 1, kBeta = 2, kMovingMean = 3, kMovingVariance = 4;

  static Conv2DProblem forward_problem(Conv2DProblem p) {
    p.grad_norm = false;
    return p;
  }

  Index channels() const { return conv_.problem.ic; }
  Index rows() const { return conv_.problem.src_elements() / channels(); }
  kernels::ChannelNorm norm() const { return {conv_.before->mean, conv_.before->factor, offset_}; }

  /// The gradient of what was normalised, where nobody else takes it back.
  void resolve(std::span<const float> src, std::span<float> grad) const {
    parallel_ranges(rows(), kernels::simd::rows_per_task(channels()), [&](Index begin, Index end) {
      float* const at = grad.data() + begin * channels();
      kernels::simd::normalise_gradient_rows(end - begin, channels(), at, src.data() + begin * channels(),
                                             conv_.before->coefficients(), at);
    });
  }

  NormedConv conv_;
  kernels::Choice<Conv2DKernel> forward_, backward_;
  kernels::simd::BatchStatistics statistics_;
  std::vector<float> offset_;
  std::vector<double> sums_;
  bool resolves_ = false;
};

/// Looks for them.
class NormedConvFinder {
 public:
  explicit NormedConvFinder(const JoinScope& scope)
      : scope_(scope), nodes_(scope.model.nodes()), reader_(single_readers(scope.model.graph())) {}

  void find(Joins& joins) {
    std::vector<std::optional<Found>> found(nodes_.size());
    for (std::size_t i = scope_.first + 1; i <= scope_.last; ++i) {
      if (!joins[i] || !joins[i]->declined.empty()) found[i] = behind_norm(i);
    }
    for (std::size_t i = scope_.first + 1; i <= scope_.last; ++i) {
      if (!found[i] || !found[i]->norm) continue;
      const std::size_t before = nodes_[*found[i]->norm].inputs[0];
      if (reader_[before] != found[i]->norm) continue;
      if (!found[before]) found[before] = learning_convolution(before);
      if (!found[before]) continue;
      Conv2DProblem problem = found[before]->conv.problem;
      problem.grad_norm = true;
      if (!is_swept(problem)) {
        if (!found[before]->norm) found[before].reset();
        continue;
      }
      found[before]->conv.problem = problem;
      found[before]->conv.behind = found[i]->conv.before = std::make_shared<PassedGradient>(problem.oc);
    }
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (found[i]) joins[i] = join_of(i, *found[i]);
    }
  }

 private:
  struct Found {
    NormedConv conv;
    std::optional<std::size_t> norm{}, function{};
  };

  bool learns(std::size_t parameter) const { return scope_.model.parameters()[parameter].learns(); }

  /// Node i, if it is a convolution whose weight learns, and whose source wants its gradient.
  std::optional<Found> learning_convolution(std::size_t i) const {
    const GraphNode& node = nodes_[i];
    if (node.parameters.empty() || !learns(node.parameters[0]) || !scope_.wants_grad[node.inputs[0]]) return {};
    std::optional<Conv2DProblem> problem = convolution_of(*node.layer, nodes_[node.inputs[0]].shape);
    if (!problem || problem->activation != Activation::linear) return {};
    problem->n = scope_.batch;
    return Found{.conv = {.problem = *problem}};
  }

  /// Node i as one that does the work of the normalisation before it, where somebody can.
  std::optional<Found> behind_norm(std::size_t i) const {
    std::optional<Found> found = learning_convolution(i);
    if (!found) return {};
    std::size_t before = nodes_[i].inputs[0];
    Activation activation = Activation::linear;
    if (const auto* function = dynamic_cast<const ActivationLayer*>(nodes_[before].layer.get())) {
      if (reader_[before] != i || !function->is_usual()) return {};
      activation = function->activation();
      found->function = before;
      before = nodes_[before].inputs[0];
    }
    const auto* norm = dynamic_cast<const BatchNorm*>(nodes_[before].layer.get());
    if (norm == nullptr || reader_[before] != found->function.value_or(i)) return {};
    // A frozen one uses its moving statistics. Below scope_.first nothing wants a gradient.
    if (!std::ranges::all_of(nodes_[before].parameters, [this](std::size_t p) { return changes(p); })) return {};
    if (!scope_.wants_grad[nodes_[before].inputs[0]]) return {};
    found->conv.norm = norm->options();
    found->norm = before;
    found->conv.problem.norm = activation;
    const auto forward = kernels::conv2d_implementations();
    const auto takes = [&](const auto& implementation) { return implementation.decline(found->conv.problem).empty(); };
    // All but the reference.
    if (!std::ranges::any_of(forward.first(forward.size() - 1), takes) || !is_swept(found->conv.problem)) return {};
    return found;
  }

  bool changes(std::size_t parameter) const { return scope_.model.parameters()[parameter].trainable; }

  static bool is_swept(const Conv2DProblem& problem) {
    return std::ranges::any_of(kernels::conv2d_backward_implementations(),
                               [&](const auto& implementation) { return implementation.decline(problem).empty(); });
  }

  Join join_of(std::size_t i, const Found& found) const {
    Join join{
        .others = {},
        .parameters = {i},
        .output = i,
        .prepare = [conv = found.conv](const PrepareContext&) { return std::make_unique<NormedConvOperation>(conv); },
        .partner = found.norm.value_or(i)};
    if (found.norm) {
      join.others.push_back(*found.norm);
      join.parameters.push_back(*found.norm);
    }
    if (found.function) join.others.push_back(*found.function);
    return join;
  }

  const JoinScope& scope_;
  std::span<const GraphNode> nodes_;
  std::vector<std::optional<std::size_t>> reader_;
};

}  // namespace

void join_normed_convolutions(const JoinScope& scope, Joins& joins) { NormedConvFinder(scope).find(joins); }

}  // namespace saccade::internal
