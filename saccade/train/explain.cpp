#include "saccade/train/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "saccade/base/error.h"
#include "saccade/base/place_of.h"
#include "saccade/image/color.h"
#include "saccade/image/resize.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/plan.h"
#include "saccade/train/evaluate.h"

namespace saccade {
namespace {

void require_image(const Model& net, const Tensor& image) {
  if (image.dtype() == DType::uint8 && image.shape() == net.input_shape()) return;
  throw ShapeError({.where = fmt::format("network '{}'", net.name()),
                    .expected = fmt::format("an image {}, uint8", net.input_shape().to_string()),
                    .got = fmt::format("{}, {}", image.shape().to_string(), name_of(image.dtype())),
                    .fix = "resize it"});
}

void require_output(const Model& net, Index output) {
  const Index outputs = net.output_shape().elements();
  if (net.output_shape().rank() == 1 && output >= 0 && output < outputs) return;
  throw ValueError({.where = fmt::format("network '{}'", net.name()),
                    .expected = fmt::format("an output from 0 to {}", outputs - 1),
                    .got = std::to_string(output),
                    .fix = "count from 0"});
}

std::vector<float> preprocessed(const Model& net, const Tensor& image) {
  std::vector<float> values(image.uint8s().size());
  net.preprocessing.apply(image.uint8s(), values);
  return values;
}

bool is_image_layer(const GraphNode& node) {
  return !node.inputs.empty() && node.shape.rank() == 3 && node.shape[0] * node.shape[1] > 1;
}

/// Position in Model::nodes(). Without a name, that of the last image layer.
std::size_t image_layer(const Model& net, std::string_view name) {
  const std::vector<std::string> names = image_layers(net);
  if (names.empty()) {
    throw ValueError({.where = fmt::format("network '{}'", net.name()),
                      .expected = "a layer whose output is an image",
                      .got = "none",
                      .fix = "networks of dense layers see no places"});
  }
  if (name.empty()) name = names.back();
  const std::vector<std::string_view> views(names.begin(), names.end());
  place_of(name, views, "layer", "its output must be an image");
  const auto found = std::ranges::find(net.nodes(), name, &GraphNode::name);
  return usize(found - net.nodes().begin());
}

/// Where the patch begins along one axis: every `stride` pixels, and at the far edge.
std::vector<Index> positions(Index extent, Index patch, Index stride) {
  std::vector<Index> all;
  for (Index at = 0; at < extent - patch; at += stride) all.push_back(at);
  all.push_back(extent - patch);
  return all;
}

void hide(std::span<std::uint8_t> image, const Shape& shape, const Crop& part, std::span<const std::uint8_t> color) {
  for (Index y = part.top; y < part.top + part.height; ++y) {
    for (Index x = part.left; x < part.left + part.width; ++x) {
      std::ranges::copy(color, image.begin() + (y * shape[1] + x) * shape[2]);
    }
  }
}

std::vector<std::uint8_t> mean_color(const Tensor& image) {
  const std::size_t channels = usize(image.shape()[2]), pixels = image.uint8s().size() / channels;
  std::vector<std::uint64_t> sums(channels);
  for (std::size_t i = 0; i < image.uint8s().size(); ++i) sums[i % channels] += image.uint8s()[i];
  std::vector<std::uint8_t> mean(channels);
  std::ranges::transform(sums, mean.begin(),
                         [&](std::uint64_t sum) { return static_cast<std::uint8_t>((sum + pixels / 2) / pixels); });
  return mean;
}

/// 0 is blue, then cyan, yellow and red.
std::array<float, 3> heat_color(float value) {
  constexpr std::array<std::array<float, 3>, 4> kStops{{{0, 0, 160}, {0, 200, 220}, {255, 230, 0}, {220, 0, 0}}};
  const float place = value * static_cast<float>(kStops.size() - 1);
  const std::size_t below = std::min(static_cast<std::size_t>(place), kStops.size() - 2);
  const float share = place - static_cast<float>(below);
  std::array<float, 3> color{};
  for (std::size_t c = 0; c < color.size(); ++c)
    color[c] = (1 - share) * kStops[below][c] + share * kStops[below + 1][c];
  return color;
}

/// Values from `low` to `high` as levels from 0 to 255.
std::uint8_t level(float value, float low, float high) {
  if (!(high > low)) return 0;
  return static_cast<std::uint8_t>(std::lround(255.0F * std::clamp((value - low) / (high - low), 0.0F, 1.0F)));
}

}  // namespace

std::vector<std::string> image_layers(const Model& net) {
  std::vector<std::string> names;
  for (const GraphNode& node : net.nodes()) {
    if (is_image_layer(node)) names.push_back(node.name);
  }
  return names;
}

Tensor first_filters(const Model& net) {
  for (const GraphNode& node : net.nodes()) {
    if (dynamic_cast<const Conv2D*>(node.layer.get()) == nullptr) continue;
    const Tensor& weight = net.parameters()[node.parameters[0]].value;  // HWIO
    const Shape& shape = weight.shape();
    Tensor filters(Shape{shape[3], shape[0], shape[1], shape[2]});
    const std::size_t taps = usize(shape[0] * shape[1] * shape[2]), count = usize(shape[3]);
    for (std::size_t f = 0; f < count; ++f) {
      for (std::size_t tap = 0; tap < taps; ++tap) filters.floats()[f * taps + tap] = weight.floats()[tap * count + f];
    }
    return filters;
  }
  throw ValueError({.where = fmt::format("network '{}'", net.name()),
                    .expected = "a convolution",
                    .got = "none",
                    .fix = "networks of dense layers have no filters"});
}

Tensor feature_maps(Model& net, const Tensor& image, std::string_view layer) {
  require_image(net, image);
  const std::size_t node = image_layer(net, layer);
  Plan plan(net, 1, PlanMode::inference, {.last = node});
  return {net.nodes()[node].shape, plan.forward(preprocessed(net, image))};
}

Tensor grad_cam(const Model& net, const Tensor& image, Index output, std::string_view layer) {
  require_image(net, image);
  require_output(net, output);
  const std::size_t node = image_layer(net, layer);
  Model frozen = net;
  if (!frozen.parameters().empty()) frozen.freeze("*");
  const Tensor features = feature_maps(frozen, image, net.nodes()[node].name);
  Plan above(frozen, 1, PlanMode::training, {.first = node, .wants_grad = true});
  const std::span<const float> scores = above.forward(features.floats());
  const float of_score = net.ends_in_softmax() ? 1.0F / std::max(scores[usize(output)], 1e-30F) : 1.0F;
  std::ranges::fill(above.output_grad(), 0.0F);
  above.output_grad()[usize(output)] = of_score;
  above.backward();
  const std::span<const float> grad = above.input_grad(), values = features.floats();
  const std::size_t channels = usize(features.shape()[2]), pixels = values.size() / channels;
  std::vector<double> weights(channels);
  for (std::size_t i = 0; i < grad.size(); ++i) weights[i % channels] += static_cast<double>(grad[i]);
  Tensor map(Shape{features.shape()[0], features.shape()[1]});
  for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
    double sum = 0.0;
    for (std::size_t c = 0; c < channels; ++c) sum += weights[c] * static_cast<double>(values[pixel * channels + c]);
    map.floats()[pixel] = static_cast<float>(std::max(0.0, sum / static_cast<double>(pixels)));
  }
  const float largest = *std::ranges::max_element(map.floats());
  if (largest > 0.0F) {
    for (float& value : map.floats()) value /= largest;
  }
  return map;
}

