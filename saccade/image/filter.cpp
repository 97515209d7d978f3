#include "saccade/image/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <string>

#include "saccade/base/error.h"
#include "saccade/base/parallel.h"
#include "saccade/image/filter_internal.h"
#include "saccade/kernels/conv2d/conv2d.h"
#include "saccade/kernels/window.h"

namespace saccade {
namespace {

/// Rows of the result that are computed together; the memory this takes does not grow with the picture's height.
constexpr Index kBandRows = 64;
constexpr double kMostFactor = 1e200;  // times any float, still a finite number

void require(bool holds, const char* expected, double got, const char* fix) {
  if (!holds) throw ValueError({.where = "filter", .expected = expected, .got = fmt::format("{}", got), .fix = fix});
}

void check_options(const FilterOptions& options) {
  const Index stride = std::min(options.row_stride, options.column_stride);
  require(stride >= 1, "strides of at least 1", static_cast<double>(stride), "use 1 to visit every pixel");
  require(std::abs(options.scale) <= kMostFactor, "a scale from -1e200 to 1e200", options.scale,
          "use 1 to leave the sums as they are");
  require(std::abs(options.offset) <= kMostFactor, "an offset from -1e200 to 1e200", options.offset,
          "use 0 to leave the sums as they are");
  require(std::isfinite(options.border_value), "a finite border value", static_cast<double>(options.border_value),
          "use 0 for the padding of networks");
}

/// One axis of the padded picture.
struct Axis {
  Index out = 0;              ///< Of the result.
  std::vector<Index> source;  ///< For every padded place the one in the picture, or -1 where the border's value stands.
};

kernels::Pads pads_of(Index in, Index k, Index stride, FilterPadding padding) {
  return padding == FilterPadding::same ? kernels::same_pads(in, k, stride, 1) : kernels::Pads{};
}

Axis axis_of(Index in, Index k, Index stride, const FilterOptions& options) {
  const kernels::Pads pads = pads_of(in, k, stride, options.padding);
  Axis axis{.out = kernels::window_count(in, k, stride, 1, pads)};
  axis.source.resize(usize((axis.out - 1) * stride + k));
  for (Index i = 0; i < isize(axis.source.size()); ++i) {
    axis.source[usize(i)] = filter_internal::border_index(i - pads.before, in, options.border);
  }
  return axis;
}

/// A picture, of which the first `used` channels are filtered.
struct Picture {
  const Tensor* image = nullptr;
  Index height = 0, width = 0, channels = 0;
  Index used = 0;
};

/// The picture, uint8 or float32, once everything is found to be in order.
Picture checked(const Tensor& image, const FilterKernel& kernel, const FilterOptions& options) {
  Picture picture;
  if (image.dtype() == DType::uint8) {
    const ImageSize size = image_size(image, "filter");
    picture = {&image, size.height, size.width, size.channels, size.channels};
  } else {
    const Shape& shape = image.shape();
    if (shape.rank() != 3 || shape.elements() == 0) {
      throw ShapeError({.where = "filter",
                        .expected = "[height, width, channels] with at least one value",
                        .got = shape.to_string(),
                        .fix = "reshape it"});
    }
    picture = {&image, shape[0], shape[1], shape[2], shape[2]};
  }
  filtered_size({picture.height, picture.width, picture.channels}, kernel, options);
  return picture;
}

/// A convolution of `rows` x `columns` pixels whose channels do not mix, prepared and run once.
void convolve(Index rows, Index columns, Index channels, const FilterKernel& kernel, Index row_stride,
              Index column_stride, std::span<const float> src, std::span<float> dst) {
  const kernels::Conv2DProblem problem{.ih = rows,
                                       .iw = columns,
                                       .ic = channels,
                                       .oc = channels,
                                       .kh = kernel.height,
                                       .kw = kernel.width,
                                       .sh = row_stride,
                                       .sw = column_stride,
                                       .groups = channels,
                                       .bias = false};
  const auto choice = kernels::choose(kernels::conv2d_implementations(), problem);
  std::vector<float> weight;  // HWIO: each tap once a channel
  weight.reserve(usize(problem.weight_elements()));
  for (const float tap : kernel.weights) weight.insert(weight.end(), usize(channels), tap);
  AlignedBuffer scratch(usize(choice.kernel->scratch_bytes()));
  choice.kernel->run({.src = src, .weight = weight, .dst = dst, .scratch = scratch.bytes()});
}

/// The sums of a whole picture, a band of rows at a time.
class Sums {
 public:
  Sums(const Picture& picture, const FilterKernel& kernel, const FilterOptions& options)
      : picture_(picture),
        options_(options),
        rows_(axis_of(picture.height, kernel.height, options.row_stride, options)),
        columns_(axis_of(picture.width, kernel.width, options.column_stride, options)),
        first_(kernel),
        first_column_stride_(options.column_stride) {
    const auto factors = separate(kernel);
    if (!factors) return;
    first_ = {.height = kernel.height, .width = 1, .weights = factors->column};
    first_column_stride_ = 1;
    second_ = {.height = 1, .width = kernel.width, .weights = factors->row};
  }

