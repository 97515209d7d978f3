#include "saccade/data/dataset.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "saccade/base/error.h"
#include "saccade/base/random.h"
#include "saccade/data/annotations_internal.h"

namespace saccade::data {
namespace {

void require_dataset(const DatasetPtr& dataset, std::string_view where) {
  if (dataset) return;
  throw ValueError({.where = std::string(where),
                    .expected = "a dataset",
                    .got = "a null pointer",
                    .fix = "make one with data::mnist or data::InMemory"});
}

void write_floats(const Tensor& image, const Preprocessing& preprocessing, std::span<float> out) {
  if (image.dtype() == DType::uint8) {
    preprocessing.apply(image.uint8s(), out);
  } else {
    preprocessing.apply(image.floats(), out);
  }
}

/// How many of each class go to validation: the exact shares rounded down, then one more for the largest remainders.
std::vector<Index> shares_of(const std::vector<std::vector<Index>>& members, double fraction, Index total) {
  std::vector<Index> shares(members.size());
  std::vector<double> remainders(members.size());
  for (std::size_t c = 0; c < members.size(); ++c) {
    const double exact = fraction * static_cast<double>(members[c].size());
    shares[c] = static_cast<Index>(std::floor(exact));
    remainders[c] = exact - std::floor(exact);
  }
  std::vector<std::size_t> classes(members.size());
  std::iota(classes.begin(), classes.end(), std::size_t{0});
  std::ranges::stable_sort(classes, [&](std::size_t a, std::size_t b) { return remainders[a] > remainders[b]; });
  Index missing = total - std::accumulate(shares.begin(), shares.end(), Index{0});
  for (const std::size_t c : classes) {
    if (missing == 0) break;
    if (shares[c] == isize(members[c].size())) continue;
    ++shares[c];
    --missing;
  }
  return shares;
}

/// Several datasets as one.
class Concatenation final : public Dataset {
 public:
  explicit Concatenation(std::vector<DatasetPtr> parts) : parts_(std::move(parts)) {
    for (const DatasetPtr& part : parts_) {
      if (!name_.empty()) name_ += '+';
      name_ += part->name();
      starts_.push_back(size_);
      size_ += part->size();
    }
  }

  std::string name() const override { return name_; }
  Index size() const noexcept override { return size_; }
  Shape image_shape() const override { return parts_.front()->image_shape(); }
  const std::vector<std::string>& class_names() const noexcept override { return parts_.front()->class_names(); }
  Index label(Index i) const override {
    const auto [part, local] = find(i);
    return part->label(local);
  }
  bool has_weights() const noexcept override { return any(&Dataset::has_weights); }
  float weight(Index i) const override {
    const auto [part, local] = find(i);
    return part->weight(local);
  }
  bool has_targets() const noexcept override { return any(&Dataset::has_targets); }
  void target(Index i, std::span<float> out) const override {
    const auto [part, local] = find(i);
    part->target(local, out);
  }
  std::string sample_name(Index i) const override {
    const auto [part, local] = find(i);
    return part->sample_name(local);
  }
  Sample get(Index i) const override {
    const auto [part, local] = find(i);
    return part->get(local);
  }
  void read(Index i, const Preprocessing& preprocessing, std::span<float> out) const override {
    const auto [part, local] = find(i);
    part->read(local, preprocessing, out);
  }

 private:
  bool any(bool (Dataset::*has)() const noexcept) const {
    return std::ranges::any_of(parts_, [has](const DatasetPtr& part) { return (*part.*has)(); });
  }

  std::pair<const Dataset*, Index> find(Index i) const {
    require_image(i);
    const auto after = std::ranges::upper_bound(starts_, i);
    const std::size_t part = static_cast<std::size_t>(after - starts_.begin()) - 1;
    return {parts_[part].get(), i - starts_[part]};
  }

  std::vector<DatasetPtr> parts_;
  std::vector<Index> starts_;
  std::string name_;
  Index size_ = 0;
};

/// A dataset with other weights, or other targets and names of them; what is empty stays as it was.
class Annotated final : public Dataset {
 public:
  Annotated(DatasetPtr dataset, std::vector<float> weights, std::vector<float> targets, std::vector<std::string> names)
      : dataset_(std::move(dataset)),
        weights_(std::move(weights)),
        targets_(std::move(targets)),
        names_(targets_.empty() ? dataset_->class_names() : std::move(names)) {}

