#pragma once
#include <span>

#include "saccade/kernels/activation/activation.h"
#include "saccade/proof/id_reader.h"

namespace saccade::proof {

/// What a fused activation means for a case.

/// Reads the word "_relu" and the like; linear when there is none.
Activation read_activation(IdReader& reader);
/// Whether integers stay exact.
bool is_exact(Activation activation);
/// The activation's own error, in roundings: those with exp and its like are approximations, good to this many.
double rounding_of(Activation activation);
/// Adds what those roundings are relative to: the largest value the activation takes.
void add_range(Activation activation, std::span<double> magnitude);

}  // namespace saccade::proof
