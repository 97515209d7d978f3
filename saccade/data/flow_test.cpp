#include "saccade/data/flow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <numeric>

#include "saccade/base/error.h"
#include "saccade/image/encode.h"

namespace saccade::data {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pointwise;

using Options = ImageDataGeneratorOptions;

std::shared_ptr<const ImageDataGenerator> generator(const Options& options = {}) {
  return std::make_shared<const ImageDataGenerator>(options);
}

/// n pictures, whose first value and label are their number (labels modulo `classes`); the values rise from pixel to pixel, the
/// same for every channel.
DatasetPtr numbered(Index n, Index classes, const Shape& shape = {1, 1, 1}) {
  Tensor images(shape.with_batch(n));
  std::vector<std::int32_t> labels;
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < shape.elements(); ++j) {
      images.floats()[usize(i * shape.elements() + j)] = static_cast<float>(i + j / shape[2] * 7 % 50);
    }
    labels.push_back(static_cast<std::int32_t>(i % classes));
  }
  std::vector<std::string> names;
  for (Index c = 0; c < classes; ++c) names.push_back(std::to_string(c));
  return std::make_shared<InMemory>("numbered", std::move(images), std::move(labels), std::move(names));
}

std::vector<std::vector<Index>> orders(Flow& flow, int batches) {
  std::vector<std::vector<Index>> result;
  Batch batch;
  for (int i = 0; i < batches; ++i) {
    flow.next(batch);
    result.push_back(batch.indices);
  }
  return result;
}

// Worked values: keras-preprocessing with NumPy 1.24.
TEST(Flow, KerassOrderOfPictures) {
  Flow next(generator(), numbered(5, 5), {.batch_size = 2, .seed = 42, .random = RandomMode::numpy});
  EXPECT_EQ(next.size(), 3);
  EXPECT_THAT(orders(next, 9), ElementsAre(ElementsAre(1, 4), ElementsAre(2, 0), ElementsAre(3),  //
                                           ElementsAre(1, 4), ElementsAre(0, 2), ElementsAre(3),  //
                                           ElementsAre(2, 4), ElementsAre(1, 3), ElementsAre(0)));
  Flow sequence(generator(), numbered(5, 5), {.batch_size = 2, .seed = 42, .random = RandomMode::numpy_sequence});
  EXPECT_THAT(orders(sequence, 6), ElementsAre(ElementsAre(1, 4), ElementsAre(2, 0), ElementsAre(3),  //
                                               ElementsAre(1, 2), ElementsAre(0, 4), ElementsAre(3)));
}

TEST(Flow, TheFirstPictureOfAKerasFlow) {
  Tensor images({1, 4, 4, 1});
  std::iota(images.floats().begin(), images.floats().end(), 0.0F);
  const auto dataset =
      std::make_shared<InMemory>("one", std::move(images), std::vector<std::int32_t>{0}, std::vector<std::string>{"a"});
  Flow flow(generator({.rotation_range = 30,
                       .width_shift_range = .25,
                       .height_shift_range = .25,
                       .shear_range = 10,
                       .zoom_range = .2,
                       .cval = -1,
                       .horizontal_flip = true,
                       .compat = Compat::keras3}),
            dataset, {.batch_size = 1, .seed = 7, .random = RandomMode::numpy});
  Batch batch;
  flow.next(batch);
  const std::vector<float> expected{1.972229F,  .870181F,   1.946038F,  3,         5.922685F, 4.953144F,
                                    3.983603F,  3,          10.078816F, 9.109276F, 8.139735F, 6.422109F,
                                    12.883609F, 13.265409F, 12.260544F, 10.215146F};
  EXPECT_THAT(batch.images.floats(), Pointwise(testing::FloatNear(2e-6F), expected));
}

TEST(Flow, EveryModeGivesTheSameForAnyNumberOfWorkers) {
  const auto all = generator({.rotation_range = 30,
                              .zoom_range = .2,
                              .channel_shift_range = 5,
                              .horizontal_flip = true,
                              .rescale = 1 / 255.0});
  for (const RandomMode mode : {RandomMode::addressed, RandomMode::numpy, RandomMode::numpy_sequence}) {
    std::vector<std::vector<float>> first;
    for (const int workers : {0, 1, 3}) {
      Flow flow(all, numbered(11, 3, {6, 5, 3}), {.batch_size = 4, .seed = 3, .random = mode, .workers = workers});
      std::vector<std::vector<float>> batches;
      Batch batch;
      for (int i = 0; i < 7; ++i) {
        flow.next(batch);
        batches.emplace_back(batch.images.floats().begin(), batch.images.floats().end());
      }
      if (first.empty()) first = batches;
      EXPECT_NE(first[0], first[3]) << "an epoch has pictures of its own";
      EXPECT_EQ(batches, first) << workers;
      flow.start(1);
      flow.next(batch);
      EXPECT_THAT(batch.images.floats(), Pointwise(testing::Eq(), first[3])) << "an epoch stands by itself";
    }
  }
}

