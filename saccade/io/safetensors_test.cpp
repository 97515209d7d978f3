#include "saccade/io/safetensors.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

#include "saccade/base/error.h"
#include "tests/support/message_of.h"
#include "tests/support/scratch_folder.h"

namespace saccade {
namespace {

using test::message_of;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Pair;

using Bytes = std::string;

template <class T>
void append_value(Bytes& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::span<const std::byte> raw(const Bytes& bytes) { return std::as_bytes(std::span(bytes)); }

/// A file with this header, as it stands, and this data.
Bytes file_of(std::string_view header, const Bytes& data = {}) {
  Bytes bytes;
  append_value(bytes, std::uint64_t{header.size()});
  bytes += header;
  return bytes + data;
}

/// A file with one tensor "t" that holds these values.
template <class T>
Bytes file_of_values(std::string_view dtype, const std::vector<T>& values) {
  Bytes data;
  for (const T& value : values) append_value(data, value);
  return file_of(
      fmt::format(R"({{"t":{{"dtype":"{}","shape":[{}],"data_offsets":[0,{}]}}}})", dtype, values.size(), data.size()),
      data);
}

Bytes encode(std::span<const TensorEntry> tensors, const Metadata& metadata = {}) {
  Bytes bytes;
  encode_safetensors(tensors, metadata, [&](std::span<const std::byte> part) {
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
  });
  return bytes;
}

std::vector<float> floats_read(const Bytes& file) {
  const SafetensorsFile read = read_safetensors(raw(file), "f");
  const auto values = read.tensors.at(0).second.floats();
  return {values.begin(), values.end()};
}

std::string read_error(const Bytes& file) {
  return message_of([&] { read_safetensors(raw(file), "net.safetensors"); });
}

TEST(Safetensors, ReadsAFileWrittenByHand) {
  Bytes data;
  for (const float value : {1.5F, -2.0F}) append_value(data, value);
  data += '\x07';
  const Bytes file =
      file_of(R"({"__metadata__":{"note":"a\nb"},"bytes":{"dtype":"U8","shape":[1,1],"data_offsets":[8,9]},)"
              R"("w":{"data_offsets":[0,8],"shape":[2],"dtype":"F32"}}   )",
              data);
  const SafetensorsFile read = read_safetensors(raw(file), "f");
  EXPECT_THAT(read.metadata, ElementsAre(Pair("note", "a\nb")));
  ASSERT_EQ(read.tensors.size(), 2U);
  EXPECT_EQ(read.tensors[0].first, "w") << "tensors come in the order of their data";
  EXPECT_EQ(read.tensors[0].second.shape(), (Shape{2}));
  EXPECT_THAT(read.tensors[0].second.floats(), ElementsAre(1.5F, -2.0F));
  EXPECT_EQ(read.tensors[1].second.shape(), (Shape{1, 1}));
  EXPECT_THAT(read.tensors[1].second.uint8s(), ElementsAre(7));
  EXPECT_EQ(read.find("bytes"), &read.tensors[1].second);
  EXPECT_EQ(read.find("none"), nullptr);
}

TEST(Safetensors, WritesTheLayoutOfTheSpecification) {
  const Tensor small(Shape{3}, std::vector<std::uint8_t>{1, 2, 3});
  const Tensor scalar(Shape{}, std::vector<float>{0.5F});
  const std::vector<TensorEntry> entries = {{"a", &small}, {"b", &scalar}};
  const Bytes bytes = encode(entries, {{"k", "v\"\u00e9"}});
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ((8 + length) % 64, 0U);
  const std::string header = bytes.substr(8, length);
  EXPECT_EQ(header.substr(0, header.find_last_not_of(' ') + 1),
            R"({"__metadata__":{"k":"v\"é"},"b":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
            R"("a":{"dtype":"U8","shape":[3],"data_offsets":[4,7]}})");
  Bytes data;
  append_value(data, 0.5F);
  for (const int value : {1, 2, 3}) data += static_cast<char>(value);
  EXPECT_EQ(bytes.substr(8 + length), data);
}

TEST(Safetensors, ReadsBackWhatItWrote) {
  const test::ScratchFolder folder;
  const std::filesystem::path path = folder.path() / "net.safetensors";
  const float odd_nan = std::bit_cast<float>(0x7FA12345U);
  const Tensor weight(Shape{2, 3}, std::vector<float>{1, -0.0F, 1e-45F, odd_nan, INFINITY, 3.4028235e38F});
  const Tensor none(Shape{0, 4});
  const Tensor image(Shape{1, 2, 1}, std::vector<std::uint8_t>{0, 255});
  const std::vector<TensorEntry> entries = {{"w\n\u00fc", &weight}, {"", &none}, {"image", &image}, {"none2", &none}};
  const Metadata metadata = {{"", ""}, {"architecture", "{\"a\": [1, 2]}"}};
  write_safetensors(path, entries, metadata);
  const SafetensorsFile read = load_safetensors(path);
  EXPECT_EQ(read.metadata, metadata);
  ASSERT_EQ(read.tensors.size(), entries.size());
  for (const TensorEntry& entry : entries) {
    const Tensor* tensor = read.find(entry.name);
    ASSERT_NE(tensor, nullptr) << entry.name;
    EXPECT_EQ(tensor->shape(), entry.tensor->shape());
    EXPECT_EQ(tensor->dtype(), entry.tensor->dtype());
    EXPECT_TRUE(std::ranges::equal(tensor->bytes(), entry.tensor->bytes())) << entry.name;
  }
  std::vector<TensorEntry> again;
  for (const auto& [name, tensor] : read.tensors) again.push_back({name, &tensor});
  EXPECT_EQ(encode(again, read.metadata), encode(entries, metadata)) << "one content, one sequence of bytes";
}

TEST(Safetensors, AnEmptyFileIsAHeaderOnly) {
  EXPECT_EQ(encode({}).size(), 64U);
  EXPECT_TRUE(read_safetensors(raw(encode({})), "f").tensors.empty());
  EXPECT_TRUE(read_safetensors(raw(file_of("{}")), "f").metadata.empty());
}

TEST(Safetensors, ConvertsHalvesExactly) {
  const std::vector<std::uint16_t> halves = {0x0000, 0x8000, 0x3C00, 0xC000, 0x7BFF, 0x0001,
                                             0x03FF, 0x0400, 0x3555, 0x7C00, 0xFC00};
  EXPECT_THAT(floats_read(file_of_values("F16", halves)),
              ElementsAre(0.0F, -0.0F, 1.0F, -2.0F, 65504.0F, 0x1p-24F, 1023 * 0x1p-24F, 0x1p-14F, 1365 * 0x1p-12F,
                          INFINITY, -INFINITY));
  EXPECT_TRUE(std::signbit(floats_read(file_of_values("F16", halves))[1]));
  EXPECT_TRUE(std::isnan(floats_read(file_of_values("F16", std::vector<std::uint16_t>{0x7E01}))[0]));
  EXPECT_THAT(floats_read(file_of_values("BF16", std::vector<std::uint16_t>{0x3F80, 0xC040, 0x7F80, 0x0001})),
              ElementsAre(1.0F, -3.0F, INFINITY, 0x1p-133F));
}

TEST(Safetensors, RoundsDoublesAndKeepsIntegers) {
  EXPECT_THAT(floats_read(file_of_values("F64", std::vector<double>{0.1, -INFINITY, 1 + 0x1p-24})),
              ElementsAre(0.1F, -INFINITY, 1.0F));
  EXPECT_THAT(floats_read(file_of_values("I8", std::vector<std::int8_t>{-128, 127})), ElementsAre(-128, 127));
  EXPECT_THAT(floats_read(file_of_values("I16", std::vector<std::int16_t>{-32768})), ElementsAre(-32768));
  EXPECT_THAT(floats_read(file_of_values("U16", std::vector<std::uint16_t>{65535})), ElementsAre(65535));
  EXPECT_THAT(floats_read(file_of_values("I32", std::vector<std::int32_t>{-16777216})), ElementsAre(-16777216));
  EXPECT_THAT(floats_read(file_of_values("U32", std::vector<std::uint32_t>{16777216})), ElementsAre(16777216));
  EXPECT_THAT(floats_read(file_of_values("I64", std::vector<std::int64_t>{-5, 1200})), ElementsAre(-5, 1200));
  EXPECT_THAT(floats_read(file_of_values("U64", std::vector<std::uint64_t>{3})), ElementsAre(3));
  EXPECT_THAT(
      read_safetensors(raw(file_of_values("BOOL", std::vector<std::uint8_t>{1, 0})), "f").tensors[0].second.uint8s(),
      ElementsAre(1, 0));
}

TEST(Safetensors, NamesTheValueThatFloatCannotHold) {
  EXPECT_EQ(read_error(file_of_values("I64", std::vector<std::int64_t>{0, 16777217})),
            "net.safetensors: tensor 't': expected I64 values that a float32 can hold, got 16777217 as element 1; "
            "convert it to F32 where the file comes from");
  EXPECT_THAT(read_error(file_of_values("U64", std::vector<std::uint64_t>{~std::uint64_t{0}})),
              HasSubstr("got 18446744073709551615 as element 0"));
  EXPECT_THAT(read_error(file_of_values("I32", std::vector<std::int32_t>{INT32_MIN})), HasSubstr("got -2147483648"));
  EXPECT_THAT(read_error(file_of_values("F64", std::vector<double>{1e39})), HasSubstr("got 1e+39 as element 0"));
}

TEST(Safetensors, RejectsEveryBrokenPrefix) {
  constexpr std::string_view kFix = "; the file is damaged or no safetensors file; get it again";
  EXPECT_EQ(read_error({}), fmt::format("net.safetensors: byte 0: expected 8 bytes with the length of the header, "
                                        "got a file of 0 bytes{}",
                                        kFix));
  EXPECT_THAT(read_error(Bytes(7, '\0')), HasSubstr("got a file of 7 bytes"));
  Bytes beyond = file_of("{}");
  beyond[0] = '\x03';
  EXPECT_EQ(read_error(beyond),
            fmt::format("net.safetensors: byte 0: expected a header within the 2 bytes that follow, got 3{}", kFix));
  Bytes huge;
  append_value(huge, ~std::uint64_t{0});
  EXPECT_EQ(
      read_error(huge),
      fmt::format("net.safetensors: byte 0: expected a header of at most 100000000 bytes, got 18446744073709551615{}",
                  kFix));
  EXPECT_EQ(
      read_error(file_of("")),
      fmt::format("net.safetensors: byte 8: expected '{{' at the start of the header, got an empty header{}", kFix));
}

struct BadHeader {
  std::string header;
  std::string message;
  int data_bytes = 0;
};

TEST(Safetensors, NamesWhatIsWrongInTheHeader) {
  const std::string t = "tensor 't'";
  const std::vector<BadHeader> cases = {
      {" {}", "byte 8: expected '{' at the start of the header, got ' '"},
      {"\xEF\xBB\xBF{}", "byte 8: expected '{' at the start of the header"},
      {"{", "byte 9: expected a header in JSON, got 'unexpected end of input; expected string literal'"},
      {"{}x", "byte 10: expected a header in JSON, got 'invalid literal'"},
      {"{\"t\":nul}", "byte 16: expected a header in JSON, got 'invalid literal'"},
      {"{\"t\xFF\":1}", "byte 11: expected a header in JSON, got 'invalid string: ill-formed UTF-8 byte'"},
      {std::string("{\"a\0b\":1}", 8), "byte 11: expected a header in JSON, got 'invalid string: control character"},
      {"{/**/}", "byte 9: expected a header in JSON"},
      {R"({"t":1})", t + ": expected an object with dtype, shape and data_offsets, got 1"},
      {R"({"t":[]})", t + ": expected an object with dtype, shape and data_offsets, got an array"},
      {R"({"t":{}})", t + ": expected a dtype, got none"},
      {R"({"t":{"dtype":"F32"}})", t + ": expected a shape, got none"},
      {R"({"t":{"dtype":"F32","shape":[]}})", t + ": expected a data_offsets, got none"},
      {R"({"t":{"dtype":4}})", t + ", dtype: expected a string, got 4"},
      {R"({"t":{"dtype":{"a":1}}})", t + ", dtype: expected a string, got an object"},
      {R"({"t":{"dtype":"F32","dtype":"U8"}})", t + ", dtype: expected each key once, got it twice"},
      {R"({"t":{"strides":[]}})", t + ": expected the keys dtype, shape and data_offsets, got 'strides'"},
      {R"({"t":{"shape":4}})", t + ", shape: expected an array of sizes, got 4"},
      {R"({"t":{"shape":null}})", t + ", shape: expected an array of sizes, got null"},
      {R"({"t":{"shape":[-1]}})", t + ", shape: expected whole numbers from 0 to 2^63-1, got -1"},
      {R"({"t":{"shape":[1.5]}})", t + ", shape: expected whole numbers from 0 to 2^63-1, got '1.5'"},
      {R"({"t":{"shape":[true]}})", t + ", shape: expected whole numbers from 0 to 2^63-1, got true"},
      {R"({"t":{"shape":["1"]}})", t + ", shape: expected whole numbers from 0 to 2^63-1, got '1'"},
      {R"({"t":{"shape":[[1]]}})", t + ", shape: expected whole numbers from 0 to 2^63-1, got an array"},
      {R"({"t":{"shape":[9223372036854775808]}})",
       t + ", shape: expected whole numbers from 0 to 2^63-1, got 9223372036854775808"},
      {R"({"t":{"shape":[99999999999999999999]}})",
       t + ", shape: expected whole numbers from 0 to 2^63-1, got '99999999999999999999'"},
      {R"({"t":{"shape":[1,1,1,1,1,1,1,1,1]}})", t + ", shape: expected at most 8 axes, got more"},
      {R"({"t":{"data_offsets":[0]}})",
       t + ", data_offsets: expected two whole numbers from 0 to 2^63-1, got 1 numbers"},
      {R"({"t":{"data_offsets":[0,1,2]}})",
       t + ", data_offsets: expected two whole numbers from 0 to 2^63-1, got more numbers"},
      {R"({"t":{"data_offsets":[0,-4]}})", t + ", data_offsets: expected two whole numbers from 0 to 2^63-1, got -4"},
      {R"({"__metadata__":"x"})", "__metadata__: expected an object of strings, got 'x'"},
      {R"({"__metadata__":{"k":1}})", "__metadata__ key 'k': expected a string, got 1"},
      {R"({"__metadata__":{"k":{"a":"b"}}})", "__metadata__ key 'k': expected a string, got an object"},
      {R"({"__metadata__":{"k":"a","k":"a"}})", "__metadata__ key 'k': expected each key once, got it twice"},
      {R"({"__metadata__":{},"__metadata__":{}})", "__metadata__: expected each name once, got it twice"},
      {R"({"t":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"t":{}})",
       t + ": expected each name once, got it twice"},
      {R"({"t":{"dtype":"F8_E4M3","shape":[0],"data_offsets":[0,0]}})",
       t + ": expected a dtype of F32, F16, BF16, F64, I8, I16, U16, I32, U32, I64, U64, U8, BOOL, got 'F8_E4M3'"},
      {R"({"t":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})",
       t + ": expected a size in bytes that fits in 63 bits, got shape [4294967296, 4294967296]"},
      {R"({"t":{"dtype":"I8","shape":[4611686018427387904],"data_offsets":[0,4611686018427387904]}})",
       t + ": expected a size in bytes that fits in 63 bits, got shape [4611686018427387904]"},
      {R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       t + ": expected data within the 3 bytes after the header, got data_offsets [0, 4]", 3},
      {R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})",
       t + ": expected data_offsets in rising order, got data_offsets [4, 0]", 4},
      {R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       t + ": expected data that begins where the data before it ends, at 0, got data_offsets [4, 8], which leave a "
           "hole",
       8},
      {R"({"s":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"t":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
       t + ": expected data that begins where the data before it ends, at 4, got data_offsets [2, 6], which overlap it",
       6},
      {R"({"t":{"dtype":"F32","shape":[2,2],"data_offsets":[0,8]}})",
       t + ": expected 16 bytes for F32 [2, 2], got 8 from data_offsets [0, 8]", 8},
      {R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
       "byte 62: expected the end of the file after the last tensor, got 2 more bytes", 3},
      {"{}", "byte 10: expected the end of the file after the last tensor, got 1 more bytes", 1},
  };
  for (const BadHeader& bad : cases) {
    EXPECT_THAT(read_error(file_of(bad.header, Bytes(usize(bad.data_bytes), '\0'))),
                testing::StartsWith("net.safetensors: " + bad.message))
        << bad.header;
  }
}

