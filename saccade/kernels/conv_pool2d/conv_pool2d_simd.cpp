#include "saccade/kernels/conv_pool2d/conv_pool2d_simd.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "saccade/base/aligned_buffer.h"
#include "saccade/base/parallel.h"
#include "saccade/kernels/conv_pool2d/backward_data.h"
#include "saccade/kernels/conv_pool2d/backward_weights.h"
#include "saccade/kernels/conv_pool2d/forward.h"
#include "saccade/kernels/simd/simd.h"

namespace saccade::kernels::simd {
namespace {

/// Tasks that a batch of images is cut into.
constexpr Index kForwardTasks = 32;
/// Likewise backward, where each has sums of its own.
constexpr Index kBackwardTasks = 16;
/// Multiply-adds that are worth a task of their own, some 5 us.
constexpr Index kLeastWork = 300'000;
/// Beyond so many input channels the separate kernels are faster.
constexpr Index kMostInputChannels = 16;

// What a window costs, in multiply-adds of one lane: lanes that hold nothing count, too. Beside them every way has its
// fixed work, measured with AVX-512.

constexpr Index kNever = std::numeric_limits<Index>::max();

/// Some 15 vectors a window.
Index cost_of_channels(const ConvPoolGeometry& g) {
  return g.lanes_oc * 4 * g.kh * g.kw * g.ic + 15 * lanes_of_pixels();
}

/// For each pixel of two rows, if its channels must be taken apart.
Index apart(const ConvPoolGeometry& g) { return g.ic > 1 ? 3 * g.iw * g.ic * lanes_of_pixels() : 0; }

/// Some 40 vectors for each channel of a vector of windows.
Index cost_of_pixels(const ConvPoolGeometry& g) {
  return (round_up(g.ow, lanes_of_pixels()) * g.oc * (4 * g.kh * g.kw * g.ic + 40) + apart(g)) / g.ow;
}

/// Filters of 3 x 3 and 5 x 5 only. A product a point, three such for the way back, 10 lanes for each transformed number.
/// That the filter is transformed, too, does not count, because batches of all sizes are to give the same bits.
Index cost_of_channels_winograd(const ConvPoolGeometry& g) {
  if (g.kh != g.kw) return kNever;
  return (g.kh + 1) * (g.kw + 1) * (g.lanes_oc * (g.ic + 3) + 10 * g.ic);
}

/// Two products a column and point, some 60 vectors for each channel, 14 lanes for each transformed number.
Index cost_of_pixels_winograd(const ConvPoolGeometry& g) {
  const Index lanes = lanes_of_pixels(), columns = round_up(g.ow, lanes);
  const Index sums = columns * g.oc * (2 * (g.kh + 1) * g.kw * g.ic + 60);
  return (sums + 28 * columns * g.ic + apart(g)) / g.ow;
}

std::unique_ptr<ConvPoolForward> make_forward(const ConvPoolGeometry& g) {
  return cost_of_pixels(g) < cost_of_channels(g) ? make_forward_pixels(g) : make_forward_channels(g);
}

class SimdConvPool2D final : public ConvPool2DKernel {
 public:
  SimdConvPool2D(const ConvPool2DProblem& p, std::unique_ptr<ConvPoolForward> forward)
      : p_(p),
        g_(geometry_of(p)),
        forward_(std::move(forward)),
        groups_(std::min(p.n, kForwardTasks)),
        blocks_(std::min(p.n, kBackwardTasks)) {
    // A few images: each in bands of rows, too.
    const Index work = p.conv(Pass::forward).multiply_adds() / p.n / kLeastWork;
    bands_ = std::clamp<Index>(std::min(work, kForwardTasks / p.n), 1, g_.oh);
    band_rows_ = ceil_divide(g_.oh, bands_);
    slots_ = std::min<Index>(thread_count(), groups_ * bands_);
    if (p.constant_weight) kept_weight_.emplace(usize(forward_->packed_floats()) * sizeof(float));
  }

  // A vector may read beyond the last number.
  Index saved_bytes() const override { return g_.keeps ? p_.n * kept_per_image() + kMostLanes : 0; }

  Index scratch_bytes() const override {
    const Index forward = packed_in_scratch() + slots_ * forward_->band_floats(band_rows_);
    const Index backward =
        DataGradient::table_floats(g_) + blocks_ * (WeightSums::floats(g_) + DataGradient::floats(g_));
    return std::max(forward, g_.keeps ? backward : 0) * isize(sizeof(float));
  }

  void forward(const ConvPool2DBuffers& b) override {
    auto* const scratch = reinterpret_cast<float*>(b.scratch.data());
    float* const packed = kept_weight_ ? reinterpret_cast<float*>(kept_weight_->bytes().data()) : scratch;
    if (!is_kept_) forward_->pack(b.weight.data(), b.bias.data(), packed);
    is_kept_ = kept_weight_.has_value();
    const Index band_floats = forward_->band_floats(band_rows_);
    parallel_slots(slots_, groups_ * bands_, [&](Index slot, Index task) {
      const Index group = task / bands_;
      const Index first = task % bands_ * band_rows_, last = std::min(first + band_rows_, g_.oh);
      if (first >= last) return;
      float* const band = scratch + packed_in_scratch() + slot * band_floats;
      std::fill_n(band, band_floats, 0.0F);
      for (Index n = group * p_.n / groups_; n < (group + 1) * p_.n / groups_; ++n) {
        forward_->run(b.src.data() + n * src_image(), packed, first, last, b.dst.data() + n * dst_image(),
                      g_.keeps ? kept(b.saved, n) : nullptr, band);
      }
    });
  }