TEST(Augmentation, AlternatingFlipsShowEachSideInTurn) {
  const auto flips = generator({.horizontal_flip = true});
  const Augmentation alternating = augmentation(flips, {.alternating_flip = true});
  const Augmentation still = augmentation(generator({.random_crop = 1}), {.alternating_flip = true});
  const auto mirrored = [](const Augmentation& a, std::uint32_t epoch, Index index) {
    std::vector<float> image{1, 1, 1, 2, 2, 2};
    a.transform({.seed = 5, .epoch = epoch, .index = index}, {1, 2, 3}, image);
    return image[0] == 2.0F;
  };
  Index in_first = 0;
  for (Index i = 0; i < 1000; ++i) {
    const bool first = mirrored(alternating, 0, i);
    in_first += first ? 1 : 0;
    for (const std::uint32_t epoch : {1U, 2U, 3U})
      EXPECT_EQ(mirrored(alternating, epoch, i), first == (epoch % 2 == 0));
  }
  EXPECT_NEAR(static_cast<double>(in_first), 500.0, 60.0);  // four deviations
  // Of a flip that was not asked for there is none.
  for (Index i = 0; i < 20; ++i) {
    std::vector<float> image{1, 2, 3, 4};
    still.transform({.seed = 5, .epoch = 1, .index = i}, {1, 4, 1}, image);
    EXPECT_LE(image.front(), image.back());
  }
}

TEST(Flow, ImagesAndMasksShareTransformsByTheirSeed) {
  const Options options{.rotation_range = 40, .width_shift_range = .2, .horizontal_flip = true};
  for (const RandomMode mode : {RandomMode::addressed, RandomMode::numpy}) {
    Flow images(generator(options), numbered(6, 2, {5, 5, 3}), {.batch_size = 6, .seed = 1, .random = mode});
    Flow masks(generator(options), numbered(6, 2, {5, 5, 1}), {.batch_size = 6, .seed = 1, .random = mode});
    Batch image, mask;
    images.next(image);
    masks.next(mask);
    EXPECT_EQ(image.indices, mask.indices);
    Flow plain(generator(), numbered(6, 2, {5, 5, 1}), {.batch_size = 6, .seed = 1, .random = mode});
    Batch original;
    plain.next(original);
    EXPECT_FALSE(std::ranges::equal(original.images.floats(), mask.images.floats())) << "nothing was changed";
    for (std::size_t i = 0; i < mask.images.floats().size(); ++i) {
      EXPECT_EQ(image.images.floats()[3 * i], mask.images.floats()[i]);
    }
  }
}

