#include "saccade/kernels/dropout/dropout_simd.h"

#include <cmath>

#include "saccade/base/parallel.h"
#include "saccade/kernels/simd/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saccade/kernels/dropout/dropout_simd.cpp"
#include <hwy/foreach_target.h>

#include "saccade/kernels/simd/vector_internal.h"

#ifndef SACCADE_KERNELS_DROPOUT_SIMD_ONCE
#define SACCADE_KERNELS_DROPOUT_SIMD_ONCE
namespace saccade::kernels::simd {

/// Where the numbers of a row come from (Stream's key and counter) and what they mean.
struct DropoutAddress {
  std::uint64_t seed;
  std::uint32_t step, slot, row;
  std::int32_t threshold;  ///< A unit stays when its 24 random bits are at least this.
  float scale;
};

}  // namespace saccade::kernels::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace saccade::kernels::HWY_NAMESPACE {

using WordTag = hn::ScalableTag<std::uint32_t>;
using PairTag = hn::ScalableTag<std::uint64_t>;
using Words = hn::Vec<WordTag>;
using Pairs = hn::Vec<PairTag>;

/// Two vectors of random words, in the order in which Stream would hand them out.
struct TwoVectors {
  Words first, second;
};

/// Philox4x32-10 (see base/random.h) of as many blocks as there are 64-bit lanes. Each 32-bit number of a block sits in
/// the lower half of its lane; what the upper half holds in between does not matter. block numbers: see RandomWords.
HWY_INLINE TwoVectors Philox(Pairs blocks, const simd::DropoutAddress& address) {
  const PairTag d;
  const WordTag w;
  const Words multiplier0 = hn::Set(w, 0xD2511F53U), multiplier1 = hn::Set(w, 0xCD9E8D57U);
  std::uint32_t key0 = static_cast<std::uint32_t>(address.seed);
  std::uint32_t key1 = static_cast<std::uint32_t>(address.seed >> 32);
  Pairs x0 = blocks, x1 = hn::Set(d, address.slot), x2 = hn::Set(d, address.row), x3 = hn::Set(d, address.step);
  for (int round = 0; round < 10; ++round) {
    const Pairs p0 = hn::MulEven(hn::BitCast(w, x0), multiplier0);
    const Pairs p1 = hn::MulEven(hn::BitCast(w, x2), multiplier1);
    x0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p1), x1), hn::Set(d, std::uint64_t{key0}));
    x1 = p1;
    x2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p0), x3), hn::Set(d, std::uint64_t{key1}));
    x3 = p0;
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  const Pairs low = hn::Set(d, std::uint64_t{0xffffffffU});
  const Pairs x01 = hn::Or(hn::And(x0, low), hn::ShiftLeft<32>(x1));
  const Pairs x23 = hn::Or(hn::And(x2, low), hn::ShiftLeft<32>(x3));
  return {hn::BitCast(w, hn::InterleaveLower(d, x01, x23)), hn::BitCast(w, hn::InterleaveUpper(d, x01, x23))};
}

/// The block of each 64-bit lane: interleaving puts the even lanes into the first vector and the odd ones into the
/// second, so lane 2k takes block k and lane 2k+1 takes block lanes/2 + k.
HWY_INLINE Pairs FirstBlocks() {
  const PairTag d;
  const std::size_t half = hn::Lanes(d) / 2;
  HWY_ALIGN std::uint64_t blocks[hn::MaxLanes(d)];
  for (std::size_t k = 0; k < half; ++k) {
    blocks[2 * k] = k;
    blocks[2 * k + 1] = half + k;
  }
  return hn::Load(d, blocks);
}

/// Bytes that the mask bits of one vector take.
HWY_INLINE std::size_t MaskBytes() { return (hn::Lanes(FloatTag()) + 7) / 8; }

/// Drops units of one vector and notes in `bits` which stay.
HWY_INLINE void DropVector(Words random, const simd::DropoutAddress& address, const float* src, float* dst,
                           std::size_t count, std::size_t room, std::uint8_t* bits) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> di;
  const auto number = hn::BitCast(di, hn::ShiftRight<8>(random));
  const auto keep = hn::RebindMask(d, hn::Gt(number, hn::Set(di, address.threshold - 1)));
  hn::StoreMaskBits(d, keep, bits);
  const FloatVector scaled = hn::Mul(LoadPart(src, count, room, 0.0F), hn::Set(d, address.scale));
  StorePart(hn::IfThenElseZero(keep, scaled), dst, count, room);
}