TEST(Safetensors, MessagesStayOnOneShortLine) {
  const std::string name = "a\\nb\\u0001" + std::string(100000, 'x');
  const std::string text = read_error(file_of("{\"" + name + "\":1}"));
  EXPECT_THAT(text, HasSubstr("tensor 'a\\x0ab\\x01xxx"));
  EXPECT_LT(text.size(), 300U);
  EXPECT_LT(read_error(file_of("{\"" + std::string(100000, 'x'))).size(), 300U);
  EXPECT_LT(read_error(file_of("{\"t\":{\"shape\":[" + std::string(100000, '1') + "]}}")).size(), 300U);
}

TEST(Safetensors, DeepNestingIsAnErrorAtOnce) {
  EXPECT_THAT(read_error(file_of("{\"t\":" + std::string(1000000, '['))), HasSubstr("got an array"));
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  EXPECT_THAT(read_error(file_of(objects)), HasSubstr("tensor 'a': expected the keys dtype"));
}

TEST(Safetensors, RefusesToWriteWhatCannotBeRead) {
  const Tensor one(Shape{1});
  const std::vector<TensorEntry> twice = {{"w", &one}, {"w", &one}};
  EXPECT_EQ(message_of([&] { encode(twice); }),
            "safetensors: expected each name once, got 'w' twice; rename one of them");
  const std::vector<TensorEntry> reserved = {{"__metadata__", &one}};
  EXPECT_EQ(message_of([&] { encode(reserved); }),
            "safetensors: expected a tensor name other than the metadata's, got '__metadata__'; rename it");
  const std::vector<TensorEntry> latin = {{"\xE9", &one}};
  EXPECT_THAT(message_of([&] { encode(latin); }), HasSubstr("expected names and metadata in UTF-8"));
  EXPECT_THAT(message_of([&] { encode({}, {{"k", "\xFF"}}); }), HasSubstr("expected names and metadata in UTF-8"));
  EXPECT_THAT(message_of([&] {
                encode({}, {{"k", std::string(100'000'000, ' ')}});
              }),
              HasSubstr("expected a header of at most 100000000 bytes, got 100000001"));
}

