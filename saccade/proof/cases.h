#pragma once
#include <memory>
#include <string_view>

#include "saccade/proof/case.h"

/// One parser an operation: the case whose id() is given. Names that are left out are 1 (pads 0); ValueError for anything
/// that is not a case of the operation.
namespace saccade::proof {

std::unique_ptr<Case> parse_conv2d(std::string_view id);  ///< "_same" stands for the pads of SAME.
std::unique_ptr<Case> parse_conv2d_backward(
    std::string_view id);  ///< conv2d's; both gradients in one pass, which is called backward_data.
std::unique_ptr<Case> parse_conv_depthwise2d(
    std::string_view id);                                      ///< "_same" likewise; the activation is that of both.
std::unique_ptr<Case> parse_conv_pool2d(std::string_view id);  ///< "_same" likewise; "_relu".
std::unique_ptr<Case> parse_dense(std::string_view id);
std::unique_ptr<Case> parse_pool2d(std::string_view id);  ///< "_same" likewise; "_max" or "_average".

std::unique_ptr<Case> parse_activation(std::string_view id);
std::unique_ptr<Case> parse_add(std::string_view id);
std::unique_ptr<Case> parse_arithmetic(std::string_view id);  ///< a and b: extents of the two; "_add", "_divide".
std::unique_ptr<Case> parse_axis_map(
    std::string_view id);  ///< m outputs of t taps, s apart; "_hole": the first has none.
std::unique_ptr<Case> parse_batch_norm(std::string_view id);  ///< m: the mean of src.
std::unique_ptr<Case> parse_bias(std::string_view id);
std::unique_ptr<Case> parse_concat(std::string_view id);
std::unique_ptr<Case> parse_dropout(std::string_view id);
std::unique_ptr<Case> parse_loss(std::string_view id);  ///< "_dense" targets, "_sample_weight", "_class_weight".
std::unique_ptr<Case> parse_local_response_norm(std::string_view id);
std::unique_ptr<Case> parse_multiply(std::string_view id);
std::unique_ptr<Case> parse_pad2d(std::string_view id);    ///< pf, pk: channels before and after.
std::unique_ptr<Case> parse_permute(std::string_view id);  ///< e: src's extents; p: the axis that each of dst's is.
std::unique_ptr<Case> parse_prelu(std::string_view id);
std::unique_ptr<Case> parse_softmax(std::string_view id);
std::unique_ptr<Case> parse_upsample2d(std::string_view id);

}  // namespace saccade::proof
