#include "saccade/data/fetch/tar_reader.h"

#include <gmock/gmock.h>

#include "saccade/data/fetch/source_failure.h"
#include "saccade/data/fetch/testing_internal.h"
#include "tests/support/scratch_folder.h"

namespace saccade::data {
namespace {

using test::ScratchFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::ThrowsMessage;

std::vector<std::pair<std::string, std::string>> read_tar(const std::string& bytes) {
  const ScratchFolder folder;
  write_file(folder / "a.tar", bytes);
  GzipFile file(folder / "a.tar");
  TarReader tar(file);
  std::vector<std::pair<std::string, std::string>> members;
  while (const auto member = tar.next()) {
    std::string content(usize(member->size_bytes), '?');
    std::size_t have = 0;
    while (const std::size_t count = tar.read(std::as_writable_bytes(std::span(content)).subspan(have))) have += count;
    members.emplace_back(member->name, content);
  }
  return members;
}

TEST(TarReader, GivesEveryRegularFile) {
  const std::string long_content(1000, 'x');
  EXPECT_THAT(read_tar(tar_member("package/", "", '5') + tar_member("a", "hello") + tar_member("./b", "") +
                       tar_member("link", "", '2') + tar_member("c", long_content, '\0') + tar_end()),
              ElementsAre(Pair("a", "hello"), Pair("b", ""), Pair("c", long_content)));
}

TEST(TarReader, ReadsInflatedArchives) {
  EXPECT_THAT(read_tar(gzipped(tar_member("a", "hello") + tar_end())), ElementsAre(Pair("a", "hello")));
}

TEST(TarReader, JoinsThePrefixOfPosixArchives) {
  EXPECT_THAT(read_tar(tar_member("b", "1", '0', "deep/folder") + tar_end()), ElementsAre(Pair("deep/folder/b", "1")));
}

TEST(TarReader, SkipsWhatWasNotRead) {
  const ScratchFolder folder;
  write_file(folder / "a.tar", tar_member("a", std::string(200000, 'x')) + tar_member("b", "2") + tar_end());
  GzipFile file(folder / "a.tar");
  TarReader tar(file);
  EXPECT_EQ(tar.next()->name, "a");
  EXPECT_EQ(tar.next()->name, "b");
  EXPECT_FALSE(tar.next().has_value());
}

TEST(TarReader, EndsWithoutClosingBlocks) { EXPECT_THAT(read_tar(tar_member("a", "1")), ElementsAre(Pair("a", "1"))); }

TEST(TarReader, RejectsDamage) {
  std::string changed = tar_member("a", "hello") + tar_end();
  changed[0] = 'b';
  EXPECT_THAT([&] { read_tar(changed); },
              ThrowsMessage<SourceFailure>(HasSubstr("tar archive: byte 148: expected header checksum ")));
  EXPECT_THAT([&] { read_tar(tar_member("a", "hello") + changed); },
              ThrowsMessage<SourceFailure>(HasSubstr("byte 1172:")));
  EXPECT_THAT([&] { read_tar("too short"); }, ThrowsMessage<SourceFailure>("tar archive: byte 0: expected a header of "
                                                                           "512 bytes, got 9"));
  EXPECT_THAT([&] { read_tar(""); }, ThrowsMessage<SourceFailure>(HasSubstr("got 0")));
  EXPECT_THAT([&] { read_tar(tar_member("a", std::string(1000, 'x')).substr(0, 700)); },
              ThrowsMessage<SourceFailure>("tar archive: byte 700: expected 812 more bytes of a member, got the end"));
  std::string no_size = tar_member("a", "");
  no_size.replace(124, 11, "0000000000x");
  no_size.replace(148, 6, fmt::format("{:06o}", 'x' - '0' + std::stoul(no_size.substr(148, 6), nullptr, 8)));
  EXPECT_THAT([&] { read_tar(no_size); },
              ThrowsMessage<SourceFailure>("tar archive: byte 124: expected an octal member size"));
}

TEST(GzipFile, RejectsDamage) {
  const ScratchFolder folder;
  const std::string whole = gzipped(std::string(1000, 'x') + "end");
  std::string damaged = whole;
  damaged[damaged.size() - 6] = static_cast<char>(damaged[damaged.size() - 6] ^ 1);  // in the checksum
  folder.write("short.gz", whole.substr(0, whole.size() - 5));
  folder.write("damaged.gz", damaged);
  auto read = [&](const char* name) {
    GzipFile file(folder / name);
    std::vector<std::byte> bytes(100);
    while (file.read(bytes) > 0) {
    }
  };
  EXPECT_THAT([&] { read("short.gz"); },
              ThrowsMessage<SourceFailure>("short.gz is a damaged gzip file (it ends too early)"));
  EXPECT_THAT([&] { read("damaged.gz"); },
              ThrowsMessage<SourceFailure>(HasSubstr("damaged.gz is a damaged gzip file (")));
  EXPECT_THAT([&] { read("none.gz"); },
              ThrowsMessage<SourceFailure>("none.gz cannot be read (No such file or directory)"));
  EXPECT_THAT([&] { GzipFile folder_itself(folder.path()); },
              ThrowsMessage<SourceFailure>(HasSubstr("not a regular file")));
}

}  // namespace
}  // namespace saccade::data