TEST(Safetensors, AFailedWriteLeavesTheOldFile) {
  const test::ScratchFolder folder;
  const std::filesystem::path path = folder.path() / "net.safetensors";
  const Tensor one(Shape{1}, std::vector<float>{1});
  write_safetensors(path, std::vector<TensorEntry>{{"w", &one}});
  EXPECT_THROW(write_safetensors(path, std::vector<TensorEntry>{{"\xE9", &one}}), ValueError);
  EXPECT_NE(load_safetensors(path).find("w"), nullptr);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1) << "no temporary file stays";
  EXPECT_THROW(load_safetensors(folder.path() / "none"), SystemError);
}

/// A reader of the published layout that shares nothing with ours.
constexpr const char* kPythonReader = R"(
import json, struct, sys
data = open(sys.argv[1], "rb").read()
(n,) = struct.unpack("<Q", data[:8])
header = json.loads(data[8:8 + n].decode("utf-8"))
body = data[8 + n:]
print("metadata", json.dumps(header.pop("__metadata__", {}), sort_keys=True))
end = 0
for name, info in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
    first, last = info["data_offsets"]
    assert first == end
    end = last
    values = struct.unpack("<%d%s" % (last - first if info["dtype"] == "U8" else (last - first) // 4,
                                      "B" if info["dtype"] == "U8" else "f"), body[first:last])
    print(name, info["dtype"], info["shape"], list(values))
