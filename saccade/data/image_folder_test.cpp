#include "saccade/data/image_folder.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "saccade/data/testing_internal.h"
#include "tests/support/message_of.h"
#include "tests/support/scratch_folder.h"

namespace saccade::data {
namespace {

using test::message_of;
using test::ScratchFolder;

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> names_of(const Dataset& dataset) {
  std::vector<std::string> names;
  for (Index i = 0; i < dataset.size(); ++i) names.push_back(dataset.sample_name(i));
  return names;
}

/// The tree whose listing by Keras's flow_from_directory is known. Nothing in it is opened, so nothing has to be an
/// image.
class KerasTree : public ::testing::Test {
 protected:
  KerasTree() {
    for (const char* name : {"b/2.png", "b/10.png", "b/1.png", "b/a.PNG", "b/sub/1.png", "b/sub2/0.png", "B/x.jpg",
                             "a/1.jpg", "a/Z.png", "a/z.bmp", "a/n.txt", ".hid/q.png", "c/t.txt.png"}) {
      folder.write(name, "not read");
    }
    folder.write("elsewhere/file.png", "not read");
    folder.write("elsewhere/dir/linked.png", "not read");
    fs::rename(folder / "elsewhere", outside / "elsewhere");
    fs::create_symlink(outside / "elsewhere/file.png", folder / "a/link.png");
    fs::create_directory_symlink(outside / "elsewhere/dir", folder / "a/link-dir");
  }

