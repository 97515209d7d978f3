// The cases that keras-preprocessing tests of its own generator (tests/image, 2021), and worked values of its code, where no
// other test here has them already. Written anew.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "saccade/augment/image_data_generator.h"
#include "saccade/base/error.h"

namespace saccade {
namespace {

using Options = ImageDataGeneratorOptions;
using Values = std::vector<float>;
using testing::Each;
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

Tensor noise(const Shape& shape, std::uint64_t seed = 1) {
  Tensor images(shape);
  Stream stream(seed, 0, 0, 0);
  for (float& value : images.floats()) value = std::floor(256.0F * stream.uniform());
  return images;
}

Values turned(double degrees, Compat compat, Values image, const Shape& hwc) {
  apply_transform({.theta = degrees}, hwc, image, {.fill_mode = FillMode::constant, .compat = compat});
  return image;
}

TEST(KerasAffine, ChannelsFirstPicturesKeepTheirShape) {
  for (const Options& options :
       {Options{.rotation_range = 45}, Options{.width_shift_range = 1.0, .height_shift_range = 1.0},
        Options{.shear_range = 20}, Options{.channel_shift_range = 20}, Options{.zoom_range = {5, 5}}}) {
    Options first = options;
    first.data_format = DataFormat::channels_first;
    Tensor image = noise({2, 28, 28});
    const Values before(image.floats().begin(), image.floats().end());
    Stream stream(1, 0, 0, 0);
    ImageDataGenerator(first).random_transform({2, 28, 28}, image.floats(), stream);
    EXPECT_THAT(image.floats(), testing::Not(ElementsAreArray(before)));
    EXPECT_THAT(image.floats(), Each(testing::AllOf(testing::Ge(0.0F), testing::Le(255.0F))));
  }
}

TEST(KerasAffine, FortyFiveDegreesOfThreeChannels) {
  for (const Compat compat : {Compat::documented, Compat::keras3}) {
    const Values image = turned(45, compat, Values(27, 1.0F), {3, 3, 3});
    for (std::size_t i = 0; i < 9; ++i) {
      const bool corner = i == 0 || i == 2 || i == 6 || i == 8;
      for (std::size_t c = 0; c < 3; ++c) EXPECT_FLOAT_EQ(image[3 * i + c], corner ? 0.0F : 1.0F);
    }
  }
}

TEST(KerasAffine, NinetyDegrees) {
  EXPECT_THAT(turned(90, Compat::keras3, {0, 1, 0, 0}, {2, 2, 1}), ElementsAre(1, 0, 0, 0));
  EXPECT_THAT(turned(90, Compat::documented, {0, 1, 0, 0}, {2, 2, 1}), Pointwise(FloatNear(1e-6F), Values{0, 0, 0, 1}));
  const Values image = counting(16, 1);
  EXPECT_THAT(turned(90, Compat::keras3, image, {4, 4, 1}),
              Pointwise(FloatNear(1e-5F), Values{4, 8, 12, 16, 3, 7, 11, 15, 2, 6, 10, 14, 1, 5, 9, 13}));
  EXPECT_THAT(turned(90, Compat::documented, image, {4, 4, 1}),
              Pointwise(FloatNear(1e-5F), Values{13, 9, 5, 1, 14, 10, 6, 2, 15, 11, 7, 3, 16, 12, 8, 4}));
  EXPECT_THAT(turned(90, Compat::kp112, image, {4, 4, 1}),
              Pointwise(FloatNear(1e-5F), Values{0, 0, 13, 9, 0, 0, 14, 10, 0, 0, 15, 11, 0, 0, 16, 12}));
}

TEST(KerasAffine, ATranslationMovesADot) {
  const auto dot_after = [](double tx, double ty, Compat compat, DataFormat format) {
    const bool last = format == DataFormat::channels_last;
    Values image(27);
    image[last ? 12 : 4] = 1.0F;  // the middle, of the first channel
    ImageDataGenerator({.fill_mode = FillMode::constant, .data_format = format, .compat = compat})
        .apply_transform({.tx = tx, .ty = ty}, {3, 3, 3}, image);
    const Index at = std::ranges::find(image, 1.0F) - image.begin();
    EXPECT_EQ(last ? at % 3 : at / 9, 0) << "it stays in its channel";
    return last ? at / 3 : at % 9;
  };
  for (const DataFormat format : {DataFormat::channels_last, DataFormat::channels_first}) {
    EXPECT_EQ(dot_after(1, 0, Compat::documented, format), 1) << "up";
    EXPECT_EQ(dot_after(-1, 0, Compat::documented, format), 7) << "down";
    EXPECT_EQ(dot_after(0, 1, Compat::documented, format), 3) << "left";
    EXPECT_EQ(dot_after(0, -1, Compat::documented, format), 5) << "right";
    EXPECT_EQ(dot_after(1, 0, Compat::keras3, format), 3) << "left: the axes are swapped";
    EXPECT_EQ(dot_after(-1, 0, Compat::keras3, format), 5);
    EXPECT_EQ(dot_after(0, 1, Compat::keras3, format), 1);
    EXPECT_EQ(dot_after(0, -1, Compat::keras3, format), 7);
  }
}

/// np.random.seed(0), Keras 2.9 and later: height_shift_range moves sideways.
TEST(KerasAffine, ShiftRangesOfKeras3AreSwapped) {
  const auto shifted = [](Options options) {
    options.fill_mode = FillMode::constant;
    options.compat = Compat::keras3;
    const ImageDataGenerator generator(options);
    Values image(25);
    image[12] = 1.0F;
    NumpyRandom random(0);
    const ImageTransform t = generator.get_random_transform({5, 5, 1}, random);
    generator.apply_transform(t, {5, 5, 1}, image);
    return std::tuple(t.tx, t.ty, std::ranges::find(image, 1.0F) - image.begin());
  };
  EXPECT_EQ(shifted({.height_shift_range = ShiftRange(std::vector{1.0})}), std::tuple(-1.0, 0.0, 2 * 5 + 3));
  EXPECT_EQ(shifted({.width_shift_range = ShiftRange(std::vector{1.0})}), std::tuple(0.0, -1.0, 3 * 5 + 2));
}

TEST(KerasAffine, AZoomOfOneIsNone) {
  NumpyRandom numpy(1);
  Stream stream(1, 0, 0, 0);
  const ImageDataGenerator generator({.zoom_range = {1, 1}});
  EXPECT_FALSE(generator.augments());
  EXPECT_EQ(generator.get_random_transform({5, 5, 1}, numpy), ImageTransform{});
  EXPECT_EQ(generator.get_random_transform({5, 5, 1}, stream), ImageTransform{});
}

std::string message_of(std::string_view json) {
  try {
    image_data_generator_options_from_json(json, "o");
  } catch (const FormatError& error) {
    return error.what();
  }
  return "no error";
}

TEST(KerasArguments, RangesHaveTwoNumbers) {
  for (const char* json : {R"({"zoom_range":[0.5]})", R"({"zoom_range":[1,2,3]})", R"({"brightness_range":[0.5]})",
                           R"({"brightness_range":0.1})", R"({"hue_range":[0.1]})"}) {
    EXPECT_THAT(message_of(json), HasSubstr("expected two numbers")) << json;
  }
  EXPECT_THAT(message_of(R"({"data_format":"channels_middle"})"), HasSubstr("channels_last or channels_first"));
}

TEST(KerasArguments, Defaults) {
  const Options o;
  EXPECT_EQ(o.zca_epsilon, 1e-6);
  EXPECT_EQ(o.fill_mode, FillMode::nearest);
  EXPECT_EQ(o.cval, 0.0F);
  EXPECT_EQ(o.rescale, std::nullopt);
  EXPECT_EQ(o.data_format, DataFormat::channels_last);
  EXPECT_EQ(o.validation_split, 0.0);
  EXPECT_EQ(o.interpolation_order, 1);
  EXPECT_EQ(o.brightness_range, std::nullopt);
  EXPECT_FALSE(ImageDataGenerator().augments());
  Values image = counting(8);
  ImageDataGenerator().standardize({2, 2, 2}, image);
  EXPECT_THAT(image, ElementsAreArray(counting(8)));
}

TEST(KerasArguments, ZoomAndShiftForms) {
  EXPECT_EQ(ZoomRange(.2), ZoomRange(.8, 1.2));
  for (const double split : {1.0, -.1, 5.0}) {
    EXPECT_THROW(ImageDataGenerator({.validation_split = split}), ValueError) << split;
  }
  EXPECT_TRUE(ImageDataGenerator({.featurewise_std_normalization = true}).options().featurewise_center);
}

/// NumPy's uniform(low, high) takes the ends in either order, and so does Keras.
TEST(KerasArguments, RangesMayBeReversed) {
  const double first = .3745401188473625, second = .9507143064099162, third = .7319939418114051;
  const auto drawn = [](const Options& options) {
    NumpyRandom random(42);
    return ImageDataGenerator(options).get_random_transform({10, 10, 3}, random);
  };
  EXPECT_EQ(drawn({.rotation_range = -40}).theta, 40 + -80 * first);
  EXPECT_EQ(drawn({.shear_range = -9}).shear, 9 + -18 * first);
  const ImageTransform zoomed = drawn({.zoom_range = {1.5, .5}});
  EXPECT_EQ(zoomed.zx, 1.5 + (.5 - 1.5) * first);
  EXPECT_EQ(zoomed.zy, 1.5 + (.5 - 1.5) * second);
  EXPECT_EQ(drawn({.brightness_range = Range{2, 1}}).brightness, 2 + (1.0 - 2) * third);
  EXPECT_THAT(drawn({.channel_shift_range = -5}).channel_shift, ElementsAre(5 + -10 * third));
  EXPECT_NEAR(drawn({.width_shift_range = -.2}).ty, (.2 - .4 * first) * 10, 1e-15);
  for (std::uint64_t i = 0; i < 100; ++i) {
    Stream stream(1, 0, i, 0), mirrored(1, 0, i, 0);
    const ImageTransform a = ImageDataGenerator({.zoom_range = {1.5, .5}}).get_random_transform({9, 9, 1}, stream);
    ImageDataGenerator({.zoom_range = {.5, 1.5}}).get_random_transform({9, 9, 1}, mirrored);
    ASSERT_TRUE(a.zx >= .5 && a.zx <= 1.5);
  }
}

TEST(KerasBrightness, IsDrawnFromItsRange) {
  NumpyRandom random(9);
  Stream stream(9, 0, 0, 0);
  const ImageDataGenerator generator({.brightness_range = Range{3, 3}});
  EXPECT_EQ(generator.get_random_transform({5, 5, 3}, random).brightness, 3.0);
  EXPECT_EQ(generator.get_random_transform({5, 5, 3}, stream).brightness, 3.0);
}

TEST(KerasBrightness, OfAConstantPicture) {
  for (const float level : {128.0F, 1024.0F, -1024.0F}) {
    Values kept(12, level), stretched = kept;
    apply_brightness_shift({2, 2, 3}, kept, 1.0);
    EXPECT_THAT(kept, Each(level));
    apply_brightness_shift({2, 2, 3}, stretched, 1.0, Compat::kp112);
    EXPECT_THAT(stretched, Each(0.0F)) << "nothing to stretch";
  }
}

TEST(KerasDraws, OneFlipTakesTheNumbersOfBoth) {
  NumpyRandom random(42);
  const ImageTransform t = ImageDataGenerator({.brightness_range = Range{0, 1}, .horizontal_flip = true})
                               .get_random_transform({5, 5, 1}, random);
  EXPECT_TRUE(t.flip_horizontal) << "the first number, .37";
  EXPECT_FALSE(t.flip_vertical);
  EXPECT_EQ(t.brightness, .7319939418114051) << "the third";
}

TEST(KerasDraws, TwoSeedsDifferInEverything) {
  const ImageDataGenerator all({.rotation_range = 90,
                                .width_shift_range = .5,
                                .height_shift_range = .5,
                                .brightness_range = Range{1, 5},
                                .shear_range = 20,
                                .zoom_range = .2,
                                .channel_shift_range = .1,
                                .horizontal_flip = true,
                                .vertical_flip = true});
  const auto differ = [](const ImageTransform& a, const ImageTransform& b) {
    EXPECT_NE(a.theta, b.theta);
    EXPECT_NE(a.tx, b.tx);
    EXPECT_NE(a.ty, b.ty);
    EXPECT_NE(a.shear, b.shear);
    EXPECT_NE(a.zx, b.zx);
    EXPECT_NE(a.zy, b.zy);
    EXPECT_NE(a.channel_shift, b.channel_shift);
    EXPECT_NE(a.brightness, b.brightness);
  };
  NumpyRandom one(1), two(2);
  differ(all.get_random_transform({3, 3, 3}, one), all.get_random_transform({3, 3, 3}, two));
  Stream first(1, 0, 0, 0), second(2, 0, 0, 0);
  differ(all.get_random_transform({3, 3, 3}, first), all.get_random_transform({3, 3, 3}, second));
}

TEST(KerasGenerator, EverythingAtOnce) {
  for (const Index channels : {1, 3, 4}) {
    for (const DataFormat format : {DataFormat::channels_last, DataFormat::channels_first}) {
      const bool last = format == DataFormat::channels_last;
      const Shape shape = last ? Shape{10, 10, channels} : Shape{channels, 10, 10};
      ImageDataGenerator all({.featurewise_center = true,
                              .samplewise_center = true,
                              .featurewise_std_normalization = true,
                              .samplewise_std_normalization = true,
                              .zca_whitening = true,
                              .rotation_range = 90,
                              .width_shift_range = .1,
                              .height_shift_range = .1,
                              .brightness_range = Range{1, 5},
                              .shear_range = .5,
                              .zoom_range = .2,
                              .channel_shift_range = 1,
                              .fill_mode = FillMode::nearest,
                              .cval = .5F,
                              .horizontal_flip = true,
                              .vertical_flip = true,
                              .data_format = format});
      Tensor images = noise(shape.with_batch(8));
      all.fit(images, {.augment = true});
      all.standardize(images.shape(), images.floats());  // a batch is taken, too
      EXPECT_THAT(images.floats(), Each(testing::Truly([](float x) { return std::isfinite(x); })));
      EXPECT_EQ(all.statistics().mean.size(), usize(channels));
      const Tensor picture = noise(shape);
      Values one(picture.floats().begin(), picture.floats().end());
      Stream stream(1, 0, 0, 0);
      all.random_transform(shape, one, stream);
      all.standardize(shape, one);
      EXPECT_THAT(one, Each(testing::Truly([](float x) { return std::isfinite(x); })));
    }
  }
}

TEST(KerasGenerator, FitSeesChannelsFirstAsLast) {
  const Tensor last = noise({40, 3, 2, 3});
  Tensor first({40, 3, 3, 2});
  for (Index n = 0; n < 40; ++n) {
    for (Index i = 0; i < 6; ++i) {
      for (Index c = 0; c < 3; ++c)
        first.floats()[usize(n * 18 + c * 6 + i)] = last.floats()[usize(n * 18 + i * 3 + c)];
    }
  }
  for (const bool zca : {false, true}) {
    Options options{.featurewise_std_normalization = !zca, .zca_whitening = zca};
    ImageDataGenerator a(options);
    options.data_format = DataFormat::channels_first;
    ImageDataGenerator b(options);
    a.fit(last);  // more pictures than values, too
    b.fit(first);
    EXPECT_EQ(a.statistics().mean, b.statistics().mean);
    EXPECT_EQ(a.statistics().deviation, b.statistics().deviation);
    Values x(last.floats().begin(), last.floats().begin() + 18), y(first.floats().begin(), first.floats().begin() + 18);
    a.standardize({3, 2, 3}, x);
    b.standardize({3, 3, 2}, y);
    for (std::size_t i = 0; i < 18; ++i) EXPECT_EQ(x[i], y[i % 3 * 6 + i / 3]);
  }
}

TEST(KerasGenerator, FitLooksAtPlainPictures) {
  Tensor images({2, 1, 1, 2});
  std::ranges::copy(Values{1, 3, 5, 9}, images.floats().begin());
  ImageDataGenerator generator({.featurewise_center = true,
                                .samplewise_center = true,
                                .preprocessing_function = [](const Shape&, std::span<float>) { FAIL(); }});
  generator.fit(images);
  EXPECT_THAT(generator.statistics().mean, ElementsAre(3, 6)) << "neither preprocessed nor centred one by one";
  const auto rescaled = [&](Compat compat) {
    ImageDataGenerator scaling({.featurewise_center = true, .rescale = .5, .compat = compat});
    scaling.fit(images);
    return scaling.statistics().mean;
  };
  EXPECT_THAT(rescaled(Compat::kp112), ElementsAre(1.5F, 3));
  EXPECT_THAT(rescaled(Compat::keras200), ElementsAre(3, 6)) << "which forgot to";
}

TEST(KerasGenerator, BatchesAreCentredScaledAndWhite) {
  const auto standardized = [](const Options& options) {
    Tensor images = noise({8, 10, 10, 3});
    ImageDataGenerator generator(options);
    generator.fit(images);
    generator.standardize(images.shape(), images.floats());
    return images;
  };
  const auto moments = [](const Tensor& images) {
    double sum = 0, squares = 0;
    for (const float x : images.floats()) sum += static_cast<double>(x);
    const double n = static_cast<double>(images.elements()), mean = sum / n;
    for (const float x : images.floats()) squares += (static_cast<double>(x) - mean) * (static_cast<double>(x) - mean);
    return std::pair(mean, std::sqrt(squares / n));
  };
  EXPECT_NEAR(moments(standardized({.featurewise_center = true, .rescale = 1 / 255.0})).first, 0, 1e-6);
  const auto [mean, deviation] = moments(standardized({.featurewise_std_normalization = true, .rescale = 1 / 255.0}));
  EXPECT_NEAR(mean, 0, 1e-6);
  EXPECT_NEAR(deviation, 1, 1e-5);
  const Tensor white = standardized({.zca_whitening = true, .rescale = 1 / 255.0});
  for (std::size_t a = 0; a < 8; ++a) {
    for (std::size_t b = 0; b < 8; ++b) {
      double product = 0;
      for (std::size_t i = 0; i < 300; ++i) {
        product += static_cast<double>(white.floats()[a * 300 + i]) * static_cast<double>(white.floats()[b * 300 + i]);
      }
      EXPECT_LE(std::abs(product / 8), a == b ? 1 + 1e-5 : 1e-5) << a << ' ' << b;
    }
  }
}

/// Three values, two pictures: the older formula magnifies the direction without data 1/sqrt(epsilon) times.
TEST(KerasGenerator, ZcaOfTheOlderFormulaKeepsDirectionsWithoutData) {
  ImageDataGenerator generator({.zca_whitening = true, .compat = Compat::kp112});
  generator.fit(Tensor({2, 1, 3, 1}, Values{1, 2, 3, 4, 6, 5}));
  Values unit{1, 0, 0};
  generator.statistics().whitening->apply(unit);
  EXPECT_NEAR(unit[0], 23.65, .2);
}

TEST(KerasTransform, FlipsAndTurns) {
  const Shape hwc{4, 3, 2};
  const Values x = counting(24);
  const ImageDataGenerator generator;
  Values vertical = x, horizontal = x;
  generator.apply_transform({.flip_vertical = true}, hwc, vertical);
  generator.apply_transform({.flip_horizontal = true}, hwc, horizontal);
  for (std::size_t r = 0; r < 4; ++r) {
    for (std::size_t c = 0; c < 3; ++c) {
      for (std::size_t k = 0; k < 2; ++k) {
        EXPECT_EQ(vertical[(r * 3 + c) * 2 + k], x[((3 - r) * 3 + c) * 2 + k]);
        EXPECT_EQ(horizontal[(r * 3 + c) * 2 + k], x[(r * 3 + 2 - c) * 2 + k]);
      }
    }
  }
}

TEST(KerasTransform, NearestPixelsBringNoNewLabels) {
  const ImageDataGenerator masks({.rotation_range = 40,
                                  .width_shift_range = .2,
                                  .shear_range = 20,
                                  .zoom_range = .3,
                                  .horizontal_flip = true,
                                  .interpolation_order = 0});
  bool moved = false;
  for (std::uint64_t i = 0; i < 20; ++i) {
    Values mask(400);
    for (std::size_t j = 0; j < mask.size(); ++j) mask[j] = static_cast<float>(j * 7 / 50 % 3 * 5);
    const Values before = mask;
    Stream stream(1, 0, i, 0);
    masks.random_transform({20, 20, 1}, mask, stream);
    moved = moved || mask != before;
    ASSERT_THAT(mask, Each(testing::AnyOf(0.0F, 5.0F, 10.0F)));
  }
  EXPECT_TRUE(moved);
}

/// Affine map, channel shift, flips, brightness: each sees what the one before made.
TEST(KerasTransform, StepsHaveTheirOrder) {
  const ImageTransform all{.ty = 1, .flip_horizontal = true, .channel_shift = {50}, .brightness = 2.0};
  Values image{10, 20, 30, 100};
  apply_transform(all, {1, 4, 1}, image, {.fill_mode = FillMode::constant, .cval = 90});
  // moved left: 20 30 100 90; shifted within 20 .. 100: 70 80 100 100; mirrored: 100 100 80 70; doubled: 200 200 160 140
  EXPECT_THAT(image, ElementsAre(200, 200, 160, 140));
}

/// What Pillow's ImageEnhance.Brightness makes of all levels, by its arithmetic: a product in single precision, cut.
TEST(KerasTransform, BrightnessOfEveryLevel) {
  for (const double factor : {.333, .5, 1.5, 2.7}) {
    Values levels = counting(256);
    apply_brightness_shift({16, 16, 1}, levels, factor);
    for (int v = 0; v < 256; ++v) {
      const float product = static_cast<float>(factor) * static_cast<float>(v);
      EXPECT_EQ(levels[usize(v)], product >= 255 ? 255.0F : std::floor(product)) << v << " by " << factor;
    }
  }
}

}  // namespace
}  // namespace saccade
