#include "saccade/augment/image_transform.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "saccade/base/error.h"

namespace saccade {
namespace {

using Values = std::vector<float>;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;

Values counting(Index count, float first = 0.0F) {
  Values values(usize(count));
  std::iota(values.begin(), values.end(), first);
  return values;
}

Values moved(const ImageTransform& transform, Compat compat, int order = 1) {
  Values image = counting(16);
  apply_transform(transform, {4, 4, 1}, image, {.interpolation_order = order, .compat = compat});
  return image;
}

auto near(const Values& expected) { return Pointwise(FloatNear(1.01e-6F), expected); }

/// Worked values of a 4 x 4 picture 0 .. 15 under keras-preprocessing at the tags named by Compat, with SciPy 1.10.1; printed
/// there with six decimals.
struct Golden {
  std::string name;
  ImageTransform transform;
  Compat compat;
  Values rows;  // the first ones, or all four
  Values last_row = {};
};

void PrintTo(const Golden& golden, std::ostream* out) { *out << golden.name; }

class ImageTransformGolden : public testing::TestWithParam<Golden> {};

TEST_P(ImageTransformGolden, IsReproduced) {
  const auto& [name, transform, compat, rows, last_row] = GetParam();
  const Values image = moved(transform, compat);
  const Values first(image.begin(), image.begin() + isize(rows.size()));
  EXPECT_THAT(first, Pointwise(FloatNear(2e-6F), rows));
  if (!last_row.empty()) {
    EXPECT_THAT(Values(image.end() - 4, image.end()), Pointwise(FloatNear(2e-6F), last_row));
  }
}

const ImageTransform kTurned{.theta = 17};
const ImageTransform kSheared{.shear = 25};
const ImageTransform kZoomed{.zx = .8, .zy = 1.3};
const ImageTransform kAll{.theta = 17, .tx = .7, .ty = -.4, .shear = 25, .zx = .8, .zy = 1.3};

INSTANTIATE_TEST_SUITE_P(
    Peer, ImageTransformGolden,
    testing::Values(
        Golden{"turned_kp112",
               kTurned,
               Compat::kp112,
               {3.360669F, 2.525796F, 2.312614F, 2.247223F, 7.185888F, 6.643387F, 6.430205F, 6.217023F, 11.011107F,
                10.760978F, 10.547795F, 10.334614F, 12.255424F, 13.211729F, 14.168034F, 14.327867F}},
        Golden{"turned_keras3",
               kTurned,
               Compat::keras3,
               {.504100F, 1.460405F, 3.263625F, 5.016402F, 2.544889F, 4.670680F, 6.796472F, 8.841620F, 6.158379F,
                8.203528F, 10.329319F, 12.455111F, 9.983599F, 11.736375F, 13.539595F, 14.495899F}},
        Golden{"turned_documented",
               kTurned,
               Compat::documented,
               {2.016402F, 1.430205F, 1.539595F, 2.495900F, 5.841621F, 5.547796F, 5.334614F, 5.121432F, 9.878569F,
                9.665386F, 9.452205F, 9.158380F, 12.504101F, 13.460405F, 13.569795F, 12.983599F}},
        Golden{"sheared_keras3",
               kSheared,
               Compat::keras3,
               {1.196081F, 2.196081F, 3.196081F, 3.562153F},
               {11.437847F, 11.803920F, 12.803920F, 13.803920F}},
        Golden{"sheared_documented",
               kSheared,
               Compat::documented,
               {2.676248F, 1.892083F, 1.953154F, 2.859462F},
               {12.140538F, 13.046847F, 13.107918F, 12.323752F}},
        Golden{"sheared_kp112", kSheared, Compat::kp112, {4.460413F, 3.676248F, 2.892083F, 2.953154F}},
        Golden{"zoomed_keras3",
               kZoomed,
               Compat::keras3,
               {.3F, 1.1F, 1.9F, 2.7F, 3.7F, 4.5F, 5.3F, 6.1F, 8.9F, 9.7F, 10.5F, 11.3F, 12.3F, 13.1F, 13.9F, 14.7F}},
        Golden{"zoomed_documented",
               kZoomed,
               Compat::documented,
               {1.2F, 2.05F, 3.35F, 4.2F, 4.4F, 5.25F, 6.55F, 7.4F, 7.6F, 8.45F, 9.75F, 10.6F, 10.8F, 11.65F, 12.95F,
                13.8F}},
        Golden{"zoomed_kp112", kZoomed, Compat::kp112, {2, 2.55F, 3.85F, 5}},
        Golden{"all_keras3",
               kAll,
               Compat::keras3,
               {2.443601F, 3, 3, 3.895408F, 3.526724F, 5.227357F, 6.824172F, 7.759761F, 6.521207F, 8.221840F, 9.922473F,
                11.623106F, 9.681699F, 11.216324F, 12.916957F, 14.129123F}},
        Golden{"all_documented",
               kAll,
               Compat::documented,
               {9.774404F, 6.783173F, 4.269782F, 2.420425F, 12, 10.077246F, 7.563854F, 5.050464F, 12, 12.956043F,
                10.857927F, 8.344536F, 12.223852F, 13.189940F, 14.151999F, 11.516492F}},
        Golden{"all_kp112",
               kAll,
               Compat::kp112,
               {12, 11.002491F, 8.489100F, 5.975710F, 12, 12.522160F, 11.783173F, 9.269782F, 12, 12.756057F, 13.722145F,
                12.563854F, 12.023867F, 12.989955F, 13.956043F, 14.922132F}}),
    [](const auto& test) { return test.param.name; });

TEST(ImageTransform, NearestPixelsOfATurn) {
  EXPECT_THAT(moved(kTurned, Compat::keras3, 0), ElementsAre(1, 1, 2, 7, 4, 5, 6, 7, 8, 9, 10, 11, 8, 13, 14, 14));
  EXPECT_THAT(moved(kTurned, Compat::documented, 0), ElementsAre(4, 1, 2, 2, 4, 5, 6, 7, 8, 9, 10, 11, 13, 13, 14, 11));
  EXPECT_THAT(moved(kTurned, Compat::kp112, 0), ElementsAre(4, 4, 1, 2, 8, 9, 6, 7, 12, 9, 10, 11, 12, 13, 14, 15));
}

TEST(ImageTransform, APictureThatIsNotSquare) {
  const auto zoomed = [](Compat compat) {
    Values image = counting(12, 1);
    apply_transform({.zx = 2, .zy = 2}, {3, 4, 1}, image, {.fill_mode = FillMode::constant, .compat = compat});
    return image;
  };
  EXPECT_THAT(zoomed(Compat::documented), ElementsAre(0, 0, 0, 0, 0, 5.5F, 7.5F, 0, 0, 0, 0, 0));
  EXPECT_THAT(zoomed(Compat::keras3), ElementsAre(0, 0, 0, 0, 0, 4, 6, 0, 0, 0, 0, 0));
  EXPECT_THAT(zoomed(Compat::kp112), ElementsAre(0, 0, 0, 0, 0, 0, 2.5F, 0, 0, 0, 10.5F, 0));
}

TEST(ImageTransform, FortyFiveDegreesLeaveACross) {
  Values ones(9, 1.0F);
  apply_transform({.theta = 45}, {3, 3, 1}, ones, {.fill_mode = FillMode::constant});
  EXPECT_THAT(ones, ElementsAre(0, 1, 0, 1, 1, 1, 0, 1, 0));
}

TEST(ImageTransform, ShiftsMoveTheContentWhereTheyShould) {
  const auto dot_after = [](double tx, double ty, Compat compat) {
    Values image(25);
    image[12] = 1.0F;
    apply_transform({.tx = tx, .ty = ty}, {5, 5, 1}, image, {.fill_mode = FillMode::constant, .compat = compat});
    return std::ranges::find(image, 1.0F) - image.begin();
  };
  EXPECT_EQ(dot_after(1, 0, Compat::documented), 7) << "tx = 1: up";
  EXPECT_EQ(dot_after(0, 1, Compat::documented), 11) << "ty = 1: left";
  EXPECT_EQ(dot_after(-1, 0, Compat::keras3), 13) << "tx = -1: right, which is the bug";
  EXPECT_EQ(dot_after(0, -1, Compat::keras3), 17) << "ty = -1: down";
}

TEST(ImageTransform, NothingToDoTouchesNoPixel) {
  EXPECT_FALSE(affine_map({}, {4, 4, 1}, Compat::documented));
  EXPECT_THAT(moved({}, Compat::documented), ElementsAreArray(counting(16)));
  EXPECT_THAT(moved({.flip_horizontal = true}, Compat::documented),
              ElementsAre(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12));
  EXPECT_THAT(moved({.flip_vertical = true}, Compat::documented),
              ElementsAre(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
}

TEST(ImageTransform, FlipsComeAfterTheMap) {
  Values flipped = moved({.theta = 17, .flip_horizontal = true}, Compat::documented);
  flip({4, 4, 1}, flipped, true, false);
  EXPECT_THAT(flipped, ElementsAreArray(moved(kTurned, Compat::documented)));
}

TEST(ChannelShift, StaysWithinThePicture) {
  const auto shifted = [](double by) {
    Values image{10, 200, 50, 100};
    apply_channel_shift({2, 2, 1}, image, std::vector{by});
    return image;
  };
  EXPECT_THAT(shifted(30), ElementsAre(40, 200, 80, 130));
  EXPECT_THAT(shifted(-30), ElementsAre(10, 170, 20, 70));
  Values two{0, 0, 100, 100};
  apply_channel_shift({2, 1, 2}, two, std::vector{10.0, -20.0});
  EXPECT_THAT(two, ElementsAre(10, 0, 100, 80));
  EXPECT_THROW(apply_channel_shift({2, 1, 2}, two, std::vector{1.0, 2.0, 3.0}), ValueError);
}

TEST(Brightness, IsPillows) {
  const auto lit = [](Values image, double factor, Compat compat = Compat::documented) {
    const Shape hwc{1, isize(image.size()), 1};
    apply_brightness_shift(hwc, image, factor, compat);
    return image;
  };
  const Values image{10, 100, 201.7F};
  EXPECT_THAT(lit(image, .5), ElementsAre(5, 50, 100));
  EXPECT_THAT(lit(image, 1), ElementsAre(10, 100, 201));
  EXPECT_THAT(lit(image, 1.5), ElementsAre(15, 150, 255));
  EXPECT_THAT(lit(image, .333), ElementsAre(3, 33, 66));
  EXPECT_THAT(lit({-10, 0, 10}, .5), near({-10, -5.0588236F, -.039216F}));
  EXPECT_THAT(lit({0, 100, 300}, .5), Pointwise(FloatNear(1e-5F), Values{0, 49.411766F, 149.41176F}));
  EXPECT_THAT(lit({0, 100, 300}, 1.5), Pointwise(FloatNear(1e-5F), Values{0, 149.41176F, 300}));
  EXPECT_THAT(lit({.2F, .9F, 1}, 1), ElementsAre(0, 0, 1)) << "brightness belongs before rescale";
  EXPECT_THAT(lit(image, 1, Compat::kp112), ElementsAre(0, 119, 255));
  EXPECT_THAT(lit({128, 128}, 1), ElementsAre(128, 128));
  EXPECT_THAT(lit({128, 128}, 1, Compat::kp112), ElementsAre(0, 0));
  EXPECT_THROW(lit(image, 1, Compat::keras200), ValueError);
}

TEST(Brightness, LeavesAlphaAlone) {
  Values image{10, 20, 30, 200};
  apply_brightness_shift({1, 1, 4}, image, 2);
  EXPECT_THAT(image, ElementsAre(20, 40, 60, 200));
}

TEST(ImageTransform, ContrastSaturationAndErasing) {
  Values image{0, 100, 200};
  apply_transform({.contrast = 2}, {1, 3, 1}, image);
  EXPECT_THAT(image, ElementsAre(0, 100, 255));
  Values color{100, 50, 0};
  apply_transform({.saturation = 0}, {1, 1, 3}, color);
  EXPECT_THAT(color, Pointwise(FloatNear(1e-4F), Values{59.25F, 59.25F, 59.25F}));
  Values erased(12, 1.0F);
  apply_transform({.erased = ErasedBox{.top = 1, .left = 2, .height = 5, .width = 1, .value = 7}}, {3, 4, 1}, erased);
  EXPECT_THAT(erased, ElementsAre(1, 1, 1, 1, 1, 1, 7, 1, 1, 1, 7, 1));
}

/// Worked values: Python's colorsys, in double.
TEST(ImageTransform, HueTurnsTheColourCircle) {
  const auto turned = [](double turns, Values image, Index channels = 3) {
    apply_transform({.hue = turns}, {1, isize(image.size()) / channels, channels}, image);
    return image;
  };
  const auto near = [](const Values& expected) { return Pointwise(FloatNear(2e-4F), expected); };
  const Values colors{200, 40, 90, 10, 250, 130, 30, 60, 220, 255, 255, 0, 77, 77, 77, 0, 0, 0, 13, 12, 11};
  EXPECT_THAT(turned(.1, colors),
              near({200, 86, 40, 10, 226, 250, 114, 30, 220, 102, 255, 0, 77, 77, 77, 0, 0, 0, 12.8F, 13, 11}));
  EXPECT_THAT(turned(-.25, colors),
              near({70, 40, 200, 250, 250, 10, 30, 220, 95, 255, 0, 127.5F, 77, 77, 77, 0, 0, 0, 13, 11, 13}));
  const Values complements{40, 200, 150, 250, 10, 130, 220, 190, 30, 0, 0, 255, 77, 77, 77, 0, 0, 0, 11, 12, 13};
  EXPECT_THAT(turned(.5, colors), near(complements));
  EXPECT_THAT(turned(-.5, colors), near(complements));
  EXPECT_THAT(turned(.5, {200, 40, 90, 7}, 4), near({40, 200, 150, 7})) << "alpha stays";
  EXPECT_THAT(turned(.5, {1, 2, 3}, 1), ElementsAre(1, 2, 3)) << "grey has no hue";
  Values both{200, 40, 90};
  apply_transform({.saturation = 0, .hue = .25}, {1, 1, 3}, both);
  EXPECT_EQ(both[0], both[2]) << "saturation comes first";
}

TEST(ImageTransform, TravelsAsJson) {
  EXPECT_EQ(to_json(ImageTransform{}), "{}");
  const ImageTransform all{.theta = -10.036790000000001,
                           .tx = 0.1,
                           .ty = -3,
                           .shear = 1.0 / 3.0,
                           .zx = .9,
                           .zy = 1.1,
                           .flip_horizontal = true,
                           .flip_vertical = true,
                           .channel_shift = {3.5},
                           .brightness = 1.25,
                           .contrast = 0.5,
                           .saturation = 0.0,
                           .hue = -0.1,
                           .operations = {{ImageOperation::Kind::solarize, 100}, {ImageOperation::Kind::rotate, -3.5}},
                           .erased = ErasedBox{.top = 1, .left = 2, .height = 3, .width = 4, .value = 5}};
  EXPECT_EQ(image_transform_from_json(to_json(all), "a text"), all);
  EXPECT_EQ(to_json(ImageTransform{.theta = 10, .flip_horizontal = true}), R"({"theta":10.0,"flip_horizontal":true})");
  const auto message = [](std::string_view text) -> std::string {
    try {
      image_transform_from_json(text, "t.json");
    } catch (const FormatError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(message("{\"theta\": \"ten\"}"), HasSubstr("t.json: expected a transform as JSON"));
  EXPECT_THAT(message("{\"angle\": 3}"), HasSubstr("unknown member 'angle'"));
  EXPECT_THAT(message("{\"operations\": [[\"blur\", 1]]}"), HasSubstr("auto_contrast, equalize, got 'blur'"));
  EXPECT_THAT(message("[]"), HasSubstr("expected an object"));
  EXPECT_THAT(message("{"), HasSubstr("parse error"));
}

TEST(Compat, HasNames) {
  for (const Compat compat : kCompats) EXPECT_EQ(compat_named(name_of(compat)), compat);
  EXPECT_THROW(compat_named("keras4"), ValueError);
}

}  // namespace
}  // namespace saccade
