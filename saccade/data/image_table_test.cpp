#include "saccade/data/image_table.h"

#include <gmock/gmock.h>

#include "saccade/data/testing_internal.h"
#include "tests/support/message_of.h"
#include "tests/support/scratch_folder.h"

namespace saccade::data {
namespace {

using test::message_of;
using test::ScratchFolder;
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
  const std::string csv = (folder / "labels.csv").string() + ": ", img = (folder / "img").string();
  EXPECT_THAT(found.missing, ElementsAre(csv + "line 2: '" + img + "/gone.png' is no file that is there",
                                         csv + "line 4: '" + img + "/notes.txt' has not the ending of an image",
                                         csv + "line 6: '" + img + "' has not the ending of an image"));
  EXPECT_THAT(found.warnings, ElementsAre(csv + "3 of 5 rows name no image file; " + found.missing[0]));
  const FoundImages all = image_table(table(text), {.validate_filenames = false});
  EXPECT_EQ(all.images->size(), 5);
  EXPECT_THAT(all.missing, IsEmpty());
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
  EXPECT_THAT(message_of([&] {
                image_table(path, {.classes = {"x", "y"}});
              }),
              HasSubstr("labels.csv: expected labels of the classes x, y, got a, b, c; rename them"));
}

std::vector<float> targets_of(const Dataset& dataset, Index i) {
  std::vector<float> target(dataset.class_names().size());
  dataset.target(i, target);
  return target;
}

TEST_F(ImageTable, Weights) {
  const auto path = table("filename,weight,class\nimg/2.png,2.5,b\nimg/gone.png,7,b\nimg/1.png,0,a\nimg/1.png,9,c\n");
  EXPECT_FALSE(image_table(path).images->has_weights());
  EXPECT_EQ(image_table(path).images->weight(0), 1.0F);
  const FoundImages found = image_table(path, {.weight_col = "weight", .classes = {"a", "b"}});
  ASSERT_TRUE(found.images->has_weights());
  EXPECT_FALSE(found.images->has_targets());
  EXPECT_EQ(found.images->weight(0), 2.5F) << "weights go with their rows";
  EXPECT_EQ(found.images->weight(1), 0.0F);
  EXPECT_THAT(message_of([&] { (void)found.images->weight(2); }), HasSubstr("from 0 to 1"));
  const auto error = [&](const std::string& weight) {
    const auto bad = table("filename,weight,class\nimg/2.png," + weight + ",b\n");
    return message_of([&] { image_table(bad, {.weight_col = "weight"}); });
  };
  EXPECT_THAT(error("heavy"), HasSubstr("line 2, column 'weight': expected a finite number, got 'heavy'"));
  EXPECT_THAT(error(""), HasSubstr("got ''"));
  EXPECT_THAT(error("1e99"), HasSubstr("got '1e99'"));
  EXPECT_THAT(error("inf"), HasSubstr("got 'inf'"));
  EXPECT_THAT(error("-1"), HasSubstr("expected a weight of zero or more, got '-1'"));
}

/// Keras's example: ['b','a'], 'b', ['c'] become [1,1,0], [0,1,0], [0,0,1].
TEST_F(ImageTable, SeveralLabelsARow) {
  const auto path = table("filename,class\nimg/1.png,b|a\nimg/2.png,b\nimg/1.png,c\n");
  const FoundImages found = image_table(path, {.label_separator = "|"});
  EXPECT_THAT(found.images->class_names(), ElementsAre("a", "b", "c"));
  ASSERT_TRUE(found.images->has_targets());
  EXPECT_THAT(targets_of(*found.images, 0), ElementsAre(1, 1, 0));
  EXPECT_THAT(targets_of(*found.images, 1), ElementsAre(0, 1, 0));
  EXPECT_THAT(targets_of(*found.images, 2), ElementsAre(0, 0, 1));
  EXPECT_EQ(found.images->label(0), 0) << "the first of the largest";
  EXPECT_EQ(found.images->label(1), 1);

  const FoundImages some = image_table(path, {.label_separator = "|", .classes = {"c", "a"}});
  EXPECT_EQ(some.images->size(), 2) << "'b' alone is none of these";
  EXPECT_THAT(targets_of(*some.images, 0), ElementsAre(0, 1));
  EXPECT_THAT(targets_of(*some.images, 1), ElementsAre(1, 0));
  EXPECT_THAT(image_table(path).images->class_names(), ElementsAre("b", "b|a", "c")) << "no separator, no list";
  EXPECT_THAT(targets_of(*image_table(path).images, 1), ElementsAre(1, 0, 0));
  const auto bad = table("filename,class\nimg/1.png,b||a\n");
  EXPECT_THAT(message_of([&] { image_table(bad, {.label_separator = "|"}); }),
              HasSubstr("line 2, column 'class': expected labels with '|' between, got 'b||a'"));
}

TEST_F(ImageTable, ColumnsOfNumbers) {
  const auto path = table("filename,width,height\nimg/1.png,0.5,-2\nimg/gone.png,1,1\nimg/2.png,1e3,2000\n");
  const FoundImages found = image_table(path, {.y_cols = {"height", "width"}, .weight_col = "width"});
  EXPECT_THAT(found.images->class_names(), ElementsAre("height", "width"));
  EXPECT_THAT(targets_of(*found.images, 0), ElementsAre(-2, 0.5F));
  EXPECT_THAT(targets_of(*found.images, 1), ElementsAre(2000, 1000));
  EXPECT_EQ(found.images->label(0), 1);
  EXPECT_EQ(found.images->label(1), 0);
  EXPECT_EQ(found.images->weight(1), 1000.0F);
  std::vector<float> small(1);
  EXPECT_THAT(message_of([&] { found.images->target(0, small); }), HasSubstr("room for a target of 2 numbers"));
  EXPECT_THAT(message_of([&] { image_table(path, {.y_cols = {"filename"}}); }),
              HasSubstr("line 2, column 'filename': expected a finite number, got 'img/1.png'"));
  EXPECT_THAT(message_of([&] { image_table(path, {.y_cols = {"depth"}}); }), HasSubstr("one column named 'depth'"));
  EXPECT_THAT(message_of([&] { image_table(path, {.y_cols = {"width"}, .classes = {"a"}}); }),
              HasSubstr("y_cols: expected columns of numbers, without a label_separator and classes, got classes"));
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
  EXPECT_THAT(error("filename,class\n"), HasSubstr("expected rows that name image files, got none at all"));
  EXPECT_THAT(error("filename,class\n1.png,a\n"), HasSubstr("got 1 that do not; "));
  EXPECT_THAT(error("filename,class\n1.png,a\n"),
              HasSubstr("line 2: '" + (folder / "1.png").string() + "' is no file"));
  EXPECT_THAT(message_of([&] { image_table(folder / "gone.csv"); }), HasSubstr("gone.csv"));
}

}  // namespace
}  // namespace saccade::data
