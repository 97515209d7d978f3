#include "saccade/kernels/conv2d/conv2d.h"
#include "saccade/kernels/conv2d/reference.h"
#include "saccade/kernels/conv2d/winograd.h"
#include "saccade/proof/cases.h"
#include "saccade/proof/conv2d_id.h"
#include "saccade/proof/conv2d_norm.h"
#include "saccade/proof/fused_activation.h"
#include "saccade/proof/id_reader.h"
#include "saccade/proof/kernel_list.h"
#include "saccade/proof/winograd_domain.h"

namespace saccade::proof {

namespace {

using kernels::Conv2DBuffers;
using kernels::Conv2DProblem;

/// Operands src, weight, bias, and the coefficients of a norm; result dst. A case with an activation, or a norm, has
/// the forward pass only: the backward passes take the gradient before the one, and those behind the other are
/// conv2d_backward's.
class Conv2DCase final : public CaseOf<Conv2DCase> {
 public:
  explicit Conv2DCase(const Conv2DProblem& problem) : problem_(problem) {}

  std::string_view operation() const override { return "conv2d"; }
  std::string id() const override { return problem_.id(); }
  std::vector<Operand> operands() const override;
  std::vector<Result> results() const override { return {{"dst", problem_.dst_elements()}}; }
  std::vector<Pass> passes() const override;
  double flops(Pass) const override { return 2.0 * static_cast<double>(problem_.multiply_adds()); }
  double bytes(Pass) const override;
  bool exact(Pass) const override { return is_exact(problem_.activation); }
  double rounding(Pass pass) const override;
  double growth(std::string_view implementation) const override {
    return implementation == "winograd" ? kernels::kWinogradGrowth : 1.0;
  }
  Domain grad_dst_domain() const override;
  void magnitude(Pass pass, const Views<double>& views) const override;
  std::vector<std::string_view> implementations() const override { return names_of(kernels::conv2d_implementations()); }
  std::unique_ptr<Prepared> prepare(std::string_view implementation) const override;

  Domain weight_domain() const;
  bool forward_only() const { return problem_.activation != Activation::linear || problem_.norm; }

  template <class T>
  void compute(Pass pass, const Views<T>& views) const;

