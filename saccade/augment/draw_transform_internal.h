#pragma once
#include "saccade/augment/image_data_generator.h"

namespace saccade {

/// What ImageDataGenerator::get_random_transform() draws for a picture [height, width, channels].
ImageTransform draw_transform(const ImageDataGeneratorOptions& options, const Shape& hwc, Stream& stream);
ImageTransform draw_transform(const ImageDataGeneratorOptions& options, const Shape& hwc, NumpyRandom& random);

}  // namespace saccade
