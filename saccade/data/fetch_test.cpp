#include "saccade/data/fetch.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>

#include "saccade/base/error.h"
#include "saccade/data/fetch/cifar_sheets.h"
#include "saccade/data/fetch/fetch_sources.h"
#include "saccade/data/fetch/testing_internal.h"
#include "saccade/image/encode.h"
#include "saccade/tensor/tensor.h"
#include "tests/support/scratch_folder.h"

namespace saccade::data {
namespace {

using test::ScratchFolder;

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

/// A set of two files, a machine without anything, and a place for each source.
class Fetch : public ::testing::Test {
 protected:
  Fetch() {
    set_.name = "letters";
    set_.description = "two texts";
    set_.files = {{"alpha", isize(alpha_.size()), sha256_of(alpha_)}, {"beta", isize(beta_.size()), sha256_of(beta_)}};
    set_.usual_folders = {"Letters/raw"};
    options_.cache = scratch_ / "cache";
    options_.notice = [this](const std::string& line) { notices_.push_back(line); };
    machine_.npm = scratch_ / "npm";
    machine_.system_data_folder = scratch_ / "system";
    machine_.download.pause_seconds = 0;
  }

  fs::path run() { return fetch_set(set_, options_, machine_); }

  void expect_complete() {
    EXPECT_EQ(run(), scratch_ / "cache/letters");
    EXPECT_EQ(read_text_file(scratch_ / "cache/letters/alpha"), alpha_);
    EXPECT_EQ(read_text_file(scratch_ / "cache/letters/beta"), beta_);
    // Nothing is left lying about.
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(scratch_ / "cache"))
      names.push_back(entry.path().filename());
    EXPECT_THAT(names, ::testing::UnorderedElementsAre("letters", "alpha", "beta", ".verified", ".letters.lock"));
  }

  void add_local_folder() {
    scratch_.write("local/.keep", "");
    options_.local_folders = {scratch_ / "local"};
  }

  /// A program that does what `npm pack` does: it puts `archive` into the folder behind --pack-destination.
  void add_npm(const std::string& archive, const std::string& script_tail = "") {
    set_.npm_package = "letters-data@1.0.0";
    set_.npm_archive = {.name = "letters-data-1.0.0.tgz", .folder = "package/data/", .packing = Packing::files};
    scratch_.write("archive", archive);
    scratch_.write("npm", fmt::format("#!/bin/sh\n"
                                      "echo \"$@\" >> '{0}/npm-calls'\n{1}\n"
                                      "while [ \"$1\" != --pack-destination ]; do shift; done\n"
                                      "cp '{0}/archive' \"$2/letters-data-1.0.0.tgz\"\n",
                                      scratch_.path().string(), script_tail));
    ::chmod((scratch_ / "npm").c_str(), 0755);
  }

  std::string npm_archive() const {
    return gzipped(tar_member("package/readme", "hello") + tar_member("package/data/beta", beta_) +
                   tar_member("package/data/alpha", alpha_) + tar_end());
  }

  /// A mirror with a file of its own for each file.
  HttpServer& add_mirror() {
    server_ = std::make_unique<HttpServer>();
    server_->files = {{"/m/alpha.gz", gzipped(alpha_)}, {"/m/beta.gz", gzipped(beta_)}};
    set_.mirrors.push_back({server_->url() + "m/", {}});
    return *server_;
  }

