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

const ImageDataGenerator& generator() {
  static const ImageDataGenerator all({.rotation_range = 30,
                                       .width_shift_range = .1,
                                       .height_shift_range = .1,
                                       .shear_range = 10,
                                       .zoom_range = .2,
                                       .horizontal_flip = true,
                                       .rescale = 1 / 255.0});
  return all;
}

void augment(benchmark::State& state, const Shape& shape) {
  std::vector<float> original(usize(shape.elements())), image;
  for (std::size_t i = 0; i < original.size(); ++i) original[i] = static_cast<float>(i * 2654435761U >> 8 & 255U);
  std::uint64_t sample = 0;
  for (auto _ : state) {
    image = original;
    Stream stream(0, 0, sample++, slot_of("augment"));
    generator().random_transform(shape, image, stream);
    generator().standardize(shape, image);
    benchmark::DoNotOptimize(image.data());
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(augment, photograph_224x224x3, Shape{224, 224, 3});
BENCHMARK_CAPTURE(augment, digit_28x28x1, Shape{28, 28, 1});

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

void jpeg_decoder_alone(benchmark::State& state) {
  const std::vector<std::byte> file = photograph();
  for (auto _ : state) benchmark::DoNotOptimize(decode(file, "photograph"));
  state.SetItemsProcessed(state.iterations());
}

void jpeg_to_input(benchmark::State& state, Interpolation interpolation) {
  const SingleThreadScope alone;  // as in a loader's worker
  const std::vector<std::byte> file = photograph();
  const data::ImageReading reading{.target_size = {.height = 224, .width = 224}, .interpolation = interpolation};
  std::uint64_t sample = 0;
  std::vector<float> input(224 * 224 * 3);
  for (auto _ : state) {
    const Tensor image = data::fit_image(decode(file, "photograph"), reading);
    std::copy(image.uint8s().begin(), image.uint8s().end(), input.begin());
    Stream stream(0, 0, sample++, slot_of("augment"));
    generator().random_transform(image.shape(), input, stream);
    generator().standardize(image.shape(), input);
    benchmark::DoNotOptimize(input.data());
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(jpeg_decoder_alone);
BENCHMARK_CAPTURE(jpeg_to_input, nearest, Interpolation::nearest);
BENCHMARK_CAPTURE(jpeg_to_input, bilinear, Interpolation::bilinear);

}  // namespace
}  // namespace saccade

int main(int argc, char** argv) {
  mallopt(M_MMAP_THRESHOLD, 4 << 20);  // as the command does: else every picture costs new pages
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
