#include "saccade/base/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "saccade/base/error.h"
#include "tests/support/message_of.h"

namespace saccade {
namespace {

using test::message_of;

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

/// A folder of its own for each test, gone when the test ends.
class FileTest : public testing::Test {
 protected:
  FileTest() {
    std::string name = (fs::temp_directory_path() / "saccade_file_test_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~FileTest() override { fs::remove_all(folder_); }

  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_)) found.push_back(entry.path().filename().string());
    std::ranges::sort(found);
    return found;
  }

  fs::path folder_;
};

TEST_F(FileTest, WritesAndReadsBack) {
  const std::string text("one\0two\n", 8);
  write_file(folder_ / "a", text);
  EXPECT_EQ(read_text_file(folder_ / "a"), text);
  write_file(folder_ / "a", "");
  EXPECT_EQ(read_text_file(folder_ / "a"), "");
  EXPECT_THAT(names(), ElementsAre("a"));
}

TEST_F(FileTest, WritesInPieces) {
  const std::string piece(100000, 'x');
  write_file(folder_ / "a", [&](const Append& append) {
    for (int i = 0; i < 3; ++i) append(std::as_bytes(std::span(piece)));
  });
  EXPECT_EQ(read_text_file(folder_ / "a"), std::string(300000, 'x'));
}

TEST_F(FileTest, WritesIntoTheCurrentFolder) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_);
  write_file("a", "text");
  fs::current_path(before);
  EXPECT_EQ(read_text_file(folder_ / "a"), "text");
}

TEST_F(FileTest, TheOldFileStandsUntilTheNewOneIsWhole) {
  write_file(folder_ / "a", "old");
  write_file(folder_ / "a", [&](const Append& append) {
    append(std::as_bytes(std::span(std::string_view("new"))));
    EXPECT_EQ(read_text_file(folder_ / "a"), "old");
  });
  EXPECT_EQ(read_text_file(folder_ / "a"), "new");
}

TEST_F(FileTest, AFailedWriterLeavesTheOldFileAndNothingElse) {
  write_file(folder_ / "a", "old");
  EXPECT_THROW(write_file(folder_ / "a",
                          [](const Append& append) {
                            append(std::as_bytes(std::span(std::string_view("half"))));
                            throw std::runtime_error("stop");
                          }),
               std::runtime_error);
  EXPECT_EQ(read_text_file(folder_ / "a"), "old");
  EXPECT_THAT(names(), ElementsAre("a"));
}

// A file-size limit fails in write(), as a full disk does, and holds for root too.
TEST_F(FileTest, AWriteThatTheSystemRefusesLeavesTheOldFileAndNothingElse) {
  write_file(folder_ / "a", "old");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limited{.rlim_cur = 4096, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limited), 0);
  const std::string message = message_of([&] { write_file(folder_ / "a", std::string(10000, 'x')); });
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);

  EXPECT_EQ(message, (folder_ / "a").string() +
                         ": expected to write it, got File too large; check the path and its permissions");
  EXPECT_EQ(read_text_file(folder_ / "a"), "old");
  EXPECT_THAT(names(), ElementsAre("a"));
}

/// A device that is always full. Root gets a node of its own, for a fault in write_file must not harm the machine's; nobody
/// else could replace /dev/full. Empty where the file system allows no devices.
fs::path full_device(const fs::path& folder) {
  if (::geteuid() != 0) return "/dev/full";
  const fs::path node = folder / "full";
  if (::mknod(node.c_str(), S_IFCHR | 0600, makedev(1, 7)) != 0) return {};
  const int descriptor = ::open(node.c_str(), O_WRONLY);
  if (descriptor < 0) return {};
  ::close(descriptor);
  return node;
}

TEST_F(FileTest, WritesIntoADeviceAndSaysWhatToDoWhenItIsFull) {
  const fs::path device = full_device(folder_);
  if (device.empty()) GTEST_SKIP() << "no device can be made here";
  EXPECT_EQ(message_of([&] { write_file(device, "text"); }),
            device.string() +
                ": expected to write it, got No space left on device; free some disk space, or choose another folder");
  EXPECT_TRUE(fs::is_character_file(device)) << "written into, not replaced";
}

