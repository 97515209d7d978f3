#include "saccade/tensor/preprocessing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "saccade/base/error.h"

namespace saccade {
namespace {

constexpr std::size_t kBlock = 128;

void validate_list(std::string_view name, const std::vector<float>& values, Index channels) {
  if (!values.empty() && isize(values.size()) != channels) {
    throw ValueError({.where = fmt::format("preprocessing {}", name),
                      .expected = fmt::format("{} values, one a channel, or none", channels),
                      .got = fmt::format("{}", values.size()),
                      .fix = "check that it belongs to images with this many channels"});
  }
  for (std::size_t c = 0; c < values.size(); ++c) {
    if (!std::isfinite(values[c])) {
      throw ValueError({.where = fmt::format("preprocessing {}[{}]", name, c),
                        .expected = "a finite number",
                        .got = fmt::format("{}", values[c]),
                        .fix = "check how it was computed"});
    }
  }
}

/// One value a channel, repeated over a block so that the loop over a block needs no channel counter.
class Repeated {
 public:
  explicit Repeated(const std::vector<float>& values) : values_(values) {
    if (values.empty() || values.size() > kBlock) return;
    std::size_t c = 0;
    for (float& value : block_) {
      value = values[c];
      c = c + 1 == values.size() ? 0 : c + 1;
    }
  }
  /// The values for a block that begins at channel c; c is 0 where the channels fit into a block.
  const float* from(std::size_t c) const { return values_.size() > kBlock ? values_.data() + c : block_.data(); }

 private:
  const std::vector<float>& values_;
  std::array<float, kBlock> block_;
};

/// One block of the formula. The local copy cannot alias the output, so that the compiler vectorises the loop, in place or
/// not; a list that is empty costs nothing.
template <bool kMean, bool kDeviation, class T>
void run_block(const T* pixels, std::size_t count, float scale, const float* mean, const float* deviation, float* out) {
  std::array<float, kBlock> y;
  for (std::size_t i = 0; i < count; ++i) {
    float value = static_cast<float>(pixels[i]) * scale;
    if constexpr (kMean) value -= mean[i];
    if constexpr (kDeviation) value /= deviation[i];
    y[i] = value;
  }
  std::copy_n(y.begin(), count, out);
}

template <class T>
void run(const Preprocessing& p, std::span<const T> pixels, std::span<float> out) {
  const std::size_t channels = std::max({p.mean.size(), p.deviation.size(), std::size_t{1}});
  p.validate(isize(channels));
  if (pixels.size() != out.size() || pixels.size() % channels != 0) {
    throw ValueError({.where = "preprocessing",
                      .expected = fmt::format("whole pixels of {} channels and as many outputs", channels),
                      .got = fmt::format("{} values and {} outputs", pixels.size(), out.size()),
                      .fix = "pass whole images"});
  }
  const Repeated mean(p.mean);
  const Repeated deviation(p.deviation);
  auto* const block_of = p.mean.empty() ? (p.deviation.empty() ? run_block<false, false, T> : run_block<false, true, T>)
                                        : (p.deviation.empty() ? run_block<true, false, T> : run_block<true, true, T>);
  const std::size_t block = channels <= kBlock ? kBlock / channels * channels : kBlock;
  for (std::size_t begin = 0; begin < pixels.size();) {
    const std::size_t c = begin % channels;
    const std::size_t left = channels <= kBlock ? pixels.size() - begin : channels - c;
    const std::size_t count = std::min(block, left);
    block_of(pixels.data() + begin, count, p.scale, mean.from(c), deviation.from(c), out.data() + begin);
    begin += count;
  }
}

}  // namespace

void Preprocessing::validate(Index channels) const {
  if (!std::isfinite(scale) || scale == 0.0F) {
    throw ValueError({.where = "preprocessing scale",
                      .expected = "a finite number other than 0",
                      .got = fmt::format("{}", scale),
                      .fix = "use 1/255 to bring 0..255 to 0..1"});
  }
  validate_list("mean", mean, channels);
  validate_list("deviation", deviation, channels);
  for (std::size_t c = 0; c < deviation.size(); ++c) {
    if (deviation[c] <= 0.0F) {
      throw ValueError({.where = fmt::format("preprocessing deviation[{}]", c),
                        .expected = "a number above 0",
                        .got = fmt::format("{}", deviation[c]),
                        .fix = "use 1 for a channel that is constant"});
    }
  }
}

void Preprocessing::apply(std::span<const std::uint8_t> pixels, std::span<float> out) const { run(*this, pixels, out); }

void Preprocessing::apply(std::span<const float> pixels, std::span<float> out) const { run(*this, pixels, out); }

}  // namespace saccade
