#pragma once
#include <vector>

#include "saccade/kernels/conv2d/conv2d.h"

namespace saccade::kernels {

/// A part of a convolution that can be computed by itself: some images of the batch, or some rows of one image. In NHWC
/// both are one run of memory in src and in dst.
struct Conv2DPiece {
  Conv2DProblem problem;
  Index first_src = 0, first_dst = 0;  ///< Where its elements begin in the whole src and dst.
};

/// Cuts a forward or backward_data pass into pieces that write disjoint parts of their result, by the problem's size alone.
/// A batch is cut between images. Where that leaves too few pieces, forward passes are cut between rows of the output, too:
/// pieces then read some rows of src twice. Filters of one pixel and stride 1 see no rows and are cut between any pixels.
std::vector<Conv2DPiece> cut_into_pieces(const Conv2DProblem& problem);

}  // namespace saccade::kernels