/// One row; `room` floats from src and dst on may be read and rewritten.
void DropoutForward(const simd::DropoutAddress& address, const float* src, float* dst, std::size_t count,
                    std::size_t room, std::uint8_t* bits) {
  const std::size_t lanes = hn::Lanes(FloatTag());
  Pairs blocks = FirstBlocks();
  const Pairs step = hn::Set(PairTag(), std::uint64_t{hn::Lanes(PairTag())});
  for (std::size_t i = 0; i < count; i += 2 * lanes, bits += 2 * MaskBytes(), blocks = hn::Add(blocks, step)) {
    const TwoVectors random = Philox(blocks, address);
    DropVector(random.first, address, src + i, dst + i, count - i, room - i, bits);
    const std::size_t j = i + lanes;
    if (j < count) DropVector(random.second, address, src + j, dst + j, count - j, room - j, bits + MaskBytes());
  }
}

/// grad_src = keep ? grad_dst * scale : 0, one row.
void DropoutBackward(const std::uint8_t* bits, float scale, const float* grad_dst, float* grad_src, std::size_t count,
                     std::size_t room) {
  const FloatTag d;
  for (std::size_t i = 0; i < count; i += hn::Lanes(d), bits += MaskBytes()) {
    const FloatVector scaled = hn::Mul(LoadPart(grad_dst + i, count - i, room - i, 0.0F), hn::Set(d, scale));
    StorePart(hn::IfThenElseZero(hn::LoadMaskBits(d, bits), scaled), grad_src + i, count - i, room - i);
  }
}

}  // namespace saccade::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saccade::kernels {
HWY_EXPORT(DropoutForward);
HWY_EXPORT(DropoutBackward);
}  // namespace saccade::kernels

namespace saccade::kernels::simd {
namespace {

class SimdDropout final : public DropoutKernel {
 public:
  explicit SimdDropout(const DropoutProblem& problem) : problem_(problem) {}

  Index saved_bytes() const override { return problem_.rows * row_bytes(); }

  void forward(const DropoutBuffers& buffers) override {
    DropoutAddress address{.seed = buffers.seed,
                           .step = buffers.step,
                           .slot = buffers.slot,
                           .row = 0,
                           .threshold = static_cast<std::int32_t>(std::ceil(problem_.rate * 0x1p24F)),
                           .scale = scale()};
    for_rows([&](Index row, std::size_t room) {
      DropoutAddress own = address;
      own.row = static_cast<std::uint32_t>(row);
      const Index first = row * problem_.elements;
      HWY_DYNAMIC_DISPATCH(DropoutForward)
      (own, buffers.src.data() + first, buffers.dst.data() + first, usize(problem_.elements), room,
       reinterpret_cast<std::uint8_t*>(buffers.saved.data() + row * row_bytes()));
    });
  }

  void backward(const DropoutBuffers& buffers) override {
    for_rows([&](Index row, std::size_t room) {
      const Index first = row * problem_.elements;
      HWY_DYNAMIC_DISPATCH(DropoutBackward)
      (reinterpret_cast<const std::uint8_t*>(buffers.saved.data() + row * row_bytes()), scale(),
       buffers.grad_dst.data() + first, buffers.grad_src.data() + first, usize(problem_.elements), room);
    });
  }

 private:
  float scale() const { return 1.0F / (1.0F - problem_.rate); }

  /// A bit a unit, but a vector of four begins a byte of its own, and Highway may write 8 bytes at a time.
  Index row_bytes() const { return ceil_divide(problem_.elements, 4) + 8; }

  template <class Task>
  void for_rows(const Task& task) const {
    parallel_ranges(problem_.rows, rows_per_task(problem_.elements), [&](Index begin, Index end) {
      for (Index row = begin; row < end; ++row) task(row, usize((end - row) * problem_.elements));
    });
  }

  DropoutProblem problem_;
};

}  // namespace

std::unique_ptr<DropoutKernel> make(const DropoutProblem& problem) { return std::make_unique<SimdDropout>(problem); }

}  // namespace saccade::kernels::simd
#endif
