#include "saccade/augment/image_data_generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "saccade/base/error.h"

namespace saccade {
namespace {

using Options = ImageDataGeneratorOptions;
using Values = std::vector<float>;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pointwise;

template <class Call>
std::string message_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

ImageTransform keras_draws(const Options& options, std::uint64_t seed = 42, const Shape& shape = {32, 48, 3}) {
  NumpyRandom random(seed);
  return ImageDataGenerator(options).get_random_transform(shape, random);
}

// Worked values: keras-preprocessing at the tags of Compat, NumPy 1.24.
TEST(RandomTransform, DrawsWhatKerasDraws) {
  EXPECT_NEAR(keras_draws({.rotation_range = 40}).theta, -10.03679, 5e-6);
  const ImageTransform all = keras_draws({.rotation_range = 40,
                                          .width_shift_range = .2,
                                          .height_shift_range = .1,
                                          .brightness_range = Range{.5, 1.5},
                                          .shear_range = 20,
                                          .zoom_range = .3,
                                          .channel_shift_range = 50,
                                          .horizontal_flip = true,
                                          .vertical_flip = true});
  EXPECT_NEAR(all.theta, -10.03679, 5e-6);
  EXPECT_NEAR(all.tx, 2.884572, 5e-7);
  EXPECT_NEAR(all.ty, 4.454284, 5e-7);
  EXPECT_NEAR(all.shear, 3.946339, 5e-7);
  EXPECT_NEAR(all.zx, .793611, 5e-7);
  EXPECT_NEAR(all.zy, .793597, 5e-7);
  EXPECT_TRUE(all.flip_horizontal);
  EXPECT_FALSE(all.flip_vertical);
  EXPECT_THAT(all.channel_shift, ElementsAre(DoubleNear(10.111501, 5e-7)));
  EXPECT_NEAR(all.brightness.value(), 1.208073, 5e-7);
  EXPECT_NEAR(keras_draws({.width_shift_range = .2}).ty, -2.40883, 5e-6);
  EXPECT_EQ(keras_draws({.width_shift_range = 5}).ty, -3);
  EXPECT_EQ(keras_draws({.width_shift_range = 1}).ty, 0);
  EXPECT_NEAR(keras_draws({.width_shift_range = 1.0}).ty, -.25092, 5e-6);
  EXPECT_EQ(keras_draws({.width_shift_range = {1, 4, 9}}).ty, 9);
  EXPECT_NEAR(keras_draws({.width_shift_range = {.1, .25}}).ty, 4.8, 1e-12);
  const ImageTransform zoomed = keras_draws({.zoom_range = {.5, 2}});
  EXPECT_NEAR(zoomed.zx, 1.06181, 5e-6);
  EXPECT_NEAR(zoomed.zy, 1.926071, 5e-7);
  EXPECT_EQ(keras_draws({}), ImageTransform{});
}

TEST(RandomTransform, Keras200DrawsInItsOwnOrder) {
  const ImageTransform t = keras_draws(
      {.rotation_range = 40, .width_shift_range = .2, .height_shift_range = .1, .compat = Compat::keras200});
  EXPECT_NEAR(t.theta, -10.03679, 5e-6);
  EXPECT_NEAR(t.tx, 2.884572, 5e-7);
  EXPECT_NEAR(t.ty, 4.454284, 5e-7);
  EXPECT_NEAR(keras_draws({.height_shift_range = 5, .compat = Compat::keras200}).tx, (-5 + 10 * .3745401188473625) * 32,
              1e-9)
      << "every shift is a share of the extent";
  const ImageTransform color =
      keras_draws({.channel_shift_range = 10, .vertical_flip = true, .compat = Compat::keras200}, 42, {4, 4, 2});
  EXPECT_THAT(color.channel_shift, ElementsAre(DoubleNear(-10 + 20 * .3745401188473625, 1e-12),
                                               DoubleNear(-10 + 20 * .9507143064099162, 1e-12)));
  EXPECT_FALSE(color.flip_vertical) << "the third number, .73";
  EXPECT_TRUE(keras_draws({.vertical_flip = true, .compat = Compat::keras200}).flip_vertical) << "the first, .37";
}

TEST(RandomTransform, Keras200PicturesOfOneAndThreeChannelsStayInStep) {
  const auto drawn = [](double channel_shift, const Shape& shape) {
    Stream stream(3, 1, 2, slot_of("augment"));
    return ImageDataGenerator({.channel_shift_range = channel_shift,
                               .horizontal_flip = true,
                               .compat = Compat::keras200,
                               .random_crop = 9})
        .get_random_transform(shape, stream);
  };
  const ImageTransform grey = drawn(5, {28, 28, 1}), color = drawn(5, {28, 28, 3}), none = drawn(0, {28, 28, 1});
  EXPECT_EQ(color.channel_shift.size(), 3U);
  EXPECT_EQ(grey.tx, color.tx);
  EXPECT_EQ(grey.tx, none.tx);
  EXPECT_EQ(grey.flip_horizontal, none.flip_horizontal);
}

TEST(ImageDataGenerator, Keras200TakesTheNearestPixelAboutItsOwnCentre) {
  Values image(16);
  std::iota(image.begin(), image.end(), 0.0F);
  ImageDataGenerator({.compat = Compat::keras200}).apply_transform({.theta = 17}, {4, 4, 1}, image);
  EXPECT_THAT(image, ElementsAre(4, 4, 1, 2, 8, 9, 6, 7, 12, 9, 10, 11, 12, 13, 14, 15));
}

TEST(RandomTransform, AllNegativeListsCountAsShares) {
  NumpyRandom random(0);
  const ImageTransform t =
      ImageDataGenerator({.width_shift_range = {-3, -1}}).get_random_transform({10, 20, 1}, random);
  EXPECT_THAT(std::abs(t.ty), testing::AnyOf(60, 20));
}

TEST(RandomTransform, AnAddressGivesOnePictureWhateverElseIsOn) {
  const auto drawn = [](const Options& options, std::uint64_t sample) {
    Stream stream(3, 1, sample, slot_of("augment"));
    return ImageDataGenerator(options).get_random_transform({28, 28, 1}, stream);
  };
  const ImageTransform turned = drawn({.rotation_range = 20}, 5);
  EXPECT_NE(turned.theta, 0.0);
  EXPECT_EQ(turned, drawn({.rotation_range = 20}, 5));
  EXPECT_NE(turned, drawn({.rotation_range = 20}, 6));
  const ImageTransform more = drawn({.rotation_range = 20,
                                     .width_shift_range = {1, 2},
                                     .zoom_range = .1,
                                     .horizontal_flip = true,
                                     .random_erasing = .5},
                                    5);
  EXPECT_EQ(more.theta, turned.theta);
  EXPECT_EQ(drawn({.zoom_range = .1}, 5).zx, more.zx);
  EXPECT_EQ(drawn({}, 5), ImageTransform{});
}

/// Every option on, in this order of drawing: an address must give the same picture in every version.
TEST(RandomTransform, TheDrawsOfAnAddressStayAsTheyAre) {
  Options options{.rotation_range = 20,
                  .width_shift_range = .1,
                  .height_shift_range = 5,
                  .brightness_range = Range{.5, 1.5},
                  .shear_range = 10,
                  .zoom_range = .2,
                  .channel_shift_range = 30,
                  .horizontal_flip = true,
                  .vertical_flip = true,
                  .random_crop = 2,
                  .contrast_range = Range{.5, 1.5},
                  .saturation_range = Range{.5, 1.5},
                  .random_erasing = 1,
                  .rand_augment = 2};
  const auto drawn = [&] {
    Stream stream(3, 1, 5, slot_of("augment"));
    return ImageDataGenerator(options).get_random_transform({28, 20, 3}, stream);
  };
  ImageTransform without = drawn();
  EXPECT_EQ(
      to_json(without),
      R"({"theta":14.165558629064286,"tx":-1.0,"ty":-0.7150855476757618,"shear":1.6976632026939988,)"
      R"("zx":1.0721738098348554,"zy":0.8242251394170199,"flip_vertical":true,"channel_shift":[-4.7754659048221555],)"
      R"("brightness":0.6530715228402694,"contrast":0.5787420938289478,"saturation":0.6392407353265886,)"
      R"("operations":[["auto_contrast",0.0],["posterize",7.0]],"erased":[6,4,13,12,25.0]})");
  options.hue_range = .1;
  const ImageTransform with = drawn();
  EXPECT_NEAR(with.hue, -.0711734, 5e-8);
  without.hue = with.hue;
  EXPECT_EQ(with, without) << "hue moves no other draw";
}

TEST(RandomTransform, HueStaysInItsRange) {
  const auto drawn = [](HueRange range, std::uint64_t sample) {
    Stream stream(1, 0, sample, slot_of("augment"));
    return ImageDataGenerator({.hue_range = range}).get_random_transform({4, 4, 3}, stream).hue;
  };
  double least = 1, most = -1;
  for (std::uint64_t i = 0; i < 500; ++i) {
    least = std::min(least, drawn(.2, i));
    most = std::max(most, drawn(.2, i));
    ASSERT_EQ(drawn({-.1, .3}, i), drawn({-.1, .3}, i));
  }
  EXPECT_NEAR(least, -.2, .01);
  EXPECT_NEAR(most, .2, .01);
  EXPECT_EQ(drawn({.25, .25}, 1), .25);
  EXPECT_NEAR(keras_draws({.hue_range = .5}).hue, -.5 + .7319939418114051, 1e-15) << "behind Keras's own two draws";
  EXPECT_EQ(keras_draws({.rotation_range = 40, .hue_range = .5}).theta, keras_draws({.rotation_range = 40}).theta);
  EXPECT_TRUE(ImageDataGenerator({.hue_range = .1}).augments());
}

TEST(RandomTransform, RandAugmentDrawsItsOperations) {
  const auto drawn = [](const Options& options, std::uint64_t sample) {
    Stream stream(3, 1, sample, slot_of("augment"));
    return ImageDataGenerator(options).get_random_transform({28, 28, 3}, stream);
  };
  const ImageTransform two = drawn({.rotation_range = 10, .rand_augment = 2}, 1);
  EXPECT_EQ(two.operations.size(), 2U);
  EXPECT_EQ(two.theta, drawn({.rotation_range = 10}, 1).theta);
  EXPECT_NE(two.operations, drawn({.rand_augment = 2}, 2).operations);
  NumpyRandom first(5), second(5);
  const ImageDataGenerator generator({.rand_augment = 3});
  EXPECT_EQ(generator.get_random_transform({9, 9, 1}, first), generator.get_random_transform({9, 9, 1}, second));
}

TEST(RandomTransform, StaysInItsRangesAndReachesTheirEnds) {
  const ImageDataGenerator generator({.rotation_range = 30,
                                      .width_shift_range = 3,
                                      .height_shift_range = .25,
                                      .brightness_range = Range{.5, 1.5},
                                      .zoom_range = {.8, 1.2},
                                      .horizontal_flip = true,
                                      .zoom_keep_aspect = true,
                                      .random_erasing = .3});
  std::vector<int> columns(5);
  double least = 99, most = -99;
  int flips = 0, erased = 0;
  constexpr int kDraws = 4000;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    Stream stream(1, 0, i, slot_of("augment"));
    const ImageTransform t = generator.get_random_transform({40, 20, 3}, stream);
    least = std::min(least, t.theta);
    most = std::max(most, t.theta);
    ASSERT_LE(std::abs(t.tx), 10.0);
    ASSERT_EQ(t.zx, t.zy);
    ASSERT_TRUE(t.zx >= .8 && t.zx <= 1.2 && *t.brightness >= .5 && *t.brightness <= 1.5);
    ++columns.at(static_cast<std::size_t>(t.ty + 2));
    flips += t.flip_horizontal;
    if (!t.erased) continue;
    ++erased;
    const ErasedBox& box = *t.erased;
    ASSERT_TRUE(box.top >= 0 && box.left >= 0 && box.top + box.height <= 40 && box.left + box.width <= 20);
  }
  EXPECT_NEAR(least, -30, .1);
  EXPECT_NEAR(most, 30, .1);
  for (const std::size_t i : {0U, 1U, 3U, 4U}) EXPECT_NEAR(columns[i], kDraws / 6.0, 120);
  EXPECT_NEAR(columns[2], kDraws / 3.0, 150) << "0 is twice as likely";
  EXPECT_NEAR(flips, kDraws / 2.0, 150);
  EXPECT_NEAR(erased, .3 * kDraws, 150);
}

TEST(RandomTransform, TheFirstPictureOfAKerasFlow) {
  Values image(16);
  std::iota(image.begin(), image.end(), 0.0F);
  const auto first = [&](FillMode mode) {
    const ImageDataGenerator generator({.rotation_range = 30,
                                        .width_shift_range = .25,
                                        .height_shift_range = .25,
                                        .shear_range = 10,
                                        .zoom_range = .2,
                                        .fill_mode = mode,
                                        .cval = -1,
                                        .horizontal_flip = true,
                                        .compat = Compat::keras3});
    NumpyRandom random(7);
    random.permutation(1);
    const ImageTransform t = generator.get_random_transform({4, 4, 1}, random);
    EXPECT_NEAR(t.theta, -25.421502638, 5e-10);
    EXPECT_NEAR(t.tx, .559837584, 5e-10);
    EXPECT_NEAR(t.ty, -.123181537, 5e-10);
    EXPECT_NEAR(t.shear, 4.469303557, 5e-10);
    EXPECT_NEAR(t.zx, 1.191195805, 5e-10);
    EXPECT_NEAR(t.zy, 1.015398348, 5e-10);
    EXPECT_FALSE(t.flip_horizontal);
    Values result = image;
    generator.apply_transform(t, {4, 4, 1}, result);
    return result;
  };
  const auto near = [](Values expected) { return Pointwise(FloatNear(2e-6F), expected); };
  EXPECT_THAT(first(FillMode::nearest),
              near({1.972229F, .870181F, 1.946038F, 3, 5.922685F, 4.953144F, 3.983603F, 3, 10.078816F, 9.109276F,
                    8.139735F, 6.422109F, 12.883609F, 13.265409F, 12.260544F, 10.215146F}));
  EXPECT_THAT(first(FillMode::constant), near({-1, -1, -1, -1, 5.922685F, 4.953144F, 3.983603F, -1, 10.078816F,
                                               9.109276F, 8.139735F, -1, -1, 13.265409F, -1, -1}));
  const Values reflected = first(FillMode::reflect), wrapped = first(FillMode::wrap);
  EXPECT_THAT(Values(reflected.begin(), reflected.begin() + 4), near({1.972229F, .870181F, 1.946038F, 3.163965F}));
  EXPECT_THAT(Values(reflected.end() - 4, reflected.end()), near({12.883609F, 13.265409F, 12.260544F, 10.103965F}));
  EXPECT_THAT(Values(wrapped.begin(), wrapped.begin() + 4), near({4.766552F, 12.797011F, 11.827471F, 7.857930F}));
  EXPECT_THAT(Values(wrapped.end() - 4, wrapped.end()), near({2.234949F, 13.265409F, 9.295868F, 8.326327F}));
}

Values standardized(const Options& options, Values image, const Shape& shape = {2, 2, 2}) {
  ImageDataGenerator(options).standardize(shape, image);
  return image;
}

TEST(Standardize, GoesStepByStep) {
  const Values x{1, 2, 3, 4, 5, 6, 7, 12};
  EXPECT_THAT(standardized({.samplewise_center = true}, x), ElementsAre(-4, -3, -2, -1, 0, 1, 2, 7));
  EXPECT_THAT(standardized({.samplewise_std_normalization = true}, x),
              Pointwise(FloatNear(2.4e-7F),
                        Values{-1.2344265F, -.9258199F, -.6172132F, -.3086066F, 0, .3086066F, .6172132F, 2.1602464F}));
  const Values small = standardized({.samplewise_std_normalization = true, .rescale = 1 / 255.0}, x);
  EXPECT_FLOAT_EQ(small.front(), -1.2343297F);
  EXPECT_FLOAT_EQ(small.back(), 2.1600766F);
  const auto plus_one = [](const Shape&, std::span<float> image) {
    for (float& value : image) value += 1;
  };
  EXPECT_THAT(standardized({.rescale = 2, .preprocessing_function = plus_one}, x),
              ElementsAre(4, 6, 8, 10, 12, 14, 16, 26));
  EXPECT_THAT(standardized({.samplewise_center = true, .compat = Compat::keras200}, x),
              ElementsAre(-.5, .5, -.5, .5, -.5, .5, -2.5, 2.5));
  EXPECT_THAT(
      standardized({.samplewise_center = true, .data_format = DataFormat::channels_first, .compat = Compat::keras200},
                   {1, 3, 5, 7, 2, 4, 6, 12}),
      ElementsAre(-.5, -.5, -.5, -2.5, .5, .5, .5, 2.5));
}

TEST(Standardize, TreatsABatchAsOnePicture) {
  EXPECT_THAT(standardized({.samplewise_std_normalization = true}, {0, 2}, {2, 1, 1, 1}),
              Pointwise(FloatNear(2e-6F), Values{-1, 1}));
}

TEST(Standardize, LeavesOutWhatFitHasNotComputed) {
  const ImageDataGenerator generator({.featurewise_std_normalization = true});
  Values image{1, 2};
  generator.standardize({1, 1, 2}, image);
  EXPECT_THAT(image, ElementsAre(1, 2));
  EXPECT_THAT(generator.warnings(), ElementsAre("featurewise_std_normalization switches featurewise_center on",
                                                "featurewise_center does nothing before fit()",
                                                "featurewise_std_normalization does nothing before fit()"));
}

TEST(Fit, MeanAndDeviationOfAChannel) {
  const Tensor x({2, 2, 1, 2}, Values{0, 10, 2, 20, 4, 30, 6, 60});
  const auto first = [&](std::optional<double> rescale) {
    ImageDataGenerator generator({.featurewise_std_normalization = true, .rescale = rescale});
    generator.fit(x);
    Values image{0, 10, 2, 20};
    generator.standardize({2, 1, 2}, image);
    return std::pair{generator.statistics(), image};
  };
  const auto [plain, image] = first(std::nullopt);
  EXPECT_THAT(plain.mean, ElementsAre(3, 30));
  EXPECT_THAT(plain.deviation, Pointwise(FloatNear(1e-6F), Values{2.236068F, 18.708286F}));
  EXPECT_THAT(image, Pointwise(FloatNear(2e-7F), Values{-1.3416402F, -1.069045F, -.4472134F, -.5345225F}));
  const auto [scaled, scaled_image] = first(.1);
  EXPECT_THAT(scaled.mean, Pointwise(FloatNear(1e-6F), Values{.3F, 3}));
  EXPECT_THAT(scaled.deviation, Pointwise(FloatNear(1e-6F), Values{.2236068F, 1.8708287F}));
  EXPECT_THAT(scaled_image, Pointwise(FloatNear(4e-7F), Values{-1.3416349F, -1.0690444F, -.4472117F, -.5345222F}));
}

TEST(Fit, AnyNumberOfChannels) {
  for (const Index channels : {1, 2, 5, 8, 9, 16, 17, 20}) {
    Tensor x({3, 7, 5, channels});
    Stream stream(4, 0, 0, 0);
    for (float& value : x.floats()) value = 200.0F * stream.uniform();
    ImageDataGenerator generator({.featurewise_std_normalization = true});
    generator.fit(x);
    Values image(x.floats().begin(), x.floats().end());
    generator.standardize(x.shape(), image);
    for (Index c = 0; c < channels; ++c) {
      double sum = 0, squares = 0, left = 0;
      for (Index i = c; i < x.elements(); i += channels) sum += static_cast<double>(x.floats()[usize(i)]);
      const double mean = sum / 105;
      for (Index i = c; i < x.elements(); i += channels) {
        squares +=
            (static_cast<double>(x.floats()[usize(i)]) - mean) * (static_cast<double>(x.floats()[usize(i)]) - mean);
        left += static_cast<double>(image[usize(i)] * image[usize(i)]);
      }
      EXPECT_FLOAT_EQ(generator.statistics().mean[usize(c)], static_cast<float>(mean));
      EXPECT_FLOAT_EQ(generator.statistics().deviation[usize(c)], static_cast<float>(std::sqrt(squares / 105)));
      EXPECT_NEAR(left / 105, 1, 1e-5) << c << " of " << channels;
    }
  }
}

/// W of a fitted generator, row by row, by whitening unit pictures.
Values whitening_matrix(const ImageDataGenerator& generator, Index p) {
  Values matrix;
  for (Index i = 0; i < p; ++i) {
    Values unit(usize(p));
    unit[usize(i)] = 1;
    generator.statistics().whitening->apply(unit);
    matrix.insert(matrix.end(), unit.begin(), unit.end());
  }
  return matrix;
}

TEST(Zca, WhitensAsBothFormulasSay) {
  const Tensor x({4, 1, 2, 1}, Values{1, 2, 3, 5, 5, 4, 7, 9});
  const auto fitted = [&](Compat compat, double epsilon) {
    ImageDataGenerator generator({.zca_whitening = true, .zca_epsilon = epsilon, .compat = compat});
    generator.fit(x);
    return generator;
  };
  const auto near = [](Values expected) { return Pointwise(FloatNear(2e-6F), expected); };
  const ImageDataGenerator from_data = fitted(Compat::documented, 1e-6);
  EXPECT_THAT(whitening_matrix(from_data, 2), near({.6579412478F, -.3022990284F, -.3022990284F, .5624783968F}));
  EXPECT_FLOAT_EQ(from_data.statistics().mean[0], 4.5F);
  Values first{1, 2};
  from_data.standardize({1, 2, 1}, first);
  EXPECT_THAT(first, near({-1.5470468F, -.3481494F}));
  EXPECT_THAT(whitening_matrix(fitted(Compat::kp112, 1e-6), 2),
              near({.6579412817F, -.3022990299F, -.3022990299F, .5624784302F}));
  EXPECT_THAT(whitening_matrix(fitted(Compat::documented, .1), 2),
              near({.6328199538F, -.2847265350F, -.2847265350F, .5429063112F}));
  EXPECT_THAT(whitening_matrix(fitted(Compat::kp112, .1), 2),
              near({.6364306311F, -.2851123116F, -.2851123116F, .5463951643F}));
}

TEST(Zca, FewerPicturesThanPixels) {
  ImageDataGenerator generator({.zca_whitening = true});
  generator.fit(Tensor({2, 1, 3, 1}, Values{1, 2, 3, 4, 6, 5}));
  EXPECT_EQ(generator.statistics().whitening->k, 2);
  const Values w = whitening_matrix(generator, 3);
  EXPECT_THAT(Values({w[0], w[1], w[2], w[4], w[5], w[8]}),
              Pointwise(FloatNear(2e-6F), Values{.6595899F, -.1184865F, -.1953259F, .3409878F, .2385353F, .187309F}));
}

TEST(Zca, TheWhitenedSetIsWhite) {
  constexpr Index n = 40, p = 12;
  Tensor x({n, 2, 2, 3});
  Stream stream(5, 0, 0, 0);
  for (Index i = 0; i < n; ++i) {
    float last = 0;
    for (Index j = 0; j < p; ++j) {
      last = 0.7F * last + static_cast<float>(stream.normal());
      x.floats()[usize(i * p + j)] = 100 + 20 * last;
    }
  }
  ImageDataGenerator generator({.zca_whitening = true});
  generator.fit(x);
  for (Index i = 0; i < n; ++i) generator.standardize({2, 2, 3}, x.floats().subspan(usize(i * p), p));
  for (Index a = 0; a < p; ++a) {
    for (Index b = 0; b < p; ++b) {
      double sum = 0;
      for (Index i = 0; i < n; ++i) sum += x.floats()[usize(i * p + a)] * x.floats()[usize(i * p + b)];
      EXPECT_NEAR(sum / n, a == b ? 1 : 0, 1e-5) << a << ' ' << b;
    }
  }
}

TEST(Zca, AnyNumberOfPicturesWillDo) {
  for (const Index n : {64, 65, 128}) {
    Tensor x({n, 8, 8, 1});
    Stream stream(9, 0, 0, 0);
    for (float& value : x.floats()) value = static_cast<float>(stream.normal());
    ImageDataGenerator generator({.zca_whitening = true});
    generator.fit(x);
    EXPECT_GE(generator.statistics().whitening->k, 62) << n;
  }
}

TEST(Standardize, RefusesPicturesOfAnotherKind) {
  ImageDataGenerator grey({.featurewise_center = true});
  grey.fit(Tensor({2, 2, 2, 1}));
  Values color(12);
  EXPECT_THAT(message_of([&] { grey.standardize({2, 2, 3}, color); }), HasSubstr("expected pictures of 1 channels"));
  EXPECT_THAT(message_of([&] { grey.standardize({2, 2, 1}, color); }), HasSubstr("expected 4 values"));
  const ImageDataGenerator first({.data_format = DataFormat::channels_first});
  EXPECT_THAT(message_of([&] {
                first.apply_transform({.theta = 3}, {3, 2, 3}, color);
              }),
              HasSubstr("expected 18 values"));
  EXPECT_THAT(message_of([] {
                Stream stream(0, 0, 0, 0);
                ImageDataGenerator().get_random_transform({0, 4, 1}, stream);
              }),
              HasSubstr("a picture [height, width, channels]"));
}

TEST(Zca, AsksForMemoryBeforeItTakesIt) {
  ImageDataGenerator generator({.zca_whitening = true});
  const ImageSource huge{.size = 100'000, .shape = {224, 224, 3}, .read = [](Index, std::span<float>) { FAIL(); }};
  EXPECT_THAT(message_of([&] { generator.fit(huge); }),
              HasSubstr("fit: zca_whitening: expected to need at most 4.0 GiB, got"));
}

TEST(Fit, AugmentsInRounds) {
  ImageDataGenerator generator({.featurewise_center = true, .horizontal_flip = true, .rescale = 2});
  std::vector<Index> read;
  const ImageSource source{.size = 3, .shape = {1, 1, 1}, .read = [&](Index i, std::span<float> image) {
                             read.push_back(i);
                             image[0] = static_cast<float>(i);
                           }};
  ImageDataGenerator shifted({.featurewise_center = true, .channel_shift_range = 1, .rand_augment = 3});
  Tensor pictures({6, 4, 4, 1});
  std::iota(pictures.floats().begin(), pictures.floats().end(), 0.0F);
  shifted.fit(pictures);
  const float plain = shifted.statistics().mean[0];
  shifted.fit(pictures, {.augment = true, .rounds = 4});
  EXPECT_NE(shifted.statistics().mean[0], plain);
  generator.fit(source, {.augment = true, .rounds = 2});
  EXPECT_THAT(read, ElementsAre(0, 1, 2, 0, 1, 2));
  EXPECT_THAT(generator.statistics().mean, ElementsAre(2));
  EXPECT_THAT(generator.warnings(), IsEmpty());
}

TEST(Fit, TakesBatchesOnly) {
  ImageDataGenerator generator({.featurewise_center = true});
  EXPECT_THAT(message_of([&] { generator.fit(Tensor({3, 3, 1})); }), HasSubstr("[n, height, width, channels]"));
}

TEST(ImageDataGenerator, ChannelsFirstIsTheSamePicture) {
  Options options{.rotation_range = 40, .width_shift_range = 2, .channel_shift_range = 20, .horizontal_flip = true};
  const ImageDataGenerator last(options);
  options.data_format = DataFormat::channels_first;
  const ImageDataGenerator first(options);
  Values a(5 * 7 * 3), b(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i * 53 % 256);
  const auto swap = [](const Values& from) {  // [5, 7, 3] to [3, 5, 7]
    Values to(from.size());
    for (std::size_t i = 0; i < from.size(); ++i) to[i % 3 * 35 + i / 3] = from[i];
    return to;
  };
  b = swap(a);
  Stream stream(1, 2, 3, 4);
  const ImageTransform t = last.get_random_transform({5, 7, 3}, stream);
  Stream again(1, 2, 3, 4);
  EXPECT_EQ(t, first.get_random_transform({3, 5, 7}, again));
  last.apply_transform(t, {5, 7, 3}, a);
  first.apply_transform(t, {3, 5, 7}, b);
  EXPECT_EQ(swap(a), b);
}

TEST(ImageDataGenerator, RefusesWhatKerasRefuses) {
  const auto message = [](Options options) { return message_of([&] { ImageDataGenerator generator(options); }); };
  EXPECT_THAT(message({.validation_split = 5}), HasSubstr("validation_split: expected a share between 0 and 1, got 5"));
  EXPECT_THAT(message({.rotation_range = NAN}),
              HasSubstr("rotation_range: expected a number between -1e+06 and 1e+06, got nan"));
  EXPECT_THAT(message({.width_shift_range = -3}), HasSubstr("width_shift_range"));
  EXPECT_THAT(message({.brightness_range = Range{-1, 1}}), HasSubstr("brightness_range"));
  EXPECT_THAT(message({.hue_range = .6}), HasSubstr("hue_range: expected numbers from -0.5 to 0.5, turns of the"));
  EXPECT_THAT(message({.interpolation_order = 9}), HasSubstr("0 to 5"));
  EXPECT_THAT(message({.brightness_range = Range{.5, 1}, .compat = Compat::keras200}), HasSubstr("Keras 2.0.0"));
  EXPECT_THAT(message({.zca_whitening = true, .zca_epsilon = 0}), HasSubstr("zca_epsilon"));
}

TEST(ImageDataGenerator, ImpliesWhatKerasImplies) {
  const ImageDataGenerator zca({.featurewise_std_normalization = true, .zca_whitening = true});
  EXPECT_TRUE(zca.options().featurewise_center);
  EXPECT_FALSE(zca.options().featurewise_std_normalization);
  EXPECT_TRUE(ImageDataGenerator({.samplewise_std_normalization = true}).options().samplewise_center);
  EXPECT_FALSE(ImageDataGenerator({.samplewise_std_normalization = true, .compat = Compat::keras200})
                   .options()
                   .samplewise_center);
}

TEST(ImageDataGenerator, OptionsTravelAsJson) {
  EXPECT_EQ(to_json(Options{}), "{}");
  const Options options{.rotation_range = 15,
                        .width_shift_range = .1,
                        .height_shift_range = {1, 4, 9},
                        .brightness_range = Range{.5, 1.5},
                        .zoom_range = {.8, 1.1},
                        .fill_mode = FillMode::grid_wrap,
                        .horizontal_flip = true,
                        .rescale = 1 / 255.0,
                        .compat = Compat::kp112,
                        .hue_range = {-.1, .2}};
  const std::string text = to_json(options);
  const Options back = image_data_generator_options_from_json(text, "options");
  EXPECT_EQ(to_json(back), text);
  EXPECT_EQ(back.height_shift_range, options.height_shift_range);
  EXPECT_EQ(back.fill_mode, FillMode::grid_wrap);
  EXPECT_EQ(back.hue_range, options.hue_range);
  EXPECT_EQ(image_data_generator_options_from_json(R"({"hue_range":0.25})", "o").hue_range, HueRange(-.25, .25));
  EXPECT_EQ(image_data_generator_options_from_json(R"({"width_shift_range":5})", "o").width_shift_range, ShiftRange(5));
  EXPECT_EQ(image_data_generator_options_from_json(R"({"zoom_range":0.25})", "o").zoom_range.low, .75);
  const auto message = [](std::string_view json) {
    return message_of([&] { image_data_generator_options_from_json(json, "a.json"); });
  };
  EXPECT_THAT(message(R"({"rotation":5})"), HasSubstr("a.json: expected ImageDataGenerator's options as JSON"));
  EXPECT_THAT(message(R"({"rotation":5})"), HasSubstr("unknown option 'rotation'"));
  EXPECT_THAT(message(R"({"fill_mode":"mirror"})"), HasSubstr("grid-wrap"));
  EXPECT_THAT(message("3"), HasSubstr("no object"));
}

}  // namespace
}  // namespace saccade
