#include "saccade/io/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>

#include "saccade/base/error.h"
#include "tests/support/message_of.h"

namespace saccade {
namespace {

using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;

class CheckpointTest : public testing::Test {
 protected:
  CheckpointTest() {
    std::string name = (std::filesystem::temp_directory_path() / "saccade_checkpoint_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ / "last.safetensors";
  }
  ~CheckpointTest() override { std::filesystem::remove_all(folder_); }

  /// `checkpoint` after a stay on the disk.
  Checkpoint saved_and_loaded(const Checkpoint& checkpoint) const {
    checkpoint.save(path_);
    return Checkpoint::load(path_);
  }

  std::string load_error(const Metadata& metadata) const {
    write_safetensors(path_, {}, metadata);
    return message_of([&] { Checkpoint::load(path_); });
  }

  std::filesystem::path folder_;
  std::filesystem::path path_;
};

TEST_F(CheckpointTest, KeepsTensorsAndValues) {
  Checkpoint checkpoint;
  checkpoint.add_tensor("conv2d.weight", Tensor(Shape{2}, std::vector<float>{1, std::nextafter(1.0F, 2.0F)}));
  checkpoint.add_tensor("adam.m.conv2d.weight", Tensor(Shape{1, 2}));
  checkpoint.set_index("epoch", 3);
  checkpoint.set_index("epoch", 4);
  checkpoint.set_text("format", "the run's own key");
  const Checkpoint loaded = saved_and_loaded(checkpoint);
  EXPECT_EQ(loaded.get_index("epoch"), 4);
  EXPECT_EQ(loaded.get_text("format"), "the run's own key");
  EXPECT_EQ(loaded.state(), checkpoint.state());
  EXPECT_TRUE(loaded.has("epoch"));
  EXPECT_FALSE(loaded.has("step"));
  EXPECT_THAT(loaded.get_tensor("conv2d.weight", {2}).floats(), ElementsAre(1, std::nextafter(1.0F, 2.0F)));
  EXPECT_EQ(loaded.tensors().at(1).first, "adam.m.conv2d.weight");
}

TEST_F(CheckpointTest, SavesTensorsThatItDoesNotOwn) {
  const Tensor weight(Shape{1}, std::vector<float>{5});
  Checkpoint checkpoint;
  checkpoint.set_index("epoch", 1);
  checkpoint.save(path_, std::vector<TensorEntry>{{"w", &weight}});
  const Checkpoint loaded = Checkpoint::load(path_);
  EXPECT_THAT(loaded.get_tensor("w", {1}).floats(), ElementsAre(5));
  EXPECT_EQ(loaded.get_index("epoch"), 1);
}

TEST_F(CheckpointTest, KeepsEveryBitOfADouble) {
  using Limits = std::numeric_limits<double>;
  for (const double value :
       {0.0, -0.0, 1.0, 0.1, -1.5, 1.0 / 3, 1e-3, Limits::max(), Limits::min(), Limits::denorm_min(),
        -Limits::denorm_min(), Limits::infinity(), -Limits::infinity(), Limits::epsilon()}) {
    Checkpoint checkpoint;
    checkpoint.set_double("x", value);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(checkpoint.get_double("x")), std::bit_cast<std::uint64_t>(value)) << value;
  }
  Checkpoint checkpoint;
  checkpoint.set_double("x", std::nan(""));
  EXPECT_TRUE(std::isnan(checkpoint.get_double("x")));
}

TEST_F(CheckpointTest, KeepsEveryIndex) {
  Checkpoint checkpoint;
  for (const Index value : {Index{0}, std::numeric_limits<Index>::min(), std::numeric_limits<Index>::max()}) {
    checkpoint.set_index("x", value);
    EXPECT_EQ(checkpoint.get_index("x"), value);
  }
}

TEST_F(CheckpointTest, NamesTheFileAndTheMissingValue) {
  const Checkpoint loaded = saved_and_loaded({});
  const std::string file = path_.string();
  EXPECT_EQ(message_of([&] { static_cast<void>(loaded.get_index("step")); }),
            file + ": expected a value 'step', got none; it was written by another version or run; start a new run");
  EXPECT_THAT(message_of([&] { static_cast<void>(loaded.get_tensor("w", {1})); }),
              HasSubstr(file + ": expected a tensor 'w', got none"));
}

TEST_F(CheckpointTest, NamesTheValueThatIsNoNumber) {
  Checkpoint checkpoint;
  for (const char* text : {"", " 1", "1 ", "1.5", "x", "9223372036854775808", "+1"}) {
    checkpoint.set_text("step", text);
    EXPECT_THAT(message_of([&] { static_cast<void>(checkpoint.get_index("step")); }),
                HasSubstr("checkpoint: value 'step': expected a whole number, got '" + std::string(text) + "'"));
  }
  for (const char* text : {"", "0x", "--0x1p+0", "0x1p+0 ", "0x-1p+0", "0x1p+99999", "one"}) {
    checkpoint.set_text("lr", text);
    EXPECT_THAT(message_of([&] { static_cast<void>(checkpoint.get_double("lr")); }),
                HasSubstr("checkpoint: value 'lr': expected a hexadecimal number such as 0x1.8p-3, got"))
        << text;
  }
}

TEST_F(CheckpointTest, NamesTheTensorOfAnotherShape) {
  Checkpoint checkpoint;
  checkpoint.add_tensor("w", Tensor(Shape{2, 3}));
  EXPECT_THAT(message_of([&] {
                static_cast<void>(checkpoint.get_tensor("w", {3, 2}));
              }),
              HasSubstr("checkpoint: tensor 'w': expected shape [3, 2], got [2, 3]"));
}

TEST_F(CheckpointTest, SaysWhatAnotherFileIs) {
  const std::string file = path_.string();
  EXPECT_EQ(load_error({{"format", "saccade.network"}, {"version", "1"}}),
            file + ": expected a training checkpoint, got a saved network; name another file");
  EXPECT_THAT(load_error({}), HasSubstr("expected a training checkpoint, got a safetensors file without a format"));
  EXPECT_THAT(load_error({{"format", "pt"}}), HasSubstr("expected a training checkpoint, got format 'pt'"));
  EXPECT_EQ(load_error({{"format", "saccade.checkpoint"}, {"version", "2"}}),
            file +
                ": expected a training checkpoint of version 1, got version '2'; use the version of Saccade that wrote "
                "it, or a newer one");
  EXPECT_THAT(load_error({{"format", "saccade.checkpoint"}, {"version", "0"}}), HasSubstr("got version '0'"));
  EXPECT_THAT(load_error({{"format", "saccade.checkpoint"}}), HasSubstr("of version 1, got no version"));
  EXPECT_THROW(Checkpoint::load(folder_ / "none"), SystemError);
}

}  // namespace
}  // namespace saccade