  Index height() const { return rows_.out; }
  Index width() const { return columns_.out; }

  /// Calls take(row, sums) for each row of the result, with width() * picture.used sums; from several threads at once.
  template <class Take>
  void each_row(Take&& take) const {
    parallel_ranges(height(), kBandRows, [&](Index begin, Index end) {
      const std::vector<float> sums = band(begin, end);
      const Index row = width() * picture_.used;
      for (Index y = begin; y < end; ++y) {
        take(y, std::span<const float>(sums).subspan(usize((y - begin) * row), usize(row)));
      }
    });
  }

 private:
  std::vector<float> band(Index begin, Index end) const {
    const Index channels = picture_.used;
    const Index rows = (end - begin - 1) * options_.row_stride + first_.height;
    const Index columns = isize(columns_.source.size());
    std::vector<float> padded(usize(rows * columns * channels));
    for (Index y = 0; y < rows; ++y) {
      load_row(rows_.source[usize(begin * options_.row_stride + y)],
               std::span(padded).subspan(usize(y * columns * channels), usize(columns * channels)));
    }
    const Index middle = second_ ? columns : width();
    std::vector<float> sums(usize((end - begin) * middle * channels));
    convolve(rows, columns, channels, first_, options_.row_stride, first_column_stride_, padded, sums);
    if (!second_) return sums;
    std::vector<float> done(usize((end - begin) * width() * channels));
    convolve(end - begin, columns, channels, *second_, 1, options_.column_stride, sums, done);
    return done;
  }

  /// Row `source` of the picture with its border at both ends; nothing but border when it is -1.
  void load_row(Index source, std::span<float> target) const {
    std::fill(target.begin(), target.end(), options_.border_value);
    if (source < 0) return;
    if (picture_.image->dtype() == DType::uint8) {
      load_row(picture_.image->uint8s().data(), source, target);
    } else {
      load_row(picture_.image->floats().data(), source, target);
    }
  }
  template <class T>
  void load_row(const T* values, Index source, std::span<float> target) const {
    const T* const row = values + source * picture_.width * picture_.channels;
    float* pixel = target.data();
    for (const Index column : columns_.source) {
      if (column >= 0) {
        for (Index c = 0; c < picture_.used; ++c) pixel[c] = static_cast<float>(row[column * picture_.channels + c]);
      }
      pixel += picture_.used;
    }
  }

