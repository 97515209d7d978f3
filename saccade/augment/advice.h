#pragma once
#include <string>
#include <vector>

#include "saccade/augment/image_data_generator.h"

namespace saccade {

/// What a transform may do to the meaning of pictures, a sentence each; empty when nothing is suspicious. Goes by the names of
/// the classes: a mirrored digit or letter is another sign or none, a sign that says "left" says "right" in the mirror, a 6
/// that is turned far is a 9; photographs of upright things are not met upside down. And by the options themselves: brightness
/// that only ever darkens or lightens, zoom that may blow a single pixel up.
std::vector<std::string> augmentation_advice(const ImageDataGeneratorOptions& options,
                                             const std::vector<std::string>& class_names);

}  // namespace saccade
