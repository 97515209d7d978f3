#pragma once
#include <span>
#include <string>
#include <string_view>

#include "saccade/nn/model.h"

namespace saccade::zoo {

/// LeNet-5 as it is taught today: full connectivity, ReLU, max pooling; 61,706 weights and 416,520 multiply-adds on
/// [28, 28, 1] with 10
/// classes. Conv 5x5x6 SAME, pool, conv 5x5x16 VALID, pool, dense 120, 84, classes. Source: LeCun et al. 1998.
/// Throws ShapeError for images smaller than 12x12.
Model lenet5(const Shape& image, Index classes);

/// The baseline: flatten, three hidden layers of 1200 ReLU units, classes; 3,836,410 weights on [28, 28, 1] with 10
/// classes.
Model mlp(const Shape& image, Index classes);

/// A small VGG for [32, 32, 3]: three groups of two 3x3 convolutions with batch normalisation (32, 64, 128 filters),
/// each followed by 2x2 max pooling and dropout, then global average pooling and one dense layer. In front of them, larger
/// images pass through a 3x3 convolution (16 filters) and pooling for each time that their shorter side can be halved
/// and is still at least 32: once at 64x64, twice at 128x128 and 224x224. Source: Simonyan and Zisserman 2014, shrunk.
/// Throws ShapeError for images smaller than 8x8.
Model vgg_small(const Shape& image, Index classes);

struct Entry {
  std::string_view name;
  std::string_view summary;  ///< One line for --help.
  Model (*build)(const Shape& image, Index classes);
};

/// Every network of the zoo, by name.
std::span<const Entry> entries();

/// The named network for these images. Throws ValueError that lists the known names.
Model build(std::string_view name, const Shape& image, Index classes);

}  // namespace saccade::zoo
