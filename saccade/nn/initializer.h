#pragma once
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>

#include "saccade/tensor/shape.h"

namespace saccade {

/// How many inputs feed one output of a weight, and how many outputs one input feeds.
struct Fans {
  double fan_in = 1.0;
  double fan_out = 1.0;
};

/// Keras's rule: [] -> 1, 1; [n] -> n, n; [in, out] -> in, out; a filter [spatial..., I, O] -> I*R, O*R with R the
/// product of the spatial extents. A grouped filter holds I = ic / groups; a depthwise one [3, 3, 32, 1] counts as 288,
/// 9.
Fans fans_of(const Shape& shape) noexcept;

/// Which fan n divides the variance: v = scale / max(1, n).
enum class FanMode : std::uint8_t {
  fan_in,   ///< n = fan_in: keeps the size of activations on the way forward.
  fan_out,  ///< n = fan_out: keeps the size of gradients on the way back.
  fan_avg,  ///< n = (fan_in + fan_out) / 2.
};

/// How a variance v becomes numbers. "Truncated" redraws what falls beyond two sigma; it never clips.
enum class Distribution : std::uint8_t {
  truncated_normal,              ///< sigma = sqrt(v) / 0.87962566103423978, so that the numbers kept have variance v.
  truncated_normal_uncorrected,  ///< sigma = sqrt(v): Keras before May 2018; the numbers kept have variance 0.774 v.
  untruncated_normal,            ///< N(0, sqrt(v)).
  uniform,                       ///< Between -L and L, L = sqrt(3 v).
};

struct VarianceScalingOptions {
  double scale = 1.0;  ///< Positive. tf.contrib's variance_scaling is 1.3 times its factor, uncorrected.
  FanMode mode = FanMode::fan_in;
  Distribution distribution = Distribution::truncated_normal;
};

/// The rule by which new weights get their values. A small value: copy it, compare it, print it, read it back.
///
/// Names, formulas and defaults are Keras's (keras.initializers). to_string() gives the short form that network files
/// and the command line use, and parse() reads: "glorot_uniform", "constant(0.1)", "variance_scaling(2, fan_in,
/// uniform)".
class Initializer {
 public:
  /// Zeros.
  constexpr Initializer() = default;

  static Initializer zeros();
  static Initializer ones();
  /// Every element is `value`. Throws ValueError unless it is finite.
  static Initializer constant(double value);
  /// Uniform between min and max. Throws ValueError unless both are finite and min < max.
  static Initializer random_uniform(double min = -0.05, double max = 0.05);
  /// N(0, stddev). Throws ValueError unless stddev is positive and finite, as do the two below.
  static Initializer random_normal(double stddev = 0.05);
  /// N(0, stddev) cut at two stddev, as tf.truncated_normal and Keras's TruncatedNormal have it: without correction,
  /// so the real standard deviation is 0.8796 stddev. parse() also takes "truncated_normal_uncorrected".
  static Initializer truncated_normal(double stddev = 0.05);
  /// The same with sigma = stddev / 0.8796, cut at two sigma: the real standard deviation is stddev.
  static Initializer truncated_normal_corrected(double stddev = 0.05);
  /// Variance from the fans of the weight. Throws ValueError unless scale is positive and finite.
  static Initializer variance_scaling(const VarianceScalingOptions& options = {});

  /// Glorot and Bengio 2010: scale 1, fan_avg; the uniform one keeps within sqrt(6 / (fan_in + fan_out)).
  static Initializer glorot_uniform();
  static Initializer glorot_normal();
  /// He et al. 2015: scale 2, fan_in; for weights before a ReLU.
  static Initializer he_uniform();
  static Initializer he_normal();
  /// LeCun et al. 1998: scale 1, fan_in.
  static Initializer lecun_uniform();
  static Initializer lecun_normal();
  /// For convolutions [h, w, i, o]: the first min(i, o) outputs pass their input channel on as it is, through the filter's
  /// middle; further ones are drawn uniform with variance 1 / (3 fan_in). Other weights are drawn so wholly. After a
  /// normalisation the network begins as its shallow part would. Source: Zagoruyko and Komodakis 2017, "DiracNets";
  /// torch.nn.init.dirac_ on torch's usual filters.
  static Initializer dirac();

  /// Writes every element of `values`, a dense tensor of `shape`. The numbers depend on (seed, parameter_name) and the
  /// element's position alone, never on the number of threads. Throws ShapeError when the counts differ.
  void fill(std::span<float> values, const Shape& shape, std::uint64_t seed, std::string_view parameter_name) const;

  /// The standard deviation that fill() aims at for a weight of `shape`; 0 for constants.
  double standard_deviation(const Shape& shape) const noexcept;

  std::string to_string() const;
  /// The initializer of that text. Throws ValueError for an unknown name, a wrong count of numbers, or a bad number.
  static Initializer parse(std::string_view text);

  friend bool operator==(const Initializer&, const Initializer&) = default;

 private:
  enum class Kind : std::uint8_t {
    constant,
    random_uniform,
    random_normal,
    truncated_normal,
    truncated_normal_corrected,
    variance_scaling,
    dirac,
  };
  struct Law;

  constexpr Initializer(Kind kind, double a, double b = 0.0) : kind_(kind), a_(a), b_(b) {}
  Law law_for(const Shape& shape) const noexcept;

  Kind kind_ = Kind::constant;
  FanMode mode_ = FanMode::fan_in;
  Distribution distribution_ = Distribution::truncated_normal;
  double a_ = 0.0;  // The constant, the lower bound, the standard deviation or the scale.
  double b_ = 0.0;  // The upper bound.
};

/// Prints to_string().
std::ostream& operator<<(std::ostream& stream, const Initializer& initializer);

}  // namespace saccade
