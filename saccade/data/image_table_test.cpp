#include "saccade/data/image_table.h"

#include <gmock/gmock.h>

#include "saccade/data/testing_internal.h"

namespace saccade::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::vector<std::string> described(const Dataset& dataset) {
  std::vector<std::string> all;
  for (Index i = 0; i < dataset.size(); ++i) {
    all.push_back(dataset.sample_name(i) + " " + dataset.class_names()[usize(dataset.label(i))]);
  }
  return all;
}

class ImageTable : public ::testing::Test {
 protected:
  ImageTable() {
    write_plain(folder / "img/1.png", 1);
    write_plain(folder / "img/2.png", 2);
    write_plain(folder / "img/with, comma.png", 3);
    folder.write("img/notes.txt", "");
  }
  std::filesystem::path table(const std::string& text) const {
    folder.write("labels.csv", text);
    return folder / "labels.csv";
  }

  ScratchFolder folder;
};

TEST_F(ImageTable, RowsKeepTheirOrderAndClassesAreSorted) {
  const auto path =
      table("filename,weight,class\nimg/2.png,1,rose\nimg/1.png,1,Daisy\n\"img/with, comma.png\",2,rose\n");
  const FoundImages found = image_table(path, {.reading = {.target_size = {3, 3}}});
  EXPECT_THAT(found.images->class_names(), ElementsAre("Daisy", "rose"));
  EXPECT_THAT(described(*found.images), ElementsAre("img/2.png rose", "img/1.png Daisy", "img/with, comma.png rose"));
  EXPECT_THAT(found.warnings, IsEmpty());
  EXPECT_THAT(found.images->get(2).image.uint8s(), ::testing::Each(3));
}

TEST_F(ImageTable, ColumnsAndFolderByName) {
  const auto path = table("label,file\nrose,1.png\ndaisy,2.png\n");
  const FoundImages found = image_table(path, {.x_col = "file", .y_col = "label", .directory = folder / "img"});
  EXPECT_THAT(described(*found.images), ElementsAre("1.png rose", "2.png daisy"));
  const auto absolute = table("filename,class\n" + (folder / "img/1.png").string() + ",a\nimg/2.png,b\n");
  EXPECT_EQ(image_table(absolute).images->path(0), folder / "img/1.png");
}

TEST_F(ImageTable, RowsWithoutAnImageFileAreLeftOut) {
  const std::string text = "filename,class\nimg/gone.png,x\nimg/1.png,a\nimg/notes.txt,y\nimg/2.png,b\nimg,z\n";
  const FoundImages found = image_table(table(text));
  EXPECT_THAT(described(*found.images), ElementsAre("img/1.png a", "img/2.png b"));
  EXPECT_THAT(found.images->class_names(), ElementsAre("a", "b")) << "classes of the rows that are left";
  EXPECT_THAT(found.warnings,
              ElementsAre(HasSubstr("3 rows name no image file and are left out, the first 'img/gone.png'")));
  const FoundImages all = image_table(table(text), {.validate_filenames = false});
  EXPECT_EQ(all.images->size(), 5);
  EXPECT_THAT(message_of([&] { all.images->get(0); }), HasSubstr("img/gone.png"));
}

TEST_F(ImageTable, GivenClasses) {
  const auto path = table("filename,class\nimg/1.png,a\nimg/2.png,b\nimg/1.png,c\n");
  const FoundImages found = image_table(path, {.classes = {"c", "d", "a"}});
  EXPECT_THAT(described(*found.images), ElementsAre("img/1.png a", "img/1.png c"));
  EXPECT_EQ(found.images->label(0), 2);
  EXPECT_THAT(found.warnings, ElementsAre(HasSubstr("1 rows of other classes"), HasSubstr("class 'd' has no images")));
  EXPECT_THAT(message_of([&] { image_table(path, {.classes = {"a", "a"}}); }), HasSubstr("'a' twice"));
  EXPECT_THAT(image_table(path, {.classes = {"a"}}).warnings, ::testing::Contains(HasSubstr("single class")));
}

TEST_F(ImageTable, AListWithoutClasses) {
  const auto path = table("weight,file\n1,img/2.png\n2,gone.txt\n");
  EXPECT_THAT(list_table(path, {.x_col = "file"}), ElementsAre(folder / "img/2.png", folder / "gone.txt"));
  EXPECT_THAT(list_table(path, {.x_col = "file", .directory = "/x"}), ElementsAre("/x/img/2.png", "/x/gone.txt"));
  EXPECT_THAT(message_of([&] { list_table(path); }), HasSubstr("one column named 'filename'"));
}

TEST_F(ImageTable, Errors) {
  const auto error = [&](const std::string& text) {
    const auto path = table(text);
    return message_of([&] { image_table(path); });
  };
  EXPECT_THAT(error("filename,class\nimg/1.png,\n"),
              HasSubstr("labels.csv: line 2, column 'class': expected the name of a class"));
  EXPECT_THAT(error("filename,class\n,a\n"),
              HasSubstr("labels.csv: line 2, column 'filename': expected the name of a file"));
  EXPECT_THAT(error("file,class\nimg/1.png,a\n"),
              HasSubstr("expected one column named 'filename', got columns file, class"));
  EXPECT_THAT(error("filename,class\n"), HasSubstr("expected rows that name image files, got none among 0"));
  EXPECT_THAT(error("filename,class\n1.png,a\n"), HasSubstr("got none among 1"));
  EXPECT_THAT(message_of([&] { image_table(folder / "gone.csv"); }), HasSubstr("gone.csv"));
}

}  // namespace
}  // namespace saccade::data
