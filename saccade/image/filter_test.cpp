#include "saccade/image/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "saccade/base/parallel.h"
#include "saccade/image/testing_internal.h"
#include "saccade/kernels/pool2d/pool2d.h"

namespace saccade {
namespace {

using test::image_of;
using test::pixels_of;
using test::text_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr FilterPadding kValid = FilterPadding::valid;
constexpr FilterPadding kSame = FilterPadding::same;

std::vector<float> values_of(const Tensor& values) { return {values.floats().begin(), values.floats().end()}; }

FilterKernel noise_kernel(Index height, Index width, std::uint64_t seed) {
  FilterKernel kernel{.height = height, .width = width};
  Stream stream(seed, 0, 0, 1);
  for (Index i = 0; i < height * width; ++i) kernel.weights.push_back(static_cast<float>(stream.below(9)) - 4.0F);
  return kernel;
}

// ---- The lessons ----

TEST(Filter, OneWindowIsProductsAndTheirSum) {
  const Tensor image = image_of({3, 3, 1}, {3, 2, 1, 1, 2, 3, 1, 1, 1});
  const FilterKernel kernel = parse_kernel("-1 0 1; -2 0 2; -1 0 1");
  EXPECT_THAT(values_of(filter_values(image, kernel, {.padding = kValid})), ElementsAre(2));
  EXPECT_THAT(pixels_of(filter(image, kernel, {.padding = kValid})), ElementsAre(2));
}

TEST(Filter, StrideAndPadding) {
  const Tensor image = image_of({5, 5, 1}, {1, 0, 1, 0, 2, 1, 0, 0, 2, 1, 2, 1, 0, 1, 0, 0, 2, 1, 0, 1, 1, 0, 2, 1, 0});
  const FilterKernel kernel = parse_kernel("-1 1 2; 1 1 0; -1 -2 0");
  EXPECT_THAT(values_of(filter_values(image, kernel, {.padding = kValid})), ElementsAre(-2, 0, 3, -2, 1, 4, 0, 0, -2));
  EXPECT_THAT(values_of(filter_values(image, kernel, {.row_stride = 2, .column_stride = 2, .padding = kValid})),
              ElementsAre(-2, 3, 0, -2));
  // SAME puts one ring of zeros around the picture.
  const Tensor padded = filter_values(image, kernel);
  EXPECT_EQ(padded.shape(), Shape({5, 5, 1}));
  EXPECT_EQ(padded.floats()[0], -1);
  EXPECT_EQ(padded.floats()[6], -2);
}

std::vector<float> pooled(kernels::PoolKind kind, Index side, const std::vector<float>& image) {
  const kernels::Pool2DProblem problem{
      .kind = kind, .ih = 4, .iw = 4, .kh = side, .kw = side, .sh = side, .sw = side, .training = false};
  const auto choice = kernels::choose(kernels::pool2d_implementations(), problem);
  std::vector<float> result(usize(problem.dst_elements()));
  AlignedBuffer scratch(usize(choice.kernel->scratch_bytes())), saved(usize(choice.kernel->saved_bytes()));
  choice.kernel->forward({.src = image, .dst = result, .saved = saved.bytes(), .scratch = scratch.bytes()});
  return result;
}

TEST(Filter, PoolingFollows) {
  const std::vector<float> image = {8, 0, 5, 0, 0, 0, 0, 1, 1, 0, 4, 1, 0, 0, 0, 1};
  EXPECT_THAT(pooled(kernels::PoolKind::max, 2, image), ElementsAre(8, 5, 1, 4));
  EXPECT_THAT(pooled(kernels::PoolKind::average, 2, image), ElementsAre(2, 1.5F, 0.25F, 1.5F));
  EXPECT_THAT(pooled(kernels::PoolKind::average, 4, image), ElementsAre(1.3125F));
}

// ---- Against the formula ----

/// The value outside or inside a row, column by column, counted out as the header draws it.
Index place(Index i, Index n, Border border) {
  while (i < 0 || i >= n) {
    if (border == Border::constant) return -1;
    if (border == Border::nearest) i = i < 0 ? 0 : n - 1;
    if (border == Border::reflect) i = i < 0 ? -i - 1 : 2 * n - 1 - i;
    if (border == Border::mirror) i = n == 1 ? 0 : i < 0 ? -i : 2 * n - 2 - i;
    if (border == Border::wrap) i = i < 0 ? i + n : i - n;
  }
  return i;
}

std::vector<float> by_formula(const Tensor& image, const FilterKernel& k, const FilterOptions& o) {
  const Index h = image.shape()[0], w = image.shape()[1], c = image.shape()[2];
  const auto out = [&](Index in, Index side, Index stride) {
    return o.padding == kSame ? (in + stride - 1) / stride : (in - side) / stride + 1;
  };
  const auto before = [&](Index in, Index side, Index stride) {
    return o.padding == kSame ? std::max<Index>((out(in, side, stride) - 1) * stride + side - in, 0) / 2 : 0;
  };
  std::vector<float> result;
  for (Index y = 0; y < out(h, k.height, o.row_stride); ++y) {
    for (Index x = 0; x < out(w, k.width, o.column_stride); ++x) {
      for (Index ch = 0; ch < c; ++ch) {
        double sum = 0;
        for (Index i = 0; i < k.height; ++i) {
          for (Index j = 0; j < k.width; ++j) {
            const Index r = place(y * o.row_stride + i - before(h, k.height, o.row_stride), h, o.border);
            const Index s = place(x * o.column_stride + j - before(w, k.width, o.column_stride), w, o.border);
            const bool inside = r >= 0 && s >= 0;
            const double value =
                inside ? image.uint8s()[usize((r * w + s) * c + ch)] : static_cast<double>(o.border_value);
            sum += value * static_cast<double>(k.weights[usize(i * k.width + j)]);
          }
        }
        result.push_back(static_cast<float>(o.scale * sum + o.offset));
      }
    }
  }
  return result;
}

TEST(Filter, IsTheFormulaForEveryOption) {
  std::uint64_t seed = 0;
  for (const Index channels : {1, 3, 4}) {
    for (const auto& [kh, kw] : {std::pair<Index, Index>{3, 3}, {1, 5}, {7, 1}, {5, 3}, {9, 11}}) {
      for (const Border border : kBorders) {
        for (const FilterPadding padding : {kValid, kSame}) {
          for (const auto& [rows, columns] : {std::pair<Index, Index>{1, 1}, {2, 3}, {5, 4}}) {
            const bool small = padding == kSame;  // Smaller than the kernel, so that borders repeat.
            const Tensor image = test::noise(small ? 4 : 10, small ? 3 : 13, channels, ++seed);
            const FilterKernel kernel = noise_kernel(kh, kw, seed);
            const FilterOptions options{.row_stride = rows,
                                        .column_stride = columns,
                                        .padding = padding,
                                        .border = border,
                                        .border_value = 7,
                                        .scale = 0.5,
                                        .offset = 3};
            ASSERT_EQ(values_of(filter_values(image, kernel, options)), by_formula(image, kernel, options))
                << kh << "x" << kw << " " << name_of(border) << " " << name_of(padding) << " strides " << rows << " "
                << columns << ", " << channels << " channels";
          }
        }
      }
    }
  }
}

TEST(Filter, BandsDoNotShow) {
  const Tensor image = test::noise(300, 31, 3);
  const FilterKernel kernel = noise_kernel(5, 5, 4);
  for (const Index stride : {1, 2, 3}) {
    const FilterOptions options{.row_stride = stride, .border = Border::mirror};
    const std::vector<float> wanted = by_formula(image, kernel, options);
    for (const int threads : {1, 2, 3}) {
      set_thread_count(threads);
      EXPECT_EQ(values_of(filter_values(image, kernel, options)), wanted) << threads << " threads, stride " << stride;
    }
  }
  set_thread_count(1);
}

TEST(Filter, NamedBordersAreThoseDrawn) {
  // abcd = 1234, and a kernel that fetches what stands three places to the left.
  const Tensor image = image_of({1, 4, 1}, {1, 2, 3, 4});
  const FilterKernel kernel = parse_kernel("1 0 0 0 0 0 0");
  const auto row = [&](Border border) {
    return pixels_of(filter(image, kernel, {.border = border, .border_value = 9}));
  };
  EXPECT_THAT(row(Border::constant), ElementsAre(9, 9, 9, 1));
  EXPECT_THAT(row(Border::nearest), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(row(Border::reflect), ElementsAre(3, 2, 1, 1));
  EXPECT_THAT(row(Border::mirror), ElementsAre(4, 3, 2, 1));
  EXPECT_THAT(row(Border::wrap), ElementsAre(2, 3, 4, 1));
  for (const Border border : kBorders) EXPECT_EQ(border_named(name_of(border)), border);
}

TEST(Filter, PixelsAreScaledRoundedAndClipped) {
  const Tensor image = image_of({1, 4, 1}, {1, 2, 3, 200});
  const auto scaled = [&](double scale, double offset) {
    return pixels_of(filter(image, parse_kernel("1"), {.scale = scale, .offset = offset}));
  };
  EXPECT_THAT(scaled(0.5, 0), ElementsAre(1, 1, 2, 100));  // halves go up
  EXPECT_THAT(scaled(2, 1), ElementsAre(3, 5, 7, 255));
  EXPECT_THAT(scaled(-1, 100), ElementsAre(99, 98, 97, 0));
  EXPECT_THAT(scaled(1e200, 0), ElementsAre(255, 255, 255, 255));
  EXPECT_THAT(scaled(0, -0.4), ElementsAre(0, 0, 0, 0));
}

TEST(Filter, AlphaIsThatUnderTheCentre) {
  const Tensor image = test::noise(7, 6, 4);
  for (const FilterPadding padding : {kValid, kSame}) {
    for (const Index stride : {1, 2, 3}) {
      const FilterOptions options{.row_stride = stride, .column_stride = stride, .padding = padding};
      const Tensor centre = filter(image, parse_kernel("0 0 0; 0 1 0; 0 0 0"), options);
      const Tensor blurred = filter(image, parse_kernel("1 1 1; 1 1 1; 1 1 1"), options);
      const std::vector<float> wanted = values_of(filter_values(image, parse_kernel("0 0 0; 0 1 0; 0 0 0"), options));
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        ASSERT_EQ(static_cast<float>(centre.uint8s()[i]), wanted[i]);
        if (i % 4 == 3) {
          ASSERT_EQ(static_cast<float>(blurred.uint8s()[i]), wanted[i]);
        }
      }
    }
  }
}

TEST(FilterValues, TakesFloatsOfAnyChannels) {
  const Tensor values({2, 1, 2}, std::vector<float>{0.5F, -1, 0.25F, 3});
  EXPECT_THAT(values_of(filter_values(values, parse_kernel("1; 1; 1"))), ElementsAre(0.75F, 2, 0.75F, 2));
}

TEST(FilterWindow, IsWhatTheKernelLiesOn) {
  const Tensor image = image_of({2, 2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  const FilterKernel kernel = parse_kernel("0 0 0; 0 1 0; 0 0 0");
  EXPECT_THAT(filter_window(image, kernel, {.border_value = -1}, 0, 1, 1),
              ElementsAre(-1, -1, -1, 2, 5, -1, 8, 11, -1));
  EXPECT_THAT(filter_window(image, kernel, {.border = Border::nearest}, 1, 0, 2),
              ElementsAre(3, 3, 6, 9, 9, 12, 9, 9, 12));
  EXPECT_EQ(text_of<ValueError>([&] { filter_window(image, kernel, {}, 2, 0, 0); }),
            "filter: expected a pixel of the result, which has 2 rows, 2 columns and 3 channels, got row 2, column 0, "
            "channel 0; count them from 0");
}

// ---- Separable kernels ----

TEST(Separate, FindsWholeFactors) {
  for (const NamedFilter& named : named_filters()) {
    const auto factors = separate(named.kernel);
    const bool wanted =
        named.name != "sharpen" && named.name != "laplacian" && named.name != "outline" && named.name != "emboss";
    EXPECT_EQ(factors.has_value(), wanted) << named.name;
    if (!factors) continue;
    for (std::size_t i = 0; i < factors->column.size(); ++i) {
      EXPECT_EQ(factors->column[i], std::trunc(factors->column[i]));
      for (std::size_t j = 0; j < factors->row.size(); ++j) {
        EXPECT_EQ(factors->column[i] * factors->row[j], named.kernel.weights[i * factors->row.size() + j]);
      }
    }
  }
}

TEST(Separate, FindsFractionsAndOnlyRankOne) {
  FilterKernel product{.height = 3, .width = 5};
  const std::vector<float> column = {0.3F, -0.7F, 0.11F}, row = {0.1F, 0, -0.9F, 0.33F, 2.5F};
  for (const float a : column) {
    for (const float b : row) product.weights.push_back(a * b);
  }
  const auto factors = separate(product);
  ASSERT_TRUE(factors);
  for (std::size_t i = 0; i < 15; ++i) {
    EXPECT_NEAR(factors->column[i / 5] * factors->row[i % 5], product.weights[i], 1e-6F);
  }
  product.weights[7] += 1e-4F;
  EXPECT_FALSE(separate(product));
  EXPECT_FALSE(separate(parse_kernel("1 2 1")));
  EXPECT_FALSE(separate(parse_kernel("0 0 0; 0 0 0; 0 0 0")));
}

TEST(Separate, GivesTheSamePixels) {
  const Tensor image = test::noise(70, 40, 3);
  for (const NamedFilter& named : named_filters()) {
    for (const Index stride : {1, 2}) {
      const FilterOptions options{.row_stride = stride, .column_stride = stride, .border = Border::reflect};
      EXPECT_EQ(values_of(filter_values(image, named.kernel, options)), by_formula(image, named.kernel, options))
          << named.name;
    }
  }
}

// ---- Names and texts ----

TEST(NamedFilters, KeepTheBrightnessOrFindEdges) {
  for (const NamedFilter& named : named_filters()) {
    const float sum = std::accumulate(named.kernel.weights.begin(), named.kernel.weights.end(), 0.0F);
    EXPECT_TRUE(sum == static_cast<float>(named.divisor) || (sum == 0 && named.divisor == 1)) << named.name;
    EXPECT_EQ(filter_named(named.name).kernel, named.kernel);
  }
  EXPECT_EQ(text_of<ValueError>([] { filter_named("sobel"); }),
            "kernel 'sobel': expected one of identity, box-blur, gaussian-blur, gaussian-blur-5, sharpen, sobel-x, "
            "sobel-y, prewitt-x, prewitt-y, laplacian, outline, emboss, got 'sobel'; use one of these names");
}

TEST(NamedFilters, EdgesFaceTheRightWay) {
  // Dark on the left, bright on the right; and the same from top to bottom.
  const Tensor right = image_of({3, 3, 1}, {0, 0, 9, 0, 0, 9, 0, 0, 9});
  const Tensor down = image_of({3, 3, 1}, {0, 0, 0, 0, 0, 0, 9, 9, 9});
  const auto centre = [](const Tensor& image, std::string_view name) {
    return values_of(filter_values(image, filter_named(name).kernel, {.padding = kValid}))[0];
  };
  EXPECT_EQ(centre(right, "sobel-x"), 36);
  EXPECT_EQ(centre(right, "sobel-y"), 0);
  EXPECT_EQ(centre(down, "sobel-y"), 36);
  EXPECT_EQ(centre(right, "prewitt-x"), 27);
  EXPECT_EQ(centre(down, "prewitt-y"), 27);
  EXPECT_EQ(centre(right, "laplacian"), 9);
  EXPECT_EQ(centre(right, "outline"), -27);
  EXPECT_EQ(centre(right, "emboss"), 27);
}

TEST(ParseKernel, ReadsNumbersAndFractions) {
  EXPECT_EQ(parse_kernel(" -1,0 ,+1.5 ;\t1/4 2e1 -1/2; 0 0 0 "),
            (FilterKernel{.height = 3, .width = 3, .weights = {-1, 0, 1.5F, 0.25F, 20, -0.5F, 0, 0, 0}}));
}

TEST(ParseKernel, ErrorsSayWhere) {
  const auto error = [](std::string_view text) { return text_of<ValueError>([&] { parse_kernel(text); }); };
  const std::string fix = "; write rows between semicolons: \"-1 0 1; -2 0 2; -1 0 1\"";
  EXPECT_EQ(error("1 2 3; 4 5; 6 7 8"),
            "kernel '1 2 3; 4 5; 6 7 8': expected 3 numbers in row 2, as in the first, got 2" + fix);
  EXPECT_EQ(error("1 2 3;"), "kernel '1 2 3;': expected numbers in every row, got none in row 2" + fix);
  EXPECT_EQ(error(""), "kernel '': expected numbers in every row, got none in row 1" + fix);
  for (const char* word : {"x", "1/0", "0/0", "nan", "inf", "1e99", "1/", "1.5.2", "--1"}) {
    EXPECT_EQ(error(word),
              std::string("kernel '") + word + "': expected finite numbers or fractions, got '" + word + "'" + fix);
  }
  EXPECT_EQ(error("1 2; 3 4"),
            "filter: expected a kernel of odd height and width, got 2 x 2; only then has it a centre; add a row or "
            "column, of zeros perhaps");
}

TEST(Filter, ErrorsSayWhatToDo) {
  const Tensor image = test::noise(4, 2, 1);
  const FilterKernel kernel = parse_kernel("1 1 1; 1 1 1; 1 1 1");
  const auto error = [&](const FilterKernel& k, const FilterOptions& options) {
    return text_of<Error>([&] { filter(image, k, options); });
  };
  EXPECT_EQ(error(kernel, {.padding = kValid}),
            "filter: expected an image of at least 3 x 3 (the kernel's size) with padding valid, got 4 x 2 (height x "
            "width); use padding same, or a smaller kernel");
  EXPECT_EQ(error(kernel, {.column_stride = 0}),
            "filter: expected strides of at least 1, got 0; use 1 to visit every pixel");
  EXPECT_THAT(error(parse_kernel("1e37"), {}),
              HasSubstr("sum of products is at most 3.4e38 in a white picture, got 2.5"));
  EXPECT_THAT(error(kernel, {.border_value = 3e38F}), HasSubstr("sum of products is at most 3.4e38"));
  EXPECT_THAT(error(kernel, {.scale = NAN}), HasSubstr("filter: expected a scale from -1e200 to 1e200, got nan;"));
  EXPECT_THAT(error(kernel, {.offset = INFINITY}),
              HasSubstr("filter: expected an offset from -1e200 to 1e200, got inf;"));
  EXPECT_THAT(error(kernel, {.border_value = NAN}), HasSubstr("filter: expected a finite border value, got nan;"));
  EXPECT_THAT(error({.height = 3, .width = 1, .weights = {1, 2}}, {}),
              HasSubstr("filter: expected 3 x 1 weights, got 2;"));
  EXPECT_THAT(error({.height = 1, .width = 1, .weights = {NAN}}, {}),
              HasSubstr("filter: expected finite weights, got nan;"));
  EXPECT_THAT(error({}, {}), HasSubstr("expected a kernel of odd height and width, got 0 x 0;"));
  EXPECT_THAT(text_of<ValueError>([&] { filter(Tensor({2, 2, 3}), kernel); }), HasSubstr("filter: "));
  EXPECT_THAT(text_of<ShapeError>([&] { filter_values(Tensor({2, 2}), kernel); }), HasSubstr("filter: "));
  EXPECT_THAT(text_of<ValueError>([] { border_named("edge"); }),
              HasSubstr("border 'edge': expected one of constant, nearest, reflect, mirror, wrap, got 'edge';"));
  EXPECT_THAT(text_of<ValueError>([] { filter_padding_named("full"); }), HasSubstr("expected one of valid, same,"));
}

}  // namespace
}  // namespace saccade
