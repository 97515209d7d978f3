#include "saccade/image/decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "saccade/base/file.h"
#include "saccade/image/encode.h"
#include "saccade/image/testing_internal.h"
#include "tests/support/test_data.h"

namespace saccade {
namespace {

using test::Bytes;
using test::decode_error;
using test::text_of;
using ::testing::HasSubstr;

std::string error_of(std::string_view text) { return decode_error(std::as_bytes(std::span(text))); }

std::filesystem::path scratch(std::string_view name) {
  return std::filesystem::path(::testing::TempDir()) / ("saccade_decode_" + std::string(name));
}

TEST(Decode, NamesTheFormatsItKnows) {
  EXPECT_EQ(error_of("plain text"),
            "file: byte 0: expected an image in one of PNG, JPEG, WebP, TIFF, BMP, GIF, PNM, got bytes 70 6c 61 69 6e "
            "20 74 65; convert "
            "it to one of these formats");
}

TEST(Decode, SaysWhatAFileSeemsToBe) {
  EXPECT_THAT(error_of(""), HasSubstr("got an empty file;"));
  EXPECT_THAT(error_of("a"), HasSubstr("got bytes 61;"));
  EXPECT_THAT(error_of("RIFF....WAVEfmt "), HasSubstr("got a RIFF file of another kind than WebP;"));
  EXPECT_THAT(error_of("<!DOCTYPE html>"), HasSubstr("got an HTML page;"));
}

TEST(Decode, GoesByContentNotByName) {
  const Tensor image = test::noise(4, 3, 3);
  const std::filesystem::path path = scratch("really_a_png.jpg");
  write_png(path, image);
  EXPECT_TRUE(test::same(read_image(path), image));
  write_file(path, "GIF89 is not a GIF");
  EXPECT_EQ(text_of<FormatError>([&] { read_image(path); }),
            path.string() +
                ": byte 0: expected an image in one of PNG, JPEG, WebP, TIFF, BMP, GIF, PNM, got bytes 47 49 46 38 39 "
                "20 69 73; "
                "convert it to one of these formats");
  std::filesystem::remove(path);
}

TEST(Decode, TellsTheFormat) {
  EXPECT_EQ(image_format(encode_png(test::noise(1, 1, 1))), "PNG");
  EXPECT_EQ(image_format({}), "");
}

TEST(Decode, ANegativeSizeIsAnError) {
  EXPECT_EQ(text_of<ValueError>([] { decode(encode_png(test::noise(1, 1, 1)), "file", {.min_height = -1}); }),
            "decode: expected min_height and min_width of 0 or more, got -1 and 0; use 0 for the full size");
}

TEST(ReadImage, NamesAMissingFile) {
  EXPECT_THAT(text_of<SystemError>([] { read_image("/no/such/photo.jpg"); }), HasSubstr("/no/such/photo.jpg: "));
}

TEST(ReadImage, LimitsTheFile) {
  const Bytes bytes = encode_png(test::noise(4, 4, 3));
  EXPECT_EQ(decode_error(bytes, {.max_file_bytes = 50}),
            "file: expected at most 50 bytes, got " + std::to_string(bytes.size()) +
                "; shrink the image, or raise max_file_bytes if the file is trusted");
}

TEST(ReadImage, ReadsRealPhotographs) {
  const std::filesystem::path photos = test::data_path("photos");
  if (!std::filesystem::exists(photos)) GTEST_SKIP() << "no photographs in " << photos << "; set SACCADE_TEST_DATA";
  EXPECT_EQ(read_image(photos / "grace_hopper.jpg").shape(), Shape({606, 517, 3}));
  EXPECT_EQ(read_image(photos / "coral_bird.bmp").shape(), Shape({343, 512, 3}));
  EXPECT_EQ(read_image(photos / "winml_kitten_224.png").shape(), Shape({224, 224, 4}));
  // The colours of a place, so that swapped channels and flipped rows show: sky blue beside her cap.
  const Tensor photo = read_image(photos / "grace_hopper.jpg");
  const std::uint8_t* pixel = photo.uint8s().data() + (40 * 517 + 440) * 3;
  EXPECT_GT(pixel[2], pixel[0] + 40) << int{pixel[0]} << " " << int{pixel[1]} << " " << int{pixel[2]};
}

}  // namespace
}  // namespace saccade
