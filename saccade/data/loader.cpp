#include "saccade/data/loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>
#include <system_error>
#include <utility>

#include "saccade/base/error.h"
#include "saccade/base/parallel.h"

namespace saccade::data {
namespace {

constexpr Index kNumbers32 = Index{1} << 32;

void require(bool holds, std::string_view option, std::string expected, std::string got, std::string_view fix) {
  if (holds) return;
  throw ValueError({.where = fmt::format("loader {}", option),
                    .expected = std::move(expected),
                    .got = std::move(got),
                    .fix = std::string(fix)});
}

/// Throws the exception being handled again, with the image's name in front of its text.
[[noreturn]] void rethrow_naming(const std::string& name) {
  auto named = [&name](const Error& error) {
    ErrorText text = error.text();
    if (text.where.find(name) == std::string::npos) text.where = text.where.empty() ? name : name + ": " + text.where;
    return text;
  };
  try {
    throw;
  } catch (const ValueError& error) {
    throw ValueError(named(error));
  } catch (const ShapeError& error) {
    throw ShapeError(named(error));
  } catch (const FormatError& error) {
    throw FormatError(named(error));
  } catch (const SystemError& error) {
    throw SystemError(named(error));
  } catch (const Error& error) {
    throw Error(named(error));
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    throw Error(
        {.where = name, .expected = "an image that can be read", .got = error.what(), .fix = "leave the image out"});
  }
}

}  // namespace

Loader::Loader(DatasetPtr dataset, LoaderOptions options) : dataset_(std::move(dataset)), options_(std::move(options)) {
  require(dataset_ != nullptr, "dataset", "a dataset", "a null pointer", "make one with data::mnist or data::InMemory");
  const Index size = dataset_->size();
  require(size >= 1 && size < kNumbers32, "dataset", "1 to 4294967295 images",
          fmt::format("{} in {}", size, dataset_->name()), "choose another dataset");
  require(options_.batch_size >= 1, "batch_size", "at least 1", fmt::format("{}", options_.batch_size),
          "use 32 to 256");
  require(options_.workers >= 0 && options_.workers <= kMaxWorkers, "workers", fmt::format("0 to {}", kMaxWorkers),
          fmt::format("{}", options_.workers), "use 1, or as many as there are cores to spare");
  require(options_.max_queue_size >= 1, "max_queue_size", "at least 1", fmt::format("{}", options_.max_queue_size),
          "use 10");
  require(!options_.drop_last || options_.batch_size <= size, "drop_last",
          fmt::format("at least one whole batch of {}", options_.batch_size), fmt::format("{} images", size),
          "use a smaller batch_size, or keep the last batch");
  image_shape_ = dataset_->image_shape();
  options_.preprocessing.validate(image_shape_[-1]);

  full_rows_ = std::min(options_.batch_size, size);
  batches_ = options_.drop_last ? size / full_rows_ : ceil_divide(size, full_rows_);
  next_claimed_ = next_delivered_ = batches_;
  order_.resize(usize(size));
  slots_.resize(options_.workers == 0 ? 1 : usize(std::min(options_.max_queue_size, batches_)));
  full_buffers_.reserve(slots_.size() + 1);
  last_buffers_.reserve(2);
}

Loader::~Loader() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    cancelled_ = true;
  }
  claimable_.notify_all();
}

Index Loader::rows_of(Index number) const noexcept {
  return std::min(full_rows_, dataset_->size() - number * full_rows_);
}

std::vector<Batch>& Loader::buffers_for(Index rows) noexcept {
  return rows == full_rows_ ? full_buffers_ : last_buffers_;
}

void Loader::recycle(Batch&& batch) {
  const Shape& shape = batch.images.shape();
  // A batch whose memory the caller moved away still has its shape.
  if (batch.images.bytes().data() == nullptr) return;
  if (shape.rank() == 0 || batch.images.dtype() != DType::float32) return;
  if (shape[0] != full_rows_ && shape[0] != rows_of(batches_ - 1)) return;
  if (shape.without_batch() != image_shape_) return;
  std::vector<Batch>& buffers = buffers_for(shape[0]);
  if (buffers.size() < buffers.capacity()) buffers.push_back(std::move(batch));
}

Batch Loader::make_buffer(Index rows) {
  ++buffers_made_;
  Batch batch;
  batch.images = Tensor(image_shape_.with_batch(rows));
  return batch;
}

void Loader::fill(Batch& batch, Index number) const {
  batch.epoch = epoch_;
  batch.number = number;
  const Index rows = rows_of(number);
  batch.labels.resize(usize(rows));
  batch.indices.resize(usize(rows));
  batch.weights.resize(dataset_->has_weights() ? usize(rows) : 0);
  batch.targets.resize(dataset_->has_targets() ? usize(rows) * dataset_->class_names().size() : 0);
  for (Index row = 0; row < rows && !cancelled_; ++row) fill_row(batch, row);
}