Tensor occlusion_map(Model& net, const Tensor& image, Index output, const OcclusionOptions& options) {
  require_image(net, image);
  require_output(net, output);
  const Shape& shape = image.shape();
  const Index shorter = std::min(shape[0], shape[1]);
  const Index patch = options.patch > 0 ? options.patch : std::max<Index>(1, shorter / 7);
  const Index stride = options.stride > 0 ? options.stride : std::max<Index>(1, patch / 2);
  if (patch > shorter) {
    throw ValueError({.where = "occlusion",
                      .expected = fmt::format("a patch of at most {} pixels a side", shorter),
                      .got = std::to_string(patch),
                      .fix = "the image is no larger"});
  }
  const std::vector<Index> rows = positions(shape[0], patch, stride), columns = positions(shape[1], patch, stride);
  const std::vector<std::uint8_t> color = mean_color(image);
  const Index all = isize(rows.size() * columns.size());
  const auto probability = [&](const Tensor& images) { return probabilities(net, predict(net, images)); };
  const float whole = probability(Tensor(image).reshaped(shape.with_batch(1))).floats()[usize(output)];
  Tensor map(Shape{isize(rows.size()), isize(columns.size())});
  Plan plan(net, options.batch_size, PlanMode::constant);
  std::vector<float> input(usize(options.batch_size * shape.elements()));
  for (Index first = 0; first < all; first += options.batch_size) {
    const Index count = std::min(options.batch_size, all - first);
    Tensor images(shape.with_batch(options.batch_size), DType::uint8);  // those behind the last are black
    for (Index i = 0; i < count; ++i) {
      const std::span<std::uint8_t> one = images.uint8s().subspan(usize(i * shape.elements()), usize(shape.elements()));
      std::ranges::copy(image.uint8s(), one.begin());
      const std::size_t place = usize(first + i);
      hide(one, shape,
           {.top = rows[place / columns.size()],
            .left = columns[place % columns.size()],
            .height = patch,
            .width = patch},
           color);
    }
    net.preprocessing.apply(images.uint8s(), input);
    const Tensor result =
        probabilities(net, Tensor(net.output_shape().with_batch(options.batch_size), plan.forward(input)));
    for (Index i = 0; i < count; ++i) {
      const float hidden = result.floats()[usize(i * net.output_shape().elements() + output)];
      map.floats()[usize(first + i)] = whole - hidden;
    }
    if (options.progress) options.progress(first + count, all);
  }
  return map;
}

