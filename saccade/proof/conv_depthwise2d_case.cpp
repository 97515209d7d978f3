#include <vector>

#include "saccade/kernels/conv_depthwise2d/conv_depthwise2d.h"
#include "saccade/kernels/conv_depthwise2d/reference.h"
#include "saccade/proof/cases.h"
#include "saccade/proof/fused_activation.h"
#include "saccade/proof/id_reader.h"
#include "saccade/proof/kernel_list.h"

namespace saccade::proof {
namespace {

using kernels::ConvDepthwise2DBuffers;
using kernels::ConvDepthwise2DProblem;

/// Operands src, weight, depthwise_weight and perhaps bias, depthwise_bias; result dst. Forward only.
class ConvDepthwise2DCase final : public CaseOf<ConvDepthwise2DCase> {
 public:
  explicit ConvDepthwise2DCase(const ConvDepthwise2DProblem& problem) : problem_(problem) {}

  std::string_view operation() const override { return "conv_depthwise2d"; }
  std::string id() const override { return problem_.id(); }
  std::vector<Operand> operands() const override;
  std::vector<Result> results() const override { return {{"dst", problem_.dst_elements()}}; }
  std::vector<Pass> passes() const override { return {Pass::forward}; }
  double flops(Pass) const override {
    return 2.0 * static_cast<double>(problem_.conv().multiply_adds() + problem_.depthwise().multiply_adds());
  }
  double bytes(Pass) const override {
    return 4.0 * static_cast<double>(problem_.src_elements() + problem_.conv().weight_elements() +
                                     problem_.depthwise().weight_elements() + problem_.dst_elements());
  }
  bool exact(Pass) const override { return is_exact(problem_.activation); }
  /// The errors of the first sums go through the second ones.
  double rounding(Pass) const override {
    return static_cast<double>(problem_.ic + problem_.kh * problem_.kw + 2) + 2.0 * rounding_of(problem_.activation);
  }
  void magnitude(Pass pass, const Views<double>& views) const override;
  std::vector<std::string_view> implementations() const override {
    return names_of(kernels::conv_depthwise2d_implementations());
  }
  std::unique_ptr<Prepared> prepare(std::string_view implementation) const override {
    return prepare_passes(kernels::conv_depthwise2d_implementations(), problem_, passes(), implementation,
                          [bias = problem_.bias](Pass, const Views<float>& v, std::span<std::byte> scratch) {
                            const std::span<const float> none;
                            return ConvDepthwise2DBuffers{.src = v.operands[0],
                                                          .weight = v.operands[1],
                                                          .bias = bias ? v.operands[3] : none,
                                                          .depthwise_weight = v.operands[2],
                                                          .depthwise_bias = bias ? v.operands[4] : none,
                                                          .dst = v.results[0],
                                                          .scratch = scratch};
                          });
  }

  template <class T>
  void compute(Pass, const Views<T>& v) const {
    std::vector<T> between(usize(problem_.conv().dst_elements()));
    kernels::reference::conv_depthwise2d(problem_, v.operands[0].data(), v.operands[1].data(), bias(v, 3),
                                         v.operands[2].data(), bias(v, 4), between.data(), v.results[0].data());
  }

 private:
  template <class T>
  const T* bias(const Views<T>& v, std::size_t operand) const {
    return problem_.bias ? v.operands[operand].data() : nullptr;
  }

  ConvDepthwise2DProblem problem_;
};

std::vector<Operand> ConvDepthwise2DCase::operands() const {
  std::vector<Operand> operands{{"src", problem_.src_elements()},
                                {"weight", problem_.conv().weight_elements()},
                                {"depthwise_weight", problem_.depthwise().weight_elements()}};
  if (problem_.bias) {
    operands.push_back({"bias", problem_.oc});
    operands.push_back({"depthwise_bias", problem_.oc});
  }
  return operands;
}

void ConvDepthwise2DCase::magnitude(Pass pass, const Views<double>& views) const {
  // Activations never lengthen a difference, so the error is that of the sums before them.
  ConvDepthwise2DProblem linear = problem_;
  linear.activation = Activation::linear;
  ConvDepthwise2DCase(linear).Case::magnitude(pass, views);
  add_range(problem_.activation, views.results[0]);
}

}  // namespace

std::unique_ptr<Case> parse_conv_depthwise2d(std::string_view id) {
  ConvDepthwise2DProblem p;
  IdReader reader("conv_depthwise2d", id);
  read_images_and_filter(reader, p);
  reader.number("sh", p.sh);
  reader.number("sw", p.sw);
  read_pads(reader, p);
  p.bias = !reader.word("nobias");
  p.activation = read_activation(reader);
  reader.require_size({p.n, p.ih, p.iw, p.ic});
  reader.require_size({p.n, p.ih, p.iw, p.oc});
  reader.require_size({p.ic, p.oc});
  reader.require_size({p.kh, p.kw, p.oc});
  for (const Index number : {p.sh, p.sw, p.ph.before, p.ph.after, p.pw.before, p.pw.after}) {
    reader.require_size({number});
  }
  if (reader.word("same")) {
    p.ph = kernels::same_pads(p.ih, p.kh, p.sh, 1);
    p.pw = kernels::same_pads(p.iw, p.kw, p.sw, 1);
  }
  reader.finish();
  if (p.oh() == 0 || p.ow() == 0) reader.fail("a filter that fits into the padded image", "one that is larger");
  reader.require_size({p.n, p.oh(), p.ow(), p.oc});
  return std::make_unique<ConvDepthwise2DCase>(p);
}

}  // namespace saccade::proof
