#include "saccade/data/fetch/download.h"

#include <gmock/gmock.h>

#include "saccade/base/error.h"
#include "saccade/data/fetch/source_failure.h"
#include "saccade/data/fetch/testing_internal.h"
#include "tests/support/scratch_folder.h"

namespace saccade::data {
namespace {

using test::ScratchFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

/// Letters without a period that a lost or doubled piece could hide in.
std::string repeated_letters(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; text.size() < count; ++i) text += fmt::format("{} ", i);
  return text.substr(0, count);
}

const DownloadOptions kQuick{.label = "letters", .attempts = 3, .pause_seconds = 0, .progress = {}};

auto range_is(const std::string& range) { return Field(&HttpServer::Request::range, range); }

class Download : public ::testing::Test {
 protected:
  Download() { server_.files["/letters"] = content_; }

  void run(const DownloadOptions& options = kQuick) { download(server_.url() + "letters", folder_ / "part", options); }
  std::string got() const { return read_text_file(folder_ / "part"); }

  const std::string content_ = repeated_letters(1'000'000);
  ScratchFolder folder_;
  HttpServer server_;
};

TEST_F(Download, GetsTheWholeFileAndReportsProgress) {
  DownloadOptions options = kQuick;
  std::vector<Index> done;
  options.progress = [&](const FetchProgress& progress) {
    EXPECT_EQ(progress.label, "letters");
    EXPECT_EQ(progress.total_bytes.value_or(1'000'000), 1'000'000);
    done.push_back(progress.done_bytes);
  };
  run(options);
  EXPECT_EQ(got(), content_);
  EXPECT_TRUE(std::ranges::is_sorted(done));
  EXPECT_EQ(done.back(), 1'000'000);
}

TEST_F(Download, GoesOnWhereTheConnectionBroke) {
  server_.break_after = 300'000;
  DownloadOptions options = kQuick;
  options.attempts = 1;  // every try brings something, so none counts
  options.progress = [](const FetchProgress& progress) {
    EXPECT_EQ(progress.total_bytes.value_or(1'000'000), 1'000'000);
  };
  run(options);
  EXPECT_EQ(got(), content_);
  EXPECT_THAT(server_.requests(), ElementsAre(range_is(""), range_is("bytes=300000-"), range_is("bytes=600000-"),
                                              range_is("bytes=900000-")));
}

TEST_F(Download, GoesOnWhereAnotherProcessStopped) {
  folder_.write("part", content_.substr(0, 1234));
  run();
  EXPECT_EQ(got(), content_);
  EXPECT_THAT(server_.requests(), ElementsAre(range_is("bytes=1234-")));
}

TEST_F(Download, StartsAgainWhenTheServerCannotGoOn) {
  server_.ranges = false;
  folder_.write("part", "something else");
  run();
  EXPECT_EQ(got(), content_);
}

TEST_F(Download, GivesUpOnAServerThatAlwaysBreaksAndCannotGoOn) {
  server_.ranges = false;
  server_.break_after = 1000;
  EXPECT_THROW(run(), SourceFailure);
  EXPECT_LE(server_.requests().size(), 20U);
}

TEST_F(Download, GivesUpWhenTriesBringNothing) {
  server_.break_after = 0;
  EXPECT_THROW(run(), SourceFailure);
  EXPECT_THAT(server_.requests(), SizeIs(3));
}

TEST_F(Download, LeavesACompleteFileAlone) {
  folder_.write("part", content_);
  run();
  EXPECT_EQ(got(), content_);
}

TEST_F(Download, SaysWhatTheServerAnswered) {
  EXPECT_THAT([&] { download(server_.url() + "none", folder_ / "part", kQuick); },
              ThrowsMessage<SourceFailure>(HasSubstr("404")));
  EXPECT_THAT(server_.requests(), SizeIs(1));
}

TEST_F(Download, SaysThatNobodyAnswers) {
  // Port 9 of this machine: nothing listens there.
  EXPECT_THAT([&] { download("http://127.0.0.1:9/x", folder_ / "part", kQuick); },
              ThrowsMessage<SourceFailure>(HasSubstr("127.0.0.1")));
}

TEST_F(Download, OpensNoLocalFiles) {
  EXPECT_THROW(download("file:///etc/passwd", folder_ / "part", kQuick), SourceFailure);
}

TEST_F(Download, RefusesALongerAnswer) {
  DownloadOptions options = kQuick;
  options.limit_bytes = 999'999;
  EXPECT_THAT([&] { run(options); }, ThrowsMessage<SourceFailure>("the answer is longer than 999999 bytes"));
}

TEST_F(Download, PassesOnWhatProgressThrows) {
  DownloadOptions options = kQuick;
  options.progress = [](const FetchProgress&) { throw std::runtime_error("enough"); };
  EXPECT_THAT([&] { run(options); }, ThrowsMessage<std::runtime_error>("enough"));
}

TEST_F(Download, SaysThatTheFileCannotBeWritten) {
  EXPECT_THAT(
      [&] { download(server_.url() + "letters", folder_ / "none/part", kQuick); },
      ThrowsMessage<SystemError>(AllOf(HasSubstr("none/part: expected to write the download to it, got No such"))));
  EXPECT_THAT(
      [&] { download(server_.url() + "letters", "/dev/full", kQuick); },
      ThrowsMessage<SystemError>("/dev/full: expected to write the download to it, got No space left on device; "
                                 "free some disk space, or choose another folder"));
}

}  // namespace
}  // namespace saccade::data
