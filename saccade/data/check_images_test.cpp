#include "saccade/data/check_images.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "saccade/base/parallel.h"
#include "saccade/data/image_folder.h"
#include "saccade/data/loader.h"
#include "saccade/data/testing_internal.h"
#include "tests/support/message_of.h"
#include "tests/support/scratch_folder.h"

namespace saccade::data {
namespace {

using test::message_of;
using test::ScratchFolder;

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

/// 60 images, of which every 20th is broken in another way.
class CheckImages : public ::testing::Test {
 protected:
  CheckImages() {
    write_plain(folder / "a/00.jpg");
    fs::create_directories(folder / "b");
    for (int i = 1; i < 60; ++i) {
      fs::copy_file(folder / "a/00.jpg", folder / fmt::format("{}/{:02}.jpg", i < 30 ? "a" : "b", i));
    }
    const std::string jpeg = read_text_file(folder / "a/00.jpg");
    folder.write("a/05.jpg", jpeg.substr(0, jpeg.size() / 2));
    folder.write("a/25.jpg", "");
    fs::remove(folder / "b/45.jpg");
    fs::create_symlink("nowhere", folder / "b/45.jpg");
    images = image_folder(folder.path(), {.reading = {.target_size = {8, 8}}}).images;
  }

  ScratchFolder folder;
  DatasetPtr images;
};

TEST_F(CheckImages, ReportsAllInOrder) {
  for (const int threads : {1, 4}) {
    const int before = thread_count();
    set_thread_count(threads);
    std::vector<Index> seen;
    const std::vector<BadImage> bad = check_images(*images, [&](Index done, Index all) {
      EXPECT_EQ(all, 60);
      seen.push_back(done);
    });
    set_thread_count(before);
    ASSERT_THAT(bad, SizeIs(3));
    EXPECT_EQ(bad[0].name, "a/05.jpg");
    EXPECT_EQ(bad[0].index, 5);
    EXPECT_THAT(bad[0].reason, HasSubstr("a/05.jpg"));
    EXPECT_THAT(bad[1].reason, HasSubstr("an empty file"));
    EXPECT_THAT(bad[2].reason, HasSubstr("No such file"));
    EXPECT_TRUE(std::ranges::is_sorted(seen));
    EXPECT_EQ(seen.back(), 60);
  }
}

TEST_F(CheckImages, ProgressMayGiveUp) {
  EXPECT_THAT(message_of([&] {
                check_images(*images, [](Index, Index) {
                  throw ValueError({.where = "enough", .expected = "", .got = "", .fix = ""});
                });
              }),
              StartsWith("enough"));
}

TEST_F(CheckImages, TheErrorListsThem) {
  const std::vector<BadImage> bad = check_images(*images);
  const std::string text = message_of([&] { require_no_bad_images(*images, bad); });
  EXPECT_THAT(text, HasSubstr("expected 60 images that can be read, got 3 that cannot: a/05.jpg ("));
  EXPECT_THAT(text, HasSubstr("b/45.jpg ("));
  EXPECT_THAT(text, Not(HasSubstr("more")));
  require_no_bad_images(*images, {});
  std::vector<BadImage> many(33, {.index = 0, .name = "x", .reason = "y"});
  many[20].name = "the 21st";
  const std::string long_text = message_of([&] { require_no_bad_images(*images, many); });
  EXPECT_THAT(long_text, HasSubstr("x (y) and 13 more"));
  EXPECT_THAT(long_text, Not(HasSubstr("the 21st")));
}

TEST_F(CheckImages, TheOthersAreLeft) {
  const std::vector<BadImage> bad = check_images(*images);
  const DatasetPtr good = without_images(images, bad);
  EXPECT_EQ(good->size(), 57);
  EXPECT_EQ(good->name(), images->name());
  EXPECT_EQ(good->sample_name(5), "a/06.jpg");
  EXPECT_THAT(check_images(*good), IsEmpty());
  EXPECT_EQ(without_images(images, {}), images);
  std::vector<BadImage> all;
  for (Index i = 0; i < 60; ++i) all.push_back({.index = i, .name = "x", .reason = "why"});
  EXPECT_THAT(message_of([&] { without_images(images, all); }), HasSubstr("the first: why"));
}

TEST_F(CheckImages, AWorkersErrorNamesTheFile) {
  Loader loader(images, {.batch_size = 4, .shuffle = false, .workers = 2, .max_queue_size = 2});
  loader.start(0);
  Batch batch;
  EXPECT_TRUE(loader.next(batch));
  EXPECT_THAT(message_of([&] { loader.next(batch); }), HasSubstr("a/05.jpg"));
}

/// Memory this process has mapped.
Index mapped_bytes() {
  Index pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * ::sysconf(_SC_PAGESIZE);
}

/// Runs `task` in a process that may map `more_bytes` more than this one has; its exit code.
int run_within(Index more_bytes, const std::function<void()>& task) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto limit = static_cast<rlim_t>(mapped_bytes() + more_bytes);
    const rlimit limits{limit, limit};
    ::setrlimit(RLIMIT_AS, &limits);
    try {
      task();
    } catch (const std::exception&) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// 150 images of 3 MB, decoded and resized, pass through a process that may map no more than 96 MB: 450 MB in all.
TEST(FlatMemory, ASetLargerThanItsBound) {
  if (mapped_bytes() > Index{1} << 40) GTEST_SKIP() << "a sanitizer's shadow memory counts as mapped";
  const ScratchFolder folder;
  write_plain(folder / "a/0.png", 50, 1000, 1000);
  for (int i = 1; i < 150; ++i) fs::copy_file(folder / "a/0.png", folder / fmt::format("a/{}.png", i));
  const auto images = image_folder(folder.path(), {.reading = {.target_size = {1000, 1000}}}).images;
  const int before = thread_count();
  set_thread_count(1);  // the pool's threads are not there in the forked process
  EXPECT_EQ(run_within(96'000'000,
                       [&] {
                         Loader loader(images, {.batch_size = 1, .workers = 0, .preprocessing = Preprocessing::none()});
                         loader.start(0);
                         Index seen = 0;
                         for (Batch batch; loader.next(batch);) seen += batch.images.floats()[7] == 50.0F ? 1 : 0;
                         if (seen != 150) ::_exit(2);
                         if (!check_images(*images).empty()) ::_exit(3);
                       }),
            0);
  EXPECT_EQ(run_within(96'000'000,
                       [&] {
                         std::vector<Tensor> held;
                         for (Index i = 0; i < images->size(); ++i) held.push_back(images->get(i).image);
                       }),
            1)
      << "the bound binds nothing";
  set_thread_count(before);
}

}  // namespace
}  // namespace saccade::data
