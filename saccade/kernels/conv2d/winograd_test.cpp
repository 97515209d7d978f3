#include "saccade/kernels/conv2d/winograd.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "saccade/base/random.h"
#include "saccade/kernels/conv2d/reference.h"
#include "saccade/kernels/gemm/small_gemm_internal.h"
#include "saccade/kernels/testing_internal.h"

namespace saccade::kernels {
namespace {

using Values = std::vector<float>;

class WinogradErrors : public testing::TestWithParam<Conv2DProblem> {};

TEST_P(WinogradErrors, AreAsSmallAsDocumented) {
  if (!SmallGemm::decline().empty()) GTEST_SKIP() << SmallGemm::decline();
  Conv2DProblem p = GetParam();
  const Values src = draw(p.src_elements(), true, 1.0, 0);
  const Values weight = draw(p.weight_elements(), false, std::sqrt(2.0 / static_cast<double>(9 * p.ic)), 1);
  const Values grad_dst = draw(p.dst_elements(), false, 1.0, 2);
  const std::vector<double> src64 = doubles(src), weight64 = doubles(weight), grad64 = doubles(grad_dst);
  const auto run = [&](Pass pass, const Conv2DBuffers& buffers) {
    p.pass = pass;
    ASSERT_EQ(decline_winograd(p), "");
    const auto kernel = make_winograd(p);
    TestMemory scratch(kernel->scratch_bytes());
    Conv2DBuffers with_scratch = buffers;
    with_scratch.scratch = scratch.bytes();
    kernel->run(with_scratch);
  };

  Values dst(usize(p.dst_elements()));
  run(Pass::forward, {.src = src, .weight = weight, .dst = dst});
  std::vector<double> exact(dst.size());
  reference::conv2d_forward<double>(p, src64.data(), weight64.data(), nullptr, exact.data());
  const Error forward = error_of(dst, exact);
  EXPECT_LT(forward.rms, 2e-6);
  EXPECT_LT(forward.largest, 4e-5);

  Values grad_src(src.size());
  run(Pass::backward_data, {.weight = weight, .grad_dst = grad_dst, .grad_src = grad_src});
  exact.assign(src.size(), 0.0);
  reference::conv2d_backward_data<double>(p, grad64.data(), weight64.data(), exact.data());
  EXPECT_LT(error_of(grad_src, exact).rms, 2e-6);

  Values grad_weight(weight.size());
  run(Pass::backward_weights, {.src = src, .grad_dst = grad_dst, .grad_weight = grad_weight});
  exact.assign(weight.size(), 0.0);
  reference::conv2d_backward_weights<double>(p, src64.data(), grad64.data(), exact.data(), nullptr);
  EXPECT_LT(error_of(grad_weight, exact).rms, 4e-6);
}

INSTANTIATE_TEST_SUITE_P(Tiles, WinogradErrors,
                         testing::Values(Conv2DProblem{.n = 2,
                                                       .ih = 16,
                                                       .iw = 16,
                                                       .ic = 64,
                                                       .oc = 64,
                                                       .kh = 3,
                                                       .kw = 3,
                                                       .ph = {1, 1},
                                                       .pw = {1, 1},
                                                       .bias = false},
                                         Conv2DProblem{.n = 8,
                                                       .ih = 6,
                                                       .iw = 6,
                                                       .ic = 64,
                                                       .oc = 64,
                                                       .kh = 3,
                                                       .kw = 3,
                                                       .ph = {1, 1},
                                                       .pw = {1, 1},
                                                       .bias = false}));

// Integers that Winograd's divisions leave integers: every sum is exact, in any order.
Values integers(Index elements, int step, std::uint32_t slot) {
  Values values(usize(elements));
  Stream stream(3, 0, 0, slot);
  for (float& value : values) value = static_cast<float>(step * (static_cast<int>(stream.below(3)) - 1));
  return values;
}

TEST(Winograd, ComputesTheSameInChunksOfAnySize) {
  if (!SmallGemm::decline().empty()) GTEST_SKIP() << SmallGemm::decline();
  Conv2DProblem p{.n = 6, .ih = 19, .iw = 18, .ic = 32, .oc = 48, .kh = 3, .kw = 3, .ph = {1, 1}, .pw = {1, 1}};
  const Values src = integers(p.src_elements(), 1, 0), bias = integers(p.oc, 1, 3);
  const Values weight = integers(p.weight_elements(), 576, 1), grad_dst = integers(p.dst_elements(), 576, 2);
  Values exact_dst(grad_dst.size()), exact_grad_src(src.size()), exact_grad_weight(weight.size()), exact_grad_bias(48);
  reference::conv2d_forward(p, src.data(), weight.data(), bias.data(), exact_dst.data());
  reference::conv2d_backward_data(p, grad_dst.data(), weight.data(), exact_grad_src.data());
  reference::conv2d_backward_weights(p, src.data(), grad_dst.data(), exact_grad_weight.data(), exact_grad_bias.data());

  // 150 tiles: chunks of a thread of its own, with whole products and a smaller last one; shared ones; groups of two chunks
  // and of one; one shared chunk, with the filter in one block and in several, whose 32 rows do not divide backward's 48.
  const WinogradChunks own{.own_bytes = 1, .least_own = 2, .least_summed_tiles = 24, .most_groups = 4};
  const WinogradChunks shared{.own_bytes = 1,
                              .shared_bytes = 1,
                              .least_own = 100,
                              .own_filter_bytes = 0,
                              .blocked_bytes = 0,
                              .least_summed_tiles = 48,
                              .own_sums_bytes = 0};
  const WinogradChunks few{.least_own = 100};
  WinogradChunks one_block = shared, blocks = shared;
  one_block.blocked_bytes = blocks.blocked_bytes = 16 << 20;
  blocks.filter_block_bytes = 32 * 36 * p.ic * isize(sizeof(float));
  for (const WinogradChunks& chunks : {WinogradChunks(), own, shared, few, one_block, blocks}) {
    Values dst(exact_dst.size()), grad_src(src.size()), grad_weight(weight.size()), grad_bias(48);
    for (const Pass pass : {Pass::forward, Pass::backward_data, Pass::backward_weights}) {
      p.pass = pass;
      const auto kernel = make_winograd(p, chunks);
      TestMemory scratch(kernel->scratch_bytes());
      kernel->run({.src = src,
                   .weight = weight,
                   .bias = bias,
                   .grad_dst = grad_dst,
                   .dst = dst,
                   .grad_src = grad_src,
                   .grad_weight = grad_weight,
                   .grad_bias = grad_bias,
                   .scratch = scratch.bytes()});
    }
    EXPECT_TRUE(dst == exact_dst);
    EXPECT_TRUE(grad_src == exact_grad_src);
    EXPECT_TRUE(grad_weight == exact_grad_weight);
    EXPECT_TRUE(grad_bias == exact_grad_bias);
  }
}

TEST(Winograd, LetsNaNThrough) {
  if (!SmallGemm::decline().empty()) GTEST_SKIP() << SmallGemm::decline();
  const Conv2DProblem p{.n = 8,
                        .ih = 8,
                        .iw = 8,
                        .ic = 16,
                        .oc = 16,
                        .kh = 3,
                        .kw = 3,
                        .ph = {1, 1},
                        .pw = {1, 1},
                        .bias = false,
                        .activation = Activation::relu};
  Values src(usize(p.src_elements()), 1.0F), dst(usize(p.dst_elements()));
  const Values weight(usize(p.weight_elements()), 0.5F);
  src[0] = std::numeric_limits<float>::quiet_NaN();
  const auto kernel = make_winograd(p);
  TestMemory scratch(kernel->scratch_bytes());
  kernel->run({.src = src, .weight = weight, .dst = dst, .scratch = scratch.bytes()});
  EXPECT_TRUE(std::isnan(dst[0]));
  EXPECT_EQ(dst.back(), 16 * 4 * 0.5F);
}

TEST(Winograd, DeclinesWithAReason) {
  if (!SmallGemm::decline().empty()) GTEST_SKIP() << SmallGemm::decline();
  const Conv2DProblem p{.n = 8, .ih = 32, .iw = 32, .ic = 64, .oc = 64, .kh = 3, .kw = 3};
  EXPECT_EQ(decline_winograd(p), "");
  const auto reason = [&](auto change) {
    Conv2DProblem changed = p;
    change(changed);
    return decline_winograd(changed);
  };
  set_exact_convolutions(true);
  EXPECT_EQ(decline_winograd(p), "exact convolutions are asked for");
  set_exact_convolutions(false);
  EXPECT_EQ(reason([](auto& q) { q.kw = 1; }), "the filter is not 3 x 3");
  EXPECT_EQ(reason([](auto& q) { q.sh = 2; }), "the stride is not 1");
  EXPECT_EQ(reason([](auto& q) { q.dw = 2; }), "it is dilated");
  EXPECT_EQ(reason([](auto& q) { q.groups = 2; }), "it is grouped");
  EXPECT_EQ(reason([](auto& q) { q.ic = 24; }), "channels are no multiples of 16");
  EXPECT_EQ(reason([](auto& q) { q.n = 0; }), "there is nothing to compute");
  EXPECT_EQ(reason([](auto& q) { q.activation = Activation::tanh; }), "the activation is not relu");
  EXPECT_EQ(reason([](auto& q) { q.n = 1, q.ih = q.iw = 7, q.ic = q.oc = 512; }),
            "there are too few pixels for the size of its filter");
}

}  // namespace
}  // namespace saccade::kernels
