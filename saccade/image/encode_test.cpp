#include "saccade/image/encode.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "saccade/base/file.h"
#include "saccade/image/testing_internal.h"

namespace saccade {
namespace {

using test::text_of;

std::filesystem::path scratch(std::string_view name) {
  return std::filesystem::path(::testing::TempDir()) / ("saccade_encode_" + std::string(name));
}

TEST(WriteImage, ChoosesByEnding) {
  const Tensor image = test::gradient(6, 5, 3);
  const auto format_of = [&](std::string_view name) {
    const std::filesystem::path path = scratch(name);
    write_image(path, image);
    const std::string format(image_format(read_file(path)));
    EXPECT_EQ(read_image(path).shape(), image.shape()) << name;
    std::filesystem::remove(path);
    return format;
  };
  EXPECT_EQ(format_of("a.png"), "PNG");
  EXPECT_EQ(format_of("a.JPG"), "JPEG");
  EXPECT_EQ(format_of("a.jpeg"), "JPEG");
  EXPECT_EQ(format_of("a.webp"), "WebP");
  EXPECT_EQ(format_of("a.ppm"), "PNM");
  EXPECT_EQ(format_of("a.pnm"), "PNM");
}

TEST(WriteImage, PgmIsGreyAndPpmHasColour) {
  const auto first_bytes = [](std::string_view name, Index channels) {
    const std::filesystem::path path = scratch(name);
    write_image(path, test::gradient(2, 3, channels));
    const std::vector<std::byte> bytes = read_file(path);
    EXPECT_EQ(bytes.size(), 11 + usize(6 * (name == "g.ppm" ? 3 : channels)));
    std::filesystem::remove(path);
    return std::string{static_cast<char>(bytes[0]), static_cast<char>(bytes[1])};
  };
  EXPECT_EQ(first_bytes("g.pgm", 1), "P5");
  EXPECT_EQ(first_bytes("g.ppm", 1), "P6") << "grey becomes colour";
  EXPECT_EQ(first_bytes("c.ppm", 3), "P6");
  EXPECT_EQ(first_bytes("g.pnm", 1), "P5");
  EXPECT_EQ(first_bytes("c.pnm", 3), "P6");
  for (const Index channels : {3, 4}) {
    EXPECT_EQ(
        text_of<ValueError>([&] { write_image("c.pgm", test::noise(1, 1, channels)); }),
        "write_image: expected a grey picture for a .pgm, got one with colour; turn it grey first, or end the name "
        "in .ppm or .png");
  }
}

TEST(WriteImage, RefusesOtherEndings) {
  const std::string known = "expected a name that ends in .png, .jpg, .jpeg, .webp, .ppm, .pgm or .pnm, got ";
  EXPECT_EQ(text_of<ValueError>([] { write_image("sheet.gif", test::noise(1, 1, 1)); }),
            "sheet.gif: " + known + "'.gif'; choose one of these endings");
  EXPECT_EQ(text_of<ValueError>([] { write_image("sheet", test::noise(1, 1, 1)); }),
            "sheet: " + known + "no ending; choose one of these endings");
  EXPECT_EQ(text_of<ValueError>([] { require_image_ending("sheet.tga"); }),
            "sheet.tga: " + known + "'.tga'; choose one of these endings");
  require_image_ending("sheet.JPEG");
}

TEST(WritePng, IsReadBackUnchanged) {
  const Tensor image = test::noise(9, 4, 4);
  const std::filesystem::path path = scratch("b.png");
  write_png(path, image);
  EXPECT_TRUE(test::same(read_image(path), image));
  std::filesystem::remove(path);
}

TEST(WritePng, NamesAFolderThatIsNotThere) {
  EXPECT_TRUE(
      text_of<SystemError>([] { write_png("/no/such/folder/a.png", test::noise(1, 1, 1)); }).starts_with("/no/such/"));
}

}  // namespace
}  // namespace saccade
