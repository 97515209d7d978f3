#pragma once
#include <memory>
#include <vector>

#include "saccade/kernels/axis_map/axis_map.h"
#include "saccade/nn/operation.h"

// What the layers share that compute along one axis: Slice, Pad, Reduce and Resample.
namespace saccade::internal {

/// The taps of one axis, output by output.
class AxisTaps {
 public:
  /// Begins the next output, which is the fill while no tap is added.
  void next() { first_.push_back(isize(taps_.size())); }
  void add(Index from, double weight) {
    taps_.push_back({from, weight});
    first_.back() = isize(taps_.size());
  }
  /// The operation along that axis of the context's input.
  std::unique_ptr<Operation> prepare(const PrepareContext& context, Index axis, float fill = 0.0F) &&;

 private:
  std::vector<Index> first_{0};
  std::vector<kernels::AxisTap> taps_;
};

/// `src` with another extent along one axis.
Shape with_extent(const Shape& src, Index axis, Index extent);

}  // namespace saccade::internal
