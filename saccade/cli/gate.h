#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/base/integer.h"

namespace saccade::cli {

/// One line of a table of ratios: how many times as fast something must be as its yardstick, in the same run.
///
///   conv2d  n4ih32iw32ic64oc64kh3kw3_same  forward   onednn    1.40
///   lenet5  128                            training  fma_peak  0.28
///
/// An operation with a case's id and a pass, or a network with a batch size and a step. The yardstick is
/// - of an operation, another implementation: that one's time over the time of the one that plans take;
/// - of a network, `exact` (convolutions summed as defined) or `apart` (no layer joined to a convolution): the time of the
///   step with that over the time without;
/// - of both, `fma_peak`: the share of it that is reached.
struct GateRow {
  std::string target, shape, step, yardstick;
  double least = 0.0;
  int line = 0;  ///< In the file.
};

struct GateResult {
  double ratio = 0.0;
  std::string implementation;  ///< Of an operation: the one that plans take.
  bool tried_again = false;
};

/// Reads a table; '#' begins a comment. Throws FormatError with file and line, for lines of another form and for operations,
/// cases, passes, networks, steps and yardsticks that do not exist.
std::vector<GateRow> read_gate(const std::filesystem::path& path);

/// Measures a row on this thread alone, by the least of each side's processor time; the sides take turns. So it holds beside
/// other processes, too.
GateResult measure_gate_row(const GateRow& row, int rounds);

/// Whether the row holds; what did not at first is measured again over four times the rounds.
bool hold_gate_row(const GateRow& row, int rounds, GateResult& result);

/// What a row demands where this ratio was measured: wide enough for other processors and busy machines. A quarter of what
/// is gained over the yardstick, and of shares of the peak three tenths.
double gate_margin(const GateRow& row, double ratio);

/// Writes the table again with new least ratios. Lines, comments and order stay.
void update_gate(const std::filesystem::path& path, const std::vector<GateRow>& rows);

}  // namespace saccade::cli