  void backward(const ConvPool2DBuffers& b) override {
    auto* const table = reinterpret_cast<float*>(b.scratch.data());
    if (!b.grad_src.empty()) DataGradient::pack(g_, b.weight.data(), table);
    float* const data = table + DataGradient::table_floats(g_);
    float* const weights = data + blocks_ * DataGradient::floats(g_);
    parallel_for(blocks_, [&](Index block) {
      const Index first = block * p_.n / blocks_, last = (block + 1) * p_.n / blocks_;
      if (!b.grad_weight.empty()) {
        WeightSums sums = sums_of(weights, block);
        sums.clear();
        for (Index n = first; n < last; ++n) {
          sums.add_image(b.src.data() + n * src_image(), n + 1 == p_.n, b.grad_dst.data() + n * dst_image(),
                         (p_.n - n) * dst_image(), kept(b.saved, n));
        }
      }
      if (b.grad_src.empty()) return;
      DataGradient gradient(g_, table, data + block * DataGradient::floats(g_));
      for (Index n = first; n < last; ++n) {
        gradient.run(b.grad_dst.data() + n * dst_image(), (p_.n - n) * dst_image(), kept(b.saved, n),
                     b.grad_src.data() + n * src_image());
      }
    });
    if (b.grad_weight.empty()) return;
    WeightSums all = sums_of(weights, 0);
    for (Index block = 1; block < blocks_; ++block) all.add(sums_of(weights, block));
    all.store(b.grad_weight.data(), b.grad_bias.empty() ? nullptr : b.grad_bias.data());
  }

 private:
  Index src_image() const { return p_.ih * p_.iw * p_.ic; }
  Index dst_image() const { return g_.oh * g_.ow * g_.oc; }
  Index kept_per_image() const { return g_.oh * g_.ow * g_.lanes_oc; }
  std::uint8_t* kept(std::span<std::byte> saved, Index n) const {
    return reinterpret_cast<std::uint8_t*>(saved.data()) + n * kept_per_image();
  }

  Index packed_in_scratch() const { return kept_weight_ ? 0 : forward_->packed_floats(); }

  WeightSums sums_of(float* blocks, Index block) const { return {g_, blocks + block * WeightSums::floats(g_)}; }

  ConvPool2DProblem p_;
  ConvPoolGeometry g_;
  std::unique_ptr<ConvPoolForward> forward_;
  Index groups_, blocks_, bands_ = 1, band_rows_ = 1;
  Index slots_ = 1;                           // bands that are worked on at a time
  std::optional<AlignedBuffer> kept_weight_;  // packed, from the first run on
  bool is_kept_ = false;
};

}  // namespace

ConvPoolGeometry geometry_of(const ConvPool2DProblem& p) {
  return {.relu = p.activation == Activation::relu,
          .keeps = p.training,
          .ih = p.ih,
          .iw = p.iw,
          .ic = p.ic,
          .oc = p.oc,
          .kh = p.kh,
          .kw = p.kw,
          .pt = p.ph.before,
          .pl = p.pw.before,
          .oh = p.oh(),
          .ow = p.ow(),
          .lanes_oc = round_up(p.oc, 8),
          .rows = 2 * p.oh() + p.kh - 1,
          .row = (p.iw + p.pw.before + p.pw.after) * p.ic,
          .padded = p.ph != Pads{} || p.pw != Pads{}};
}

std::string decline_conv_pool2d(const ConvPool2DProblem& p) {
  if (p.src_elements() == 0 || p.dst_elements() == 0) return "there is nothing to compute";
  if (p.ic > kMostInputChannels) return "it has more than 16 input channels";
  if (p.kh == 3 && p.kw == 3 && p.ic % 16 == 0 && p.oc % 16 == 0) return "Winograd's convolution is faster";
  if (p.activation != Activation::linear && p.activation != Activation::relu) return "its activation is not relu";
  // Offsets into an image and into the table of filters are 32 bits wide.
  constexpr Index kMost = Index{1} << 30;
  const ConvPoolGeometry g = geometry_of(p);
  if (g.rows > kMost / (2 * g.row + 64) || p.kh + 2 > kMost / ((p.kw + 32) * p.ic) / p.oc / 4) return "it is too large";
  return {};
}

std::unique_ptr<ConvPool2DKernel> make_conv_pool2d(const ConvPool2DProblem& p) {
  return std::make_unique<SimdConvPool2D>(p, make_forward(geometry_of(p)));
}

std::string decline_conv_pool2d_winograd(const ConvPool2DProblem& p) {
  if (std::string reason = decline_conv_pool2d(p); !reason.empty()) return reason;
  if (p.kh != 3 && p.kh != 5) return "the filter does not have 3 or 5 rows";
  if (exact_convolutions()) return "exact convolutions are asked for";
  const ConvPoolGeometry g = geometry_of(p);
  if (std::min(cost_of_channels_winograd(g), cost_of_pixels_winograd(g)) >
      std::min(cost_of_pixels(g), cost_of_channels(g))) {
    return "there are too few channels or pixels for its transforms";
  }
  return {};
}

std::unique_ptr<ConvPool2DKernel> make_conv_pool2d_winograd(const ConvPool2DProblem& p) {
  const ConvPoolGeometry g = geometry_of(p);
  const bool pixels = cost_of_pixels_winograd(g) < cost_of_channels_winograd(g);
  return std::make_unique<SimdConvPool2D>(p,
                                          pixels ? make_forward_pixels_winograd(g) : make_forward_channels_winograd(g));
}

}  // namespace saccade::kernels::simd
