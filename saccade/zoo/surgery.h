#pragma once
#include <cstdint>

#include "saccade/nn/model.h"

namespace saccade::zoo {

/// The network for other classes: the last layer with weights, a Dense or a Conv2D, gets `classes` outputs and fresh weights
/// drawn with `seed`; all other layers keep theirs bit for bit, with their names and whether they are frozen. The output is
/// [classes] logits: what softmax or other activation followed the old layer goes, pooling stays. class_names is empty,
/// preprocessing as it was. Throws ValueError where the network ends in no such layer, or in more than one pixel of it.
Model with_new_head(const Model& net, Index classes, std::uint64_t seed);

/// Makes a network that wants its colours in the order blue, green, red take them as red, green, blue: turns the input
/// channels of its first convolutions, and of the preprocessing, round. Throws ValueError where the image first goes into
/// another kind of layer or has not three channels.
void reverse_input_channels(Model& net);

}  // namespace saccade::zoo