  ScratchFolder scratch_;
  std::string alpha_ = std::string(100000, 'a') + "lpha";
  std::string beta_ = "beta";
  KnownSet set_;
  FetchOptions options_;
  Machine machine_;
  std::vector<std::string> notices_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(Fetch, TakesPlainFilesFromALocalFolder) {
  add_local_folder();
  scratch_.write("local/alpha", alpha_);
  scratch_.write("local/beta", beta_);
  expect_complete();
  EXPECT_THAT(notices_, IsEmpty());
}

TEST_F(Fetch, TakesGzipFilesAndUsualFolders) {
  add_local_folder();
  scratch_.write("local/Letters/raw/alpha.gz", gzipped(alpha_));
  scratch_.write("local/letters/beta", beta_);
  expect_complete();
}

TEST_F(Fetch, TakesAnArchiveFromALocalFolder) {
  add_local_folder();
  set_.mirrors.push_back(
      {"http://127.0.0.1:9/", Archive{.name = "all.tar.gz", .folder = "all/", .packing = Packing::files}});
  scratch_.write("local/all.tar.gz",
                 gzipped(tar_member("all/alpha", alpha_) + tar_member("all/beta", beta_) + tar_end()));
  expect_complete();
}

TEST_F(Fetch, PassesOverADamagedCopy) {
  add_local_folder();
  scratch_.write("local/alpha", alpha_.substr(1) + "x");
  scratch_.write("local/alpha.gz", gzipped(alpha_));
  scratch_.write("local/beta", beta_);
  expect_complete();
}

TEST_F(Fetch, TakesTheSystemPackage) {
  set_.system_package = "dataset-letters";
  scratch_.write("system/letters/alpha.gz", gzipped(alpha_));
  scratch_.write("system/letters/beta.gz", gzipped(beta_));
  expect_complete();
}

TEST_F(Fetch, TakesTheNpmPackage) {
  add_npm(npm_archive());
  expect_complete();
  EXPECT_THAT(read_text_file(scratch_ / "npm-calls"),
              AllOf(HasSubstr("pack letters-data@1.0.0 --ignore-scripts"), HasSubstr("--pack-destination ")));
}

TEST_F(Fetch, FindsNpmOnThePath) {
  add_npm(npm_archive());
  machine_.npm = Machine().npm;
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", (scratch_.path().string() + ":" + path).c_str(), 1);
  expect_complete();
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_TRUE(fs::exists(scratch_ / "npm-calls"));
}

TEST_F(Fetch, TakesMirrors) {
  HttpServer& server = add_mirror();
  expect_complete();
  EXPECT_THAT(server.requests(), SizeIs(2));
}

TEST_F(Fetch, TakesTheArchiveOfAMirror) {
  HttpServer& server = add_mirror();
  server.files["/all.tar.gz"] = gzipped(tar_member("all/alpha", alpha_) + tar_member("all/beta", beta_) + tar_end());
  set_.mirrors = {{server.url(), Archive{.name = "all.tar.gz", .folder = "all/", .packing = Packing::files}}};
  expect_complete();
}

TEST_F(Fetch, AsksOneSourceAfterTheOther) {
  add_local_folder();
  scratch_.write("local/beta", beta_);
  add_npm(gzipped(tar_member("package/data/alpha", "another") + tar_end()));
  HttpServer& server = add_mirror();
  expect_complete();
  // beta came from the folder.
  ASSERT_THAT(server.requests(), SizeIs(1));
  EXPECT_EQ(server.requests()[0].path, "/m/alpha.gz");
  EXPECT_THAT(notices_,
              ElementsAre(fmt::format("letters: folder {}: it does not have alpha", (scratch_ / "local").string())));
}

TEST_F(Fetch, OneErrorListsEverythingThatWasTried) {
  add_local_folder();
  scratch_.write("local/alpha", "short");
  set_.system_package = "dataset-letters";
  add_npm("", "echo 'npm error code E404'; echo 'npm error 404 Not Found'; exit 1");
  HttpServer& server = add_mirror();
  server.files.erase("/m/alpha.gz");
  server.files["/m/beta.gz"] = "<html>Sign in</html>";
  set_.mirrors.push_back({"http://127.0.0.1:9/", {}});
  try {
    run();
    FAIL() << "no error";
  } catch (const SystemError& error) {
    EXPECT_THAT(
        error.what(),
        AllOf(HasSubstr("data set 'letters': expected one of its sources to have it, got (1) cache "),
              HasSubstr("cache/letters: incomplete; (2) folder "),
              HasSubstr("local: alpha has 5 bytes instead of 100004; "),
              HasSubstr("(3) Debian package dataset-letters: not installed (apt-get install dataset-letters); (4) npm "
                        "package letters-data@1.0.0: "
                        "npm failed with exit code 1 (code E404, 404 Not Found); (5) http://127.0.0.1:"),
              HasSubstr("m/: alpha.gz: The requested URL returned error: 404"),
              HasSubstr("; (6) http://127.0.0.1:9/: alpha.gz: "),
              EndsWith("; connect to the network and try again, or put alpha, beta (plain or .gz) in a folder and run: "
                       "saccade data get letters --from FOLDER")));
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
  }
}

TEST_F(Fetch, OfflineAsksNeitherNpmNorMirrors) {
  options_.offline = true;
  add_npm(npm_archive());
  HttpServer& server = add_mirror();
  EXPECT_THAT([&] { run(); }, ThrowsMessage<SystemError>(
                                  HasSubstr("npm package letters-data@1.0.0: not asked (offline); (3) http://")));
  EXPECT_FALSE(fs::exists(scratch_ / "npm-calls"));
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST_F(Fetch, SaysThatNpmIsNotInstalled) {
  set_.npm_package = "letters-data@1.0.0";
  machine_.npm = "no-such-npm";
  EXPECT_THAT([&] { run(); }, ThrowsMessage<SystemError>(HasSubstr("cannot run no-such-npm (it is not installed)")));
}

TEST_F(Fetch, ReadsTheComplaintsOfOldAndNewNpm) {
  add_npm("", "echo 'npm ERR! code ENOTFOUND'; echo 'npm ERR! A complete log of this run can be found in: x'; exit 1");
  EXPECT_THAT([&] { run(); }, ThrowsMessage<SystemError>(HasSubstr("exit code 1 (code ENOTFOUND)")));
  add_npm("", "echo 'something odd'; exit 7");
  EXPECT_THAT([&] { run(); }, ThrowsMessage<SystemError>(HasSubstr("exit code 7 (something odd)")));
  add_npm("", "exit 0");
  EXPECT_THAT([&] { run(); }, ThrowsMessage<SystemError>(HasSubstr("npm made no letters-data-1.0.0.tgz")));
}

TEST_F(Fetch, UsesADownloadedNpmArchiveAgain) {
  add_npm(npm_archive());
  scratch_.write("cache/.letters.partial/letters-data-1.0.0.tgz", npm_archive());
  expect_complete();
  EXPECT_FALSE(fs::exists(scratch_ / "npm-calls"));
}

TEST_F(Fetch, KeepsAwayFromTheNpmOfAKilledFetch) {
  // Two fetches in a row that fail after npm: neither uses, nor leaves to the next, the folder of the one before.
  add_npm(npm_archive(), "ls -d \"${6%/*}\"/npm-* >> '" + (scratch_ / "npm-folders").string() + "'; exit 1");
  scratch_.write("cache/.letters.partial/npm-killed/letters-data-1.0.0.tgz", "half an archive");
  EXPECT_THROW(run(), SystemError);
  EXPECT_THROW(run(), SystemError);
  const std::string folders = read_text_file(scratch_ / "npm-folders");
  EXPECT_EQ(std::ranges::count(folders, '\n'), 2) << folders;
  EXPECT_THAT(folders, Not(HasSubstr("npm-killed")));
}

TEST_F(Fetch, ThrowsAwayABrokenNpmArchive) {
  add_npm(npm_archive());
  scratch_.write("cache/.letters.partial/letters-data-1.0.0.tgz", npm_archive().substr(0, 100));
  expect_complete();
  EXPECT_TRUE(fs::exists(scratch_ / "npm-calls"));
}

TEST_F(Fetch, ASecondFetchReadsOnlyTheRecord) {
  add_local_folder();
  scratch_.write("local/alpha", alpha_);
  scratch_.write("local/beta", beta_);
  run();
  fs::remove_all(scratch_ / "local");
  options_.local_folders.clear();
  bool progressed = false;
  options_.progress = [&](const FetchProgress&) { progressed = true; };
  expect_complete();
  EXPECT_FALSE(progressed) << "the files were hashed again";
  // Without the record they are.
  fs::remove(scratch_ / "cache/letters/.verified");
  expect_complete();
  EXPECT_TRUE(progressed);
}

TEST_F(Fetch, ACacheThatCannotBeLockedMayBeComplete) {
  scratch_.write("cache/letters/alpha", alpha_);
  scratch_.write("cache/letters/beta", beta_);
  fs::create_directories(scratch_ / "cache/.letters.lock");  // stands for a folder one may not write to
  EXPECT_EQ(run(), scratch_ / "cache/letters");
  scratch_.write("cache/letters/beta", "beat");
  EXPECT_THAT([&] { run(); }, ThrowsMessage<SystemError>(HasSubstr("cache: expected to write in this folder")));
}

TEST_F(Fetch, FetchesDamagedFilesAgain) {
  HttpServer& server = add_mirror();
  run();
  scratch_.write("cache/letters/alpha", "short");
  expect_complete();
  const std::string path = (scratch_ / "cache/letters/alpha").string();
  EXPECT_THAT(notices_, ElementsAre("letters: " + path + " has 5 bytes instead of 100004; fetching it again"));
  EXPECT_THAT(server.requests(), SizeIs(3)) << "beta was good and should stay";
  // The same size, other content.
  scratch_.write("cache/letters/alpha", alpha_.substr(1) + "x");
  expect_complete();
  EXPECT_EQ(notices_.back(), "letters: " + path + " is damaged; fetching it again");
  fs::remove(scratch_ / "cache/letters/alpha");
  expect_complete();
  EXPECT_THAT(notices_, SizeIs(2)) << "a missing file is not worth a notice";
}

TEST_F(Fetch, ResumesABrokenDownload) {
  // Random letters: 100 kB that do not compress to nothing.
  alpha_.clear();
  for (std::uint32_t i = 0, state = 1; i < 100000; ++i)
    alpha_ += static_cast<char>('a' + (state = state * 1664525 + 1013904223) / 165191050);
  set_.files[0] = {"alpha", isize(alpha_.size()), sha256_of(alpha_)};
  HttpServer& server = add_mirror();
  server.break_after = 20000;
  server.broken_connections = 1;
  machine_.download.attempts = 1;
  options_.progress = [](const FetchProgress& progress) {
    if (progress.done_bytes >= 20000) throw std::runtime_error("enough");
  };
  EXPECT_THAT([&] { run(); }, ThrowsMessage<std::runtime_error>("enough"));
  EXPECT_FALSE(fs::exists(scratch_ / "cache/letters"));
  options_.progress = {};
  expect_complete();
  EXPECT_THAT(server.requests()[1].range, "bytes=20000-");
}

TEST_F(Fetch, StartsAgainWhenAnOldPartWasToBlame) {
  HttpServer& server = add_mirror();
  const std::string url = server.url() + "m/beta.gz";
  scratch_.write(fmt::format("cache/.letters.partial/beta.gz.{}.part", sha256_of(url).substr(0, 12)), "old");
  expect_complete();
  EXPECT_THAT(server.requests(), SizeIs(3));
}

TEST_F(Fetch, AKilledProcessLeavesACacheThatTheNextCompletes) {
  add_local_folder();
  scratch_.write("local/alpha", alpha_);
  scratch_.write("local/beta", beta_);
  for (const Index moment : {0, 1, 2, 3, 4, 5, 6}) {
    const pid_t child = ::fork();
    if (child == 0) {
      Index calls = 0;
      options_.progress = [&](const FetchProgress&) {
        if (calls++ == moment) ::raise(SIGKILL);
      };
      run();
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(moment != 0 || WIFSIGNALED(status));
  }
  expect_complete();
}

TEST_F(Fetch, ThreadsAndProcessesWaitForOneAnother) {
  HttpServer& server = add_mirror();
  options_.notice = {};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([this] { run(); });
  for (std::thread& thread : threads) thread.join();
  expect_complete();
  EXPECT_THAT(server.requests(), SizeIs(2)) << "each file once";
}

TEST_F(Fetch, SaysThatTheCacheCannotBeWritten) {
  scratch_.write("file", "in the way");
  options_.cache = scratch_ / "file/cache";
  EXPECT_THAT([&] { run(); },
              ThrowsMessage<SystemError>((scratch_ / "file/cache").string() +
                                         ": expected to make this folder for data sets, got Not a directory; choose a "
                                         "folder you may write to with --cache or the variable SACCADE_DATA"));
  options_.cache = "/proc";
  EXPECT_THAT([&] { run(); }, ThrowsMessage<SystemError>(HasSubstr("/proc: expected to write in this folder")));
  // A file where the set's folder should be.
  options_.cache = scratch_ / "cache";
  scratch_.write("cache/letters", "in the way");
  add_local_folder();
  scratch_.write("local/alpha", alpha_);
  EXPECT_THAT([&] { run(); }, ThrowsMessage<SystemError>(HasSubstr("cache/letters: expected to make this folder")));
}

TEST_F(Fetch, SaysThatTheDiskIsFull) {
  set_.files[0].size_bytes = Index{1} << 60;
  EXPECT_THAT([&] { run(); },
              ThrowsMessage<SystemError>(AllOf(HasSubstr("cache: expected 1152921504606.8 MB of free disk "
                                                         "space, got "),
                                               HasSubstr(" MB; free some, or choose another folder"))));
}

TEST_F(Fetch, ChecksTheLocalFolderFirst) {
  options_.local_folders = {scratch_ / "none"};
  EXPECT_THAT([&] { run(); },
              ThrowsMessage<ValueError>(HasSubstr("none': expected a folder that holds the files of the "
                                                  "data set, got no such folder; check the path")));
}

TEST_F(Fetch, MakesBatchesOfCifarSheets) {
  // Two images a sheet; the labels of the training sheets stand 10000 apart.
  set_.files.clear();
  std::string archive;
  std::vector<std::string> batches;
  for (std::size_t s = 0; s < cifar_sheets().size(); ++s) {
    const CifarSheet& sheet = cifar_sheets()[s];
    Tensor image({2, 1024, 3}, DType::uint8);
    for (std::uint8_t& value : image.uint8s()) value = static_cast<std::uint8_t>(s);
    const std::vector<std::byte> png = encode_png(image);
    archive +=
        tar_member("package/" + std::string(sheet.sheet), {reinterpret_cast<const char*>(png.data()), png.size()});
    const std::string record = static_cast<char>(s) + std::string(3072, static_cast<char>(s));
    batches.push_back(record + record);
    set_.files.push_back({std::string(sheet.batch), isize(batches.back().size()), sha256_of(batches.back())});
  }
  std::string train = "[";
  for (int i = 0; i < 50000; ++i) train += fmt::format("{}{}", i == 0 ? "" : ",", i / 10000);
  archive += tar_member("package/test_lables.json", "[5,5]") + tar_member("package/train_lables.json", train + "]") +
             tar_end();
  add_npm(gzipped(archive));
  set_.npm_archive.folder = "package/";
  set_.npm_archive.packing = Packing::cifar_sheets;
  EXPECT_EQ(run(), scratch_ / "cache/letters");
  for (std::size_t s = 0; s < batches.size(); ++s) {
    EXPECT_EQ(read_text_file(scratch_ / "cache/letters" / set_.files[s].name), batches[s]);
  }
}

TEST(KnownSets, AreListedAndFound) {
  const ScratchFolder scratch;
  std::vector<std::string> names;
  for (const SetInfo& info : list_sets(scratch.path())) {
    names.push_back(info.name);
    EXPECT_FALSE(info.present);
    EXPECT_EQ(info.folder, scratch / info.name);
  }
  EXPECT_THAT(names, ElementsAre("mnist", "fashion-mnist", "cifar10"));
  EXPECT_EQ(find_set("cifar10", scratch.path()).size_bytes, 6 * 30730000);
  EXPECT_THAT(
      [] { fetch("mnsit"); },
      ThrowsMessage<ValueError>("data set: expected one of mnist, fashion-mnist, cifar10, got 'mnsit'; check the "
                                "spelling"));
}

TEST(DefaultCacheFolder, IsTheVariableOrBelowHome) {
  const char* const before = std::getenv("SACCADE_DATA");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("SACCADE_DATA", "/somewhere", 1);
  EXPECT_EQ(default_cache_folder(), "/somewhere");
  ::setenv("SACCADE_DATA", "", 1);
  EXPECT_THAT(default_cache_folder().string(), EndsWith("/.cache/saccade"));
  if (before != nullptr) ::setenv("SACCADE_DATA", kept.c_str(), 1);
  if (before == nullptr) ::unsetenv("SACCADE_DATA");
}

}  // namespace
}  // namespace saccade::data