std::vector<Tensor> pictures_of(const Tensor& maps, Index count) {
  const Shape& shape = maps.shape();  // [n, height, width, channels]
  const std::size_t channels = usize(shape[3]), pixels = usize(shape[1] * shape[2]);
  const std::size_t shown = channels == 3 ? 3 : 1;
  std::vector<Tensor> pictures;
  for (std::size_t n = 0; n < usize(std::min(count, shape[0])); ++n) {
    const std::span<const float> map = maps.floats().subspan(n * pixels * channels, pixels * channels);
    std::vector<float> values(map.begin(), map.end());
    if (shown != channels) {
      values.resize(pixels);
      for (std::size_t i = 0; i < pixels; ++i) {
        const std::span<const float> pixel = map.subspan(i * channels, channels);
        values[i] = std::accumulate(pixel.begin(), pixel.end(), 0.0F) / static_cast<float>(channels);
      }
    }
    const auto [low, high] = std::ranges::minmax(values);
    Tensor picture(Shape{shape[1], shape[2], isize(shown)}, DType::uint8);
    std::ranges::transform(values, picture.uint8s().begin(),
                           [low = low, high = high](float value) { return level(value, low, high); });
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

Tensor maps_in_front(const Tensor& features) {
  const Shape& shape = features.shape();  // [height, width, channels]
  const std::size_t channels = usize(shape[2]), pixels = usize(shape[0] * shape[1]);
  Tensor maps(Shape{shape[2], shape[0], shape[1], 1});
  for (std::size_t i = 0; i < pixels * channels; ++i) {
    maps.floats()[i % channels * pixels + i / channels] = features.floats()[i];
  }
  return maps;
}

Tensor heat_overlay(const Tensor& image, const Tensor& map) {
  Tensor levels(Shape{map.shape()[0], map.shape()[1], 1}, DType::uint8);
  std::ranges::transform(map.floats(), levels.uint8s().begin(), [](float value) { return level(value, 0.0F, 1.0F); });
  const Tensor smooth =
      resize(levels, {.height = image.shape()[0], .width = image.shape()[1], .interpolation = Interpolation::bicubic});
  Tensor result = convert_color(image, ColorMode::rgb);
  const std::span<std::uint8_t> pixels = result.uint8s();
  for (std::size_t i = 0; i < smooth.uint8s().size(); ++i) {
    const float heat = static_cast<float>(smooth.uint8s()[i]) / 255.0F;
    const float opacity = 0.15F + 0.55F * heat;
    const std::array<float, 3> color = heat_color(heat);
    for (std::size_t c = 0; c < 3; ++c) {
      const float mixed = (1 - opacity) * static_cast<float>(pixels[3 * i + c]) + opacity * color[c];
      pixels[3 * i + c] = static_cast<std::uint8_t>(std::lround(mixed));
    }
  }
  return result;
}

}  // namespace saccade
