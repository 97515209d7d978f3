#include "saccade/data/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "saccade/base/error.h"
#include "tests/support/message_of.h"

namespace saccade::data {
namespace {

using test::message_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// n images of 2 x 1 x 3 whose bytes count upwards; labels repeat 0, 1, .. classes-1.
DatasetPtr counting(Index n, Index classes = 3, std::string name = "counting") {
  std::vector<std::uint8_t> pixels(usize(n * 6));
  std::iota(pixels.begin(), pixels.end(), std::uint8_t{0});
  std::vector<std::int32_t> labels;
  for (Index i = 0; i < n; ++i) labels.push_back(static_cast<std::int32_t>(i % classes));
  std::vector<std::string> class_names;
  for (Index c = 0; c < classes; ++c) class_names.push_back("class" + std::to_string(c));
  return std::make_shared<InMemory>(std::move(name), Tensor({n, 2, 1, 3}, std::span<const std::uint8_t>(pixels)),
                                    std::move(labels), std::move(class_names));
}

std::vector<Index> first_pixels(const Dataset& dataset) {
  std::vector<Index> pixels;
  for (Index i = 0; i < dataset.size(); ++i) pixels.push_back(dataset.get(i).image.uint8s()[0]);
  return pixels;
}

std::vector<float> read(const Dataset& dataset, Index i, const Preprocessing& p = Preprocessing::none()) {
  std::vector<float> out(usize(dataset.image_shape().elements()), -1.0F);
  dataset.read(i, p, out);
  return out;
}

TEST(InMemory, GivesWhatItWasGiven) {
  const DatasetPtr dataset = counting(4);
  EXPECT_EQ(dataset->size(), 4);
  EXPECT_EQ(dataset->name(), "counting");
  EXPECT_EQ(dataset->image_shape(), (Shape{2, 1, 3}));
  EXPECT_THAT(dataset->class_names(), ElementsAre("class0", "class1", "class2"));
  const Sample sample = dataset->get(3);
  EXPECT_EQ(sample.image.shape(), (Shape{2, 1, 3}));
  EXPECT_THAT(sample.image.uint8s(), ElementsAre(18, 19, 20, 21, 22, 23));
  EXPECT_EQ(sample.label, 0);
  EXPECT_EQ(dataset->label(2), 2);
  EXPECT_EQ(sample.name, "counting #3");
  EXPECT_EQ(dataset->sample_name(3), sample.name);
}

TEST(InMemory, ReadsPreprocessed) {
  const DatasetPtr dataset = counting(4);
  EXPECT_THAT(read(*dataset, 1), ElementsAre(6, 7, 8, 9, 10, 11));
  EXPECT_THAT(read(*dataset, 1, {.scale = 2, .mean = {2, 4, 6}, .deviation = {5, 5, 5}}),
              ElementsAre(2, 2, 2, 3.2F, 3.2F, 3.2F));
}

TEST(InMemory, KeepsFloatImages) {
  const std::vector<float> pixels = {0.5F, 1.5F, 2.5F, 3.5F};
  const InMemory dataset("floats", Tensor({2, 1, 2, 1}, std::span<const float>(pixels)), {1, 0}, {"a", "b"});
  EXPECT_THAT(dataset.get(1).image.floats(), ElementsAre(2.5F, 3.5F));
  EXPECT_THAT(read(dataset, 1, {.scale = 2}), ElementsAre(5, 7));
}

TEST(InMemory, RefusesWhatDoesNotFitTogether) {
  auto make = [](const Shape& shape, std::vector<std::int32_t> labels, std::vector<std::string> names) {
    return message_of([&] { InMemory("set", Tensor(shape, DType::uint8), std::move(labels), std::move(names)); });
  };
  EXPECT_EQ(
      make({2, 28, 28}, {0, 0}, {"a"}),
      "set: expected images [n, height, width, channels], none of the last three 0, got [2, 28, 28]; reshape them; "
      "grey images have one channel");
  EXPECT_THAT(make({1, 0, 28, 1}, {0}, {"a"}), HasSubstr("got [1, 0, 28, 1]"));
  EXPECT_EQ(make({3, 2, 2, 1}, {0, 0}, {"a"}),
            "set: expected 3 labels, one an image, got 2; check that images and labels belong together");
  EXPECT_EQ(make({1, 2, 2, 1}, {0}, {}), "set: expected at least one class name, got none; name the classes");
  EXPECT_EQ(make({4, 1, 1, 1}, {0, 1, 2, 3}, {"a", "b"}),
            "set #2: expected a label from 0 to 1, got 2; correct the label, or name more classes");
  EXPECT_THAT(make({2, 1, 1, 1}, {1, -1}, {"a", "b"}), HasSubstr("set #1: expected a label from 0 to 1, got -1"));
}

TEST(Dataset, RefusesImagesOutOfRangeEverywhere) {
  const DatasetPtr base = counting(4);
  const DatasetPtr empty = take(base, 0);
  for (const DatasetPtr& dataset : {base, take(base, 4), concat({base})}) {
    for (const Index i : {Index{-1}, Index{4}}) {
      std::vector<float> out(6);
      const std::string text =
          "expected an image from 0 to 3, got " + std::to_string(i) + "; the dataset holds 4 images";
      EXPECT_THAT(message_of([&] { dataset->get(i); }), HasSubstr(text));
      EXPECT_THAT(message_of([&] { dataset->label(i); }), HasSubstr(text));
      EXPECT_THAT(message_of([&] { dataset->sample_name(i); }), HasSubstr(text));
      EXPECT_THAT(message_of([&] { dataset->read(i, {}, out); }), HasSubstr(text));
    }
    std::vector<float> small(5);
    EXPECT_EQ(message_of([&] { dataset->read(0, {}, small); }),
              "counting: expected room for an image of [2, 1, 3], got 5 values; pass one float a pixel and channel");
  }
  EXPECT_THAT(message_of([&] { empty->get(0); }), HasSubstr("expected no image at all, got 0"));
}

/// A dataset of the least effort: it has no read() of its own.
class Plain final : public Dataset {
 public:
  explicit Plain(Shape shape) : shape_(shape) {}
  std::string name() const override { return "plain"; }
  Index size() const noexcept override { return 2; }
  Shape image_shape() const override { return {1, 2, 1}; }
  const std::vector<std::string>& class_names() const noexcept override { return names_; }
  Index label(Index) const override { return 1; }
  Sample get(Index i) const override {
    require_image(i);
    Tensor image(shape_, i == 0 ? DType::uint8 : DType::float32);
    if (i == 0) std::ranges::fill(image.uint8s(), std::uint8_t{7});
    if (i == 1) std::ranges::fill(image.floats(), 0.25F);
    return {std::move(image), 1, "file" + std::to_string(i)};
  }