  std::string name() const override { return dataset_->name(); }
  Index size() const noexcept override { return dataset_->size(); }
  Shape image_shape() const override { return dataset_->image_shape(); }
  const std::vector<std::string>& class_names() const noexcept override { return names_; }
  Index label(Index i) const override {
    if (targets_.empty()) return dataset_->label(i);
    const std::span<const float> own = row(i);
    return std::ranges::max_element(own) - own.begin();
  }
  bool has_weights() const noexcept override { return !weights_.empty() || dataset_->has_weights(); }
  float weight(Index i) const override {
    require_image(i);
    return weights_.empty() ? dataset_->weight(i) : weights_[usize(i)];
  }
  bool has_targets() const noexcept override { return !targets_.empty() || dataset_->has_targets(); }
  void target(Index i, std::span<float> out) const override {
    if (targets_.empty()) return dataset_->target(i, out);
    require_target(out.size());
    std::ranges::copy(row(i), out.begin());
  }
  std::string sample_name(Index i) const override { return dataset_->sample_name(i); }
  Sample get(Index i) const override {
    Sample sample = dataset_->get(i);
    sample.label = label(i);
    return sample;
  }
  void read(Index i, const Preprocessing& preprocessing, std::span<float> out) const override {
    dataset_->read(i, preprocessing, out);
  }

 private:
  std::span<const float> row(Index i) const {
    require_image(i);
    return std::span(targets_).subspan(usize(i) * names_.size(), names_.size());
  }

  DatasetPtr dataset_;
  std::vector<float> weights_, targets_;
  std::vector<std::string> names_;
};

void require_numbers(std::span<const float> numbers, Index count, float least, const std::string& where) {
  if (isize(numbers.size()) != count) {
    throw ValueError({.where = where,
                      .expected = fmt::format("{} numbers", count),
                      .got = fmt::format("{}", numbers.size()),
                      .fix = "give every image its own"});
  }
  const auto wrong = std::ranges::find_if(numbers, [=](float x) { return !(std::isfinite(x) && x >= least); });
  if (wrong == numbers.end()) return;
  throw ValueError({.where = fmt::format("{}: number {}", where, wrong - numbers.begin()),
                    .expected = least < 0.0F ? "a finite number" : "a finite number of zero or more",
                    .got = fmt::format("{}", *wrong),
                    .fix = "correct it, or leave the image out"});
}

}  // namespace

void require_weights(std::span<const float> weights, Index count, const std::string& name) {
  require_numbers(weights, count, 0.0F, fmt::format("weights of {}", name));
}

void require_targets(std::span<const float> targets, Index count, const std::string& name) {
  require_numbers(targets, count, std::numeric_limits<float>::lowest(), fmt::format("targets of {}", name));
}

float Dataset::weight(Index i) const {
  require_image(i);
  return 1.0F;
}

void Dataset::target(Index i, std::span<float> out) const {
  require_target(out.size());
  std::ranges::fill(out, 0.0F);
  out[usize(label(i))] = 1.0F;
}

std::string Dataset::sample_name(Index i) const {
  require_image(i);
  return fmt::format("{} #{}", name(), i);
}

void Dataset::read(Index i, const Preprocessing& preprocessing, std::span<float> out) const {
  require_output(out.size());
  const Sample sample = get(i);
  if (sample.image.shape() != image_shape()) {
    throw ShapeError({.where = sample.name,
                      .expected = fmt::format("an image of {}", image_shape().to_string()),
                      .got = sample.image.shape().to_string(),
                      .fix = "resize it, or leave it out"});
  }
  write_floats(sample.image, preprocessing, out);
}

void Dataset::require_image(Index i) const {
  if (i >= 0 && i < size()) return;
  throw ValueError({.where = name(),
                    .expected = size() == 0 ? "no image at all" : fmt::format("an image from 0 to {}", size() - 1),
                    .got = fmt::format("{}", i),
                    .fix = fmt::format("the dataset holds {} images", size())});
}

void Dataset::require_output(std::size_t count) const {
  if (isize(count) == image_shape().elements()) return;
  throw ValueError({.where = name(),
                    .expected = fmt::format("room for an image of {}", image_shape().to_string()),
                    .got = fmt::format("{} values", count),
                    .fix = "pass one float a pixel and channel"});
}

void Dataset::require_target(std::size_t count) const {
  if (count == class_names().size()) return;
  throw ValueError({.where = name(),
                    .expected = fmt::format("room for a target of {} numbers", class_names().size()),
                    .got = fmt::format("{}", count),
                    .fix = "pass one float a class name"});
}

InMemory::InMemory(std::string name, Tensor images, std::vector<std::int32_t> labels,
                   std::vector<std::string> class_names)
    : name_(std::move(name)),
      images_(std::move(images)),
      labels_(std::move(labels)),
      class_names_(std::move(class_names)) {
  const Shape& shape = images_.shape();
  if (shape.rank() != 4 || shape[1] < 1 || shape[2] < 1 || shape[3] < 1) {
    throw ShapeError({.where = name_,
                      .expected = "images [n, height, width, channels], none of the last three 0",
                      .got = shape.to_string(),
                      .fix = "reshape them; grey images have one channel"});
  }
  if (shape[0] != size()) {
    throw ShapeError({.where = name_,
                      .expected = fmt::format("{} labels, one an image", shape[0]),
                      .got = fmt::format("{}", size()),
                      .fix = "check that images and labels belong together"});
  }
  if (class_names_.empty()) {
    throw ValueError({.where = name_, .expected = "at least one class name", .got = "none", .fix = "name the classes"});
  }
  const Index classes = isize(class_names_.size());
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    if (labels_[i] < 0 || labels_[i] >= classes) {
      throw ValueError({.where = fmt::format("{} #{}", name_, i),
                        .expected = fmt::format("a label from 0 to {}", classes - 1),
                        .got = fmt::format("{}", labels_[i]),
                        .fix = "correct the label, or name more classes"});
    }
  }
}

