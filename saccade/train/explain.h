#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/nn/model.h"

/// What a network looks at. An `image` is uint8 [height, width, channels] as the network takes it, before its preprocessing
/// (data::fit_image() makes one); functions throw ShapeError for another. Networks are left as they were.
namespace saccade {

/// The layers whose output is an image of more than one pixel, by name, in the order of summary(). The Input is none.
std::vector<std::string> image_layers(const Model& net);

/// The filters of the first convolution: [filters, kernel height, kernel width, channels of the image]. Throws ValueError
/// where there is none.
Tensor first_filters(const Model& net);

/// What a layer makes of the image: [height, width, channels]. Throws ValueError for a name that is not in image_layers().
Tensor feature_maps(Model& net, const Tensor& image, std::string_view layer);

/// Gradient-weighted class activation map of an output y, at a layer with activations A [height, width, channels]:
///   map[i,j] = max(0, sum over c of A[i,j,c] * mean over i,j of dy/dA[i,j,c])
/// divided by its largest value; all 0 where nothing speaks for the output. y is the logit; of a network that ends in
/// softmax, the logarithm of the probability. Without a name the last of image_layers(). Throws ValueError for an output that
/// the network does not have, and for a layer that something bypasses (a layer inside a residual block).
/// Source: Selvaraju et al. 2017, Grad-CAM.
Tensor grad_cam(const Model& net, const Tensor& image, Index output, std::string_view layer = {});

struct OcclusionOptions {
  Index patch = 0;                                  ///< Side of the patch in pixels; 0: a seventh of the shorter side.
  Index stride = 0;                                 ///< Pixels it moves at a time; 0: half of the patch.
  Index batch_size = 16;                            ///< Images computed together.
  std::function<void(Index, Index)> progress = {};  ///< Told (positions done, all) after each batch.
};

/// How much the probability of an output falls when a patch of the image's mean colour hides a part of it:
/// [rows, columns], one a position of the patch, from the top left corner on, the last ones at the far edges. Below 0 where the
/// part spoke against it. Throws ValueError for a patch that is larger than the image. Source: Zeiler and Fergus 2013.
Tensor occlusion_map(Model& net, const Tensor& image, Index output, const OcclusionOptions& options = {});

// ---- Pictures of them ----

/// Each map or filter of [n, height, width, channels] as a picture of its own, uint8, its smallest value black and its largest
/// white; of the first `count` ones. Three channels are colours; others become their mean, in grey.
std::vector<Tensor> pictures_of(const Tensor& maps, Index count);

/// The maps of feature_maps() one after the other: [channels, height, width, 1].
Tensor maps_in_front(const Tensor& features);

/// A map [rows, columns] laid over an image: smoothly enlarged, values from 0 to 1 from blue to red, the image showing through
/// where they are low. Values outside count as 0 or 1. The result is RGB.
Tensor heat_overlay(const Tensor& image, const Tensor& map);

}  // namespace saccade
