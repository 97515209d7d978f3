#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/kernels/activation/activation.h"
#include "saccade/kernels/window.h"
#include "saccade/nn/initializer.h"
#include "saccade/tensor/shape.h"

namespace saccade {

/// Height and width. Takes one number for both (`3`) or a pair (`{3, 5}`), as Keras does.
struct Size2 {
  Index h = 1;
  Index w = 1;
  constexpr Size2(Index both) : h(both), w(both) {}
  constexpr Size2(Index height, Index width) : h(height), w(width) {}
  friend bool operator==(const Size2&, const Size2&) = default;
  std::string to_string() const;  ///< "3x5"
};

/// What a window does at the image's border.
class Padding {
 public:
  enum class Kind : std::uint8_t {
    valid,     ///< No padding; windows that do not fit are dropped.
    same,      ///< TensorFlow's SAME: out = ceil(in / stride), the odd pixel at the bottom and right.
    explicit_  ///< The given numbers of pixels on each side.
  };

  constexpr Padding(Kind kind = Kind::valid) : kind_(kind) {}
  constexpr Padding(kernels::Pads rows, kernels::Pads columns)
      : kind_(Kind::explicit_), rows_(rows), columns_(columns) {}

  constexpr Kind kind() const noexcept { return kind_; }
  /// Pixels put above and below an axis of `in` rows under windows of k taps.
  kernels::Pads rows(Index in, Index k, Index stride, Index dilation) const noexcept;
  kernels::Pads columns(Index in, Index k, Index stride, Index dilation) const noexcept;
  /// "valid", "same" or "1,1,2,2" (top, bottom, left, right).
  std::string to_string() const;
  /// The inverse of to_string, upper case allowed. Throws ValueError.
  static Padding parse(std::string_view text);

  friend bool operator==(const Padding&, const Padding&) = default;

 private:
  Kind kind_;
  kernels::Pads rows_{};
  kernels::Pads columns_{};
};

inline constexpr Padding valid{Padding::Kind::valid};
inline constexpr Padding same{Padding::Kind::same};
/// Explicit padding in pixels, zero or more.
Padding pads(Index top, Index bottom, Index left, Index right);

inline constexpr Activation relu = Activation::relu;
inline constexpr Activation leaky_relu = Activation::leaky_relu;
inline constexpr Activation relu6 = Activation::relu6;
inline constexpr Activation clip = Activation::clip;
inline constexpr Activation elu = Activation::elu;
inline constexpr Activation sigmoid = Activation::sigmoid;
inline constexpr Activation hard_sigmoid = Activation::hard_sigmoid;
inline constexpr Activation swish = Activation::swish;
inline constexpr Activation hard_swish = Activation::hard_swish;
inline constexpr Activation gelu = Activation::gelu;
inline constexpr Activation gelu_tanh = Activation::gelu_tanh;
inline constexpr Activation log_softmax = Activation::log_softmax;
inline constexpr Activation softmax = Activation::softmax;  // tanh is Activation::tanh: the bare name is <cmath>'s

/// The inverse of name_of(Activation); "silu" and "hard_silu" are swish and hard_swish, as in Keras. Throws ValueError
/// naming the known ones.
Activation parse_activation(std::string_view text);

/// Walks over the options of a layer by name. A writer reads the values, a reader assigns them, so one list of options
/// per layer serves saving, loading, printing and the docs.
class OptionVisitor {
 public:
  virtual ~OptionVisitor() = default;
  virtual void visit(std::string_view name, bool& value) = 0;
  virtual void visit(std::string_view name, Index& value) = 0;
  virtual void visit(std::string_view name, float& value) = 0;
  /// The default of the text-valued kinds below: their to_string() and parse().
  virtual void visit(std::string_view name, std::string& value) = 0;
  virtual void visit(std::string_view name, Size2& value) = 0;
  virtual void visit(std::string_view name, std::optional<Size2>& value) = 0;
  virtual void visit(std::string_view name, Shape& value) = 0;
  void visit(std::string_view name, Padding& value);
  void visit(std::string_view name, Activation& value);
  void visit(std::string_view name, Initializer& value);
};

}  // namespace saccade
