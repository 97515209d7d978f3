// The cases that keras-preprocessing tests of its own iterators (tests/image, 2021), where no other test here has them already.
// Written anew.
#include <gmock/gmock.h>

#include <filesystem>

#include "saccade/data/flow.h"
#include "saccade/data/testing_internal.h"
#include "tests/support/message_of.h"
#include "tests/support/scratch_folder.h"

namespace saccade::data {
namespace {

using test::message_of;
using test::ScratchFolder;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Generator = std::shared_ptr<const ImageDataGenerator>;

Generator generator(const ImageDataGeneratorOptions& options = {}) {
  return std::make_shared<const ImageDataGenerator>(options);
}

DatasetPtr eight() {
  Tensor images({8, 20, 20, 3});
  std::vector<std::int32_t> labels;
  for (std::int32_t i = 0; i < 8; ++i) labels.push_back(i);
  for (Index i = 0; i < 8; ++i)
    std::ranges::fill(images.floats().subspan(usize(i * 1200), 1200), static_cast<float>(i));
  return std::make_shared<InMemory>("eight", std::move(images), std::move(labels),
                                    std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7"});
}

std::vector<std::string> names_of(const Dataset& dataset) {
  std::vector<std::string> names;
  for (Index i = 0; i < dataset.size(); ++i) names.push_back(dataset.sample_name(i));
  return names;
}

TEST(KerasArrayIterator, OrderShapesAndLength) {
  Batch batch;
  Flow plain = flow(generator(), eight(), {.batch_size = 3, .shuffle = false});
  EXPECT_EQ(plain.size(), 3) << "8 / 3 + 1";
  plain.next(batch);
  EXPECT_THAT(batch.labels, ElementsAre(0, 1, 2));
  EXPECT_EQ(batch.images.shape(), (Shape{3, 20, 20, 3}));
  for (const float x : batch.images.floats().subspan(1200, 1200)) ASSERT_EQ(x, 1.0F);
  plain.next(batch);
  plain.next(batch);
  EXPECT_THAT(batch.labels, ElementsAre(6, 7)) << "the last batch is smaller";
  Flow shuffled = flow(generator(), eight(), {.batch_size = 3, .seed = 42, .random = RandomMode::numpy});
  std::vector<std::vector<std::int32_t>> epochs;
  for (int epoch = 0; epoch < 2; ++epoch) {
    std::vector<std::int32_t> labels;
    for (int i = 0; i < 3; ++i) {
      shuffled.next(batch);
      labels.insert(labels.end(), batch.labels.begin(), batch.labels.end());
    }
    epochs.push_back(labels);
  }
  EXPECT_THAT(epochs[0], ::testing::UnorderedElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_FALSE(std::ranges::is_sorted(epochs[0]));
  EXPECT_NE(epochs[0], epochs[1]) << "an epoch has an order of its own";
}

TEST(KerasArrayIterator, InterleavedClassesAreOnBothSides) {
  Tensor images({12, 1, 1, 1});
  std::vector<std::int32_t> labels{0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2};
  const auto set =
      std::make_shared<InMemory>("set", std::move(images), std::move(labels), std::vector<std::string>{"a", "b", "c"});
  for (const char* subset : {"training", "validation"}) {
    Flow part = flow(generator({.validation_split = .5}), set, {.batch_size = 6, .shuffle = false, .subset = subset});
    Batch batch;
    part.next(batch);
    EXPECT_THAT(batch.labels, ElementsAre(0, 1, 2, 0, 1, 2)) << subset;
  }
}

TEST(KerasArrayIterator, NothingToServeIsAnError) {
  const auto none = std::make_shared<InMemory>("none", Tensor({0, 2, 2, 1}), std::vector<std::int32_t>{},
                                               std::vector<std::string>{"a"});
  EXPECT_THAT(message_of([&] { flow(generator(), none); }), HasSubstr("expected"));
  EXPECT_THAT(message_of([&] { flow(generator(), eight(), {.batch_size = 0}); }), HasSubstr("batch"));
  EXPECT_THAT(message_of([&] { InMemory("flat", Tensor({4}), {0, 0, 0, 0}, {"a"}); }), HasSubstr("[n, height, width"));
  EXPECT_THAT(message_of([&] { InMemory("short", Tensor({2, 1, 1, 1}), {0}, {"a"}); }), HasSubstr("label"));
}

/// Ten pictures of every kind in two classes, one of them with a folder below.
class KerasDirectory : public ::testing::Test {
 protected:
  KerasDirectory() {
    for (Index i = 0; i < 40; ++i) {
      const std::string place = i % 2 == 0 ? "class-1/" : i % 4 == 1 ? "class-0/" : "class-0/nested/";
      std::filesystem::create_directories(folder / place);
      const Index channels = std::array<Index, 4>{3, 4, 1, 1}[usize(i % 4)];
      Tensor image({20, 20, channels}, DType::uint8);
      std::ranges::fill(image.uint8s(), static_cast<std::uint8_t>(i));
      write_image(folder / fmt_name(place, i), image);
    }
  }
  static std::string fmt_name(const std::string& place, Index i) {
    return place + "image-" + std::to_string(i) + ".png";
  }

  ImageFolderOptions options() const { return {.reading = {.target_size = {.height = 26, .width = 26}}}; }

  ScratchFolder folder;
};

TEST_F(KerasDirectory, EveryKindOfPictureIsFound) {
  Flow flow = flow_from_directory(generator(), folder.path(), options(), {.batch_size = 3});
  EXPECT_THAT(flow.dataset()->class_names(), ElementsAre("class-0", "class-1"));
  EXPECT_EQ(flow.dataset()->size(), 40);
  EXPECT_EQ(flow.size(), 14) << "40 / 3, rounded up";
  Batch batch;
  for (int i = 0; i < 14; ++i) {
    flow.next(batch);
    EXPECT_EQ(batch.images.shape(), (Shape{i < 13 ? 3 : 1, 26, 26, 3}));
    EXPECT_EQ(batch.labels.size(), i < 13 ? 3U : 1U);
  }
  EXPECT_THAT(message_of([&] { color_mode_named("cmyk"); }), HasSubstr("got 'cmyk'"));
}

TEST_F(KerasDirectory, PreprocessingSeesTheResizedPicture) {
  Flow flow = flow_from_directory(generator({.preprocessing_function =
                                                 [](const Shape& shape, std::span<float> image) {
                                                   EXPECT_EQ(shape, (Shape{26, 26, 3}));
                                                   std::ranges::fill(image, -1.0F);
                                                 }}),
                                  folder.path(), options(), {.batch_size = 5});
  Batch batch;
  flow.next(batch);
  EXPECT_THAT(batch.images.floats(), Each(-1.0F));
}

TEST(KerasLoading, KeepAspectRatioCropsBeforeItResizes) {
  Tensor image({4, 6, 1}, DType::uint8);
  for (Index i = 0; i < 24; ++i) image.uint8s()[usize(i)] = static_cast<std::uint8_t>(i % 6 * 40);
  const auto read = [&](Index height, Index width, bool keep) {
    return fit_image(image, {.target_size = {height, width},
                             .color_mode = ColorMode::grayscale,
                             .interpolation = Interpolation::nearest,
                             .keep_aspect_ratio = keep});
  };
  EXPECT_THAT(read(4, 4, true).uint8s().first(4), ElementsAre(40, 80, 120, 160));
  EXPECT_THAT(read(4, 4, false).uint8s().first(4), ElementsAre(0, 80, 120, 200));
  EXPECT_EQ(read(2, 2, true).shape(), (Shape{2, 2, 1})) << "a square stays square";
}

TEST_F(KerasDirectory, SplitsKeepEveryClass) {
  for (const auto& [share, training] : {std::pair{.25, 30}, {.5, 20}, {.75, 10}}) {
    const Generator split = generator({.validation_split = share});
    for (const bool validation : {false, true}) {
      Flow part = flow_from_directory(split, folder.path(), options(),
                                      {.batch_size = 40, .subset = validation ? "validation" : "training"});
      EXPECT_EQ(part.dataset()->size(), validation ? 40 - training : training) << share;
      Batch batch;
      part.next(batch);
      EXPECT_THAT(batch.labels, ::testing::Contains(0));
      EXPECT_THAT(batch.labels, ::testing::Contains(1));
    }
  }
  EXPECT_THAT(message_of([&] {
                flow_from_directory(generator({.validation_split = .2}), folder.path(), options(), {.subset = "foo"});
              }),
              HasSubstr("'training' or 'validation', got 'foo'"));
}

/// The listing of Keras's own directory_iterator, with validation_split = .4.
TEST(KerasDirectorySplit, FirstFilesOfEachClass) {
  const ScratchFolder folder;
  for (const char* name : {"b/2.png", "b/10.png", "b/1.png", "b/a.PNG", "b/sub/1.png", "b/sub2/0.png", "B/x.jpg",
                           "a/1.jpg", "a/Z.png", "a/z.bmp", "a/link.png", ".hid/q.png", "c/t.txt.png"}) {
    folder.write(name, "not read");
  }
  const auto part = [&](const char* subset) {
    Flow flow = flow_from_directory(generator({.validation_split = .4}), folder.path(), {.skip_hidden = false},
                                    {.subset = subset, .workers = 0});
    return names_of(*flow.dataset());
  };
  EXPECT_THAT(part("validation"), ElementsAre("a/1.jpg", "b/1.png", "b/10.png"));
  EXPECT_EQ(part("training").size(), 10U);
}

class KerasDataframe : public ::testing::Test {
 protected:
  KerasDataframe() {
    for (int i = 0; i < 24; ++i) {
      const std::string name = (i % 3 == 0 ? "sub/" : "") + std::string("image-") + std::to_string(i) + ".png";
      write_plain(folder / name, static_cast<std::uint8_t>(i));
      names.push_back(name);
    }
  }

  std::string csv(const std::vector<std::string>& rows, const std::string& prefix = "") const {
    std::string text = "filename,class\n";
    for (std::size_t i = 0; i < rows.size(); ++i) text += prefix + rows[i] + ',' + "cba"[i % 3] + '\n';
    folder.write("table.csv", text);
    return (folder / "table.csv").string();
  }

  ScratchFolder folder;
  std::vector<std::string> names;
};

TEST_F(KerasDataframe, RowsServeInTheirOrder) {
  Flow flow = flow_from_dataframe(generator(), csv(names), {.reading = {.target_size = {4, 4}}},
                                  {.batch_size = 5, .shuffle = false});
  EXPECT_EQ(names_of(*flow.dataset()), names) << "with their folders";
  EXPECT_THAT(flow.dataset()->class_names(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(flow.size(), 5);
  Batch batch;
  flow.next(batch);
  EXPECT_EQ(batch.images.shape(), (Shape{5, 4, 4, 3}));
  EXPECT_THAT(batch.labels, ElementsAre(2, 1, 0, 2, 1));
  EXPECT_EQ(batch.images.floats()[4 * 48], 4.0F);
  Flow absolute = flow_from_dataframe(generator(), csv(names, folder.path().string() + "/"),
                                      {.reading = {.target_size = {4, 4}}}, {.batch_size = 5, .shuffle = false});
  Batch same;
  absolute.next(same);
  EXPECT_TRUE(std::ranges::equal(same.images.floats(), batch.images.floats()));
}

TEST_F(KerasDataframe, AColumnsOrderSetsNoClass) {
  std::vector<std::string> reversed(names.rbegin(), names.rend());
  const std::string path = csv(reversed);
  EXPECT_THAT(image_table(path).images->class_names(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(image_table(path, {.classes = {"b", "c", "a"}}).images->class_names(), ElementsAre("b", "c", "a"));
}

TEST_F(KerasDataframe, ValidationComesBeforeTraining) {
  for (const auto& [share, first] : {std::pair{.25, 6U}, {.5, 12U}, {.75, 18U}}) {
    const Generator split = generator({.validation_split = share});
    const std::string path = csv(names);
    Flow validation = flow_from_dataframe(split, path, {}, {.subset = "validation", .workers = 0});
    Flow training = flow_from_dataframe(split, path, {}, {.subset = "training", .workers = 0});
    EXPECT_EQ(names_of(*validation.dataset()), std::vector(names.begin(), names.begin() + first));
    EXPECT_EQ(names_of(*training.dataset()), std::vector(names.begin() + first, names.end()));
    EXPECT_EQ(training.dataset()->class_names().size(), 3U) << "classes are the whole table's";
  }
}

TEST(KerasArrayToImage, ChannelsAndErrors) {
  for (const Index channels : {1, 3, 4}) {
    std::vector<float> values(usize(4 * channels));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
    const Tensor image = array_to_image({2, 2, channels}, values);
    EXPECT_EQ(image.shape(), (Shape{2, 2, channels}));
    EXPECT_EQ(image.uint8s().front(), 0);
    EXPECT_EQ(image.uint8s().back(), 255);
  }
  for (const Shape& shape : {Shape{2, 2, 5}, Shape{4, 5}, Shape{1, 2, 2, 5}}) {
    EXPECT_THAT(message_of([&] { array_to_image(shape, std::vector<float>(usize(shape.elements()))); }),
                HasSubstr("expected"))
        << shape.to_string();
  }
}

/// Keras once kept a handle for every file it had opened.
TEST_F(KerasDataframe, ReadingLeavesNoFileOpen) {
  const auto open_files = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
  };
  if (!std::filesystem::exists("/proc/self/fd")) GTEST_SKIP() << "no /proc";
  Flow flow = flow_from_dataframe(generator(), csv(names), {.reading = {.target_size = {4, 4}}}, {.workers = 0});
  Batch batch;
  flow.next(batch);
  const auto before = open_files();
  for (int i = 0; i < 10; ++i) flow.next(batch);
  EXPECT_EQ(open_files(), before);
}

}  // namespace
}  // namespace saccade::data
