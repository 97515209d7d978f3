#include "saccade/data/image_cache.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "saccade/data/check_images.h"
#include "saccade/data/image_folder.h"
#include "saccade/data/testing_internal.h"
#include "tests/support/message_of.h"
#include "tests/support/scratch_folder.h"

namespace saccade::data {
namespace {

using test::message_of;
using test::ScratchFolder;

namespace fs = std::filesystem;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ImageCache : public ::testing::Test {
 protected:
  ImageCache() {
    for (int i = 0; i < 6; ++i) {
      write_plain(folder / "photos/a" / (std::to_string(i) + ".png"), static_cast<std::uint8_t>(10 * i));
    }
  }
  std::shared_ptr<const ImageFiles> source(TargetSize size = {5, 7}) const {
    return image_folder(folder / "photos", {.reading = {.target_size = size}}).images;
  }
  CachedImages cached(TargetSize size = {5, 7}) const { return {source(size), folder / "cache"}; }
  /// Reads all images and says how many had to be decoded.
  Index decoded(const CachedImages& images) const {
    const auto plain = source({images.image_shape()[0], images.image_shape()[1]});
    for (Index i = 0; i < images.size(); ++i) {
      const Sample sample = images.get(i), expected = plain->get(i);
      EXPECT_TRUE(std::ranges::equal(sample.image.uint8s(), expected.image.uint8s())) << i;
      EXPECT_EQ(sample.image.shape(), images.image_shape());
      EXPECT_EQ(sample.name, expected.name);
      EXPECT_EQ(sample.label, expected.label);
    }
    return images.decoded();
  }

  ScratchFolder folder;
};

TEST_F(ImageCache, TheSecondReadingDecodesNothing) {
  EXPECT_EQ(decoded(cached()), 6);
  EXPECT_EQ(decoded(cached()), 0);
  EXPECT_EQ(decoded(cached({4, 4})), 6) << "another size";
  EXPECT_EQ(decoded(cached()), 0) << "both stay";
}

TEST_F(ImageCache, AnEditedFileIsDecodedAgain) {
  const CachedImages images = cached();
  EXPECT_EQ(decoded(images), 6);
  const fs::path file = folder / "photos/a/3.png";
  const fs::file_time_type time = fs::last_write_time(file);
  write_plain(file, 77);
  fs::last_write_time(file, time);  // a new file in its place, though as old
  EXPECT_EQ(decoded(images), 7) << "while it is in use";
  EXPECT_EQ(decoded(cached()), 0);
  fs::last_write_time(file, time + std::chrono::nanoseconds(1));
  EXPECT_EQ(decoded(images), 7) << "no other bytes, no other entry";

  // Written over in place, as long and as old: the next run sees it all the same.
  std::string bytes = read_text_file(file);
  write_plain(folder / "other.png", 78);
  bytes = read_text_file(folder / "other.png");
  ASSERT_EQ(bytes.size(), fs::file_size(file));
  {
    std::fstream in_place(file, std::ios::in | std::ios::out | std::ios::binary);
    in_place << bytes;
  }
  fs::last_write_time(file, time);
  EXPECT_EQ(decoded(cached()), 1);
}

TEST_F(ImageCache, CopiesShareTheirEntries) {
  EXPECT_EQ(decoded(cached()), 6);
  fs::copy(folder / "photos", folder / "elsewhere", fs::copy_options::recursive);
  fs::copy_file(folder / "photos/a/0.png", folder / "elsewhere/a/again.png");
  fs::remove_all(folder / "photos");
  fs::rename(folder / "elsewhere", folder / "photos");
  EXPECT_EQ(decoded(cached()), 0);
}

TEST_F(ImageCache, DamagedEntriesAreMadeAgain) {
  const auto overwrite = [](const fs::path& path, const std::string& bytes) {
    write_file_unsynced(path, [&](const Append& append) { append(std::as_bytes(std::span(bytes))); });
  };
  const CachedImages images = cached();
  EXPECT_EQ(decoded(images), 6);
  const std::string good = read_text_file(images.entry(0));
  ASSERT_EQ(good.size(), 24U + 5 * 7 * 3);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    overwrite(images.entry(0), bad);
    EXPECT_EQ(decoded(cached()), 1) << "byte " << i;
  }
  for (const std::string& bad : {std::string(), good.substr(0, 20), good.substr(0, 60), good + "x"}) {
    overwrite(images.entry(0), bad);
    EXPECT_EQ(decoded(cached()), 1) << bad.size() << " bytes";
  }
  EXPECT_EQ(read_text_file(images.entry(0)), good);
}

TEST_F(ImageCache, UnreadableImagesStaySo) {
  folder.write("photos/a/6.png", "not an image");
  const CachedImages images = cached();
  EXPECT_THAT(message_of([&] { images.get(6); }), HasSubstr("6.png"));
  EXPECT_FALSE(fs::exists(images.entry(6)));
  fs::remove(folder / "photos/a/6.png");
  EXPECT_THAT(message_of([&] { images.get(6); }), HasSubstr("No such file"));
}

TEST_F(ImageCache, WithoutRoomItDecodes) {
  if (::geteuid() == 0) {  // to whom no folder is read-only: a file stands where a folder has to be
    const CachedImages images = cached();
    for (Index i = 0; i < 6; ++i) write_file(images.entry(i).parent_path(), std::string_view("in the way"));
    EXPECT_EQ(decoded(images), 6);
    EXPECT_EQ(decoded(images), 12);
    EXPECT_THAT(images.write_failure(), HasSubstr("Not a directory"));
  }
  folder.write("file", "");
  EXPECT_THAT(message_of([&] { CachedImages(source(), folder / "file/cache"); }), HasSubstr("another folder"));
}

/// Processes that fill one cache are killed at any moment; what they leave is whole, or not there.
TEST_F(ImageCache, KilledWritersLeaveWholeEntries) {
  const auto plain = source({200, 200});
  for (int round = 0; round < 12; ++round) {
    fs::remove_all(folder / "cache");
    pid_t children[2];
    for (pid_t& child : children) {
      child = ::fork();
      if (child == 0) {
        for (;;) {
          const CachedImages images(plain, folder / "cache");
          for (Index i = 0; i < images.size(); ++i) {
            images.get(i);
            fs::remove(images.entry((i + 3) % 6));
          }
        }
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(3 + 2 * round));
    for (const pid_t child : children) ::kill(child, SIGKILL);
    for (const pid_t child : children) ::waitpid(child, nullptr, 0);
    const CachedImages images(plain, folder / "cache");
    Index present = 0;
    for (Index i = 0; i < images.size(); ++i) {
      if (!fs::exists(images.entry(i))) continue;
      ++present;
      EXPECT_EQ(fs::file_size(images.entry(i)), 24U + 200 * 200 * 3);
    }
    for (Index i = 0; i < images.size(); ++i) EXPECT_THAT(images.get(i).image.uint8s(), Each(10 * i));
    EXPECT_EQ(images.decoded(), 6 - present) << "a present entry was damaged";
  }
}

TEST_F(ImageCache, AChecksFillsIt) {
  const CachedImages images = cached();
  EXPECT_THAT(check_images(images), IsEmpty());
  EXPECT_EQ(images.decoded(), 6);
  EXPECT_EQ(decoded(images), 6);
}

}  // namespace
}  // namespace saccade::data
