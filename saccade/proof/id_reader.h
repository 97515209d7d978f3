#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/base/integer.h"

namespace saccade::proof {

/// Reads what a problem's id() wrote: names with their numbers, "n2ih5ic3", in any order, and then words, "_nobias_relu".
/// Names that are left out keep the value they had. Throws ValueError for everything else, so ids may come from a user.
class IdReader {
 public:
  IdReader(std::string_view operation, std::string_view id);

  /// The number after `name` (letters only), least <= number.
  void number(std::string_view name, Index& value, Index least = 1);
  /// All the numbers after `name`, which may stand several times.
  std::vector<Index> numbers(std::string_view name, Index least = 1);
  /// A number with decimals, "p0.5".
  void real(std::string_view name, double& value);
  /// Whether the word stands behind the numbers. Ask for "leaky_relu" before "relu".
  bool word(std::string_view name);
  /// Throws when something was not asked for.
  void finish() const;
  /// Throws when an array of the problem would have more than 2^28 elements (or its size does not fit).
  void require_size(std::initializer_list<Index> extents) const;
  /// For what a parser finds out about the numbers together.
  [[noreturn]] void fail(std::string expected, std::string got) const;

 private:
  struct Token {
    std::string name, digits;
    bool used = false;
  };

  Index to_integer(const Token& token, Index least) const;

  std::string where_;
  std::vector<Token> tokens_;
  std::string words_;
};

/// The images and the filter of a convolution: n, ih, iw, ic, oc, kh, kw.
template <class Problem>
void read_images_and_filter(IdReader& reader, Problem& p) {
  reader.number("n", p.n);
  reader.number("ih", p.ih);
  reader.number("iw", p.iw);
  reader.number("ic", p.ic);
  reader.number("oc", p.oc);
  reader.number("kh", p.kh);
  reader.number("kw", p.kw);
}

/// The padding of the pixels' axes: pt, pb, pl, pr.
template <class Problem>
void read_pads(IdReader& reader, Problem& p) {
  reader.number("pt", p.ph.before, 0);
  reader.number("pb", p.ph.after, 0);
  reader.number("pl", p.pw.before, 0);
  reader.number("pr", p.pw.after, 0);
}

}  // namespace saccade::proof