TEST(Flow, SubsetsAreKerass) {
  const auto split = generator({.horizontal_flip = true, .validation_split = .29});
  Flow validation = flow(split, numbered(100, 2), {.batch_size = 100, .shuffle = false, .subset = "validation"});
  Batch batch;
  validation.next(batch);
  EXPECT_EQ(batch.rows(), 28) << "int(0.29 * 100)";
  EXPECT_EQ(batch.images.floats()[27], 27.0F);
  Flow training = flow(split, numbered(100, 2), {.batch_size = 100, .shuffle = false, .subset = "training"});
  training.next(batch);
  EXPECT_EQ(batch.rows(), 72);
  EXPECT_EQ(batch.images.floats()[0], 28.0F);
  const auto message = [&](auto&& part, const std::string& subset) -> std::string {
    try {
      flow(part, numbered(10, 2), {.subset = subset});
    } catch (const ValueError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(message(split, "foo"), HasSubstr("flow: subset: expected 'training' or 'validation', got 'foo'"));
  EXPECT_THAT(message(generator(), "training"), HasSubstr("validation_split = 0"));
  const auto half = generator({.validation_split = .5});
  const auto two = std::make_shared<InMemory>("sorted", Tensor({4, 1, 1, 1}), std::vector<std::int32_t>{0, 0, 1, 1},
                                              std::vector<std::string>{"a", "b"});
  try {
    flow(half, two, {.subset = "training"});
    ADD_FAILURE() << "a class is on one side only";
  } catch (const ValueError& error) {
    EXPECT_THAT(error.what(), HasSubstr("different number of classes"));
  }
  EXPECT_THAT(flow(half, two, {.ignore_class_split = true, .subset = "training"}).warnings(),
              testing::Not(testing::IsEmpty()));
}

TEST(Flow, RefusesWhatCannotBeServed) {
  EXPECT_THROW(Flow(generator(), nullptr), ValueError);
  EXPECT_THROW(Flow(nullptr, numbered(2, 1)), ValueError);
  EXPECT_THROW(Flow(generator({.data_format = DataFormat::channels_first}), numbered(2, 1)), ValueError);
}

TEST(Augmentation, NumPysDrawsNeedTheirPlan) {
  const Augmentation random = augmentation(
      generator({.rotation_range = 9}), {.random = RandomMode::numpy, .size = 3, .batch_size = 2, .shape = {4, 4, 1}});
  Batch batch;
  Loader without(numbered(3, 1, {4, 4, 1}), {.batch_size = 2, .workers = 0, .transform = random.transform});
  without.start(0);
  EXPECT_THROW(without.next(batch), ValueError);
  Loader with(numbered(3, 1, {4, 4, 1}),
              {.batch_size = 2, .workers = 0, .transform = random.transform, .plan = random.plan});
  with.start(0);
  EXPECT_TRUE(with.next(batch));
}

TEST(Flow, ValidationIsNotAugmentedUnlessAsked) {
  const auto turning = generator({.rotation_range = 90, .rescale = 2, .validation_split = .5});
  Tensor images({2, 4, 4, 1});
  std::iota(images.floats().begin(), images.floats().end(), 0.0F);
  const auto two = std::make_shared<InMemory>("two", std::move(images), std::vector<std::int32_t>{0, 0},
                                              std::vector<std::string>{"a"});
  const auto first = [&](bool augment) {
    Flow part = flow(turning, two, {.subset = "validation", .augment_validation = augment});
    Batch batch;
    part.next(batch);
    return std::vector<float>(batch.images.floats().begin(), batch.images.floats().end());
  };
  std::vector<float> doubled(16);
  for (std::size_t i = 0; i < 16; ++i) doubled[i] = 2.0F * static_cast<float>(i);
  EXPECT_EQ(first(false), doubled);
  EXPECT_NE(first(true), doubled);
}

class FlowFiles : public testing::Test {
 protected:
  FlowFiles() : place_(fs::temp_directory_path() / ("saccade_flow_test_" + std::to_string(getpid()))) {
    for (const char* name : {"cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"}) {
      fs::create_directories((place_ / "set" / name).parent_path());
      Tensor image({3, 3, 3}, DType::uint8);
      std::ranges::fill(image.uint8s(), static_cast<std::uint8_t>(name[0]));
      write_image(place_ / "set" / name, image);
    }
  }
  ~FlowFiles() override { fs::remove_all(place_); }

  fs::path place_;
};

TEST_F(FlowFiles, FromADirectory) {
  const ImageFolderOptions small{.reading = {.target_size = {.height = 2, .width = 2}}};
  Flow all = flow_from_directory(generator({.rescale = 2}), place_ / "set", small, {.batch_size = 3, .shuffle = false});
  Batch batch;
  all.next(batch);
  EXPECT_EQ(batch.images.shape(), (Shape{3, 2, 2, 3}));
  EXPECT_EQ(batch.images.floats()[0], 2.0F * 'c');
  EXPECT_THAT(batch.labels, ElementsAre(0, 0, 1));
  Flow half = flow_from_directory(generator({.validation_split = .5}), place_ / "set", small,
                                  {.shuffle = false, .subset = "training"});
  half.next(batch);
  EXPECT_THAT(batch.labels, ElementsAre(0, 1));
  EXPECT_EQ(half.dataset()->sample_name(0), "cat/2.png");
}

TEST_F(FlowFiles, SavesWhatItServes) {
  const fs::path out = place_ / "out";
  fs::create_directories(out);
  Flow saved = flow_from_directory(generator({.horizontal_flip = true}), place_ / "set",
                                   {.reading = {.target_size = {.height = 2, .width = 2}}},
                                   {.batch_size = 4, .shuffle = false, .save_to_dir = out, .save_prefix = "aug"});
  Batch batch;
  for (int epoch = 0; epoch < 2; ++epoch) saved.next(batch);
  for (const char* name : {"aug_0_0.png", "aug_3_0.png", "aug_0_1.png", "aug_3_1.png"}) {
    EXPECT_TRUE(fs::exists(out / name)) << name;
  }
}

TEST_F(FlowFiles, AnErrorNamesTheFile) {
  fs::resize_file(place_ / "set/dog/1.png", 40);
  Flow broken = flow_from_directory(generator(), place_ / "set");
  Batch batch;
  try {
    broken.next(batch);
    FAIL();
  } catch (const FormatError& error) {
    EXPECT_THAT(error.what(), HasSubstr("dog/1.png"));
  }
}

TEST(ArrayToImage, StretchesToWholeNumbers) {
  EXPECT_THAT(array_to_image({1, 3, 1}, std::vector<float>{10, 20, 37}).uint8s(), ElementsAre(0, 94, 255));
  EXPECT_THAT(array_to_image({1, 2, 1}, std::vector<float>{7, 7}).uint8s(), ElementsAre(0, 0));
}

TEST(SourceOf, ReadsADatasetAsStored) {
  ImageDataGenerator centred({.featurewise_center = true});
  centred.fit(source_of(*numbered(5, 2)));
  EXPECT_THAT(centred.statistics().mean, ElementsAre(2));
}

}  // namespace
}  // namespace saccade::data
