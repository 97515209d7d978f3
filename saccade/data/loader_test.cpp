#include "saccade/data/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <limits>
#include <new>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "saccade/base/error.h"
#include "saccade/base/parallel.h"
#include "tests/support/message_of.h"

namespace saccade::data {
namespace {

using test::message_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// n images of 3 x 2 x 1 that hold pseudo-random bytes.
DatasetPtr noise(Index n) {
  Stream stream(99, 0, 0, 0);
  std::vector<std::uint8_t> pixels(usize(n * 6));
  for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(stream.below(256));
  std::vector<std::int32_t> labels;
  for (Index i = 0; i < n; ++i) labels.push_back(static_cast<std::int32_t>(stream.below(5)));
  return std::make_shared<InMemory>("noise", Tensor({n, 3, 2, 1}, std::span<const std::uint8_t>(pixels)),
                                    std::move(labels), std::vector<std::string>{"a", "b", "c", "d", "e"});
}

/// What there is to compare in a batch.
struct Seen {
  std::vector<float> pixels;
  std::vector<std::int32_t> labels;
  std::vector<Index> indices;
  Shape shape;
  Index epoch = 0;
  Index number = 0;

  friend bool operator==(const Seen& a, const Seen& b) {
    // Bit for bit, so that -0 differs from 0.
    return a.labels == b.labels && a.indices == b.indices && a.shape == b.shape && a.epoch == b.epoch &&
           a.number == b.number && a.pixels.size() == b.pixels.size() &&
           std::memcmp(a.pixels.data(), b.pixels.data(), a.pixels.size() * sizeof(float)) == 0;
  }
};

Seen look(const Batch& batch) {
  const auto pixels = batch.images.floats();
  return {{pixels.begin(), pixels.end()}, batch.labels, batch.indices, batch.images.shape(), batch.epoch, batch.number};
}

std::vector<Seen> rest_of_epoch(Loader& loader) {
  std::vector<Seen> all;
  Batch batch;
  while (loader.next(batch)) all.push_back(look(batch));
  return all;
}

std::vector<Seen> epoch_of(Loader& loader, Index epoch, Index first_batch = 0) {
  loader.start(epoch, first_batch);
  return rest_of_epoch(loader);
}

std::vector<Index> order_of(const std::vector<Seen>& batches) {
  std::vector<Index> order;
  for (const Seen& batch : batches) order.insert(order.end(), batch.indices.begin(), batch.indices.end());
  return order;
}

/// Noise that depends on the address, so that a wrong address shows.
void jitter(const SampleAddress& address, const Shape& shape, std::span<float> image) {
  EXPECT_EQ(shape, (Shape{3, 2, 1}));
  Stream stream = address.stream(slot_of("jitter"));
  for (float& pixel : image) pixel += stream.uniform();
}

TEST(Loader, GivesEveryImageOnceAndKeepsTheLastPartialBatch) {
  const DatasetPtr dataset = noise(10);
  Loader loader(dataset, {.batch_size = 4});
  EXPECT_EQ(loader.batches(), 3);
  const std::vector<Seen> batches = epoch_of(loader, 5);
  ASSERT_EQ(batches.size(), 3U);
  EXPECT_EQ(batches[0].shape, (Shape{4, 3, 2, 1}));
  EXPECT_EQ(batches[2].shape, (Shape{2, 3, 2, 1}));
  std::vector<Index> order = order_of(batches);
  for (std::size_t b = 0; b < batches.size(); ++b) {
    EXPECT_EQ(batches[b].epoch, 5);
    EXPECT_EQ(batches[b].number, isize(b));
    ASSERT_EQ(batches[b].labels.size(), batches[b].indices.size());
    for (std::size_t row = 0; row < batches[b].indices.size(); ++row) {
      std::vector<float> expected(6);
      dataset->read(batches[b].indices[row], {}, expected);
      EXPECT_TRUE(std::ranges::equal(std::span(batches[b].pixels).subspan(row * 6, 6), expected));
      EXPECT_EQ(batches[b].labels[row], dataset->label(batches[b].indices[row]));
    }
  }
  std::ranges::sort(order);
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST(Loader, DropsTheLastBatchOnRequest) {
  EXPECT_EQ(Loader(noise(10), {.batch_size = 4, .drop_last = true}).batches(), 2);
  EXPECT_EQ(Loader(noise(8), {.batch_size = 4, .drop_last = true}).batches(), 2);
  Loader loader(noise(10), {.batch_size = 4, .drop_last = true});
  EXPECT_EQ(order_of(epoch_of(loader, 0)).size(), 8U);
}

TEST(Loader, TakesABatchLargerThanTheDataset) {
  Loader loader(noise(3), {.batch_size = std::numeric_limits<Index>::max()});
  EXPECT_EQ(loader.batches(), 1);
  EXPECT_EQ(epoch_of(loader, 0)[0].shape, (Shape{3, 3, 2, 1}));
}

TEST(Loader, KeepsTheDatasetsOrderWithoutShuffle) {
  Loader loader(noise(5), {.batch_size = 2, .shuffle = false});
  EXPECT_THAT(order_of(epoch_of(loader, 3)), ElementsAre(0, 1, 2, 3, 4));
}

TEST(Loader, TheOrderIsTheDocumentedShuffle) {
  std::vector<Index> expected(17);
  std::iota(expected.begin(), expected.end(), Index{0});
  Stream stream(12, 4, 0, slot_of("shuffle"));
  for (std::uint32_t last = 16; last > 0; --last) std::swap(expected[last], expected[stream.below(last + 1)]);
  Loader loader(noise(17), {.batch_size = 5, .seed = 12});
  EXPECT_EQ(order_of(epoch_of(loader, 4)), expected);
}

TEST(Loader, TheOrderChangesWithEpochAndSeedAlone) {
  const DatasetPtr dataset = noise(30);
  Loader a(dataset, {.seed = 1});
  Loader b(dataset, {.batch_size = 7, .seed = 1});
  Loader c(dataset, {.seed = 2});
  EXPECT_EQ(order_of(epoch_of(a, 2)), order_of(epoch_of(b, 2)));
  EXPECT_NE(order_of(epoch_of(a, 2)), order_of(epoch_of(a, 3)));
  EXPECT_NE(order_of(epoch_of(a, 2)), order_of(epoch_of(c, 2)));
}

TEST(Loader, EveryPlaceSeesEveryImageEquallyOften) {
  constexpr Index kImages = 6;
  constexpr Index kEpochs = 3000;
  Loader loader(noise(kImages), {.batch_size = kImages, .workers = 0});
  std::vector<double> counts(usize(kImages * kImages));
  for (Index epoch = 0; epoch < kEpochs; ++epoch) {
    const std::vector<Index> order = order_of(epoch_of(loader, epoch));
    for (std::size_t place = 0; place < order.size(); ++place) ++counts[place * usize(kImages) + usize(order[place])];
  }
  // Binomial with p = 1/6: the mean is 500 and the standard deviation 20.4; 36 counts stay within 4.5 of them.
  for (const double count : counts) EXPECT_NEAR(count, 500.0, 92.0);
}

TEST(Loader, BatchesAreTheSameForAnyNumberOfWorkersAndQueueSize) {
  const DatasetPtr dataset = noise(103);
  const Preprocessing preprocessing{.mean = {0.3F}, .deviation = {0.7F}};
  Loader plain(dataset,
               {.batch_size = 8, .seed = 5, .workers = 0, .preprocessing = preprocessing, .transform = jitter});
  for (const int workers : {0, 1, 2, 4}) {
    for (const Index queue : {Index{1}, Index{3}, Index{100}}) {
      Loader loader(dataset, {.batch_size = 8,
                              .seed = 5,
                              .workers = workers,
                              .max_queue_size = queue,
                              .preprocessing = preprocessing,
                              .transform = jitter});
      for (const Index epoch : {0, 1, 7}) {
        EXPECT_TRUE(epoch_of(plain, epoch) == epoch_of(loader, epoch)) << workers << " workers, queue of " << queue;
      }
    }
  }
}

TEST(Loader, ContinuesAtAnyBatch) {
  const DatasetPtr dataset = noise(50);
  for (const int workers : {0, 1, 3}) {
    const LoaderOptions options{.batch_size = 8, .seed = 5, .workers = workers, .transform = jitter};
    Loader whole(dataset, options);
    const std::vector<Seen> all = epoch_of(whole, 2);
    for (std::size_t k = 0; k <= all.size(); ++k) {
      Loader resumed(dataset, options);
      const std::vector<Seen> rest = epoch_of(resumed, 2, isize(k));
      EXPECT_TRUE(std::ranges::equal(rest, std::span(all).subspan(k))) << workers << " workers, from batch " << k;
    }
  }
}

TEST(Loader, RestartsInTheMiddleOfAnEpoch) {
  const DatasetPtr dataset = noise(200);
  for (const int workers : {0, 1, 2, 4}) {
    Loader loader(dataset, {.batch_size = 3, .workers = workers, .max_queue_size = 4, .transform = jitter});
    const std::vector<Seen> expected = epoch_of(loader, 1);
    Batch batch;
    for (Index stop = 0; stop < 20; ++stop) {
      loader.start(stop);
      for (Index k = 0; k < stop; ++k) ASSERT_TRUE(loader.next(batch));
      EXPECT_TRUE(epoch_of(loader, 1) == expected) << workers << " workers, after " << stop << " batches";
    }
  }
}

TEST(Loader, EndsCleanlyAtAnyMoment) {
  const DatasetPtr dataset = noise(100);
  for (const int workers : {1, 2, 4}) {
    for (Index stop = 0; stop < 12; ++stop) {
      Loader loader(dataset, {.batch_size = 5, .workers = workers, .max_queue_size = 3});
      if (stop == 0) continue;
      loader.start(0);
      Batch batch;
      for (Index k = 1; k < stop; ++k) ASSERT_TRUE(loader.next(batch));
    }
  }
}

TEST(Loader, SaysTheEpochIsOverAndLeavesTheBatchAlone) {
  Loader loader(noise(4), {.batch_size = 4});
  Batch batch;
  loader.start(0);
  ASSERT_TRUE(loader.next(batch));
  const Seen last = look(batch);
  EXPECT_FALSE(loader.next(batch));
  EXPECT_FALSE(loader.next(batch));
  EXPECT_TRUE(look(batch) == last);
  EXPECT_EQ(batch.rows(), 4);
}

TEST(Loader, TransformSeesStoredValuesAndComesBeforePreprocessing) {
  const DatasetPtr dataset = noise(6);
  const Preprocessing preprocessing{.mean = {0.5F}, .deviation = {0.25F}};
  auto identity = [](const SampleAddress&, const Shape&, std::span<float> image) {
    for (const float pixel : image) EXPECT_EQ(pixel, std::floor(pixel));
  };
  Loader with(dataset, {.preprocessing = preprocessing, .transform = identity});
  Loader without(dataset, {.preprocessing = preprocessing});
  EXPECT_TRUE(epoch_of(with, 0) == epoch_of(without, 0));
  auto white = [](const SampleAddress&, const Shape&, std::span<float> image) { std::ranges::fill(image, 255.0F); };
  Loader whitened(dataset, {.preprocessing = preprocessing, .transform = white});
  EXPECT_THAT(epoch_of(whitened, 0)[0].pixels, ::testing::Each(2.0F));
}

TEST(Loader, TransformIsToldSeedEpochAndImage) {
  auto address_as_pixels = [](const SampleAddress& address, const Shape&, std::span<float> image) {
    image[0] = static_cast<float>(address.seed);
    image[1] = static_cast<float>(address.epoch);
    image[2] = static_cast<float>(address.index);
  };
  Loader loader(noise(9), {.seed = 77, .preprocessing = Preprocessing::none(), .transform = address_as_pixels});
  const Seen batch = epoch_of(loader, 3)[0];
  for (std::size_t row = 0; row < 9; ++row) {
    EXPECT_EQ(batch.pixels[row * 6], 77.0F);
    EXPECT_EQ(batch.pixels[row * 6 + 1], 3.0F);
    EXPECT_EQ(batch.pixels[row * 6 + 2], static_cast<float>(batch.indices[row]));
  }
}

TEST(Loader, LoopsInsideATransformStayOnTheWorker) {
  const int before = thread_count();
  set_thread_count(4);
  auto count = [](const SampleAddress&, const Shape&, std::span<float> image) {
    std::ranges::fill(image, static_cast<float>(thread_count()));
  };
  Loader loader(noise(20), {.preprocessing = Preprocessing::none(), .transform = count});
  EXPECT_THAT(epoch_of(loader, 0)[0].pixels, ::testing::Each(1.0F));
  EXPECT_EQ(thread_count(), 4) << "the caller keeps its threads";
  set_thread_count(before);
}

TEST(Loader, PreparesNoMoreThanTheQueueHolds) {
  std::atomic<int> prepared = 0;
  auto count = [&](const SampleAddress&, const Shape&, std::span<float>) { ++prepared; };
  Loader loader(noise(40), {.batch_size = 1, .workers = 2, .max_queue_size = 3, .transform = count});
  loader.start(0);
  auto settles_at = [&](int expected) {
    for (int tries = 0; tries < 2000 && prepared < expected; ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return prepared.load();
  };
  EXPECT_EQ(settles_at(3), 3);
  Batch batch;
  ASSERT_TRUE(loader.next(batch));
  EXPECT_EQ(settles_at(4), 4);
}

TEST(Loader, StopsMakingBuffers) {
  for (const int workers : {0, 1, 4}) {
    Loader loader(noise(50), {.batch_size = 4, .workers = workers, .max_queue_size = 3});
    Batch batch;
    Index most = 0;
    for (Index epoch = 0; epoch < 300; ++epoch) {
      loader.start(epoch);
      for (Index k = 0; k < 3 + epoch % 11 && loader.next(batch); ++k) {
      }
      most = loader.buffers_made();
    }
    EXPECT_LE(most, 3 + 3) << workers << " workers";
    EXPECT_GE(most, 2) << workers << " workers";
  }
}

TEST(Loader, BatchesThatTheCallerKeepsAreItsOwn) {
  Loader loader(noise(40), {.batch_size = 4, .max_queue_size = 2});
  const std::vector<Seen> expected = epoch_of(loader, 0);
  loader.start(0);
  std::vector<Batch> kept(10);
  for (Batch& batch : kept) ASSERT_TRUE(loader.next(batch));
  loader.start(1);
  Batch other;
  while (loader.next(other)) {
  }
  for (std::size_t b = 0; b < kept.size(); ++b) EXPECT_TRUE(look(kept[b]) == expected[b]);
}

TEST(Loader, BatchesMayBeMovedAway) {
  Loader loader(noise(40), {.batch_size = 4, .max_queue_size = 2});
  const std::vector<Seen> expected = epoch_of(loader, 0);
  for (int again = 0; again < 3; ++again) {
    loader.start(0);
    Batch batch;
    for (const Seen& seen : expected) {
      ASSERT_TRUE(loader.next(batch));
      const Batch moved = std::move(batch);
      EXPECT_TRUE(look(moved) == seen);
    }
  }
}

TEST(Loader, TakesBackAnyBatch) {
  const DatasetPtr dataset = noise(42);
  Loader plain(dataset, {.batch_size = 4});
  const std::vector<Seen> expected = epoch_of(plain, 0);
  for (const Shape& shape : {Shape{4, 2, 3, 1}, Shape{4, 6}, Shape{9, 3, 2, 1}, Shape{4, 3, 2, 1}, Shape{}}) {
    for (const DType dtype : {DType::float32, DType::uint8}) {
      Loader loader(dataset, {.batch_size = 4, .max_queue_size = 1});
      loader.start(0);
      for (const Seen& seen : expected) {
        Batch foreign;
        foreign.images = Tensor(shape, dtype);
        foreign.labels = {1, 2, 3, 4, 5, 6};
        ASSERT_TRUE(loader.next(foreign));
        EXPECT_TRUE(look(foreign) == seen) << shape.to_string();
      }
    }
  }
}

TEST(Loader, SeveralRunAtOnce) {
  const DatasetPtr dataset = noise(60);
  Loader alone(dataset, {.batch_size = 4, .transform = jitter});
  const std::vector<Seen> expected = epoch_of(alone, 1);
  std::vector<std::jthread> threads;
  std::vector<char> same(4);
  for (std::size_t t = 0; t < same.size(); ++t) {
    threads.emplace_back([&, t] {
      Loader loader(dataset, {.batch_size = 4, .workers = 2, .max_queue_size = 2, .transform = jitter});
      epoch_of(loader, 0);
      same[t] = epoch_of(loader, 1) == expected ? 1 : 0;
    });
  }
  threads.clear();
  EXPECT_THAT(same, ::testing::Each(1));
}

/// Fails for one image, with whatever the test wants thrown.
Transform failing_at(Index bad, std::function<void()> raise) {
  return [bad, raise = std::move(raise)](const SampleAddress& address, const Shape&, std::span<float>) {
    if (address.index == bad) raise();
  };
}

TEST(Loader, AWorkersExceptionIsThrownWhenItsBatchIsDueAndStays) {
  for (const int workers : {0, 1, 2, 4}) {
    auto raise = [] { throw FormatError({.where = "byte 7", .expected = "x", .got = "y", .fix = "z"}); };
    Loader loader(noise(20),
                  {.batch_size = 4, .shuffle = false, .workers = workers, .transform = failing_at(9, raise)});
    loader.start(0);
    Batch batch;
    ASSERT_TRUE(loader.next(batch));
    ASSERT_TRUE(loader.next(batch));
    const Seen before = look(batch);
    for (int again = 0; again < 2; ++again) {
      try {
        loader.next(batch);
        FAIL() << "nothing was thrown";
      } catch (const FormatError& error) {
        EXPECT_STREQ(error.what(), "noise #9: byte 7: expected x, got y; z");
      }
    }
    EXPECT_TRUE(look(batch) == before);
    EXPECT_EQ(epoch_of(loader, 0, 3).size(), 2U) << "a new start is a new chance";
  }
}

TEST(Loader, ExceptionsKeepTheirKindAndNameTheImage) {
  auto text_of = [](const std::function<void()>& raise) {
    Loader loader(noise(1), {.transform = failing_at(0, raise)});
    return message_of([&] { epoch_of(loader, 0); });
  };
  EXPECT_EQ(text_of([] { throw ValueError({.where = "", .expected = "a", .got = "b", .fix = "c"}); }),
            "noise #0: expected a, got b; c");
  EXPECT_EQ(text_of([] { throw ShapeError({.where = "noise #0", .expected = "a", .got = "b", .fix = "c"}); }),
            "noise #0: expected a, got b; c");
  EXPECT_EQ(text_of([] { throw std::runtime_error("boom"); }),
            "noise #0: expected an image that can be read, got boom; leave the image out");
  auto throws = [](const std::function<void()>& raise) {
    Loader loader(noise(1), {.transform = failing_at(0, raise)});
    epoch_of(loader, 0);
  };
  EXPECT_THROW(throws([] { throw ValueError(ErrorText{}); }), ValueError);
  EXPECT_THROW(throws([] { throw ShapeError(ErrorText{}); }), ShapeError);
  EXPECT_THROW(throws([] { throw SystemError(ErrorText{}); }), SystemError);
  EXPECT_THROW(throws([] { throw std::bad_alloc(); }), std::bad_alloc);
  EXPECT_THROW(throws([] { throw 42; }), int);
}

TEST(Loader, RefusesBadOptions) {
  auto make = [](LoaderOptions options) { return message_of([&] { Loader(noise(10), options); }); };
  EXPECT_EQ(make({.batch_size = 0}), "loader batch_size: expected at least 1, got 0; use 32 to 256");
  EXPECT_THAT(make({.batch_size = -8}), StartsWith("loader batch_size: expected at least 1, got -8;"));
  EXPECT_EQ(make({.workers = -1}),
            "loader workers: expected 0 to 256, got -1; use 1, or as many as there are cores to spare");
  EXPECT_THAT(make({.workers = 257}), StartsWith("loader workers: expected 0 to 256, got 257;"));
  EXPECT_THAT(make({.max_queue_size = 0}), StartsWith("loader max_queue_size: expected at least 1, got 0;"));
  EXPECT_EQ(
      make({.batch_size = 11, .drop_last = true}),
      "loader drop_last: expected at least one whole batch of 11, got 10 images; use a smaller batch_size, or keep "
      "the last batch");
  EXPECT_THAT(make({.preprocessing = {.mean = {1, 2, 3}}}), StartsWith("preprocessing mean: expected 1 values"));
  EXPECT_THAT(message_of([] { Loader(nullptr, {}); }),
              HasSubstr("loader dataset: expected a dataset, got a null pointer"));
  EXPECT_THAT(message_of([] { Loader(take(noise(3), 0), {}); }),
              StartsWith("loader dataset: expected 1 to 4294967295 images, got 0 in noise[:0];"));
}

TEST(Loader, RefusesBadCalls) {
  Loader loader(noise(10), {.batch_size = 4});
  Batch batch;
  EXPECT_EQ(message_of([&] { loader.next(batch); }),
            "loader next: expected start(epoch) first, got no epoch under way; call start(0)");
  EXPECT_THAT(message_of([&] { loader.start(-1); }), StartsWith("loader epoch: expected 0 to 4294967295, got -1;"));
  EXPECT_THAT(message_of([&] { loader.start(Index{1} << 32); }), HasSubstr("got 4294967296"));
  EXPECT_THAT(message_of([&] { loader.start(0, 4); }), StartsWith("loader first_batch: expected 0 to 3, got 4;"));
  EXPECT_THAT(message_of([&] { loader.start(0, -1); }), HasSubstr("got -1"));
  loader.start((Index{1} << 32) - 1, 3);
  EXPECT_FALSE(loader.next(batch));
}

TEST(Loader, APlanChoosesTheOrder) {
  Loader loader(noise(5), {.batch_size = 2, .plan = [](Index epoch, std::span<Index> order) {
                             for (Index& i : order) i = 4 - i;
                             order[0] = epoch;
                           }});
  Batch batch;
  loader.start(3);
  ASSERT_TRUE(loader.next(batch));
  EXPECT_THAT(batch.indices, testing::ElementsAre(3, 3));
  ASSERT_TRUE(loader.next(batch));
  EXPECT_THAT(batch.indices, testing::ElementsAre(2, 1));
}

TEST(Loader, APlanThatFailsEndsTheEpoch) {
  for (const int workers : {0, 1}) {
    Loader loader(noise(8), {.batch_size = 2, .workers = workers, .plan = [](Index epoch, std::span<Index> order) {
                               if (epoch == 1)
                                 throw ValueError({.where = "plan", .expected = "", .got = "", .fix = ""});
                               if (epoch == 2) order[3] = 8;
                             }});
    Batch batch;
    loader.start(0);
    ASSERT_TRUE(loader.next(batch));
    for (const Index epoch : {1, 2}) {
      EXPECT_THROW(loader.start(epoch), ValueError);
      EXPECT_FALSE(loader.next(batch)) << "workers " << workers;
    }
    loader.start(3);
    EXPECT_TRUE(loader.next(batch));
  }
}

TEST(Loader, WeightsAndTargetsTravelInTheBatch) {
  std::vector<float> weights, targets;
  for (int i = 0; i < 7; ++i) weights.push_back(static_cast<float>(i));
  for (int i = 0; i < 14; ++i) targets.push_back(static_cast<float>(i));
  const DatasetPtr plain = noise(7);
  Loader loader(with_targets(with_weights(plain, weights), targets, {"a", "b"}), {.batch_size = 3, .seed = 5});
  Batch batch;
  loader.start(0);
  Index rows = 0;
  for (; loader.next(batch); rows += batch.rows()) {
    ASSERT_EQ(isize(batch.weights.size()), batch.rows());
    ASSERT_EQ(isize(batch.targets.size()), 2 * batch.rows());
    for (Index row = 0; row < batch.rows(); ++row) {
      const auto index = static_cast<float>(batch.indices[usize(row)]);
      EXPECT_EQ(batch.weights[usize(row)], index);
      EXPECT_EQ(batch.targets[usize(2 * row)], 2 * index);
      EXPECT_EQ(batch.targets[usize(2 * row + 1)], 2 * index + 1);
    }
  }
  EXPECT_EQ(rows, 7);
  Loader without(plain, {.batch_size = 3});
  without.start(0);
  ASSERT_TRUE(without.next(batch));  // a buffer that had both
  EXPECT_TRUE(batch.weights.empty());
  EXPECT_TRUE(batch.targets.empty());
}

}  // namespace
}  // namespace saccade::data
