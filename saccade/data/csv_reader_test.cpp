#include "saccade/data/csv_reader.h"

#include <gmock/gmock.h>

#include "saccade/data/testing_internal.h"
#include "tests/support/message_of.h"

namespace saccade::data {
namespace {

using test::message_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::vector<std::vector<std::string>> fields_of(std::string_view text) {
  const CsvTable table = parse_csv(text, "t.csv");
  std::vector<std::vector<std::string>> all = {table.header.fields};
  for (const CsvRow& row : table.rows) all.push_back(row.fields);
  return all;
}

std::string error_of(std::string_view text) {
  return message_of([&] { parse_csv(text, "t.csv"); });
}

TEST(CsvReader, PlainFields) {
  for (const char* text : {"a,b\n1,2\n3,4\n", "a,b\r\n1,2\r\n3,4", "\xEF\xBB\xBF\n\na,b\n\n1,2\r\n\r\n3,4\n\n"}) {
    EXPECT_THAT(fields_of(text), ElementsAre(ElementsAre("a", "b"), ElementsAre("1", "2"), ElementsAre("3", "4")));
  }
  EXPECT_THAT(fields_of("a,b,c\n,,\n x ,\"\",z"),
              ElementsAre(ElementsAre("a", "b", "c"), ElementsAre("", "", ""), ElementsAre(" x ", "", "z")));
  EXPECT_THAT(fields_of("a"), ElementsAre(ElementsAre("a")));
}

TEST(CsvReader, QuotedFields) {
  EXPECT_THAT(fields_of("a,b\n\"x,\"\"y\"\"\",\"two\r\nlines\"\n\"\"\"\",z"),
              ElementsAre(ElementsAre("a", "b"), ElementsAre("x,\"y\"", "two\r\nlines"), ElementsAre("\"", "z")));
  EXPECT_THAT(fields_of("\"a\""), ElementsAre(ElementsAre("a")));
}

TEST(CsvReader, RowsKnowTheirLine) {
  const CsvTable table = parse_csv("a\n\"x\ny\nz\"\n\nb\n", "t.csv");
  ASSERT_THAT(table.rows, SizeIs(2));
  EXPECT_EQ(table.rows[0].line, 2);
  EXPECT_EQ(table.rows[1].line, 6);
}

TEST(CsvReader, ErrorsNameLineAndColumn) {
  EXPECT_THAT(error_of(""), StartsWith("t.csv: expected a line of column names"));
  EXPECT_THAT(error_of("\r\n\n"), StartsWith("t.csv: expected a line of column names"));
  EXPECT_THAT(error_of("a,b\n1,2\n1,2,3\n"), StartsWith("t.csv: line 3: expected 2 fields, as in the header, got 3"));
  EXPECT_THAT(error_of("a,b\n1\n"), StartsWith("t.csv: line 2: expected 2 fields, as in the header, got 1"));
  EXPECT_THAT(error_of("a,b\n1,x\"y\"\n"), StartsWith("t.csv: line 2, column 4: expected no quote"));
  EXPECT_THAT(error_of("a,b\n1,\"x\"y\n"), StartsWith("t.csv: line 2, column 6: expected a comma or the end"));
  EXPECT_THAT(error_of("a,b\n1,\"x\n\n"),
              StartsWith("t.csv: line 2, column 3: expected a double quote that is closed, got the end of the file"));
  EXPECT_THAT(error_of(std::string_view("a,b\n\"x\ny\0\",2\n", 13)),
              StartsWith("t.csv: line 3, column 2: expected text"));
}

TEST(CsvReader, ColumnsByHeading) {
  const CsvTable table = parse_csv("file,class,class\n", "t.csv");
  EXPECT_THAT(table.rows, IsEmpty());
  EXPECT_EQ(column_of(table, "file", "t.csv"), 0U);
  EXPECT_THAT(message_of([&] { column_of(table, "name", "t.csv"); }),
              StartsWith("t.csv: line 1: expected one column named 'name', got columns file, class, class"));
  EXPECT_THAT(message_of([&] { column_of(table, "class", "t.csv"); }), HasSubstr("got 2 of that name"));
}

}  // namespace
}  // namespace saccade::data
