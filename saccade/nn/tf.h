#pragma once
#include <span>
#include <string_view>

#include "saccade/tensor/tensor.h"

/// TensorFlow's own function signatures, for those who come from its documentation.
namespace saccade::tf::nn {

/// y[n,i,j,o] = sum over a,b,c of input[n, i*sh + a - pt, j*sw + b - pl, c] * filter[a,b,c,o]
///
/// input: 4-d NHWC float32; filter: 4-d HWIO float32 [kh,kw,c,o]; strides: {1, sh, sw, 1}; padding: "SAME" or "VALID".
/// Throws ShapeError or ValueError. Source: tf.nn.conv2d(input, filter, strides, padding), data_format NHWC.
Tensor conv2d(const Tensor& input, const Tensor& filter, std::span<const Index> strides, std::string_view padding);
Tensor conv2d(const Tensor& input, const Tensor& filter, std::initializer_list<Index> strides,
              std::string_view padding);

/// Largest value of each window; padding never wins. value: 4-d NHWC; ksize, strides: {1, h, w, 1}; padding "SAME" or
/// "VALID".
/// Source: tf.nn.max_pool(value, ksize, strides, padding).
Tensor max_pool(const Tensor& value, std::initializer_list<Index> ksize, std::initializer_list<Index> strides,
                std::string_view padding);
/// Mean of each window's real pixels. Source: tf.nn.avg_pool(value, ksize, strides, padding).
Tensor avg_pool(const Tensor& value, std::initializer_list<Index> ksize, std::initializer_list<Index> strides,
                std::string_view padding);

}  // namespace saccade::tf::nn
