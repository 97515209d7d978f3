#include "saccade/image/warp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/base/random.h"

namespace saccade {
namespace {

using Values = std::vector<float>;
using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;

Values row(Values values, double shift, WarpOptions options) {
  const Shape hwc{1, isize(values.size()), 1};
  warp(hwc, values, {.column_offset = shift}, options);
  return values;
}

Values at(double coordinate, WarpOptions options) {
  Values values{10, 20, 40, 80};
  warp({1, 4, 1}, values, {.column_from_column = 0.0, .column_offset = coordinate}, options);
  return {values[0]};
}

// Worked values: SciPy 1.10.1.
TEST(Warp, ShiftsARowUnderEveryFillMode) {
  const Values line{1, 2, 3, 4, 5};
  const auto shifted = [&](double by, FillMode mode, int order = 1) {
    return row(line, by, {.fill_mode = mode, .cval = 9, .interpolation_order = order});
  };
  EXPECT_THAT(shifted(2, FillMode::constant), ElementsAre(3, 4, 5, 9, 9));
  EXPECT_THAT(shifted(-2, FillMode::constant), ElementsAre(9, 9, 1, 2, 3));
  EXPECT_THAT(shifted(2, FillMode::nearest), ElementsAre(3, 4, 5, 5, 5));
  EXPECT_THAT(shifted(-2, FillMode::nearest), ElementsAre(1, 1, 1, 2, 3));
  EXPECT_THAT(shifted(2, FillMode::reflect), ElementsAre(3, 4, 5, 5, 4));
  EXPECT_THAT(shifted(-2, FillMode::reflect), ElementsAre(2, 1, 1, 2, 3));
  EXPECT_THAT(shifted(2, FillMode::wrap), ElementsAre(3, 4, 5, 2, 3));
  EXPECT_THAT(shifted(-2, FillMode::wrap), ElementsAre(3, 4, 1, 2, 3));
  EXPECT_THAT(shifted(2, FillMode::grid_wrap), ElementsAre(3, 4, 5, 1, 2));
  EXPECT_THAT(shifted(-2, FillMode::grid_wrap), ElementsAre(4, 5, 1, 2, 3));
  EXPECT_THAT(shifted(0.5, FillMode::grid_wrap), ElementsAre(1.5, 2.5, 3.5, 4.5, 3));
  EXPECT_THAT(shifted(0.5, FillMode::nearest, 0), ElementsAre(2, 3, 4, 5, 5));
  EXPECT_THAT(shifted(0.5, FillMode::nearest), ElementsAre(1.5, 2.5, 3.5, 4.5, 5));
  EXPECT_THAT(shifted(-0.5, FillMode::nearest, 0), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(shifted(-0.5, FillMode::nearest), ElementsAre(1, 1.5, 2.5, 3.5, 4.5));
}

TEST(Warp, SamplesBetweenAndBeyondPixels) {
  const std::vector<double> places{-2.5, -1.5, -0.5, -0.25, 0.5, 2.75, 3.25, 3.5, 4.5, 6};
  const Values reflected{30, 15, 10, 10, 15, 70, 80, 80, 60, 20};
  const Values wrapped{15, 30, 60, 70, 15, 70, 12.5, 15, 30, 10};
  for (std::size_t i = 0; i < places.size(); ++i) {
    EXPECT_THAT(at(places[i], {.fill_mode = FillMode::reflect}), ElementsAre(reflected[i])) << places[i];
    EXPECT_THAT(at(places[i], {.fill_mode = FillMode::wrap}), ElementsAre(wrapped[i])) << places[i];
    const bool inside = places[i] >= 0 && places[i] <= 3;
    EXPECT_EQ(at(places[i], {.fill_mode = FillMode::constant, .cval = -7})[0] == -7, !inside) << places[i];
  }
}

TEST(Warp, SplinesPassThroughSciPysValues) {
  const auto near = [](double value) { return ElementsAre(FloatNear(static_cast<float>(value), 1e-4F)); };
  const auto cubic = [](FillMode mode) { return WarpOptions{.fill_mode = mode, .interpolation_order = 3}; };
  EXPECT_THAT(at(0.5, cubic(FillMode::constant)), near(13.5));
  EXPECT_THAT(at(0.5, cubic(FillMode::reflect)), near(14.1964));
  EXPECT_THAT(at(0.5, cubic(FillMode::nearest)), near(14.0673));
  EXPECT_THAT(at(-1.5, cubic(FillMode::nearest)), near(10.2023));
  EXPECT_THAT(at(-1.5, cubic(FillMode::wrap)), near(26.25));
}

/// Turns about the middle of a square of `size` pixels.
AffineMap rotation(double degrees, Index size) {
  const double t = degrees * std::numbers::pi / 180.0, c = std::cos(t), s = std::sin(t);
  const double o = 0.5 * static_cast<double>(size) - 0.5;
  return {c, -s, o - c * o + s * o, s, c, o - s * o - c * o};
}

TEST(Warp, RotatesAsSciPyDoes) {
  Values image(16);
  std::iota(image.begin(), image.end(), 0.0F);
  Values nearest = image;
  warp({4, 4, 1}, image, rotation(17, 4));
  const Values expected{2.016402F, 1.430205F, 1.539595F, 2.495900F, 5.841621F,  5.547796F,  5.334614F,  5.121432F,
                        9.878569F, 9.665386F, 9.452205F, 9.158380F, 12.504101F, 13.460405F, 13.569795F, 12.983599F};
  EXPECT_THAT(image, Pointwise(FloatNear(1e-6F), expected));
  warp({4, 4, 1}, nearest, rotation(17, 4), {.interpolation_order = 0});
  EXPECT_THAT(nearest, ElementsAre(4, 1, 2, 2, 4, 5, 6, 7, 8, 9, 10, 11, 13, 13, 14, 11));
}

/// One value by the formula, from neighbours that are looked up one by one.
class Plain {
 public:
  Plain(const Shape& hwc, const Values& image, const WarpOptions& options)
      : hwc_(hwc), image_(image), options_(options) {}

  float sample(double y, double x, Index channel) const {
    if (options_.fill_mode == FillMode::constant && (outside(y, hwc_[0]) || outside(x, hwc_[1]))) return options_.cval;
    y = bring_in(y, hwc_[0]);
    x = bring_in(x, hwc_[1]);
    if (options_.interpolation_order == 0) return pixel(std::floor(y + 0.5), std::floor(x + 0.5), channel);
    const double j = std::floor(y), i = std::floor(x);
    const double top = (1 - (x - i)) * pixel(j, i, channel) + (x - i) * pixel(j, i + 1, channel);
    const double bottom = (1 - (x - i)) * pixel(j + 1, i, channel) + (x - i) * pixel(j + 1, i + 1, channel);
    return static_cast<float>((1 - (y - j)) * top + (y - j) * bottom);
  }

 private:
  static bool outside(double c, Index n) { return c < 0 || c > static_cast<double>(n - 1); }

  double bring_in(double c, Index pixels) const {
    const double n = static_cast<double>(pixels), m = n - 1;
    if (pixels == 1) return 0;
    switch (options_.fill_mode) {
      case FillMode::nearest:
        return std::min(std::max(c, 0.0), m);
      case FillMode::wrap:
        while (c < 0) c += m;
        while (c > m) c -= m;
        return c;
      default:
        return c;  // pixel() finds the neighbours
    }
  }

  float pixel(double row, double column, Index channel) const {
    const Index r = place(static_cast<Index>(row), hwc_[0]), c = place(static_cast<Index>(column), hwc_[1]);
    return image_[usize((r * hwc_[1] + c) * hwc_[2] + channel)];
  }

  Index place(Index i, Index n) const {
    if (options_.fill_mode == FillMode::grid_wrap) return (i % n + n) % n;
    if (options_.fill_mode == FillMode::reflect) {
      i = (i % (2 * n) + 2 * n) % (2 * n);
      return i < n ? i : 2 * n - 1 - i;
    }
    return std::clamp(i, Index{0}, n - 1);
  }

  Shape hwc_;
  const Values& image_;
  WarpOptions options_;
};

Index ulps(float a, float b) {
  Index steps = 0;
  for (; a != b && steps < 100; ++steps) a = std::nextafter(a, b);
  return steps;
}

TEST(Warp, AgreesWithThePlainFormulaToOneUnitInTheLastPlace) {
  for (std::uint32_t number = 0; number < 600; ++number) {
    Stream stream(7, number, 0, 0);
    const auto extent = [&](std::uint32_t most) { return static_cast<Index>(1 + stream.below(most)); };
    const Shape hwc{extent(20), extent(40), extent(5)};
    const auto around = [&](double middle, double reach) { return stream.uniform(middle - reach, middle + reach); };
    const AffineMap map{around(1, 1), around(0, 1), around(0, 30), around(0, 1), around(1, 1), around(0, 60)};
    const WarpOptions options{.fill_mode = kFillModes[number % kFillModes.size()],
                              .cval = -3,
                              .interpolation_order = static_cast<int>(number / 5 % 2),
                              .flip_horizontal = stream.below(2) == 1,
                              .flip_vertical = stream.below(2) == 1};
    Values image(usize(hwc.elements()));
    for (float& value : image) value = static_cast<float>(stream.below(256));
    Values result = image;
    warp(hwc, result, map, options);
    const Plain plain(hwc, image, options);
    for (Index r = 0; r < hwc[0]; ++r) {
      for (Index c = 0; c < hwc[1]; ++c) {
        const double row = static_cast<double>(options.flip_vertical ? hwc[0] - 1 - r : r);
        const double column = static_cast<double>(options.flip_horizontal ? hwc[1] - 1 - c : c);
        const double y = map.row_offset + map.row_from_row * row + map.row_from_column * column;
        const double x = map.column_offset + map.column_from_row * row + map.column_from_column * column;
        for (Index k = 0; k < hwc[2]; ++k) {
          const float expected = plain.sample(y, x, k), got = result[usize((r * hwc[1] + c) * hwc[2] + k)];
          ASSERT_LE(ulps(expected, got), 1) << number << ' ' << hwc.to_string() << ' ' << name_of(options.fill_mode)
                                            << " order " << options.interpolation_order << " at " << r << ' ' << c
                                            << ": " << expected << " / " << got << " from " << y << ' ' << x;
        }
      }
    }
  }
}

TEST(Warp, TheIdentityChangesNothingUnderAnyOrder) {
  Values image(7 * 9 * 3);
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i * 37 % 256);
  for (const int order : {0, 1, 2, 3, 4, 5}) {
    Values same = image;
    warp({7, 9, 3}, same, {}, {.interpolation_order = order});
    EXPECT_THAT(same, Pointwise(FloatNear(order < 2 ? 0.0F : 1e-4F), image)) << order;
  }
}

TEST(Warp, RefusesWhatItCannotDo) {
  Values image(12);
  const auto message = [&](auto&& call) -> std::string {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(message([&] { warp({2, 6}, image, {}); }), HasSubstr("[height, width, channels]"));
  EXPECT_THAT(message([&] { warp({2, 3, 1}, image, {}); }), HasSubstr("expected 6 values"));
  EXPECT_THAT(message([&] { warp({2, 6, 1}, image, {.row_offset = std::nan("")}); }), HasSubstr("got nan"));
  EXPECT_THAT(message([&] { warp({2, 6, 1}, image, {}, {.interpolation_order = 6}); }), HasSubstr("0 to 5"));
  EXPECT_THAT(message([] { fill_mode_named("mirror"); }),
              HasSubstr("expected one of constant, nearest, reflect, wrap, grid-wrap, got 'mirror'"));
}

TEST(Flip, MirrorsInPlace) {
  Values image{1, 2, 3, 4, 5, 6};
  flip({2, 3, 1}, image, true, false);
  EXPECT_THAT(image, ElementsAre(3, 2, 1, 6, 5, 4));
  flip({2, 3, 1}, image, false, true);
  EXPECT_THAT(image, ElementsAre(6, 5, 4, 3, 2, 1));
  flip({1, 3, 2}, image, true, false);
  EXPECT_THAT(image, ElementsAre(2, 1, 4, 3, 6, 5));
}

}  // namespace
}  // namespace saccade