TEST_F(FileTest, WritesIntoAPipe) {
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDWR | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  write_file(pipe, "through");
  std::string got(100, ' ');
  const ssize_t count = ::read(reader, got.data(), got.size());
  ::close(reader);
  ASSERT_EQ(count, 7);
  EXPECT_EQ(got.substr(0, 7), "through");
  EXPECT_TRUE(fs::is_fifo(pipe));
}

TEST_F(FileTest, FollowsALink) {
  fs::create_directory(folder_ / "real");
  write_file(folder_ / "real" / "a", "old");
  fs::create_symlink("real/a", folder_ / "link");
  write_file(folder_ / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(read_text_file(folder_ / "real" / "a"), "new");
  EXPECT_THAT(names(), ElementsAre("link", "real"));
}

TEST_F(FileTest, NewFilesHaveTheModeThatTheUserAskedFor) {
  const mode_t before = ::umask(027);
  write_file(folder_ / "a", "text");
  ::umask(before);
  struct stat status {};
  ASSERT_EQ(::stat((folder_ / "a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
}

TEST_F(FileTest, SaysWhichFolderIsMissing) {
  const std::string path = (folder_ / "none" / "a").string();
  EXPECT_EQ(message_of([&] { write_file(path, "text"); }),
            path + ": expected to write it, got No such file or directory; check that the path exists");
  EXPECT_EQ(message_of([&] { (void)read_file(path); }),
            path + ": expected to read it, got No such file or directory; check that the path exists");
}

TEST_F(FileTest, NamesTheEmptyPath) {
  EXPECT_EQ(message_of([] { (void)read_file(""); }),
            "file '': expected to read it, got No such file or directory; name a file");
}

TEST_F(FileTest, RefusesAFolder) {
  fs::create_directory(folder_ / "sub");
  EXPECT_THAT(message_of([&] { write_file(folder_ / "sub", "text"); }), HasSubstr("got Is a directory"));
  EXPECT_THAT(message_of([&] { (void)read_file(folder_ / "sub"); }), HasSubstr("got Is a directory"));
  EXPECT_THAT(names(), ElementsAre("sub"));
}

TEST_F(FileTest, ReadsNoMoreThanItsLimit) {
  write_file(folder_ / "a", std::string(100, 'x'));
  EXPECT_EQ(read_file(folder_ / "a", 100).size(), 100U);
  const std::string message = message_of([&] { (void)read_file(folder_ / "a", 99); });
  EXPECT_EQ(message,
            (folder_ / "a").string() + ": expected at most 99 bytes, got 100; check that this is the file you meant");
  EXPECT_THROW((void)read_file(folder_ / "a", 99), FormatError);
  // A device has no size: the limit is met while reading.
  EXPECT_EQ(message_of([] { (void)read_file("/dev/zero", 1 << 20); }),
            "/dev/zero: expected at most 1048576 bytes, got more; check that this is the file you meant");
}

TEST_F(FileTest, ReadsAFileWhoseSizeTheSystemDoesNotTell) {
  EXPECT_THAT(read_text_file("/proc/self/status"), HasSubstr("Name:"));
}

TEST_F(FileTest, ManyThreadsMayWriteAtOnce) {
  std::vector<std::jthread> team;
  for (int t = 0; t < 4; ++t) {
    team.emplace_back([this, t] {
      for (int i = 0; i < 10; ++i)
        write_file(folder_ / std::to_string(t % 2), std::string(1000, static_cast<char>('a' + t)));
    });
  }
  team.clear();
  EXPECT_THAT(names(), ElementsAre("0", "1"));
  const std::string text = read_text_file(folder_ / "0");
  EXPECT_EQ(text, std::string(1000, text.front()));
}

}  // namespace
}  // namespace saccade
