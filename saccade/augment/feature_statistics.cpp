#include "saccade/augment/feature_statistics.h"

// Results shall not depend on the number of threads.
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Core>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "saccade/base/error.h"
#include "saccade/tensor/symmetric_eigen.h"

namespace saccade {
namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;
using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr Index kBlock = 64;       // pictures whose products are added up at once
constexpr double kNoData = 1e-12;  // of the largest eigenvalue: below it, a direction is rounding noise
constexpr double kGibibyte = 1 << 30;

/// sums[c] = the sum of term(x, of_channel[c]) over the values x of channel c, channels innermost; of_channel may be empty.
/// Four sums a channel and many channels at a time, so that no addition waits for the last.
template <class Term>
void sum_channels(std::span<const float> image, Term&& term, std::span<const double> of_channel,
                  std::vector<double>& sums) {
  constexpr std::size_t kPixels = 4, kMostLanes = 64;
  const std::size_t channels = sums.size(), lanes = kPixels * channels;
  const auto about = [&](std::size_t i) { return of_channel.empty() ? 0.0 : of_channel[i % channels]; };
  std::ranges::fill(sums, 0.0);
  std::size_t i = 0;
  if (lanes <= kMostLanes) {
    std::array<double, kMostLanes> lane{}, centre{};
    for (std::size_t j = 0; j < lanes; ++j) centre[j] = about(j);
    for (; i + lanes <= image.size(); i += lanes) {
      const float* const block = image.data() + i;
      for (std::size_t j = 0; j < lanes; ++j) lane[j] += term(static_cast<double>(block[j]), centre[j]);
    }
    for (std::size_t j = 0; j < lanes; ++j) sums[j % channels] += lane[j];
  }
  for (; i < image.size(); ++i) sums[i % channels] += term(static_cast<double>(image[i]), about(i));
}

void solve(const Matrix& symmetric, Vector& values, Matrix& vectors) {
  const SymmetricEigen eigen = symmetric_eigen({symmetric.data(), usize(symmetric.size())}, symmetric.rows());
  values = Eigen::Map<const Vector>(eigen.values.data(), symmetric.rows());
  vectors = Eigen::Map<const Matrix>(eigen.vectors.data(), symmetric.rows(), symmetric.cols());
}

double bytes_needed(Index n, Index p) {
  const double pictures = static_cast<double>(n), values = static_cast<double>(p);
  // The matrix, its eigenvectors and the solver's copy, and the directions as floats.
  if (p <= n) return 8.0 * values * values * 4.5;
  return 8.0 * (pictures * values * 3.5 + 4.0 * pictures * pictures);
}

}  // namespace

/// What whitening is made from: the sum of x x' when there are at least as many pictures as values, else the pictures.
struct FeatureAccumulator::Products {
  bool keeps_pictures;
  Matrix block;    // [kBlock, p], or all pictures [n, p]
  Index rows = 0;  // of block
  Matrix sum;      // [p, p], lower half; of x less the first picture
  Vector first, total;

  Products(Index n, Index p) : keeps_pictures(n < p), block(keeps_pictures ? n : kBlock, p) {
    if (keeps_pictures) return;
    sum = Matrix::Zero(p, p);
    total = Vector::Zero(p);
  }

  void add(std::span<const float> image) {
    const Vector x = Eigen::Map<const Eigen::VectorXf>(image.data(), isize(image.size())).cast<double>();
    if (keeps_pictures) {
      block.row(rows++) = x;
      return;
    }
    if (first.size() == 0) first = x;
    block.row(rows++) = x - first;
    if (rows == kBlock) flush();
  }

  void flush() {
    if (rows == 0) return;
    const auto filled = block.topRows(rows);
    sum.selfadjointView<Eigen::Lower>().rankUpdate(filled.transpose());
    total += filled.colwise().sum().transpose();
    rows = 0;
  }

  /// Eigenvalues of X'X and unit eigenvectors, as columns, for x replaced by (x - mean) / deviation.
  void decompose(Index n, const Vector& mean, const Vector& deviation, Vector& values, Matrix& vectors) {
    if (keeps_pictures) {
      Matrix x = (block.topRows(rows).rowwise() - mean.transpose()).array().rowwise() / deviation.transpose().array();
      solve(x * x.transpose(), values, vectors);
      vectors = x.transpose() * vectors;
      for (Index i = 0; i < vectors.cols(); ++i) vectors.col(i).normalize();
      return;
    }
    flush();
    const Vector away = mean - first;
    Matrix products = sum.selfadjointView<Eigen::Lower>();
    products -= total * away.transpose() + away * total.transpose();
    products += static_cast<double>(n) * away * away.transpose();
    products = deviation.cwiseInverse().asDiagonal() * products * deviation.cwiseInverse().asDiagonal();
    solve(products, values, vectors);
  }
};

