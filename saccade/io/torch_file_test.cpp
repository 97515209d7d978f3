#include "saccade/io/torch_file.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdint>
#include <numeric>

#include "saccade/io/archive_internal.h"
#include "tests/support/message_of.h"

namespace saccade {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Ints = std::vector<std::int32_t>;

template <class Number>
std::string bytes_of(Number value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

// The instructions that Python's pickle writes in protocol 2.
std::string integer(std::int32_t value) { return "J" + bytes_of(value); }
std::string text(const std::string& value) { return "X" + bytes_of(static_cast<std::uint32_t>(value.size())) + value; }
std::string ints(const Ints& values) {
  std::string tuple = "(";
  for (const std::int32_t value : values) tuple += integer(value);
  return tuple + "t";
}
std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string pickle = "}(";
  for (const auto& [key, value] : items) pickle += text(key) + value;
  return pickle + "u";
}
std::string pickle(const std::string& body) { return "\x80\x02" + body + "."; }

struct View {
  std::int32_t elements = 6, offset = 0;  ///< Of the storage; of the view in it.
  Ints extents = {2, 3}, strides = {3, 1};
  std::string type = "FloatStorage", key = "0";
};
std::string tensor(const View& v) {
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\n" + v.type + "\n" + text(v.key) +
         text("cpu") + integer(v.elements) + "tQ" + integer(v.offset) + ints(v.extents) + ints(v.strides) + "\x89}tR";
}

/// A storage of 0, 1, 2, ...
std::string floats(std::size_t count) {
  std::string data;
  for (std::size_t i = 0; i < count; ++i) data += bytes_of(static_cast<float>(i));
  return data;
}

/// As torch.save() writes it since version 1.6.
NamedTensors read_zip(const std::string& body, const std::string& data = floats(6)) {
  const std::string program = pickle(body);
  const internal::ArchiveEntry entries[] = {{"net/data.pkl", std::as_bytes(std::span(program))},
                                            {"net/byteorder", std::as_bytes(std::span("little", 6))},
                                            {"net/data/0", std::as_bytes(std::span(data))}};
  return read_torch(internal::encode_archive(entries), "net.pth");
}

/// As it did before: pickles in a row, then the storages.
NamedTensors read_serial(const std::string& body, const std::string& data = floats(6)) {
  const std::string file = pickle(std::string("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 12)) +
                           pickle(integer(1001)) + pickle(dict({{"little_endian", "\x88"}})) + pickle(body) +
                           pickle("](" + text("0") + "e") + bytes_of(std::int64_t{6}) + data;
  return read_torch(std::as_bytes(std::span(file)), "net.pth");
}

TEST(TorchFile, GivesDenseTensorsOfBothLayouts) {
  const std::string body = dict({{"w", tensor({})},
                                 {"t", tensor({.extents = {3, 2}, .strides = {1, 3}})},
                                 {"part", tensor({.offset = 1, .extents = {2}, .strides = {3}})},
                                 {"scalar", tensor({.offset = 5, .extents = {}, .strides = {}})},
                                 {"none", tensor({.extents = {0, 3}, .strides = {3, 1}})}});
  for (const NamedTensors& tensors : {read_zip(body), read_serial(body)}) {
    ASSERT_EQ(tensors.size(), 5U);
    EXPECT_EQ(tensors[0].first, "w");
    EXPECT_THAT(tensors[0].second.floats(), ElementsAre(0, 1, 2, 3, 4, 5));
    EXPECT_EQ(tensors[1].second.shape(), (Shape{3, 2}));
    EXPECT_THAT(tensors[1].second.floats(), ElementsAre(0, 3, 1, 4, 2, 5));
    EXPECT_THAT(tensors[2].second.floats(), ElementsAre(1, 4));
    EXPECT_THAT(tensors[3].second.floats(), ElementsAre(5));
    EXPECT_EQ(tensors[4].second.shape(), (Shape{0, 3}));
  }
}

TEST(TorchFile, FindsTheStateDictInACheckpoint) {
  for (const char* name : {"state_dict", "model_state_dict", "model", "net", "weights"}) {
    const NamedTensors tensors =
        read_zip(dict({{"epoch", integer(3)}, {name, dict({{"w", tensor({})}})}, {"best", "N"}}));
    ASSERT_EQ(tensors.size(), 1U) << name;
    EXPECT_EQ(tensors[0].first, "w");
  }
  EXPECT_THAT(test::message_of<FormatError>([] {
                read_zip(dict({{"epoch", integer(3)}}));
              }),
              HasSubstr("or a dict of them under one of state_dict, model_state_dict, model, net, weights, got a dict "
                        "with 'epoch'; save the weights alone: torch.save(model.state_dict(), 'net.pth')"));
}

TEST(TorchFile, TypesBecomeFloats) {
  const auto read = [](const char* type, const std::string& data) {
    return read_zip(dict({{"w", tensor({.elements = 1, .extents = {1}, .strides = {1}, .type = type})}}), data)[0]
        .second;
  };
  EXPECT_EQ(read("HalfStorage", bytes_of(std::uint16_t{0xC100})).floats()[0], -2.5F);
  EXPECT_EQ(read("BFloat16Storage", bytes_of(std::uint16_t{0x3FC0})).floats()[0], 1.5F);
  EXPECT_EQ(read("DoubleStorage", bytes_of(0.1)).floats()[0], 0.1F);
  EXPECT_EQ(read("LongStorage", bytes_of(std::int64_t{-7})).floats()[0], -7.0F);
  EXPECT_EQ(read("ByteStorage", "\xff").uint8s()[0], 255);
  EXPECT_THAT(test::message_of<FormatError>([&] { read("LongStorage", bytes_of(std::int64_t{1} << 40)); }),
              HasSubstr("tensor 'w': expected I64 values that a float32 can hold, got 1099511627776 as element 0"));
}

TEST(TorchFile, RunsNoPickle) {
  const auto message = [](const std::string& body) {
    return test::message_of<FormatError>([&] { read_serial(body); });
  };
  EXPECT_THAT(message("cos\nsystem\n(" + text("echo") + "tR"),
              HasSubstr("got one that calls 'os.system', which a file of weights has no reason to"));
  EXPECT_THAT(message(text("posix") + text("system") + "\x93"), HasSubstr("calls 'posix.system'"));
  // a known function where another belongs, an object with attributes, an instance of a class
  EXPECT_THAT(message("ctorch\nFloatStorage\n(tR"), HasSubstr("got one of 'torch.FloatStorage'"));
  EXPECT_THAT(message(integer(1) + "}b"), HasSubstr("expected a dict, got an integer"));
  EXPECT_THAT(message("(i"), HasSubstr("expected an instruction of pickle protocols 2 to 5 that builds data, got 'i'"));
  EXPECT_THAT(message("\x81"), HasSubstr("got 0x81"));
}

TEST(TorchFile, HostilePicklesStaySmall) {
  const auto message = [](const std::string& body) { return test::message_of<FormatError>([&] { read_zip(body); }); };
  // Each list holds the one before ten times: ten to the power of eight, if it were walked through.
  std::string bomb = "]q" + std::string(1, '\0');
  for (char level = 0; level < 8; ++level) {
    bomb += "](";
    for (int i = 0; i < 10; ++i) bomb += std::string("h") + level;
    bomb += std::string("eq") + static_cast<char>(level + 1);
  }
  EXPECT_THAT(message(bomb), HasSubstr("expected a dict of tensors by name, got a list"));
  EXPECT_THAT(message("]q\1h\1a"), HasSubstr("got a list"));  // which holds itself
  EXPECT_THAT(message(std::string(1 << 20, ']') + "]"), HasSubstr("expected at most 1048576 values"));
  EXPECT_THAT(message("r\xff\xff\xff\xff"), HasSubstr("expected a value on the stack, got none"));
  EXPECT_THAT(message("h\7"), HasSubstr("expected a value that was remembered, got none at 7"));
  EXPECT_THAT(message("X\xff\xff\xff\x7f"), HasSubstr("expected 2147483647 more bytes, got 1"));
  EXPECT_THAT(message("t"), HasSubstr("expected a mark on the stack"));
  EXPECT_THAT(message("N("), HasSubstr("expected a value on the stack, got none"));
}

TEST(TorchFile, TensorsStayWithinTheirStorage) {
  const auto message = [](const View& view, const std::string& data = floats(6)) {
    return test::message_of<FormatError>([&] { read_zip(dict({{"w", tensor(view)}}), data); });
  };
  EXPECT_THAT(message({.offset = 1}),
              HasSubstr("net.pth: tensor 'w': expected a part of its storage of 6 elements, got "
                        "[2, 3] with strides [3, 1] from 1"));
  EXPECT_THAT(message({.offset = 7, .extents = {0}, .strides = {1}}), HasSubstr("expected a part of its storage"));
  EXPECT_THAT(message({.strides = {-3, 1}}), HasSubstr("expected extents and strides of zero or more"));
  EXPECT_THAT(message({.offset = -1}), HasSubstr("expected extents and strides of zero or more"));
  EXPECT_THAT(message({.extents = {0x7FFFFFFF, 0x7FFFFFFF, 4}, .strides = {0, 0, 1}}),
              HasSubstr("expected extents and strides of zero or more"));
  EXPECT_THAT(message({.extents = {0x7FFFFFFF}, .strides = {0}}), HasSubstr("numbers more from a file of this size"));
  EXPECT_THAT(message({.extents = {6}, .strides = {1, 1}}), HasSubstr("as many extents as strides"));
  EXPECT_THAT(message({.elements = 0x7FFFFFFF}), HasSubstr("entry 'net/data/0': expected 8589934588 bytes, got 24"));
  EXPECT_THAT(message({.elements = -1}), HasSubstr("expected a part of its storage of -1 elements"));
  EXPECT_THAT(message({.key = "1"}), HasSubstr("expected an entry 'net/data/1', got none"));
  EXPECT_THAT(message({.key = "../0"}), HasSubstr("got none"));
}

TEST(TorchFile, SaysWhereASerialFileIsBroken) {
  const std::string body = dict({{"w", tensor({})}});
  EXPECT_THAT(test::message_of<FormatError>([&] { read_serial(body, floats(5)); }),
              HasSubstr("expected 24 more bytes, got 20"));
  EXPECT_THAT(test::message_of<FormatError>([&] { read_serial(body, floats(7)); }),
              HasSubstr("expected the end of the file, got 4 more bytes"));
  EXPECT_THAT(test::message_of<FormatError>([&] {
                read_serial(dict({{"w", tensor({.elements = 5})}}));
              }),
              HasSubstr("expected 5 elements, got 6"));
  EXPECT_THAT(test::message_of<FormatError>([&] {
                read_serial(dict({{"w", tensor({.key = "1"})}}));
              }),
              HasSubstr("expected storages that a tensor is made of, got '0'"));
}

TEST(TorchFile, ArchivesAreChecked) {
  const auto read = [](std::vector<std::byte> bytes) {
    return test::message_of<FormatError>([&] { read_torch(bytes, "net.pth"); });
  };
  const std::string text = "hello";
  const internal::ArchiveEntry entries[] = {{"a.txt", std::as_bytes(std::span(text))}};
  std::vector<std::byte> bytes = internal::encode_archive(entries);
  EXPECT_THAT(read(bytes), HasSubstr("net.pth: expected an entry data.pkl, as torch.save() writes it, got none"));
  {
    internal::Archive archive(bytes, "x.zip");
    EXPECT_EQ(archive.read("a.txt").size(), 5U);
  }
  const auto at = std::ranges::search(bytes, std::as_bytes(std::span(text))).begin();
  *at = std::byte{'j'};
  internal::Archive damaged(bytes, "x.zip");
  EXPECT_THAT(test::message_of<FormatError>([&] { damaged.read("a.txt"); }),
              HasSubstr("x.zip: entry 'a.txt': expected data with its checksum, got CRC error"));
  bytes.resize(bytes.size() / 2);
  EXPECT_THAT(read(bytes), HasSubstr("net.pth: expected a zip archive"));
}

}  // namespace
}  // namespace saccade
