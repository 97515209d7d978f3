// Keras's whole random transform and its normalisation, on one thread. Rows: pictures of photographs' and of digits' size, and
// the way from a JPEG file to a network's input, beside the decoder alone.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <cmath>

#include "saccade/augment/image_data_generator.h"
#include "saccade/base/parallel.h"
#include "saccade/data/image_files.h"
#include "saccade/image/decode.h"
#include "saccade/image/encode.h"

namespace saccade {
namespace {

ImageDataGenerator generator(int order = 1) {
  return ImageDataGenerator({.rotation_range = 30,
                             .width_shift_range = .1,
                             .height_shift_range = .1,
                             .shear_range = 10,
                             .zoom_range = .2,
                             .horizontal_flip = true,
                             .rescale = 1 / 255.0,
                             .interpolation_order = order});
}

/// Pixels without a pattern.
std::vector<float> noise(Index values, std::uint64_t seed = 0) {
  std::vector<float> image(usize(values));
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>((i + seed) * 2654435761U >> 8 & 255U);
  return image;
}

void augment(benchmark::State& state, const Shape& shape, int order) {
  const ImageDataGenerator all = generator(order);
  const std::vector<float> original = noise(shape.elements());
  std::vector<float> image;
  std::uint64_t sample = 0;
  for (auto _ : state) {
    image = original;
    Stream stream(0, 0, sample++, slot_of("augment"));
    all.random_transform(shape, image, stream);
    all.standardize(shape, image);
    benchmark::DoNotOptimize(image.data());
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(augment, photograph_224x224x3, Shape{224, 224, 3}, 1);
BENCHMARK_CAPTURE(augment, photograph_224x224x3_cubic, Shape{224, 224, 3}, 3);
BENCHMARK_CAPTURE(augment, digit_28x28x1, Shape{28, 28, 1}, 1);

/// One step alone, on a copy of the picture; the first row is the copy.
void transform_step(benchmark::State& state, const Shape& shape, const ImageTransform& transform) {
  const std::vector<float> original = noise(shape.elements());
  std::vector<float> image;
  for (auto _ : state) {
    image = original;
    apply_transform(transform, shape, image);
    benchmark::DoNotOptimize(image.data());
  }
  state.SetItemsProcessed(state.iterations());
}

const Shape kPhotograph{224, 224, 3}, kSmall{32, 32, 3}, kDigit{28, 28, 1};

BENCHMARK_CAPTURE(transform_step, nothing, kPhotograph, ImageTransform{});
BENCHMARK_CAPTURE(transform_step, channel_shift, kPhotograph, ImageTransform{.channel_shift = {20}});
BENCHMARK_CAPTURE(transform_step, brightness, kPhotograph, ImageTransform{.brightness = 1.2});
BENCHMARK_CAPTURE(transform_step, contrast, kPhotograph, ImageTransform{.contrast = 1.2});
BENCHMARK_CAPTURE(transform_step, saturation, kPhotograph, ImageTransform{.saturation = 1.2});
BENCHMARK_CAPTURE(transform_step, hue, kPhotograph, ImageTransform{.hue = 0.1});
BENCHMARK_CAPTURE(transform_step, flip_horizontal, kPhotograph, ImageTransform{.flip_horizontal = true});
BENCHMARK_CAPTURE(transform_step, map, kPhotograph, ImageTransform{.theta = 20, .tx = 5, .shear = 4, .zx = 1.1});
BENCHMARK_CAPTURE(transform_step, map_nearest_border, kPhotograph, ImageTransform{.tx = 40.5, .ty = 60.5});

ImageSource pictures(Index count, const Shape& shape) {
  return {.size = count, .shape = shape, .read = [shape](Index i, std::span<float> image) {
            std::uint64_t state = static_cast<std::uint64_t>(i) * 7919 + 1;
            for (float& x : image) {
              state = state * 6364136223846793005U + 1442695040888963407U;
              x = static_cast<float>(state >> 56);
            }
          }};
}

/// Normalisation alone, as in a flow: once for each picture.
void standardize(benchmark::State& state, const Shape& shape, const ImageDataGeneratorOptions& options, Index fitted) {
  ImageDataGenerator generator(options);
  if (fitted > 0) generator.fit(pictures(fitted, shape));
  const std::vector<float> original = noise(shape.elements());
  std::vector<float> image;
  for (auto _ : state) {
    image = original;
    generator.standardize(shape, image);
    benchmark::DoNotOptimize(image.data());
  }
  state.SetItemsProcessed(state.iterations());
}

using Options = ImageDataGeneratorOptions;
BENCHMARK_CAPTURE(standardize, rescale_224, kPhotograph, Options{.rescale = 1 / 255.0}, 0);
BENCHMARK_CAPTURE(standardize, samplewise_std_224, kPhotograph, Options{.samplewise_std_normalization = true}, 0);
BENCHMARK_CAPTURE(standardize, featurewise_center_224, kPhotograph, Options{.featurewise_center = true}, 3);
BENCHMARK_CAPTURE(standardize, featurewise_std_224, kPhotograph, Options{.featurewise_std_normalization = true}, 3);
BENCHMARK_CAPTURE(standardize, featurewise_std_28_grey, kDigit, Options{.featurewise_std_normalization = true}, 3);
BENCHMARK_CAPTURE(standardize, zca_28_grey, kDigit, Options{.zca_whitening = true}, 1000);
BENCHMARK_CAPTURE(standardize, zca_32_color_500_pictures, kSmall, Options{.zca_whitening = true}, 500);

/// fit() over pictures that are made as they are asked for; items are pictures. The first row is their making.
void fit(benchmark::State& state, const Shape& shape, const ImageDataGeneratorOptions& options, Index count) {
  const ImageSource source = pictures(count, shape);
  for (auto _ : state) {
    ImageDataGenerator generator(options);
    generator.fit(source);
    benchmark::DoNotOptimize(generator.statistics().mean.data());
  }
  state.SetItemsProcessed(state.iterations() * count);
}

void making_pictures(benchmark::State& state, const Shape& shape) {
  const ImageSource source = pictures(1, shape);
  std::vector<float> image(usize(shape.elements()));
  for (auto _ : state) {
    source.read(0, image);
    benchmark::DoNotOptimize(image.data());
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(making_pictures, photograph_224x224x3, kPhotograph);
BENCHMARK_CAPTURE(fit, featurewise_std_224, kPhotograph, Options{.featurewise_std_normalization = true}, 20);
BENCHMARK_CAPTURE(fit, featurewise_std_28_grey, kDigit, Options{.featurewise_std_normalization = true}, 500);
BENCHMARK_CAPTURE(fit, zca_28_grey, kDigit, Options{.zca_whitening = true}, 2000)->Unit(benchmark::kMillisecond);

/// A JPEG file of 500 x 375 with as much detail as a photograph: waves of many lengths, and grain.
std::vector<std::byte> photograph() {
  Tensor image({375, 500, 3}, DType::uint8);
  std::uint8_t* pixel = image.uint8s().data();
  Stream stream(1, 0, 0, 0);
  for (Index r = 0; r < 375; ++r) {
    for (Index c = 0; c < 500; ++c) {
      for (int k = 0; k < 3; ++k) {
        double value = 128.0 + 6.0 * stream.normal();
        for (const double length : {9.0, 23.0, 71.0, 190.0}) {
          value += 0.22 * length * std::sin((static_cast<double>(r) * (1 + k) + static_cast<double>(c) * 2.0) / length);
        }
        *pixel++ = static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
      }
    }
  }
  return encode_jpeg(image, {.quality = 85});
}

/// The least side that is decoded: 0 for the whole picture, 180 for its half, 188 x 250.
void jpeg_decoder_alone(benchmark::State& state, Index least) {
  const std::vector<std::byte> file = photograph();
  for (auto _ : state) benchmark::DoNotOptimize(decode(file, "photograph", {.min_height = least, .min_width = least}));
  state.SetItemsProcessed(state.iterations());
}

void jpeg_to_input(benchmark::State& state, Index least, Interpolation interpolation) {
  const SingleThreadScope alone;  // as in a loader's worker
  const std::vector<std::byte> file = photograph();
  const data::ImageReading reading{.target_size = {.height = 224, .width = 224}, .interpolation = interpolation};
  const ImageDataGenerator all = generator();
  std::uint64_t sample = 0;
  std::vector<float> input(224 * 224 * 3);
  for (auto _ : state) {
    const Tensor image =
        data::fit_image(decode(file, "photograph", {.min_height = least, .min_width = least}), reading);
    std::copy(image.uint8s().begin(), image.uint8s().end(), input.begin());
    Stream stream(0, 0, sample++, slot_of("augment"));
    all.random_transform(image.shape(), input, stream);
    all.standardize(image.shape(), input);
    benchmark::DoNotOptimize(input.data());
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(jpeg_decoder_alone, whole, 0);
BENCHMARK_CAPTURE(jpeg_decoder_alone, half, 180);
BENCHMARK_CAPTURE(jpeg_to_input, whole_nearest, 0, Interpolation::nearest);
BENCHMARK_CAPTURE(jpeg_to_input, whole_bilinear, 0, Interpolation::bilinear);
BENCHMARK_CAPTURE(jpeg_to_input, half_bilinear, 180, Interpolation::bilinear);

}  // namespace
}  // namespace saccade

int main(int argc, char** argv) {
  mallopt(M_MMAP_THRESHOLD, 4 << 20);  // as the command does: else every picture costs new pages
  mallopt(M_TRIM_THRESHOLD, 16 << 20);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