void Loader::fill_row(Batch& batch, Index row) const {
  static const Preprocessing stored = Preprocessing::none();
  const Index position = batch.number * full_rows_ + row;
  const Index index = order_[usize(position)];
  const std::size_t count = usize(image_shape_.elements());
  const std::span<float> image = batch.images.floats().subspan(usize(row) * count, count);
  try {
    batch.indices[usize(row)] = index;
    batch.labels[usize(row)] = static_cast<std::int32_t>(dataset_->label(index));
    if (!batch.weights.empty()) batch.weights[usize(row)] = dataset_->weight(index);
    if (!batch.targets.empty()) {
      const std::size_t outputs = dataset_->class_names().size();
      dataset_->target(index, std::span(batch.targets).subspan(usize(row) * outputs, outputs));
    }
    if (options_.transform) {
      dataset_->read(index, stored, image);
      options_.transform({options_.seed, static_cast<std::uint32_t>(epoch_), index, position}, image_shape_, image);
      options_.preprocessing.apply(image, image);
    } else {
      dataset_->read(index, options_.preprocessing, image);
    }
  } catch (...) {
    rethrow_naming(dataset_->sample_name(index));
  }
}

void Loader::draw_order() {
  std::iota(order_.begin(), order_.end(), Index{0});
  if (options_.plan) {
    options_.plan(epoch_, order_);
    for (const Index i : order_) {
      require(i >= 0 && i < dataset_->size(), "plan", fmt::format("pictures 0 to {}", dataset_->size() - 1),
              fmt::format("{}", i), "it may put them in another order, and repeat some");
    }
    return;
  }
  if (!options_.shuffle) return;
  Stream stream(options_.seed, static_cast<std::uint32_t>(epoch_), 0, slot_of("shuffle"));
  for (std::size_t last = order_.size() - 1; last > 0; --last) {
    std::swap(order_[last], order_[stream.below(static_cast<std::uint32_t>(last + 1))]);
  }
}

void Loader::start_workers() {
  while (workers_.size() < usize(options_.workers)) {
    try {
      workers_.emplace_back([this] { work(); });
    } catch (const std::system_error& error) {
      throw SystemError({.where = fmt::format("loader worker {} of {}", workers_.size() + 1, options_.workers),
                         .expected = "to start a thread",
                         .got = error.what(),
                         .fix = "use fewer workers"});
    }
  }
}

void Loader::start(Index epoch, Index first_batch) {
  require(epoch >= 0 && epoch < kNumbers32, "epoch", "0 to 4294967295", fmt::format("{}", epoch),
          "count epochs from 0");
  require(first_batch >= 0 && first_batch <= batches_, "first_batch", fmt::format("0 to {}", batches_),
          fmt::format("{}", first_batch), "count batches from 0");
  start_workers();
  {
    std::unique_lock lock(mutex_);
    next_claimed_ = next_delivered_ = batches_;  // the epoch's end, should the plan throw
    cancelled_ = true;
    finished_.wait(lock, [this] { return working_ == 0; });
    cancelled_ = false;
    for (Slot& slot : slots_) {
      recycle(std::move(slot.batch));
      slot = Slot();
    }
    epoch_ = epoch;
    draw_order();
    next_claimed_ = next_delivered_ = first_batch;
  }
  claimable_.notify_all();
}

bool Loader::can_claim() const noexcept {
  return next_claimed_ < batches_ && next_claimed_ < next_delivered_ + isize(slots_.size());
}

void Loader::prepare_next(std::unique_lock<std::mutex>& lock) {
  const Index number = next_claimed_++;
  const Index rows = rows_of(number);
  Slot& slot = slots_[usize(number) % slots_.size()];
  slot.state = State::working;
  ++working_;
  Batch batch;
  std::vector<Batch>& buffers = buffers_for(rows);
  const bool have_buffer = !buffers.empty();
  if (have_buffer) {
    batch = std::move(buffers.back());
    buffers.pop_back();
  }
  std::exception_ptr error;
  lock.unlock();
  try {
    if (!have_buffer) batch = make_buffer(rows);
    fill(batch, number);
  } catch (...) {
    error = std::current_exception();
  }
  lock.lock();
  slot.batch = std::move(batch);
  slot.state = error ? State::failed : State::ready;
  slot.error = std::move(error);
  --working_;
  finished_.notify_one();
}

void Loader::work() {
  const SingleThreadScope no_nested_threads;
  std::unique_lock lock(mutex_);
  for (;;) {
    claimable_.wait(lock, [this] { return stopping_ || can_claim(); });
    if (stopping_) return;
    prepare_next(lock);
  }
}

bool Loader::next(Batch& batch) {
  std::unique_lock lock(mutex_);
  require(epoch_ >= 0, "next", "start(epoch) first", "no epoch under way", "call start(0)");
  if (next_delivered_ == batches_) return false;
  Slot& slot = slots_[usize(next_delivered_) % slots_.size()];
  if (options_.workers == 0 && slot.state == State::empty) prepare_next(lock);
  finished_.wait(lock, [&slot] { return slot.state == State::ready || slot.state == State::failed; });
  if (slot.state == State::failed) std::rethrow_exception(slot.error);
  std::swap(batch, slot.batch);
  recycle(std::move(slot.batch));
  slot.state = State::empty;
  ++next_delivered_;
  lock.unlock();
  claimable_.notify_one();
  return true;
}

}  // namespace saccade::data
