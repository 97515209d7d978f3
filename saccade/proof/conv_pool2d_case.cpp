#include <cmath>
#include <vector>

#include "saccade/kernels/conv2d/winograd.h"
#include "saccade/kernels/conv_pool2d/conv_pool2d.h"
#include "saccade/kernels/conv_pool2d/reference.h"
#include "saccade/proof/cases.h"
#include "saccade/proof/fused_activation.h"
#include "saccade/proof/id_reader.h"
#include "saccade/proof/kernel_list.h"
#include "saccade/proof/winograd_domain.h"

namespace saccade::proof {
namespace {

using kernels::ConvPool2DBuffers;
using kernels::ConvPool2DProblem;

/// Operands src, weight, bias; result dst. One backward pass gives all gradients.
class ConvPool2DCase final : public CaseOf<ConvPool2DCase> {
 public:
  explicit ConvPool2DCase(const ConvPool2DProblem& problem) : problem_(problem) {}

  std::string_view operation() const override { return "conv_pool2d"; }
  std::string id() const override { return problem_.id(); }
  std::vector<Operand> operands() const override;
  std::vector<Result> results() const override { return {{"dst", problem_.dst_elements()}}; }
  std::vector<Pass> passes() const override { return {Pass::forward, Pass::backward_data}; }
  /// Those of the convolution's passes, as if the gradients between were not mostly zero.
  double flops(Pass pass) const override {
    return (pass == Pass::forward ? 2.0 : 4.0) * static_cast<double>(problem_.conv(pass).multiply_adds());
  }
  double bytes(Pass) const override {
    return 4.0 * static_cast<double>(problem_.src_elements() + problem_.weight_elements() + problem_.dst_elements());
  }
  double rounding(Pass pass) const override;
  double growth(std::string_view implementation) const override {
    return implementation == "winograd" ? kernels::kWinogradGrowth : 1.0;
  }
  void magnitude(Pass pass, const Views<double>& views) const override;
  std::vector<std::string_view> implementations() const override {
    return names_of(kernels::conv_pool2d_implementations());
  }
  std::unique_ptr<Prepared> prepare(std::string_view implementation) const override {
    return prepare_twin(
        kernels::conv_pool2d_implementations(), problem_, implementation,
        [bias = problem_.bias](const Views<float>& v, std::span<std::byte> scratch, std::span<std::byte> saved) {
          auto buffers = weighted_buffers<ConvPool2DBuffers>(v, bias, scratch);
          buffers.saved = saved;
          return buffers;
        });
  }

  template <class T>
  void compute(Pass pass, const Views<T>& v) const {
    run(pass, v, v);
  }

 private:
  /// `values` decide which pixels win, `views` are computed with.
  template <class T>
  void run(Pass pass, const Views<T>& values, const Views<T>& views) const;

  ConvPool2DProblem problem_;
};

std::vector<Operand> ConvPool2DCase::operands() const {
  // Only sums that are exact have the same winners everywhere.
  const bool winograd = decline_of(kernels::conv_pool2d_implementations(), "winograd", problem_).empty();
  std::vector<Operand> operands{
      {"src", problem_.src_elements(), Gradient::data},
      {"weight", problem_.weight_elements(), Gradient::data, winograd ? kDivisible : Domain()}};
  if (problem_.bias) operands.push_back({"bias", problem_.oc, Gradient::data});
  return operands;
}

double ConvPool2DCase::rounding(Pass pass) const {
  const ConvPool2DProblem& p = problem_;
  if (pass == Pass::forward) return static_cast<double>(p.kh * p.kw * p.ic + 1);
  // The longer of the sums for a weight and for a pixel.
  return static_cast<double>(std::max(p.n * p.oh() * p.ow(), p.kh * p.kw * p.oc) + 1);
}

template <class T>
void ConvPool2DCase::run(Pass pass, const Views<T>& values, const Views<T>& v) const {
  const ConvPool2DProblem& p = problem_;
  const auto bias_of = [&](const Views<T>& views) { return p.bias ? views.operands[2].data() : nullptr; };
  std::vector<T> between(usize(p.pool().src_elements()));
  if (pass == Pass::forward) {
    return kernels::reference::conv_pool2d_forward(p, v.operands[0].data(), v.operands[1].data(), bias_of(v),
                                                   between.data(), v.results[0].data());
  }
  kernels::reference::conv2d_forward(p.conv(Pass::forward), values.operands[0].data(), values.operands[1].data(),
                                     bias_of(values), between.data());
  std::vector<T> grad_between(between.size());
  kernels::reference::conv_pool2d_backward(p, v.operands[0].data(), v.operands[1].data(), between.data(),
                                           v.grad_dst.data(), grad_between.data(), v.gradients[0].data(),
                                           v.gradients[1].data(), p.bias ? v.gradients[2].data() : nullptr);
}

void ConvPool2DCase::magnitude(Pass pass, const Views<double>& views) const {
  // Which pixel wins depends on signs, so the real values decide it; the sums are those of absolute values.
  const auto absolute = [](std::span<const double> values) {
    std::vector<double> result(values.begin(), values.end());
    for (double& value : result) value = std::abs(value);
    return result;
  };
  std::vector<std::vector<double>> operands;
  for (const auto operand : views.operands) operands.push_back(absolute(operand));
  const std::vector<double> grad_dst = absolute(views.grad_dst);
  Views<double> positive = views;
  positive.operands.assign(operands.begin(), operands.end());
  positive.grad_dst = grad_dst;
  run(pass, views, positive);
}

}  // namespace

std::unique_ptr<Case> parse_conv_pool2d(std::string_view id) {
  ConvPool2DProblem p;
  IdReader reader("conv_pool2d", id);
  read_images_and_filter(reader, p);
  read_pads(reader, p);
  p.bias = !reader.word("nobias");
  p.activation = read_activation(reader);
  reader.require_size({p.n, p.ih, p.iw, p.ic});
  reader.require_size({p.kh, p.kw, p.ic, p.oc});
  for (const Index number : {p.ph.before, p.ph.after, p.pw.before, p.pw.after}) reader.require_size({number});
  if (reader.word("same")) {
    p.ph = kernels::same_pads(p.ih, p.kh, 1, 1);
    p.pw = kernels::same_pads(p.iw, p.kw, 1, 1);
  }
  reader.finish();
  if (p.activation != Activation::linear && p.activation != Activation::relu) {
    reader.fail("no activation or _relu", "another");
  }
  const kernels::Conv2DProblem conv = p.conv(Pass::forward);
  if (conv.oh() < 2 || conv.ow() < 2) reader.fail("a filter that leaves an image of 2x2 at least", "a larger one");
  reader.require_size({p.n, conv.oh(), conv.ow(), p.oc});
  return std::make_unique<ConvPool2DCase>(p);
}

}  // namespace saccade::proof