 private:
  Shape shape_;
  std::vector<std::string> names_ = {"only"};
};

TEST(Dataset, ReadsThroughGetByDefault) {
  const Plain dataset({1, 2, 1});
  EXPECT_THAT(read(dataset, 0, {.scale = 2}), ElementsAre(14, 14));
  EXPECT_THAT(read(dataset, 1, {.scale = 2}), ElementsAre(0.5F, 0.5F));
  EXPECT_EQ(dataset.sample_name(1), "plain #1");
  EXPECT_EQ(message_of([] {
              read(Plain({2, 2, 1}), 1);
            }),
            "file1: expected an image of [1, 2, 1], got [2, 2, 1]; resize it, or leave it out");
  std::vector<float> small(1);
  EXPECT_THAT(message_of([&] { dataset.read(0, {}, small); }), HasSubstr("room for an image of [1, 2, 1]"));
}

TEST(Subset, TakesImagesInTheOrderGiven) {
  const Subset subset(counting(5), {4, 0, 4}, "chosen");
  EXPECT_EQ(subset.size(), 3);
  EXPECT_EQ(subset.name(), "chosen");
  EXPECT_THAT(first_pixels(subset), ElementsAre(24, 0, 24));
  EXPECT_EQ(subset.label(0), 1);
  EXPECT_EQ(subset.get(1).label, 0);
  EXPECT_EQ(subset.sample_name(2), "counting #4");
  EXPECT_THAT(read(subset, 0), ElementsAre(24, 25, 26, 27, 28, 29));
  EXPECT_EQ(message_of([] {
              Subset(counting(5), {0, 5, 9}, "chosen");
            }),
            "chosen: index 1: expected an image of counting, which holds 5, got 5; count images from 0");
  EXPECT_THAT(message_of([] { Subset(counting(5), {-1}, "chosen"); }), HasSubstr("index 0"));
  EXPECT_THAT(message_of([] { Subset(nullptr, {}, "chosen"); }),
              HasSubstr("chosen: expected a dataset, got a null pointer"));
}

TEST(Take, KeepsTheFirst) {
  const DatasetPtr part = take(counting(5), 2);
  EXPECT_THAT(first_pixels(*part), ElementsAre(0, 6));
  EXPECT_EQ(part->name(), "counting[:2]");
  EXPECT_EQ(message_of([] { take(counting(5), 6); }),
            "take from counting: expected 0 to 5 images, got 6; ask for no more than there are");
  EXPECT_THAT(message_of([] { take(counting(5), -1); }), HasSubstr("got -1"));
}

std::vector<Index> sources(const DatasetPtr& dataset) {
  const auto indices = std::dynamic_pointer_cast<const Subset>(dataset)->indices();
  return {indices.begin(), indices.end()};
}

TEST(Split, PartsAreDisjointCompleteAndInOrder) {
  const DatasetPtr dataset = counting(40, 4);
  const auto [train, validation] = split(dataset, 0.25, 7);
  EXPECT_EQ(train->name(), "counting/train");
  EXPECT_EQ(validation->name(), "counting/validation");
  std::vector<Index> all = sources(train);
  const std::vector<Index> aside = sources(validation);
  EXPECT_TRUE(std::ranges::is_sorted(all));
  EXPECT_TRUE(std::ranges::is_sorted(aside));
  all.insert(all.end(), aside.begin(), aside.end());
  std::ranges::sort(all);
  std::vector<Index> expected(40);
  std::iota(expected.begin(), expected.end(), Index{0});
  EXPECT_EQ(all, expected);
}

TEST(Split, IsStratifiedToWithinOneImageAndExactInTotal) {
  for (const Index n : {Index{10}, Index{33}, Index{101}}) {
    for (const double fraction : {0.1, 0.29, 0.5, 0.77}) {
      const DatasetPtr dataset = counting(n, 7);
      const DatasetPtr validation = split(dataset, fraction, 3).validation;
      EXPECT_EQ(validation->size(), std::llround(fraction * static_cast<double>(n)));
      std::vector<double> there(7);
      std::vector<double> chosen(7);
      for (Index i = 0; i < n; ++i) ++there[usize(dataset->label(i))];
      for (Index i = 0; i < validation->size(); ++i) ++chosen[usize(validation->label(i))];
      for (std::size_t c = 0; c < 7; ++c) EXPECT_LT(std::abs(chosen[c] - fraction * there[c]), 1.0) << n << " " << c;
    }
  }
}

TEST(Split, DependsOnTheSeedAlone) {
  const DatasetPtr dataset = counting(60);
  EXPECT_EQ(sources(split(dataset, 0.2, 1).validation), sources(split(dataset, 0.2, 1).validation));
  EXPECT_NE(sources(split(dataset, 0.2, 1).validation), sources(split(dataset, 0.2, 2).validation));
  std::set<Index> seen;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    for (const Index i : sources(split(dataset, 0.2, seed).validation)) seen.insert(i);
  }
  EXPECT_EQ(seen.size(), 60U) << "every image can be chosen";
}

TEST(Split, RefusesWhatLeavesASideEmpty) {
  for (const double fraction : {0.0, 1.0, -0.1, std::nan("")}) {
    EXPECT_THAT(message_of([&] { split(counting(10), fraction, 0); }),
                HasSubstr("split of counting: expected a fraction between 0 and 1, got"));
  }
  EXPECT_EQ(message_of([] { split(counting(3), 0.1, 0); }),
            "split of counting: expected at least one image on both sides, got 3 and 0; use more images, or another "
            "fraction");
}

TEST(Concat, AppendsDatasets) {
  const DatasetPtr both = concat({counting(2, 3, "a"), take(counting(3, 3, "none"), 0), counting(3, 3, "b")});
  EXPECT_EQ(both->name(), "a+none[:0]+b");
  EXPECT_EQ(both->size(), 5);
  EXPECT_THAT(first_pixels(*both), ElementsAre(0, 6, 0, 6, 12));
  EXPECT_EQ(both->sample_name(1), "a #1");
  EXPECT_EQ(both->sample_name(2), "b #0");
  EXPECT_EQ(both->label(4), 2);
  EXPECT_THAT(read(*both, 3), ElementsAre(6, 7, 8, 9, 10, 11));
}

TEST(Concat, RefusesOtherShapesAndClasses) {
  EXPECT_THAT(message_of([] { concat({}); }), HasSubstr("concat: expected at least one dataset, got none"));
  EXPECT_THAT(message_of([] { concat({counting(1), nullptr}); }), HasSubstr("got a null pointer"));
  EXPECT_EQ(message_of([] {
              concat({counting(1), std::make_shared<Plain>(Shape{1, 2, 1})});
            }),
            "concat of counting and plain: expected images of [2, 1, 3], got [1, 2, 1]; resize one of them");
  EXPECT_EQ(
      message_of([] {
        concat({counting(1, 2), counting(1, 3)});
      }),
      "concat of counting and counting: expected the same class names in the same order, got class0 class1 class2, "
      "not class0 class1; give both the same list of classes");
}

TEST(Dataset, IsReadFromSeveralThreadsAtOnce) {
  const DatasetPtr dataset = concat({counting(20), take(counting(20), 10)});
  std::vector<std::jthread> threads;
  std::vector<Index> sums(4);
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (Index i = 0; i < dataset->size(); ++i)
        sums[t] += static_cast<Index>(read(*dataset, i)[5]) + dataset->label(i);
    });
  }
  threads.clear();
  EXPECT_THAT(sums, ::testing::Each(sums[0]));
}

