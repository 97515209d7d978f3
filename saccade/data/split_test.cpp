#include "saccade/data/split.h"

#include <gmock/gmock.h>

#include <memory>

#include "saccade/data/testing_internal.h"
#include "tests/support/message_of.h"

namespace saccade::data {
namespace {

using test::message_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

DatasetPtr labelled(const std::vector<std::int32_t>& labels, Index classes) {
  std::vector<std::string> names;
  for (Index c = 0; c < classes; ++c) names.push_back(std::string(1, static_cast<char>('a' + c)));
  return std::make_shared<InMemory>("set", Tensor({isize(labels.size()), 1, 1, 1}), labels, names);
}

std::vector<Index> chosen(const DatasetPtr& part) {
  const std::span<const Index> indices = dynamic_cast<const Subset&>(*part).indices();
  return {indices.begin(), indices.end()};
}

TEST(SplitByMode, KerasTakesTheFirstOfEachClass) {
  // The classes hold 1, 1, 4, 6 and 1 images, as in the tree whose split by Keras is known.
  const DatasetPtr all = labelled({0, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 4}, 5);
  const Split parts = split(all, {.fraction = 0.4, .mode = SplitMode::keras});
  EXPECT_THAT(chosen(parts.validation), ElementsAre(2, 6, 7));
  EXPECT_THAT(chosen(parts.train), ElementsAre(0, 1, 3, 4, 5, 8, 9, 10, 11, 12));
  EXPECT_EQ(parts.validation->name(), "set/validation");
  EXPECT_THAT(warnings_of(parts), ElementsAre("class 'a' has no images for validation: all its 1 are for training",
                                              "class 'b' has no images for validation: all its 1 are for training",
                                              "class 'e' has no images for validation: all its 1 are for training"));
  const DatasetPtr mixed = labelled({1, 0, 1, 0, 1, 1}, 2);
  EXPECT_THAT(chosen(split(mixed, {.fraction = 0.5, .mode = SplitMode::keras}).validation), ElementsAre(0, 1, 2));
}

TEST(SplitByMode, KerasCutsTheProduct) {
  const Split parts = split(labelled(std::vector<std::int32_t>(100), 1), {.fraction = 0.29, .mode = SplitMode::keras});
  EXPECT_EQ(parts.validation->size(), 28);
}

TEST(SplitByMode, KerasRowsTakesTheFirstRows) {
  const DatasetPtr all = labelled({0, 0, 0, 1, 1, 1, 1, 1}, 2);
  const Split parts = split(all, {.fraction = 0.4, .mode = SplitMode::keras_rows});
  EXPECT_THAT(chosen(parts.validation), ElementsAre(0, 1, 2));
  EXPECT_THAT(warnings_of(parts), ElementsAre(HasSubstr("class 'a' has no images for training"),
                                              HasSubstr("class 'b' has no images for validation")));
}

TEST(SplitByMode, StratifiedIsSplit) {
  const DatasetPtr all = labelled({0, 1, 0, 1, 0, 1, 0, 1}, 2);
  EXPECT_EQ(chosen(split(all, {.fraction = 0.5, .seed = 3}).validation), chosen(split(all, 0.5, 3).validation));
  EXPECT_THAT(warnings_of(split(all, 0.5, 3)), IsEmpty());
}

TEST(SplitByMode, Refusals) {
  const DatasetPtr all = labelled({0, 1}, 2);
  EXPECT_THAT(message_of([&] { split(all, {.fraction = 0.4, .mode = SplitMode::keras}); }), HasSubstr("got 2 and 0"));
  EXPECT_THAT(message_of([&] { split(all, {.fraction = 1.5, .mode = SplitMode::keras}); }), HasSubstr("got 1.5"));
  EXPECT_THAT(message_of([&] { split(nullptr, {.mode = SplitMode::keras}); }), HasSubstr("null"));
}

TEST(SplitByMode, Names) {
  for (const SplitMode mode : {SplitMode::stratified, SplitMode::keras, SplitMode::keras_rows}) {
    EXPECT_EQ(split_mode_named(name_of(mode)), mode);
  }
  EXPECT_THAT(message_of([] { split_mode_named("random"); }),
              HasSubstr("one of stratified, keras, keras_rows, got 'random'"));
}

}  // namespace
}  // namespace saccade::data
