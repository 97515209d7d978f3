#include "saccade/data/letters.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "saccade/base/error.h"
#include "tests/support/message_of.h"
#include "tests/support/scratch_folder.h"

namespace saccade::data {
namespace {

using test::message_of;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<Font> system_fonts() {
  const std::filesystem::path folder = "/usr/share/fonts";
  return std::filesystem::exists(folder) ? find_fonts(folder) : std::vector<Font>{};
}

TEST(Letters, AreDrawnInTwoColoursAndTheSameEachTime) {
  const std::vector<Font> fonts = system_fonts();
  if (fonts.empty()) GTEST_SKIP() << "no fonts: install Debian's fonts-dejavu-core";
  for (const Alphabet alphabet : {Alphabet::latin, Alphabet::cyrillic}) {
    const DatasetPtr two = letters(fonts, {.alphabet = alphabet, .per_class = 2, .seed = 5});
    const DatasetPtr three = letters(fonts, {.alphabet = alphabet, .per_class = 3, .seed = 5});
    const Index classes = alphabet == Alphabet::latin ? 26 : 33;
    ASSERT_EQ(two->size(), 2 * classes);
    EXPECT_EQ(two->image_shape(), (Shape{32, 32, 3}));
    EXPECT_EQ(two->class_names()[6], alphabet == Alphabet::latin ? "G" : "\u0401");
    for (Index i = 0; i < two->size(); ++i) {
      const Sample sample = two->get(i);
      EXPECT_EQ(sample.label, i % classes);
      EXPECT_TRUE(std::ranges::equal(sample.image.uint8s(), three->get(i).image.uint8s()));
      std::set<std::uint8_t> levels(sample.image.uint8s().begin(), sample.image.uint8s().end());
      EXPECT_GT(levels.size(), 6U) << "ink, paper and what lies between them";
    }
    const DatasetPtr other = letters(fonts, {.alphabet = alphabet, .per_class = 1, .seed = 6});
    EXPECT_FALSE(std::ranges::equal(two->get(0).image.uint8s(), other->get(0).image.uint8s()));
  }
}

TEST(Letters, FamiliesAreHeldOutWhole) {
  std::vector<Font> fonts;
  for (const char* family : {"A", "B", "C", "D", "E", "F"}) {
    for (const char* style : {"Regular", "Bold"}) fonts.push_back({"x.ttf", 0, family, style});
  }
  const FontSplit split = split_fonts(fonts);
  std::set<std::string> train, test;
  for (const Font& font : split.train) train.insert(font.family);
  for (const Font& font : split.test) test.insert(font.family);
  EXPECT_THAT(train, testing::ElementsAre("A", "C", "D", "E"));
  EXPECT_THAT(test, testing::ElementsAre("B", "F"));
  EXPECT_THAT(message_of<ValueError>([&] { split_fonts(std::span(fonts).first(2)); }),
              HasSubstr("expected at least two families, so that one can be held out, got 1"));
}

TEST(Letters, SayWhatIsWrong) {
  EXPECT_THAT(message_of<ValueError>([] { letters({}); }),
              HasSubstr("letters: fonts: expected at least one, got none"));
  EXPECT_THAT(message_of<SystemError>([] { find_fonts("/no/such/folder"); }), HasSubstr("a folder with fonts"));
  const test::ScratchFolder folder;
  std::ofstream(folder.path() / "broken.ttf") << "no font";
  EXPECT_THAT(find_fonts(folder.path()), IsEmpty());
  const std::vector<Font> broken{{folder.path() / "broken.ttf", 0, "Broken", ""}};
  EXPECT_THAT(message_of<ValueError>([&] { letters(broken, {.size = 8}); }),
              HasSubstr("expected 16 to 256 pixels, got 8"));
  EXPECT_THAT(message_of<FormatError>([&] { letters(broken); }),
              HasSubstr("broken.ttf: expected a font with all letters"));
}

}  // namespace
}  // namespace saccade::data