assert end == len(body)
)";

TEST(Safetensors, AReaderOfTheLayoutInAnotherLanguageAgrees) {
  if (std::system("python3 -c '' >/dev/null 2>&1") != 0) GTEST_SKIP() << "python3 is not installed";
  const test::ScratchFolder folder;
  const std::filesystem::path path = folder.path() / "net.safetensors";
  const Tensor weight(Shape{2, 2}, std::vector<float>{1, -0.5F, 0, 65536});
  const Tensor labels(Shape{3}, std::vector<std::uint8_t>{0, 1, 255});
  write_safetensors(path, std::vector<TensorEntry>{{"labels", &labels}, {"conv2d.weight", &weight}},
                    {{"classes", "[\"caf\u00e9\"]"}});
  std::ofstream(folder.path() / "reader.py") << kPythonReader;
  const std::string output = (folder.path() / "out").string();
  const std::string command =
      fmt::format("python3 '{}' '{}' > '{}'", (folder.path() / "reader.py").string(), path.string(), output);
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(read_text_file(output),
            "metadata {\"classes\": \"[\\\"caf\\u00e9\\\"]\"}\n"
            "conv2d.weight F32 [2, 2] [1.0, -0.5, 0.0, 65536.0]\n"
            "labels U8 [3] [0, 1, 255]\n");
}

}  // namespace
}  // namespace saccade
