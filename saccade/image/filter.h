#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "saccade/image/image.h"

namespace saccade {

/// An image kernel: a small matrix of weights, of odd height and width so that it has a centre. It is laid on the picture as
/// it stands, never flipped (cross-correlation, what networks call convolution).
struct FilterKernel {
  Index height = 0;
  Index width = 0;
  std::vector<float> weights = {};  ///< Row by row, height * width of them.

  friend bool operator==(const FilterKernel&, const FilterKernel&) = default;
};

/// What lies outside a picture whose row is a b c d.
enum class Border : std::uint8_t {
  constant,  ///< k k k k | a b c d | k k k k   with k = border_value: 0 is the padding of networks
  nearest,   ///< a a a a | a b c d | d d d d
  reflect,   ///< d c b a | a b c d | d c b a   the edge twice
  mirror,    ///< . d c b | a b c d | c b a .   the edge once
  wrap,      ///< a b c d | a b c d | a b c d
};
inline constexpr std::array kBorders{Border::constant, Border::nearest, Border::reflect, Border::mirror, Border::wrap};
std::string_view name_of(Border border) noexcept;  ///< "nearest"
/// The border of that name. Throws ValueError listing the names.
Border border_named(std::string_view name);

/// How much of the outside takes part.
enum class FilterPadding : std::uint8_t {
  valid,  ///< None: the kernel stays inside. out = floor((in - k) / stride) + 1
  same,   ///< As much as gives out = ceil(in / stride); an odd pixel goes to the bottom and right, as in TensorFlow.
};
std::string_view name_of(FilterPadding padding) noexcept;  ///< "valid" or "same"
/// The padding of that name. Throws ValueError listing the names.
FilterPadding filter_padding_named(std::string_view name);

struct FilterOptions {
  Index row_stride = 1;     ///< Pixels that the kernel moves down from one row of the result to the next; at least 1.
  Index column_stride = 1;  ///< And to the right from one column to the next.
  FilterPadding padding = FilterPadding::same;
  Border border = Border::constant;
  float border_value = 0.0F;  ///< Outside, for Border::constant.
  double scale = 1.0;         ///< Multiplies each sum: 1/9 makes the mean of nine pixels from their sum.
  double offset = 0.0;        ///< Added after that: 128 shows negative sums as dark and positive ones as bright.
};

/// The picture under a kernel, channel by channel; the first lesson of convolutional networks, computed by their own code
/// (kernels/conv2d, one group a channel):
///   sum[r,c]  = sum over i,j of kernel[i,j] * x[r * row_stride + i - top, c * column_stride + j - left]
///   y[r,c]    = min(max(floor(scale * sum[r,c] + offset + 0.5), 0), 255)
/// with top and left the padding before the picture, and pixels outside it as options.border says. Alpha is not filtered: the
/// result has that of the pixel under the kernel's centre. A kernel that is a column times a row (see separate()) runs as
/// those two. The same bits for any number of threads.
///
/// Throws ValueError for a kernel that is empty, of even height or width, not finite, or so large that a white picture's sums
/// would leave the floats, a stride below 1, a scale or offset beyond 1e200, and a border value that is not finite; ShapeError
/// when the kernel is larger than the picture and padding is valid.
Tensor filter(const Tensor& image, const FilterKernel& kernel, const FilterOptions& options = {});

/// scale * sum + offset as they are, float32 [oh, ow, channels], of every channel: nothing is rounded, clipped or left out.
/// `image` is one, or float32 [height, width, channels] with any number of channels. Throws as filter() does.
Tensor filter_values(const Tensor& image, const FilterKernel& kernel, const FilterOptions& options = {});

/// The values that the kernel lies on for one pixel of the result, row by row: what filter() multiplies its weights with.
/// Throws as filter() does, and ValueError for a row, column or channel outside the result.
std::vector<float> filter_window(const Tensor& image, const FilterKernel& kernel, const FilterOptions& options,
                                 Index row, Index column, Index channel);

/// Height and width of the result (its channels are the picture's). Throws as filter() does.
ImageSize filtered_size(const ImageSize& size, const FilterKernel& kernel, const FilterOptions& options);

/// A kernel of rank 1: weights[i,j] = column[i] * row[j], so that h + w multiplications a pixel do the work of h * w.
struct SeparableKernel {
  std::vector<float> column;
  std::vector<float> row;
};
/// The two factors, whole numbers where the weights are; nothing when the kernel is not of rank 1 (to 1e-6 of its largest
/// weight), or is a single row or column already.
std::optional<SeparableKernel> separate(const FilterKernel& kernel);

/// A kernel of the table. Its weights are whole numbers; sums are divided by `divisor`, so that blurring keeps the brightness.
struct NamedFilter {
  std::string_view name;
  FilterKernel kernel;
  Index divisor = 1;
  std::string_view meaning;  ///< One line: what it does to a picture.
};
/// identity, box-blur, gaussian-blur, gaussian-blur-5, sharpen, sobel-x, sobel-y, prewitt-x, prewitt-y, laplacian, outline and
/// emboss.
std::span<const NamedFilter> named_filters();
/// The one of that name. Throws ValueError listing the names.
const NamedFilter& filter_named(std::string_view name);

/// The kernel written in `text`: numbers or fractions between spaces or commas, rows between semicolons: "-1 0 1; -2 0 2;
/// -1 0 1", "1/3, 1/3, 1/3". Throws ValueError for anything else, rows of different lengths, and even sizes.
FilterKernel parse_kernel(std::string_view text);

}  // namespace saccade