Index InMemory::label(Index i) const {
  require_image(i);
  return labels_[usize(i)];
}

Sample InMemory::get(Index i) const {
  require_image(i);
  return {images_.slice(i, i + 1).reshaped(image_shape()), labels_[usize(i)], sample_name(i)};
}

void InMemory::read(Index i, const Preprocessing& preprocessing, std::span<float> out) const {
  require_image(i);
  require_output(out.size());
  const std::size_t begin = usize(i) * out.size();
  if (images_.dtype() == DType::uint8) {
    preprocessing.apply(images_.uint8s().subspan(begin, out.size()), out);
  } else {
    preprocessing.apply(images_.floats().subspan(begin, out.size()), out);
  }
}

Subset::Subset(DatasetPtr dataset, std::vector<Index> indices, std::string name)
    : dataset_(std::move(dataset)), indices_(std::move(indices)), name_(std::move(name)) {
  require_dataset(dataset_, name_);
  for (std::size_t k = 0; k < indices_.size(); ++k) {
    if (indices_[k] < 0 || indices_[k] >= dataset_->size()) {
      throw ValueError({.where = fmt::format("{}: index {}", name_, k),
                        .expected = fmt::format("an image of {}, which holds {}", dataset_->name(), dataset_->size()),
                        .got = fmt::format("{}", indices_[k]),
                        .fix = "count images from 0"});
    }
  }
}

Index Subset::source(Index i) const {
  require_image(i);
  return indices_[usize(i)];
}

Index Subset::label(Index i) const { return dataset_->label(source(i)); }

float Subset::weight(Index i) const { return dataset_->weight(source(i)); }

void Subset::target(Index i, std::span<float> out) const { dataset_->target(source(i), out); }

std::string Subset::sample_name(Index i) const { return dataset_->sample_name(source(i)); }

Sample Subset::get(Index i) const { return dataset_->get(source(i)); }

void Subset::read(Index i, const Preprocessing& preprocessing, std::span<float> out) const {
  dataset_->read(source(i), preprocessing, out);
}

DatasetPtr take(const DatasetPtr& dataset, Index n) {
  require_dataset(dataset, "take");
  if (n < 0 || n > dataset->size()) {
    throw ValueError({.where = fmt::format("take from {}", dataset->name()),
                      .expected = fmt::format("0 to {} images", dataset->size()),
                      .got = fmt::format("{}", n),
                      .fix = "ask for no more than there are"});
  }
  std::vector<Index> indices(usize(n));
  std::iota(indices.begin(), indices.end(), Index{0});
  return std::make_shared<Subset>(dataset, std::move(indices), fmt::format("{}[:{}]", dataset->name(), n));
}