 private:
  Conv2DProblem problem_;
};

Domain Conv2DCase::grad_dst_domain() const {
  Conv2DProblem p = problem_;
  p.pass = Pass::backward_weights;
  return kernels::decline_winograd(p).empty() ? kDivisible : Domain();
}

Domain Conv2DCase::weight_domain() const {
  Conv2DProblem backward = problem_;
  backward.pass = Pass::backward_data;
  const bool winograd = kernels::decline_winograd(problem_).empty() || kernels::decline_winograd(backward).empty();
  return winograd ? kDivisible : Domain();
}

std::vector<Operand> Conv2DCase::operands() const {
  const Gradient data = forward_only() ? Gradient::none : Gradient::data;
  const Gradient weights = forward_only() ? Gradient::none : Gradient::weights;
  std::vector<Operand> operands{{"src", problem_.src_elements(), data},
                                {"weight", problem_.weight_elements(), weights, weight_domain()}};
  if (problem_.bias) operands.push_back({"bias", problem_.oc, weights});
  add_norm_operands(problem_, Gradient::none, operands);
  return operands;
}

std::vector<Pass> Conv2DCase::passes() const {
  if (forward_only()) return {Pass::forward};
  return {Pass::forward, Pass::backward_data, Pass::backward_weights};
}

double Conv2DCase::bytes(Pass) const {
  return 4.0 * static_cast<double>(problem_.src_elements() + problem_.weight_elements() + problem_.dst_elements());
}

double Conv2DCase::rounding(Pass pass) const {
  const Conv2DProblem& p = problem_;
  switch (pass) {
    case Pass::forward:
      // A norm subtracts, multiplies and adds.
      return static_cast<double>(p.kh * p.kw * (p.ic / p.groups) + 1) + rounding_of(p.activation) +
             (p.norm ? 3.0 : 0.0);
    case Pass::backward_data:
      return static_cast<double>(p.kh * p.kw * (p.oc / p.groups) + 1);
    case Pass::backward_weights:
      return static_cast<double>(p.n * p.oh() * p.ow() + 1);
  }
  return 0.0;
}

void Conv2DCase::magnitude(Pass pass, const Views<double>& views) const {
  // Activations never lengthen a difference, so the error is that of the sum before them.
  Conv2DProblem linear = problem_;
  linear.activation = Activation::linear;
  if (problem_.norm) linear.norm = Activation::linear;
  Conv2DCase(linear).Case::magnitude(pass, views);
  add_range(problem_.activation, views.results[0]);
}

std::unique_ptr<Prepared> Conv2DCase::prepare(std::string_view implementation) const {
  return prepare_passes(kernels::conv2d_implementations(), problem_, passes(), implementation,
                        [p = problem_](Pass, const Views<float>& v, std::span<std::byte> scratch) {
                          auto buffers = weighted_buffers<Conv2DBuffers>(v, p.bias, scratch);
                          if (p.norm) buffers.norm = norm_of(p, v);
                          return buffers;
                        });
}

template <class T>
void Conv2DCase::compute(Pass pass, const Views<T>& v) const {
  Conv2DProblem p = problem_;
  p.pass = pass;
  switch (pass) {
    case Pass::forward:
      return kernels::reference::conv2d_forward(p, read_source(p, v).data(), v.operands[1].data(),
                                                p.bias ? v.operands[2].data() : nullptr, v.results[0].data());
    case Pass::backward_data:
      return kernels::reference::conv2d_backward_data(p, v.grad_dst.data(), v.operands[1].data(),
                                                      v.gradients[0].data());
    case Pass::backward_weights:
      return kernels::reference::conv2d_backward_weights(
          p, v.operands[0].data(), v.grad_dst.data(), v.gradients[1].data(), p.bias ? v.gradients[2].data() : nullptr);
  }
}

}  // namespace

kernels::Conv2DProblem read_conv2d(std::string_view operation, std::string_view id) {
  Conv2DProblem p;
  IdReader reader(operation, id);
  read_images_and_filter(reader, p);
  reader.number("sh", p.sh);
  reader.number("sw", p.sw);
  reader.number("dh", p.dh);
  reader.number("dw", p.dw);
  read_pads(reader, p);
  reader.number("g", p.groups);
  p.bias = !reader.word("nobias");
  p.activation = read_activation(reader);
  if (reader.word("norm")) p.norm = Activation::linear;
  for (const Activation activation : {Activation::relu, Activation::relu6}) {
    if (reader.word("norm" + std::string(name_of(activation)))) p.norm = activation;
  }
  reader.require_size({p.n, p.ih, p.iw, p.ic});
  reader.require_size({p.kh, p.kw, p.ic, p.oc});
  reader.require_size({p.kh, p.dh});
  reader.require_size({p.kw, p.dw});
  for (const Index number : {p.sh, p.sw, p.ph.before, p.ph.after, p.pw.before, p.pw.after}) {
    reader.require_size({number});
  }
  if (reader.word("same")) {
    p.ph = kernels::same_pads(p.ih, p.kh, p.sh, p.dh);
    p.pw = kernels::same_pads(p.iw, p.kw, p.sw, p.dw);
  }
  reader.finish();
  if (p.ic % p.groups != 0 || p.oc % p.groups != 0) reader.fail("ic and oc to be multiples of g", "a remainder");
  if (p.oh() == 0 || p.ow() == 0) reader.fail("a filter that fits into the padded image", "one that is larger");
  reader.require_size({p.n, p.oh(), p.ow(), p.oc});
  return p;
}

std::unique_ptr<Case> parse_conv2d(std::string_view id) {
  return std::make_unique<Conv2DCase>(read_conv2d("conv2d", id));
}

}  // namespace saccade::proof