void FeatureStatistics::Whitening::apply(std::span<float> image) const {
  if (isize(image.size()) != p) {
    throw ShapeError({.where = "standardize: zca_whitening",
                      .expected = fmt::format("pictures of {} values, as fit() saw", p),
                      .got = fmt::format("{}", image.size()),
                      .fix = "resize the pictures, or fit() again"});
  }
  Eigen::Map<Eigen::VectorXf> x(image.data(), p);
  const Eigen::Map<const RowMajor> u(directions.data(), k, p);
  const Eigen::VectorXf weighted = Eigen::Map<const Eigen::VectorXf>(gain.data(), k).cwiseProduct(u * x);
  x *= base;
  x.noalias() += u.transpose() * weighted;
}

FeatureAccumulator::FeatureAccumulator(const Options& options, Index count, Index p, Index channels)
    : options_(options), count_(count), p_(p), channels_(channels) {
  mean_.resize(usize(channels));
  squares_.resize(usize(channels));
  sums_.resize(usize(channels));
  scatter_.resize(usize(channels));
  if (!options.whitening) return;
  const double bytes = bytes_needed(count, p);
  if (!(bytes <= options.max_memory_bytes)) {
    throw ValueError({.where = "fit: zca_whitening",
                      .expected = fmt::format("to need at most {:.1f} GiB", options.max_memory_bytes / kGibibyte),
                      .got = fmt::format("{:.1f} GiB for {} pictures of {} values", bytes / kGibibyte, count, p),
                      .fix = "use smaller pictures, or fit() on fewer of them"});
  }
  products_ = std::make_unique<Products>(count, p);
}

FeatureAccumulator::~FeatureAccumulator() = default;

void FeatureAccumulator::add(std::span<const float> image) {
  if (isize(image.size()) != p_ || added_ == count_) {
    throw ShapeError({.where = "fit",
                      .expected = fmt::format("{} pictures of {} values", count_, p_),
                      .got = fmt::format("{} values for picture {}", image.size(), added_ + 1),
                      .fix = "all pictures must have one shape"});
  }
  // Per picture in two passes, then merged (Chan, Golub and LeVeque, 1979): exact enough for any number of pixels.
  const double pixels = static_cast<double>(p_ / channels_), before = pixels * static_cast<double>(added_);
  std::vector<double>& means = sums_;
  sum_channels(
      image, [](double x, double) { return x; }, {}, means);
  for (double& mean : means) mean /= pixels;
  sum_channels(
      image, [](double x, double mean) { return (x - mean) * (x - mean); }, means, scatter_);
  for (std::size_t c = 0; c < means.size(); ++c) {
    const double delta = means[c] - mean_[c];
    mean_[c] += delta * pixels / (before + pixels);
    squares_[c] += scatter_[c] + delta * delta * before * pixels / (before + pixels);
  }
  ++added_;
  if (products_) products_->add(image);
}

FeatureStatistics FeatureAccumulator::finish() {
  if (added_ == 0) {
    throw ValueError(
        {.where = "fit", .expected = "at least one picture", .got = "none", .fix = "pass the training pictures"});
  }
  FeatureStatistics result;
  const double values = static_cast<double>(p_ / channels_) * static_cast<double>(added_);
  Vector mean = Vector::Zero(p_), deviation = Vector::Ones(p_);
  for (Index c = 0; c < channels_; ++c) {
    const double spread = std::sqrt(squares_[usize(c)] / values);
    if (options_.mean) result.mean.push_back(static_cast<float>(mean_[usize(c)]));
    if (options_.deviation) result.deviation.push_back(static_cast<float>(spread));
    for (Index i = c; i < p_; i += channels_) {
      if (options_.mean) mean[i] = mean_[usize(c)];
      if (options_.deviation) deviation[i] = spread + options_.deviation_epsilon;
    }
  }
  if (!products_) return result;

  Vector eigenvalues;
  Matrix vectors;
  products_->decompose(added_, mean, deviation, eigenvalues, vectors);
  auto whitening = std::make_shared<FeatureStatistics::Whitening>();
  whitening->p = p_;
  const double n = static_cast<double>(added_), epsilon = options_.zca_epsilon;
  const bool from_data = options_.formula == ZcaFormula::from_data;
  const double least = kNoData * eigenvalues.maxCoeff();
  // Directions without data have a gain of their own under the older formula. Where there are none, a base would only cancel.
  const bool complete = (eigenvalues.array() > least).count() == p_;
  const double base = from_data || complete ? 0.0 : 1.0 / std::sqrt(epsilon);
  whitening->base = static_cast<float>(base);
  whitening->directions.reserve(usize(eigenvalues.size() * p_));
  for (Index i = eigenvalues.size() - 1; i >= 0 && eigenvalues[i] > least; --i) {
    const double gain = from_data ? std::sqrt(n) / (std::sqrt(eigenvalues[i]) + epsilon)
                                  : 1.0 / std::sqrt(eigenvalues[i] / n + epsilon);
    whitening->gain.push_back(static_cast<float>(gain - base));
    for (Index j = 0; j < p_; ++j) whitening->directions.push_back(static_cast<float>(vectors(j, i)));
  }
  whitening->k = isize(whitening->gain.size());
  result.whitening = std::move(whitening);
  return result;
}

}  // namespace saccade