Split split(const DatasetPtr& dataset, double fraction, std::uint64_t seed) {
  require_dataset(dataset, "split");
  const std::string where = fmt::format("split of {}", dataset->name());
  if (!(fraction > 0.0 && fraction < 1.0)) {
    throw ValueError({.where = where,
                      .expected = "a fraction between 0 and 1",
                      .got = fmt::format("{}", fraction),
                      .fix = "use 0.1 to keep a tenth for validation"});
  }
  const Index total = std::llround(fraction * static_cast<double>(dataset->size()));
  if (total < 1 || total >= dataset->size()) {
    throw ValueError({.where = where,
                      .expected = "at least one image on both sides",
                      .got = fmt::format("{} and {}", dataset->size() - total, total),
                      .fix = "use more images, or another fraction"});
  }
  std::vector<std::vector<Index>> members(dataset->class_names().size());
  for (Index i = 0; i < dataset->size(); ++i) {
    const Index label = dataset->label(i);
    if (label < 0 || label >= isize(members.size())) {
      throw ValueError({.where = dataset->sample_name(i),
                        .expected = fmt::format("a label from 0 to {}", isize(members.size()) - 1),
                        .got = fmt::format("{}", label),
                        .fix = "correct the label, or name more classes"});
    }
    members[usize(label)].push_back(i);
  }
  const std::vector<Index> shares = shares_of(members, fraction, total);

  std::vector<bool> chosen(usize(dataset->size()));
  for (std::size_t c = 0; c < members.size(); ++c) {
    Stream stream(seed, 0, c, slot_of("split"));
    for (Index k = 0; k < shares[c]; ++k) {
      const auto left = static_cast<std::uint32_t>(isize(members[c].size()) - k);
      std::swap(members[c][usize(k)], members[c][usize(k) + stream.below(left)]);
      chosen[usize(members[c][usize(k)])] = true;
    }
  }
  std::vector<Index> train;
  std::vector<Index> validation;
  for (Index i = 0; i < dataset->size(); ++i) (chosen[usize(i)] ? validation : train).push_back(i);
  return {std::make_shared<Subset>(dataset, std::move(train), dataset->name() + "/train"),
          std::make_shared<Subset>(dataset, std::move(validation), dataset->name() + "/validation")};
}

DatasetPtr concat(std::vector<DatasetPtr> datasets) {
  if (datasets.empty()) {
    throw ValueError({.where = "concat", .expected = "at least one dataset", .got = "none", .fix = "name them"});
  }
  for (const DatasetPtr& dataset : datasets) {
    require_dataset(dataset, "concat");
    const Dataset& first = *datasets.front();
    const std::string where = fmt::format("concat of {} and {}", first.name(), dataset->name());
    if (dataset->image_shape() != first.image_shape()) {
      throw ShapeError({.where = where,
                        .expected = fmt::format("images of {}", first.image_shape().to_string()),
                        .got = dataset->image_shape().to_string(),
                        .fix = "resize one of them"});
    }
    if (dataset->class_names() != first.class_names()) {
      throw ValueError({.where = where,
                        .expected = "the same class names in the same order",
                        .got = fmt::format("{}, not {}", fmt::join(dataset->class_names(), " "),
                                           fmt::join(first.class_names(), " ")),
                        .fix = "give both the same list of classes"});
    }
  }
  return std::make_shared<Concatenation>(std::move(datasets));
}

DatasetPtr with_weights(DatasetPtr dataset, std::vector<float> weights) {
  require_dataset(dataset, "with_weights");
  require_weights(weights, dataset->size(), dataset->name());
  return std::make_shared<Annotated>(std::move(dataset), std::move(weights), std::vector<float>(),
                                     std::vector<std::string>());
}

DatasetPtr with_targets(DatasetPtr dataset, std::vector<float> targets, std::vector<std::string> names) {
  require_dataset(dataset, "with_targets");
  if (names.empty()) {
    throw ValueError({.where = fmt::format("targets of {}", dataset->name()),
                      .expected = "at least one name",
                      .got = "none",
                      .fix = "name the outputs"});
  }
  require_targets(targets, dataset->size() * isize(names.size()), dataset->name());
  return std::make_shared<Annotated>(std::move(dataset), std::vector<float>(), std::move(targets), std::move(names));
}

}  // namespace saccade::data
