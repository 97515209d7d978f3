#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "saccade/io/onnx/import_internal.h"
#include "saccade/nn/resample.h"
#include "saccade/nn/up_sampling2d.h"

namespace saccade::internal {
namespace {

/// What one axis becomes.
struct AxisSize {
  Index size = 1;
  float scale = 0.0F;  ///< Outputs an input, where the file says that rather than the size.
};

AxisSize of_scale(const NodeImport& n, Index dim, float scale) {
  constexpr float kMost = 1024.0F;
  if (!(scale > 0.0F && scale <= kMost)) {
    n.arguments().fail(fmt::format("scales above 0, at most {}", kMost), fmt::format("{}", scale));
  }
  const double size = std::floor(static_cast<double>(dim) * static_cast<double>(scale));
  const auto whole = static_cast<Index>(size);
  const bool exact = size == static_cast<double>(dim) * static_cast<double>(scale);
  return {whole, exact ? 0.0F : scale};
}

/// For each of the tensor's axes, what it becomes.
std::vector<AxisSize> read_sizes(const NodeImport& n, const Edge& x) {
  const bool is_resize = n.node().op == "Resize";
  const std::size_t scales_input = is_resize && n.importer().opset_at_least(11) ? 2 : 1;
  std::vector<Index> axes(usize(x.rank()));
  std::iota(axes.begin(), axes.end(), Index{0});
  if (n.node().has("axes")) axes = n.arguments().axes("axes", std::numeric_limits<std::size_t>::max(), x.rank());
  std::vector<AxisSize> result;
  for (const Index dim : x.dims) result.push_back({dim});
  std::vector<float> scales = n.node().numbers("scales", {});
  if (n.arguments().knows(scales_input) && n.arguments().constant(scales_input).is_float()) {
    scales = n.arguments().constant(scales_input).floats();
  }
  std::vector<Index> sizes;
  if (scales.empty() && is_resize) sizes = n.arguments().list("", 3);
  if (std::max(scales.size(), sizes.size()) != axes.size()) {
    n.arguments().fail(fmt::format("{} sizes or scales", axes.size()),
                       std::to_string(std::max(scales.size(), sizes.size())));
  }
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const Index dim = x.dims[usize(axes[i])];
    AxisSize& axis = result[usize(axes[i])];
    axis = scales.empty() ? AxisSize{sizes[i]} : of_scale(n, dim, scales[i]);
    constexpr Index kMost = 1 << 20;
    if (axis.size != dim && (axis.size < 1 || axis.size > kMost)) {
      n.arguments().fail(fmt::format("sizes from 1 to {}", kMost), std::to_string(axis.size));
    }
  }
  if (x.is_batched() && result[0].size != x.dims[0]) n.arguments().fail("the batch to keep its size", dims_text(sizes));
  return result;
}

template <class Value>
Value read_word(const NodeImport& n, const std::string& attribute, const std::string& otherwise,
                const std::map<std::string, Value>& words) {
  const std::string word = n.node().text(attribute, otherwise);
  const auto found = words.find(word);
  if (found != words.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [name, value] : words) known.push_back(name);
  n.arguments().fail(fmt::format("{} of {}", attribute, fmt::join(known, ", ")), word);
}

/// How the places between the pixels are filled.
ResampleOptions read_method(const NodeImport& n) {
  const bool named = n.node().op == "Resize" && n.importer().opset_at_least(11);
  ResampleOptions o;
  o.method = read_word<Resampling>(
      n, "mode", "nearest",
      {{"nearest", Resampling::nearest}, {"linear", Resampling::linear}, {"cubic", Resampling::cubic}});
  o.coordinates = read_word<Coordinates>(n, "coordinate_transformation_mode", named ? "half_pixel" : "asymmetric",
                                         {{"half_pixel", Coordinates::half_pixel},
                                          {"pytorch_half_pixel", Coordinates::pytorch_half_pixel},
                                          {"align_corners", Coordinates::align_corners},
                                          {"asymmetric", Coordinates::asymmetric},
                                          {"tf_half_pixel_for_nn", Coordinates::half_pixel_floor}});
  o.rounding = read_word<Rounding>(n, "nearest_mode", named ? "round_prefer_floor" : "floor",
                                   {{"round_prefer_floor", Rounding::prefer_floor},
                                    {"round_prefer_ceil", Rounding::prefer_ceil},
                                    {"floor", Rounding::floor},
                                    {"ceil", Rounding::ceil}});
  o.cubic_a = n.node().number("cubic_coeff_a", -0.75F);
  o.exclude_outside = n.node().integer("exclude_outside", 0) != 0;
  o.antialias = n.node().integer("antialias", 0) != 0;
  n.node().number("extrapolation_value", 0.0F);  // of another coordinate_transformation_mode
  const std::string policy = n.node().text("keep_aspect_ratio_policy", "stretch");
  if (policy != "stretch") n.arguments().fail("keep_aspect_ratio_policy stretch", policy);
  return o;
}

/// Whether up-sampling by a whole factor is UpSampling2D's. Between the centres, every new pixel is nearest to the one
/// that holds it, however halves are rounded.
bool is_up_sampling(const ResampleOptions& o) {
  const bool centred = o.coordinates == Coordinates::half_pixel || o.coordinates == Coordinates::pytorch_half_pixel;
  const bool rounds = o.rounding == Rounding::prefer_floor || o.rounding == Rounding::prefer_ceil;
  const bool corner = o.coordinates == Coordinates::asymmetric && o.rounding == Rounding::floor;
  if (o.method == Resampling::nearest) return (centred && rounds) || corner;
  return o.method == Resampling::linear && centred && !o.exclude_outside;
}

Edge import_resize(const NodeImport& n) {
  Edge x = unflattened(n.edge(0));
  const std::vector<AxisSize> sizes = read_sizes(n, x);
  const ResampleOptions method = read_method(n);
  const auto stays = [&](std::size_t axis) { return sizes[axis].size == x.dims[axis]; };
  const auto is_whole = [&](std::size_t axis) {
    return sizes[axis].size % x.dims[axis] == 0 && sizes[axis].scale == 0.0F;
  };
  if (x.is_batched() && x.rank() == 4 && stays(1) && is_whole(2) && is_whole(3) && is_up_sampling(method)) {
    const ImageEdge image(n);
    const UpSampling2D layer{
        {.size = {sizes[2].size / image.height(), sizes[3].size / image.width()},
         .interpolation = method.method == Resampling::nearest ? UpSampling::nearest : UpSampling::bilinear,
         .name = n.name()}};
    return image.made(layer(image.node()));
  }
  for (const Index axis : x.order) {
    const AxisSize& own = sizes[usize(axis)];
    if (stays(usize(axis)) && own.scale == 0.0F) continue;
    ResampleOptions options = method;
    options.axis = x.position(axis);
    options.size = own.size;
    options.scale = own.scale;
    options.name = n.name();
    x.node = Resample(options)(x.node);
    x.viewed = false;
  }
  for (std::size_t axis = 0; axis < sizes.size(); ++axis) x.dims[axis] = sizes[axis].size;
  return x;
}

}  // namespace

std::span<const OnnxOperator> resize_operators() {
  static constexpr std::array kOperators = {
      OnnxOperator{"Resize", import_resize},
      OnnxOperator{"Upsample", import_resize},
  };
  return kOperators;
}

}  // namespace saccade::internal