  ScratchFolder outside;
  ScratchFolder folder;
};

TEST_F(KerasTree, OrderIsKeras) {
  const FoundImages found = image_folder(folder.path(), {.skip_hidden = false});
  EXPECT_THAT(found.images->class_names(), ElementsAre(".hid", "B", "a", "b", "c"));
  EXPECT_THAT(names_of(*found.images),
              ElementsAre(".hid/q.png", "B/x.jpg", "a/1.jpg", "a/Z.png", "a/link.png", "a/z.bmp", "b/1.png", "b/10.png",
                          "b/2.png", "b/a.PNG", "b/sub/1.png", "b/sub2/0.png", "c/t.txt.png"));
  EXPECT_EQ(found.images->label(0), 0);
  EXPECT_EQ(found.images->label(12), 4);
  EXPECT_EQ(found.images->path(10), folder / "b/sub/1.png");
  EXPECT_THAT(found.warnings, ElementsAre(HasSubstr("hidden folder '.hid' is taken for a class")));
}

TEST_F(KerasTree, LinkedFoldersAreWalkedOnDemand) {
  const FoundImages found = image_folder(folder.path(), {.follow_links = true, .skip_hidden = false});
  EXPECT_EQ(found.images->size(), 14);
  EXPECT_THAT(names_of(*found.images), Contains("a/link-dir/linked.png"));
}

TEST_F(KerasTree, ALinkToAFolderAboveItIsNotWalked) {
  fs::create_directory_symlink(folder.path(), folder / "a/loop");
  fs::create_directory_symlink("../..", folder / "b/sub/up");
  fs::create_directory_symlink("../../a", folder / "b/sub/other");
  const FoundImages found = image_folder(folder.path(), {.follow_links = true});
  EXPECT_EQ(found.images->size(), 13 + 5) << "each once, and those of a in b/sub/other as Keras has them";
  EXPECT_THAT(list_images(folder / "b", {.follow_links = true}), SizeIs(6 + 5));
}

TEST_F(KerasTree, ALinkToAFolderAboveItIsNoClass) {
  fs::create_directory_symlink("..", folder / "up");
  fs::create_directory_symlink(".", folder / "self");
  fs::create_directory_symlink(outside / "elsewhere/dir", folder / "linked");
  const FoundImages found = image_folder(folder.path());
  EXPECT_THAT(found.images->class_names(), ElementsAre("B", "a", "b", "c", "linked"));
  EXPECT_EQ(found.images->size(), 13);
  EXPECT_THAT(found.warnings, Contains(HasSubstr("'up' is not taken for a class: it is a link to the folder itself")));
  EXPECT_THAT(found.warnings, Contains(HasSubstr("'self' is not taken for a class")));
}

TEST_F(KerasTree, NoneOfTheClassesIsNamedAsFound) {
  EXPECT_EQ(message_of([&] {
              image_folder(folder.path(), {.classes = {"rose", "tulip"}});
            }),
            folder.path().string() +
                ": expected sub-folders of the classes rose, tulip, got B, a, b, c; rename them, or "
                "use a network that was trained on these classes");
  for (int i = 0; i < 30; ++i) folder.write("z" + std::to_string(i) + "/1.png", "");
  EXPECT_THAT(message_of([&] { image_folder(folder.path(), {.classes = {"rose"}}); }),
              HasSubstr("z20, z21, z22, ... (34 in all); rename"));
}

TEST_F(KerasTree, HiddenNamesAreLeftOutAndSaidSo) {
  folder.write("a/.cache/thumb.png", "");
  folder.write("a/._1.jpg", "");
  const FoundImages found = image_folder(folder.path());
  EXPECT_THAT(found.images->class_names(), ElementsAre("B", "a", "b", "c"));
  EXPECT_EQ(found.images->size(), 12);
  EXPECT_THAT(found.warnings, ElementsAre(HasSubstr("hidden folder '.hid' is not taken for a class"),
                                          HasSubstr("hidden folder 'a/.cache' is left out"),
                                          HasSubstr("1 hidden images are left out")));
}

TEST_F(KerasTree, GivenClassesSetTheOrder) {
  const FoundImages found = image_folder(folder.path(), {.classes = {"c", "gone", "a"}, .skip_hidden = false});
  EXPECT_THAT(found.images->class_names(), ElementsAre("c", "gone", "a"));
  EXPECT_THAT(names_of(*found.images), ElementsAre("c/t.txt.png", "a/1.jpg", "a/Z.png", "a/link.png", "a/z.bmp"));
  EXPECT_EQ(found.images->label(1), 2);
  EXPECT_THAT(found.warnings, Contains(HasSubstr("class 'gone' has no images")));
  EXPECT_THAT(found.warnings, Contains(HasSubstr("folder 'b' is not one of the classes")));
  EXPECT_THAT(message_of([&] { image_folder(folder.path(), {.classes = {"a", "a"}}); }), HasSubstr("'a' twice"));
}

TEST_F(KerasTree, FoldersAreOrderedByTheirWholePath) {
  folder.write("b/sub/deep/9.png", "");
  folder.write("b/sub-1/8.png", "");
  const FoundImages found = image_folder(folder.path(), {.classes = {"b"}});
  EXPECT_THAT(names_of(*found.images), ElementsAre("b/1.png", "b/10.png", "b/2.png", "b/a.PNG", "b/sub/1.png",
                                                   "b/sub-1/8.png", "b/sub/deep/9.png", "b/sub2/0.png"));
  EXPECT_THAT(found.warnings, Contains(HasSubstr("a single class, 'b'")));
}

TEST_F(KerasTree, AListWithoutClasses) {
  folder.write("top.gif", "");
  EXPECT_THAT(list_images(folder / "b"), ElementsAre("1.png", "10.png", "2.png", "a.PNG", "sub/1.png", "sub2/0.png"));
  EXPECT_EQ(list_images(folder.path()).front(), "top.gif");
  EXPECT_THAT(image_folder(folder.path()).warnings, Contains(HasSubstr("1 images beside the class folders")));
}

TEST(ImageFolder, WhatIsNoFolderOfClasses) {
  const ScratchFolder folder;
  EXPECT_THAT(message_of([&] { image_folder(folder / "gone"); }), HasSubstr("No such file"));
  EXPECT_THAT(message_of([&] { image_folder(folder.path()); }), HasSubstr("got no sub-folders"));
  folder.write("1.jpg", "");
  EXPECT_THAT(message_of([&] { image_folder(folder.path()); }), HasSubstr("got 1 images that are in no sub-folder"));
  fs::remove(folder / "1.jpg");
  folder.write("rose/notes.txt", "");
  EXPECT_THAT(message_of([&] { image_folder(folder.path()); }), HasSubstr("got no image in its 1 sub-folders"));
  folder.write("daisy/1.jpg", "");
  EXPECT_THAT(image_folder(folder.path()).warnings, ElementsAre(HasSubstr("class 'rose' has no images")));
}

TEST(ImageFolder, EndingsInAnyCase) {
  for (const char* name : {"a.png", "a.JPG", "a.jpeg", "a.Bmp", "a.ppm", "a.pgm", "a.tif", "a.TIFF", "a.gif", "a.webp"})
    EXPECT_TRUE(has_image_extension(name)) << name;
  for (const char* name : {"a.txt", "png", "a.png.txt", "a.", ".png", "a.pngx"})
    EXPECT_FALSE(has_image_extension(name)) << name;
}

TEST(ImageFolder, ImagesAreResizedAndConverted) {
  const ScratchFolder folder;
  write_plain(folder / "dark/1.png", 10);
  write_plain(folder / "light/1.ppm", 200, 50, 3);
  const FoundImages found = image_folder(folder.path(), {.reading = {.target_size = {4, 5}}});
  EXPECT_EQ(found.images->image_shape(), Shape({4, 5, 3}));
  const Sample sample = found.images->get(1);
  EXPECT_EQ(sample.name, "light/1.ppm");
  EXPECT_EQ(sample.label, 1);
  EXPECT_EQ(sample.image.shape(), Shape({4, 5, 3}));
  EXPECT_THAT(sample.image.uint8s(), ::testing::Each(200));
  std::vector<float> floats(60);
  found.images->read(0, Preprocessing::none(), floats);
  EXPECT_THAT(floats, ::testing::Each(10.0F));

  const FoundImages grey =
      image_folder(folder.path(), {.reading = {.target_size = {7, 7}, .color_mode = ColorMode::grayscale}});
  EXPECT_EQ(grey.images->get(0).image.shape(), Shape({7, 7, 1}));
  EXPECT_THAT(message_of([&] {
                image_folder(folder.path(), {.reading = {.target_size = {0, 4}}});
              }),
              HasSubstr("got 0 x 4"));
}

/// A large JPEG is decoded smaller, which shows in the pixels and nowhere else; `nearest` picks from the full picture.
TEST(ImageFolder, ScaledDecodingStaysClose) {
  const ScratchFolder folder;
  Tensor image({480, 640, 3}, DType::uint8);
  for (Index i = 0; i < image.elements(); ++i) {
    image.uint8s()[usize(i)] = static_cast<std::uint8_t>((i / 3 % 640) * (i / 1920) / 1300);
  }
  fs::create_directories(folder / "a");
  write_image(folder / "a/1.jpg", image);
  const auto read = [&](bool scaled, Interpolation interpolation) {
    return read_image(folder / "a/1.jpg",
                      {.target_size = {60, 60}, .interpolation = interpolation, .scaled_decoding = scaled});
  };
  const Tensor fast = read(true, Interpolation::bilinear), full = read(false, Interpolation::bilinear);
  int largest = 0, differing = 0;
  for (std::size_t i = 0; i < fast.uint8s().size(); ++i) {
    const int difference = std::abs(fast.uint8s()[i] - full.uint8s()[i]);
    largest = std::max(largest, difference);
    differing += difference != 0 ? 1 : 0;
  }
  EXPECT_GT(differing, 0) << "decoded in full";
  EXPECT_LE(largest, 4);
  const Tensor nearest = read(true, Interpolation::nearest), picked = read(false, Interpolation::nearest);
  EXPECT_TRUE(std::ranges::equal(nearest.uint8s(), picked.uint8s()));
}

/// Half of 100 x 80 is 40 rows, less than 48: only who asks gets it, enlarged.
TEST(ImageFolder, DecodingMayFallShortOnRequest) {
  const ScratchFolder folder;
  Tensor image({80, 100, 3}, DType::uint8);
  for (Index i = 0; i < image.elements(); ++i) {
    image.uint8s()[usize(i)] = static_cast<std::uint8_t>(i / 3 % 100 * 2 + i / 300 / 2);
  }
  std::filesystem::create_directories(folder / "a");
  write_image(folder / "a/1.jpg", image);
  const auto read = [&](bool scaled, double share) {
    return read_image(folder / "a/1.jpg",
                      {.target_size = {48, 48}, .scaled_decoding = scaled, .decoding_share = share});
  };
  const Tensor full = read(false, 1.0), whole = read(true, 1.0), near = read(true, 0.84), half = read(true, 0.8);
  EXPECT_TRUE(std::ranges::equal(full.uint8s(), whole.uint8s()));
  EXPECT_TRUE(std::ranges::equal(full.uint8s(), near.uint8s())) << "41 rows are wanted";
  EXPECT_EQ(half.shape(), Shape({48, 48, 3}));
  int largest = 0;
  for (std::size_t i = 0; i < half.uint8s().size(); ++i) {
    largest = std::max(largest, std::abs(half.uint8s()[i] - full.uint8s()[i]));
  }
  EXPECT_GT(largest, 0) << "decoded in full";
  EXPECT_LE(largest, 6);
  for (const double share : {0.0, 1.5, -1.0}) {
    EXPECT_THAT(message_of([&] { read(true, share); }), HasSubstr("decoding_share: expected a share above 0"));
  }
}

TEST(ImageFolder, ManyWarningsNothingHeld) {
  const ScratchFolder folder;
  write_plain(folder / "a/1.png");
  const FoundImages found = image_folder(folder.path());
  fs::remove(folder / "a/1.png");
  EXPECT_THAT(message_of([&] { found.images->get(0); }), HasSubstr("a/1.png"));
  EXPECT_THAT(message_of([&] { found.images->get(1); }), HasSubstr("expected an image from 0 to 0"));
}

}  // namespace
}  // namespace saccade::data