  Picture picture_;
  FilterOptions options_;
  Axis rows_, columns_;
  FilterKernel first_;  ///< The whole kernel, or its column.
  Index first_column_stride_;
  std::optional<FilterKernel> second_;  ///< Its row, when it is separable.
};

/// Fills in the alpha of the pixels under the kernel's centre. With padding same the centre is always inside.
void copy_alpha(const Picture& picture, const FilterKernel& kernel, const FilterOptions& options, Tensor& result) {
  const auto centre = [&](Index out, Index in, Index k, Index stride) {
    return out * stride - pads_of(in, k, stride, options.padding).before + k / 2;
  };
  const std::uint8_t* const source = picture.image->uint8s().data();
  std::uint8_t* const target = result.uint8s().data();
  const Index height = result.shape()[0], width = result.shape()[1];
  for (Index y = 0; y < height; ++y) {
    const Index from_y = centre(y, picture.height, kernel.height, options.row_stride);
    for (Index x = 0; x < width; ++x) {
      const Index from_x = centre(x, picture.width, kernel.width, options.column_stride);
      target[(y * width + x) * 4 + 3] = source[(from_y * picture.width + from_x) * 4 + 3];
    }
  }
}

}  // namespace

Index filter_internal::border_index(Index i, Index n, Border border) {
  if (i >= 0 && i < n) return i;
  const auto within = [i](Index period) { return ((i % period) + period) % period; };
  switch (border) {
    case Border::nearest:
      return i < 0 ? 0 : n - 1;
    case Border::reflect: {
      const Index j = within(2 * n);
      return j < n ? j : 2 * n - 1 - j;
    }
    case Border::mirror: {
      if (n == 1) return 0;
      const Index j = within(2 * n - 2);
      return j < n ? j : 2 * n - 2 - j;
    }
    case Border::wrap:
      return within(n);
    case Border::constant:
      break;
  }
  return -1;
}

void filter_internal::check_kernel(const FilterKernel& kernel) {
  if (kernel.height < 1 || kernel.width < 1 || kernel.height % 2 == 0 || kernel.width % 2 == 0) {
    throw ValueError({.where = "filter",
                      .expected = "a kernel of odd height and width",
                      .got = fmt::format("{} x {}", kernel.height, kernel.width),
                      .fix = "only then has it a centre; add a row or column, of zeros perhaps"});
  }
  const auto elements = checked_multiply(kernel.height, kernel.width);
  if (elements != isize(kernel.weights.size())) {
    throw ValueError({.where = "filter",
                      .expected = fmt::format("{} x {} weights", kernel.height, kernel.width),
                      .got = fmt::format("{}", kernel.weights.size()),
                      .fix = "give one for each row and column"});
  }
  for (const float weight : kernel.weights) {
    require(std::isfinite(weight), "finite weights", static_cast<double>(weight), "use ordinary numbers");
  }
}

ImageSize filtered_size(const ImageSize& size, const FilterKernel& kernel, const FilterOptions& options) {
  filter_internal::check_kernel(kernel);
  check_options(options);
  const double whitest = std::max(255.0, std::abs(static_cast<double>(options.border_value)));
  double largest = 0.0;
  for (const float weight : kernel.weights) largest += std::abs(static_cast<double>(weight)) * whitest;
  require(largest <= static_cast<double>(std::numeric_limits<float>::max()),
          "weights and a border value whose sum of products is at most 3.4e38 in a white picture", largest,
          "use smaller weights, and a scale");
  if (options.padding == FilterPadding::valid && (kernel.height > size.height || kernel.width > size.width)) {
    throw ShapeError({.where = "filter",
                      .expected = fmt::format("an image of at least {} x {} (the kernel's size) with padding valid",
                                              kernel.height, kernel.width),
                      .got = fmt::format("{} x {} (height x width)", size.height, size.width),
                      .fix = "use padding same, or a smaller kernel"});
  }
  const auto out = [&](Index in, Index k, Index stride) {
    return kernels::window_count(in, k, stride, 1, pads_of(in, k, stride, options.padding));
  };
  return {.height = out(size.height, kernel.height, options.row_stride),
          .width = out(size.width, kernel.width, options.column_stride),
          .channels = size.channels};
}

Tensor filter(const Tensor& image, const FilterKernel& kernel, const FilterOptions& options) {
  image_size(image, "filter");
  Picture picture = checked(image, kernel, options);
  if (picture.channels == 4) picture.used = 3;
  const Sums sums(picture, kernel, options);
  Tensor result({sums.height(), sums.width(), picture.channels}, DType::uint8);
  std::uint8_t* const target = result.uint8s().data();
  sums.each_row([&](Index y, std::span<const float> row) {
    std::uint8_t* pixel = target + y * sums.width() * picture.channels;
    for (std::size_t i = 0; i < row.size(); i += usize(picture.used), pixel += picture.channels) {
      for (Index c = 0; c < picture.used; ++c) {
        pixel[c] = to_pixel(options.scale * static_cast<double>(row[i + usize(c)]) + options.offset);
      }
    }
  });
  if (picture.channels == 4) copy_alpha(picture, kernel, options, result);
  return result;
}

Tensor filter_values(const Tensor& image, const FilterKernel& kernel, const FilterOptions& options) {
  const Picture picture = checked(image, kernel, options);
  const Sums sums(picture, kernel, options);
  Tensor result({sums.height(), sums.width(), picture.channels});
  float* const target = result.floats().data();
  sums.each_row([&](Index y, std::span<const float> row) {
    std::ranges::transform(row, target + y * isize(row.size()), [&](float sum) {
      return static_cast<float>(options.scale * static_cast<double>(sum) + options.offset);
    });
  });
  return result;
}

std::vector<float> filter_window(const Tensor& image, const FilterKernel& kernel, const FilterOptions& options,
                                 Index row, Index column, Index channel) {
  const Picture picture = checked(image, kernel, options);
  const Axis rows = axis_of(picture.height, kernel.height, options.row_stride, options);
  const Axis columns = axis_of(picture.width, kernel.width, options.column_stride, options);
  const bool inside = row >= 0 && row < rows.out && column >= 0 && column < columns.out;
  if (!inside || channel < 0 || channel >= picture.channels) {
    throw ValueError({.where = "filter",
                      .expected = fmt::format("a pixel of the result, which has {} rows, {} columns and {} channels",
                                              rows.out, columns.out, picture.channels),
                      .got = fmt::format("row {}, column {}, channel {}", row, column, channel),
                      .fix = "count them from 0"});
  }
  std::vector<float> window;
  for (Index i = 0; i < kernel.height; ++i) {
    const Index y = rows.source[usize(row * options.row_stride + i)];
    for (Index j = 0; j < kernel.width; ++j) {
      const Index x = columns.source[usize(column * options.column_stride + j)];
      const std::size_t at = usize((y * picture.width + x) * picture.channels + channel);
      if (y < 0 || x < 0) {
        window.push_back(options.border_value);
      } else {
        window.push_back(image.dtype() == DType::uint8 ? static_cast<float>(image.uint8s()[at]) : image.floats()[at]);
      }
    }
  }
  return window;
}

std::optional<SeparableKernel> separate(const FilterKernel& kernel) {
  filter_internal::check_kernel(kernel);
  if (kernel.height == 1 || kernel.width == 1) return std::nullopt;
  const auto& w = kernel.weights;
  const auto largest = std::ranges::max_element(w, {}, [](float weight) { return std::abs(weight); });
  if (*largest == 0.0F) return std::nullopt;
  const Index pivot = largest - w.begin();
  const auto at = [&](Index i, Index j) { return static_cast<double>(w[usize(i * kernel.width + j)]); };
  // Whole numbers stay whole when the row is divided by what all its numbers share.
  constexpr double kExact = 1 << 24;
  double divisor = at(pivot / kernel.width, pivot % kernel.width);
  if (std::ranges::all_of(w, [](float weight) { return std::abs(weight) < kExact && std::trunc(weight) == weight; })) {
    Index shared = 0;
    for (Index j = 0; j < kernel.width; ++j) shared = std::gcd(shared, static_cast<Index>(at(pivot / kernel.width, j)));
    divisor = static_cast<double>(shared);
  }
  std::vector<double> column, row;
  for (Index j = 0; j < kernel.width; ++j) row.push_back(at(pivot / kernel.width, j) / divisor);
  for (Index i = 0; i < kernel.height; ++i) {
    column.push_back(at(i, pivot % kernel.width) / row[usize(pivot % kernel.width)]);
  }
  const double tolerance = 1e-6 * std::abs(static_cast<double>(*largest));
  for (Index i = 0; i < kernel.height; ++i) {
    for (Index j = 0; j < kernel.width; ++j) {
      if (std::abs(at(i, j) - column[usize(i)] * row[usize(j)]) > tolerance) return std::nullopt;
    }
  }
  // Of the two signs the one a reader would choose: sums, not differences, are positive. Adding 0 leaves no -0.
  const double sign = std::accumulate(column.begin(), column.end(), 0.0) + std::accumulate(row.begin(), row.end(), 0.0);
  SeparableKernel factors;
  for (const double value : column) factors.column.push_back(static_cast<float>(sign < 0 ? 0.0 - value : value + 0.0));
  for (const double value : row) factors.row.push_back(static_cast<float>(sign < 0 ? 0.0 - value : value + 0.0));
  return factors;
}

}  // namespace saccade