std::vector<float> target_of(const Dataset& dataset, Index i) {
  std::vector<float> target(dataset.class_names().size());
  dataset.target(i, target);
  return target;
}

TEST(Annotations, ALabelIsATargetToo) {
  const auto dataset = counting(5);
  EXPECT_FALSE(dataset->has_targets());
  EXPECT_FALSE(dataset->has_weights());
  EXPECT_EQ(dataset->weight(4), 1.0F);
  std::vector<float> expected(dataset->class_names().size());
  expected[usize(dataset->label(4))] = 1.0F;
  EXPECT_EQ(target_of(*dataset, 4), expected);
  EXPECT_THAT(message_of([&] { (void)dataset->weight(5); }), HasSubstr("expected an image from 0 to 4, got 5"));
}

TEST(Annotations, GoWithTheirImages) {
  const DatasetPtr plain = counting(4);
  const DatasetPtr weighted = with_weights(plain, {1, 2, 3, 4});
  const DatasetPtr both = with_targets(weighted, {0, 1, 5, 2, 7, 7, -1, 0}, {"left", "right"});
  EXPECT_FALSE(weighted->has_targets());
  EXPECT_EQ(weighted->class_names(), plain->class_names());
  EXPECT_EQ(weighted->label(3), plain->label(3));
  const Subset subset(both, {3, 1, 2}, "some");
  EXPECT_TRUE(subset.has_weights());
  EXPECT_TRUE(subset.has_targets());
  EXPECT_EQ(subset.weight(0), 4.0F);
  EXPECT_THAT(subset.class_names(), ElementsAre("left", "right"));
  EXPECT_THAT(target_of(subset, 1), ElementsAre(5, 2));
  EXPECT_EQ(subset.label(1), 0);
  EXPECT_EQ(subset.label(0), 1);
  EXPECT_EQ(subset.label(2), 0) << "the first of equals";
  EXPECT_EQ(subset.get(0).label, 1);
  EXPECT_EQ(subset.sample_name(0), plain->sample_name(3));
  EXPECT_EQ(read(subset, 0), read(*plain, 3));

  const DatasetPtr joined = concat({plain, weighted});
  EXPECT_TRUE(joined->has_weights());
  EXPECT_FALSE(joined->has_targets());
  EXPECT_EQ(joined->weight(3), 1.0F);
  EXPECT_EQ(joined->weight(6), 3.0F);
  EXPECT_EQ(target_of(*joined, 5), target_of(*plain, 1));
}

TEST(Annotations, Errors) {
  const auto nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(message_of([] { with_weights(counting(2), {1}); }),
            "weights of counting: expected 2 numbers, got 1; give every image its own");
  EXPECT_THAT(message_of([] {
                with_weights(counting(2), {1, -1});
              }),
              HasSubstr("weights of counting: number 1: expected a finite number of zero or more, got -1"));
  EXPECT_THAT(message_of([&] {
                with_targets(counting(2), {1, nan}, {"a"});
              }),
              HasSubstr("targets of counting: number 1: expected a finite number, got nan"));
  EXPECT_THAT(message_of([] { with_targets(counting(2), {1, 2}, {}); }), HasSubstr("expected at least one name"));
  EXPECT_THAT(message_of([] { with_targets(counting(2), {1, 2, 3}, {"a", "b"}); }), HasSubstr("expected 4 numbers"));
  EXPECT_THAT(message_of([] { with_weights(nullptr, {}); }), HasSubstr("a null pointer"));
}

}  // namespace
}  // namespace saccade::data
