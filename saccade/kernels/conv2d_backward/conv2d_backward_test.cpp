#include "saccade/kernels/conv2d_backward/conv2d_backward.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "saccade/base/parallel.h"
#include "saccade/base/random.h"

namespace saccade::kernels {
namespace {

std::vector<float> reals(Index count, const char* name) {
  std::vector<float> values(usize(count));
  Stream stream(3, 0, 0, slot_of(name));
  for (float& value : values) value = static_cast<float>(stream.uniform()) * 2.0F - 1.0F;
  return values;
}

struct Gradients {
  std::vector<float> src, weight;
  bool operator==(const Gradients&) const = default;
};

Gradients run(const Conv2DProblem& p, Conv2DBuffers buffers) {
  auto [kernel, explanation] = choose(conv2d_backward_implementations(), p);
  Gradients result{std::vector<float>(usize(p.src_elements())), std::vector<float>(usize(p.weight_elements()))};
  std::vector<std::byte> memory(usize(kernel->scratch_bytes()) + 64, std::byte{0xff});  // NaN
  void* scratch = memory.data();
  std::size_t room = memory.size();
  std::align(64, usize(kernel->scratch_bytes()), scratch, room);
  buffers.grad_src = result.src;
  buffers.grad_weight = result.weight;
  buffers.scratch = {static_cast<std::byte*>(scratch), usize(kernel->scratch_bytes())};
  kernel->run(buffers);
  return result;
}

// A sweep that takes the gradient back through the normalisation behind gives the same bits as one that finds it taken
// back.
TEST(Conv2DBackwardNorm, GradientsAreTakenBackOnTheWay) {
  int compared = 0;
  const int usual = thread_count();
  set_thread_count(2);
  for (Conv2DProblem p :
       {Conv2DProblem{.n = 3, .ih = 20, .iw = 21, .ic = 24, .oc = 48},
        Conv2DProblem{.n = 3, .ih = 20, .iw = 21, .ic = 48, .oc = 16},
        Conv2DProblem{.n = 3, .ih = 40, .iw = 17, .ic = 48, .oc = 48, .kh = 3, .kw = 3, .groups = 48},
        Conv2DProblem{.n = 3, .ih = 41, .iw = 18, .ic = 48, .oc = 48, .kh = 3, .kw = 3, .sh = 2, .sw = 2, .groups = 48},
        Conv2DProblem{.n = 2, .ih = 31, .iw = 9, .ic = 80, .oc = 80, .kw = 3, .sh = 3, .groups = 80},
        Conv2DProblem{.n = 8, .ih = 40, .iw = 40, .ic = 48, .oc = 48, .kh = 3, .kw = 3, .groups = 48},
        Conv2DProblem{.n = 8, .ih = 40, .iw = 40, .ic = 32, .oc = 48},
        Conv2DProblem{.n = 1, .ih = 90, .iw = 9, .ic = 80, .oc = 80, .kh = 5, .kw = 3, .groups = 80}}) {
    p.bias = false;
    if (p.kw == 3) p.pw = {1, 1};
    if (p.kh > 1) p.ph = {p.kh - 1, 2};
    SCOPED_TRACE(p.id());
    const std::vector<float> src = reals(p.src_elements(), "src"), weight = reals(p.weight_elements(), "weight"),
                             grad = reals(p.dst_elements(), "grad"), dst = reals(p.dst_elements(), "dst"),
                             mean = reals(p.oc, "mean"), factor = reals(p.oc, "factor"), tilt = reals(p.oc, "tilt"),
                             shift = reals(p.oc, "shift");
    const ChannelNormGradient norm{mean, factor, tilt, shift};
    std::vector<float> taken_back(grad.size());
    simd::normalise_gradient_rows(p.dst_elements() / p.oc, p.oc, grad.data(), dst.data(), norm, taken_back.data());
    if (!choose(conv2d_backward_implementations(), p).kernel) continue;  // without products of small matrices
    ++compared;
    const Gradients expected = run(p, {.src = src, .weight = weight, .grad_dst = taken_back});
    p.grad_norm = true;
    const Gradients found = run(p, {.src = src, .weight = weight, .grad_dst = grad, .grad_norm = norm, .dst_in = dst});
    EXPECT_TRUE(found == expected);
  }
  set_thread_count(usual);
  EXPECT_GE(compared, 3);
}

TEST(Conv2DBackwardNorm, FormulaOfTheGradient) {
  constexpr std::size_t kChannels = 48;
  const auto counted = [](std::size_t count, int step) {  // whole numbers, so that nothing is rounded
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<float>(static_cast<int>(i) * step % 13 - 6);
    return values;
  };
  const std::vector<float> grad = counted(2 * kChannels, 3), src = counted(2 * kChannels, 5),
                           mean = counted(kChannels, 7), factor = counted(kChannels, 2), tilt = counted(kChannels, 11),
                           shift = counted(kChannels, 4);
  std::vector<float> to(grad.size()), expected(grad.size());
  for (std::size_t i = 0; i < grad.size(); ++i) {
    const std::size_t c = i % kChannels;
    expected[i] = grad[i] * factor[c] + (src[i] - mean[c]) * tilt[c] + shift[c];
  }
  simd::normalise_gradient_rows(2, kChannels, grad.data(), src.data(), {mean, factor, tilt, shift}, to.data());
  EXPECT_EQ(to, expected);
}

TEST(Conv2DBackwardNorm, DeclinesWithAReason) {
  Conv2DProblem p{.n = 2, .ih = 32, .iw = 32, .ic = 16, .oc = 16, .kh = 3, .kw = 3, .groups = 16};
  const auto declined = [&] { return decline_of(conv2d_backward_implementations(), "depthwise_sweep", p); };
  p.grad_norm = true;
  EXPECT_EQ(declined(), "it has a bias beside a normalisation");
  p.bias = false;
  EXPECT_EQ(declined(), "");
  p.dh = 2;
  EXPECT_EQ(declined(), "it normalises the gradients of neighbouring rows alone");
  p.dh = 1;
  p.norm = Activation::tanh;
  EXPECT_EQ(declined(), "the activation before it is neither relu nor relu6");
  p.norm = Activation::relu;
  p.ic = p.oc = p.groups = 24;
  EXPECT_EQ(declined(), "the channels before it are not whole vectors");
}

}  // namespace
}  // namespace saccade::kernels
