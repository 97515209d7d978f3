#include "saccade/tensor/tensor.h"

#include <gmock/gmock.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/tensor/parameter.h"
#include "tests/support/message_of.h"

namespace saccade {
namespace {

using test::message_of;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Tensor, StartsAsZeros) {
  const Tensor floats({3, 5});
  EXPECT_EQ(floats.dtype(), DType::float32);
  EXPECT_EQ(floats.floats().size(), 15U);
  EXPECT_THAT(floats.floats(), Each(0.0F));
  const Tensor pixels({3, 5}, DType::uint8);
  EXPECT_EQ(pixels.bytes().size(), 15U);
  EXPECT_THAT(pixels.uint8s(), Each(0));
}

TEST(Tensor, WithoutAShapeHasNoElements) {
  const Tensor none;
  EXPECT_EQ(none.shape(), Shape({0}));
  EXPECT_EQ(none.elements(), 0);
  EXPECT_THAT(none.floats(), IsEmpty());
}

TEST(Tensor, IsAligned) {
  for (const Index size : {1, 7, 64, 1000}) {
    const Tensor tensor({size}, DType::uint8);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.bytes().data()) % AlignedBuffer::kAlignment, 0U);
  }
}

TEST(Tensor, TakesValues) {
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  const Tensor tensor({2, 3}, values);
  EXPECT_THAT(tensor.floats(), ElementsAre(1, 2, 3, 4, 5, 6));
  const std::vector<std::uint8_t> pixels{0, 255};
  EXPECT_THAT(Tensor({2}, pixels).uint8s(), ElementsAre(0, 255));
}

TEST(Tensor, WantsOneValueAnElement) {
  const std::vector<float> values{1, 2, 3};
  EXPECT_EQ(message_of([&] {
              Tensor({2, 2}, values);
            }),
            "tensor: expected 4 values for shape [2, 2], got 3; pass one value an element");
  // Said before memory is asked for.
  const std::vector<std::uint8_t> pixels{1};
  EXPECT_EQ(
      message_of([&] { Tensor({Index{1} << 60}, pixels); }),
      "tensor: expected 1152921504606846976 values for shape [1152921504606846976], got 1; pass one value an element");
}

TEST(Tensor, RefusesASizeThatCannotBeHad) {
  EXPECT_THAT(message_of([] { Tensor({Index{1} << 62}); }),
              HasSubstr("tensor: expected a size in bytes that fits in 63 bits"));
  EXPECT_EQ(message_of([] { Tensor({Index{1} << 50}); }),
            "tensor [1125899906842624]: expected 4503599627370496 bytes of memory, got none; "
            "use smaller images or a smaller batch, or a machine with more memory");
}

TEST(Tensor, KnowsItsType) {
  Tensor pixels({2}, DType::uint8);
  EXPECT_EQ(message_of([&] { (void)pixels.floats(); }), "tensor [2]: expected float32, got uint8; convert it first");
  const Tensor floats({2});
  EXPECT_EQ(message_of([&] { (void)floats.uint8s(); }), "tensor [2]: expected uint8, got float32; convert it first");
}

TEST(Tensor, CopiesAreDeep) {
  Tensor original({2}, std::vector<float>{1, 2});
  Tensor copy = original;
  copy.floats()[0] = 9;
  EXPECT_THAT(original.floats(), ElementsAre(1, 2));
  original = copy;
  copy.floats()[1] = 9;
  EXPECT_THAT(original.floats(), ElementsAre(9, 2));
  Tensor& same = original;
  original = same;
  EXPECT_THAT(original.floats(), ElementsAre(9, 2));
}

TEST(Tensor, MovesKeepTheMemoryAndLeaveNothingToRead) {
  Tensor original({2}, std::vector<float>{1, 2});
  const float* memory = original.floats().data();
  Tensor moved = std::move(original);
  EXPECT_EQ(moved.floats().data(), memory);
  EXPECT_THAT(original.floats(), IsEmpty());  // NOLINT(bugprone-use-after-move): that is the question here
  original = std::move(moved);
  EXPECT_THAT(original.floats(), ElementsAre(1, 2));
}

TEST(Tensor, ReshapesWithoutMovingElements) {
  const Tensor tensor({2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
  const Tensor column = tensor.reshaped({6, 1});
  EXPECT_EQ(column.shape(), Shape({6, 1}));
  EXPECT_THAT(column.floats(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(tensor.shape(), Shape({2, 3}));
  EXPECT_EQ(message_of([&] { (void)tensor.reshaped({4}); }),
            "reshape: expected 6 elements like [2, 3], got [4]; choose a shape with as many elements");
  Tensor temporary({4});
  const float* memory = temporary.floats().data();
  EXPECT_EQ(std::move(temporary).reshaped({2, 2}).floats().data(), memory);
}

TEST(Tensor, SlicesTheOutermostAxis) {
  const Tensor tensor({3, 2}, std::vector<float>{1, 2, 3, 4, 5, 6});
  EXPECT_EQ(tensor.slice(1, 3).shape(), Shape({2, 2}));
  EXPECT_THAT(tensor.slice(1, 3).floats(), ElementsAre(3, 4, 5, 6));
  EXPECT_EQ(tensor.slice(3, 3).shape(), Shape({0, 2}));
  const Tensor pixels({2, 3}, std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6});
  EXPECT_THAT(pixels.slice(1, 2).uint8s(), ElementsAre(4, 5, 6));
  for (const auto& [first, last] : {std::pair{-1, 1}, {2, 1}, {0, 4}}) {
    EXPECT_EQ(message_of([&] { (void)tensor.slice(first, last); }),
              "slice: expected a range within [3, 2], got " + std::to_string(first) + " to " + std::to_string(last) +
                  "; keep 0 <= first <= last <= the first extent");
  }
  EXPECT_THAT(message_of([] { (void)Tensor(Shape()).slice(0, 0); }), HasSubstr("expected a range within []"));
  EXPECT_EQ(Tensor({0, 3}).slice(0, 0).shape(), Shape({0, 3}));
}

TEST(DType, HasANameAndASize) {
  EXPECT_EQ(name_of(DType::float32), "float32");
  EXPECT_EQ(name_of(DType::uint8), "uint8");
  EXPECT_EQ(size_bytes(DType::float32), 4);
  EXPECT_EQ(size_bytes(DType::uint8), 1);
}

TEST(Parameter, LearnsUnlessFrozenOrState) {
  EXPECT_TRUE(Parameter{.name = "conv2d.weight"}.learns());
  EXPECT_FALSE((Parameter{.name = "conv2d.weight", .trainable = false}.learns()));
  EXPECT_FALSE((Parameter{.name = "norm.mean", .role = Parameter::Role::state}.learns()));
}

}  // namespace
}  // namespace saccade
