#include "saccade/train/csv_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "saccade/base/error.h"
#include "saccade/base/file.h"

namespace saccade {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CsvLogTest : public testing::Test {
 protected:
  CsvLogTest() {
    std::string name = (std::filesystem::temp_directory_path() / "saccade_csv_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ / "metrics.csv";
  }
  ~CsvLogTest() override { std::filesystem::remove_all(folder_); }

  std::string text() const { return read_text_file(path_); }

  /// What a log that goes on after three epochs says of a file with this text.
  std::string resume_error(std::string_view content) const {
    write_file(path_, content);
    try {
      const CsvLog log(path_, 3);
    } catch (const FormatError& error) {
      return error.what();
    }
    return "no error";
  }

  std::filesystem::path folder_;
  std::filesystem::path path_;
};

TEST_F(CsvLogTest, WritesEpochFirstAndTheOtherColumnsSorted) {
  CsvLog log(path_);
  EXPECT_FALSE(std::filesystem::exists(path_)) << "no file before the first row";
  log.row(0, {{"val_loss", 0.5}, {"accuracy", 0.1}, {"loss", 2}});
  EXPECT_EQ(text(), "epoch,accuracy,loss,val_loss\n0,0.1,2,0.5\n");
  log.row(1, {{"val_loss", 0.25}, {"accuracy", 1.0 / 3}, {"loss", 1e-300}});
  EXPECT_EQ(text(), "epoch,accuracy,loss,val_loss\n0,0.1,2,0.5\n1,0.3333333333333333,1e-300,0.25\n");
  EXPECT_THAT(log.columns(), ElementsAre("accuracy", "loss", "val_loss"));
}

TEST_F(CsvLogTest, TheFirstRowFixesTheColumns) {
  CsvLog log(path_);
  log.row(0, {{"loss", 1}, {"lr", 0.1}});
  log.row(1, {{"loss", 2}, {"val_loss", 3}});
  EXPECT_EQ(text(), "epoch,loss,lr\n0,1,0.1\n1,2,NA\n");
}

TEST_F(CsvLogTest, NumbersReadBackAsTheSameDouble) {
  CsvLog log(path_);
  log.row(0, {{"a", 0.1 + 0.2}, {"b", static_cast<double>(0.1F)}, {"c", std::nan("")}, {"d", -INFINITY}});
  EXPECT_EQ(text(), "epoch,a,b,c,d\n0,0.30000000000000004,0.10000000149011612,nan,-inf\n");
}

TEST_F(CsvLogTest, QuotesNamesThatNeedIt) {
  const std::map<std::string, double> metrics = {{"a,b", 1}, {"say \"x\"", 2}, {"two\nlines", 3}, {"x y", 4}};
  const std::string header = "epoch,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",x y\n";
  CsvLog(path_).row(0, metrics);
  EXPECT_EQ(text(), header + "0,1,2,3,4\n");
  CsvLog resumed(path_, 1);
  EXPECT_THAT(resumed.columns(), ElementsAre("a,b", "say \"x\"", "two\nlines", "x y"));
  resumed.row(1, metrics);
  EXPECT_EQ(text(), header + "0,1,2,3,4\n1,1,2,3,4\n");
}

TEST_F(CsvLogTest, AResumedLogDropsTheEpochsToBeDoneAgain) {
  CsvLog log(path_);
  for (const Index epoch : {0, 1, 2, 3}) log.row(epoch, {{"loss", static_cast<double>(10 * epoch)}});
  const std::string before = text();
  CsvLog resumed(path_, 2);
  EXPECT_EQ(text(), before) << "nothing is dropped before there is a new row";
  resumed.row(2, {{"loss", 7}, {"new", 8}});
  EXPECT_EQ(text(), "epoch,loss\n0,0\n1,10\n2,7\n");
}

TEST_F(CsvLogTest, KeptRowsStayAsTheyAre) {
  write_file(path_, "epoch,loss\r\n0,1.50e0\r\n1,NA\r\n");
  CsvLog resumed(path_, 1);
  resumed.row(1, {{"loss", 2}});
  EXPECT_EQ(text(), "epoch,loss\r\n0,1.50e0\r\n1,2\n");
}

TEST_F(CsvLogTest, ANewLogReplacesTheOldFile) {
  write_file(path_, "anything");
  CsvLog(path_, 0).row(0, {{"loss", 1}});
  EXPECT_EQ(text(), "epoch,loss\n0,1\n");
}

TEST_F(CsvLogTest, ResumesWithoutAFile) {
  CsvLog(path_, 5).row(5, {{"loss", 1}});
  EXPECT_EQ(text(), "epoch,loss\n5,1\n");
}

TEST_F(CsvLogTest, NamesTheLineThatIsWrong) {
  EXPECT_EQ(resume_error("loss,epoch\n"), path_.string() +
                                              ": line 1: expected 'epoch' as the first column, got another name; "
                                              "mend the file, or move it away to begin a new one");
  EXPECT_THAT(resume_error(""), HasSubstr("line 1: expected a comma or a line break after each field, got the end"));
  EXPECT_THAT(resume_error("epoch,a\n0,1\n1,2,3\n"),
              HasSubstr("line 3: expected 2 fields as in the first line, got 3"));
  EXPECT_THAT(resume_error("epoch,\"a\nb\"\nx,1\n"), HasSubstr("line 3: expected the number of an epoch"));
  EXPECT_THAT(resume_error("epoch,a\n-1,1\n"), HasSubstr("line 2: expected the number of an epoch"));
  EXPECT_THAT(resume_error("epoch,a\n0,1"), HasSubstr("line 2: expected a comma or a line break after each field"));
  EXPECT_THAT(resume_error("epoch,\"a\"b\n"),
              HasSubstr("line 1: expected a comma or a line break after each field, got text"));
  EXPECT_THAT(resume_error("epoch,\"a\n0,1\n"), HasSubstr("line 1: expected a closing quote, got the end of the file"));
}

TEST_F(CsvLogTest, AFailedWriteChangesNothing) {
  const std::filesystem::path inside = folder_ / "run" / "metrics.csv";
  CsvLog log(inside);
  EXPECT_THROW(log.row(0, {{"loss", 1}}), SystemError);
  EXPECT_TRUE(log.columns().empty());
  std::filesystem::create_directory(folder_ / "run");
  log.row(0, {{"loss", 1}});
  EXPECT_EQ(read_text_file(inside), "epoch,loss\n0,1\n");
}

}  // namespace
}  // namespace saccade
