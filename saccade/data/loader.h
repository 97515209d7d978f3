#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "saccade/base/integer.h"
#include "saccade/base/random.h"
#include "saccade/data/dataset.h"
#include "saccade/tensor/preprocessing.h"
#include "saccade/tensor/tensor.h"

namespace saccade::data {

/// Where the randomness of one image in one epoch comes from.
struct SampleAddress {
  std::uint64_t seed = 0;
  std::uint32_t epoch = 0;
  Index index = 0;     ///< The image's number in the dataset.
  Index position = 0;  ///< Its place in the epoch's order.

  /// The random stream for one use of this image, e.g. slot_of("rotation").
  Stream stream(std::uint32_t slot) const noexcept { return {seed, epoch, static_cast<std::uint64_t>(index), slot}; }
};

/// Changes an image in place before it is preprocessed: HWC floats in the stored units (0..255). Called from several
/// threads at once; its result may depend on nothing but its arguments.
using Transform = std::function<void(const SampleAddress& address, const Shape& image_shape, std::span<float> image)>;

/// Rewrites the order of an epoch's images before any of them is read, and may draw for each position what a Transform will
/// look up. It must give the same for the same epoch, whatever it was asked before.
using Plan = std::function<void(Index epoch, std::span<Index> order)>;

/// Some images, ready for a network.
struct Batch {
  Tensor images;                     ///< [rows, height, width, channels] float32
  std::vector<std::int32_t> labels;  ///< One a row.
  std::vector<float> weights;        ///< One a row where the dataset has_weights(), else empty.
  std::vector<float> targets;        ///< [rows, class names] where the dataset has_targets(), else empty.
  std::vector<Index> indices;        ///< The rows' numbers in the dataset.
  Index epoch = 0;
  Index number = 0;  ///< Of this batch in its epoch, from 0.

  Index rows() const noexcept { return isize(labels.size()); }
};

struct LoaderOptions {
  Index batch_size = 32;
  bool shuffle = true;               ///< Another order each epoch.
  std::uint64_t seed = 0;            ///< Of the order, and of what `transform` draws.
  int workers = 1;                   ///< Threads that prepare batches ahead; 0 prepares them inside next().
  Index max_queue_size = 10;         ///< Batches prepared ahead at most.
  bool drop_last = false;            ///< Leave out the last batch when it is smaller than the others.
  Preprocessing preprocessing = {};  ///< Applied last.
  Transform transform = {};          ///< Applied before `preprocessing`; none when empty.
  Plan plan = {};                    ///< Another order than `shuffle` makes; none when empty.
};

/// Serves a dataset in batches, in an order that depends on (seed, epoch) alone:
///   Loader loader(train, {.batch_size = 128});
///   Batch batch;
///   for (Index epoch = 0; epoch < 15; ++epoch) {
///     loader.start(epoch);
///     while (loader.next(batch)) step(batch);
///   }
/// Batches are the same, bit for bit, for any number of workers and after a stop and resume at any batch. Workers sleep
/// while the queue is full, and loops inside `transform` do not spread to other threads. next() exchanges the caller's
/// buffers for ready ones: once every buffer of the queue has been round, nothing is allocated any more.
/// The order is a Fisher-Yates shuffle (last place downwards) drawn from Stream(seed, epoch, 0, slot_of("shuffle")).
/// One thread at a time may call start() and next().
class Loader {
 public:
  static constexpr int kMaxWorkers = 256;

  /// Throws ValueError for an option outside its domain, no dataset or an empty one.
  Loader(DatasetPtr dataset, LoaderOptions options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// Batches an epoch.
  Index batches() const noexcept { return batches_; }
  const DatasetPtr& dataset() const noexcept { return dataset_; }
  const LoaderOptions& options() const noexcept { return options_; }

  /// Begins an epoch at one of its batches, whatever was under way before. Throws ValueError unless 0 <= epoch < 2^32 and
  /// 0 <= first_batch <= batches(), SystemError when a worker thread cannot be started.
  void start(Index epoch, Index first_batch = 0);

  /// The next batch in order, or false (and `batch` untouched) at the end of the epoch. An exception thrown while reading an
  /// image is rethrown here, when its batch is due, with the image's name in front; next() then repeats it until start().
  /// Throws ValueError before the first start().
  bool next(Batch& batch);

  /// Batch buffers allocated so far; at most max_queue_size + 3 while the caller hands the same Batch back.
  Index buffers_made() const noexcept { return buffers_made_.load(); }

 private:
  enum class State : std::uint8_t { empty, working, ready, failed };
  struct Slot {
    State state = State::empty;
    Batch batch;
    std::exception_ptr error;
  };

  Index rows_of(Index number) const noexcept;
  std::vector<Batch>& buffers_for(Index rows) noexcept;
  void recycle(Batch&& batch);
  Batch make_buffer(Index rows);
  void fill(Batch& batch, Index number) const;
  void fill_row(Batch& batch, Index row) const;
  void draw_order();
  void start_workers();
  void work();
  bool can_claim() const noexcept;
  void prepare_next(std::unique_lock<std::mutex>& lock);

  DatasetPtr dataset_;
  LoaderOptions options_;
  Shape image_shape_;
  Index full_rows_ = 0;  // Of every batch but perhaps the last.
  Index batches_ = 0;
  std::atomic<Index> buffers_made_ = 0;

  // Written by start() while no worker is at work; read by workers.
  std::vector<Index> order_;
  Index epoch_ = -1;
  std::atomic<bool> cancelled_ = false;

  std::mutex mutex_;  // Guards everything below.
  std::condition_variable claimable_;
  std::condition_variable finished_;
  std::vector<Slot> slots_;  // A ring: batch b is prepared in slot b mod size.
  std::vector<Batch> full_buffers_;
  std::vector<Batch> last_buffers_;
  Index next_claimed_ = 0;
  Index next_delivered_ = 0;
  Index working_ = 0;
  bool stopping_ = false;

  std::vector<std::jthread> workers_;
};

}  // namespace saccade::data
