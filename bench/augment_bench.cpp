// Keras's whole random transform and its normalisation, on one thread. Rows: pictures of photographs' and of digits' size.
#include <benchmark/benchmark.h>

#include "saccade/augment/image_data_generator.h"

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

}  // namespace
}  // namespace saccade

BENCHMARK_MAIN();
