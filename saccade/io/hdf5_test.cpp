#include <gmock/gmock.h>
#include <hdf5.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "saccade/base/file.h"
#include "saccade/io/hdf5_internal.h"
#include "tests/support/message_of.h"
#include "tests/support/scratch_folder.h"

namespace saccade::internal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;

TEST(Hdf5, ReadsWhatItWrites) {
  const auto write = [] {
    Hdf5Writer file;
    file.add_group("a/b");
    file.add_text("", "version", "3");
    file.add_texts("a", "names", {"x", "two words", ""});
    file.add_texts("a", "none", {});
    file.add_dataset("a/b/w", {2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
    file.add_dataset("a/scalar", {}, std::vector<float>{7});
    return file.finish();
  };
  const std::vector<std::byte> bytes = write();
  EXPECT_EQ(bytes, write());
  EXPECT_TRUE(is_hdf5(bytes));
  Hdf5File file(bytes, "f.h5");
  EXPECT_THAT(file.texts("", "version"), Optional(ElementsAre("3")));
  EXPECT_THAT(file.texts("a", "names"), Optional(ElementsAre("x", "two words", "")));
  EXPECT_THAT(file.texts("a", "none"), Optional(testing::IsEmpty()));
  EXPECT_EQ(file.texts("a", "other"), std::nullopt);
  EXPECT_THAT(file.names("a"), ElementsAre("b", "scalar"));
  EXPECT_TRUE(file.has("a/b/w"));
  EXPECT_FALSE(file.has("a/w"));
  EXPECT_FALSE(file.has("a/b/w/x"));
  EXPECT_EQ(file.shape("a/b/w"), (Shape{2, 3}));
  EXPECT_THAT(file.read("a/b/w").floats(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(file.read("a/scalar").floats(), ElementsAre(7));
  EXPECT_THAT(test::message_of<FormatError>([&] { file.read("a/b"); }),
              HasSubstr("f.h5: 'a/b': expected a dataset, got a group"));
  EXPECT_THAT(test::message_of<FormatError>([&] { file.names("a/b/w"); }), HasSubstr("expected a group, got data"));
}

TEST(Hdf5, FilesThatAreOpenAtOnceStayApart) {
  const auto file_of = [](float number) {
    Hdf5Writer file;
    file.add_dataset("x", {1}, std::vector<float>{number});
    return file.finish();
  };
  Hdf5Writer open;
  const std::vector<std::byte> one = file_of(1), two = file_of(2);
  Hdf5File first(one, "1.h5"), second(two, "2.h5");
  EXPECT_THAT(second.read("x").floats(), ElementsAre(2));
  EXPECT_THAT(first.read("x").floats(), ElementsAre(1));
}

/// What `make` writes into a new file, and what is then said of its "x".
template <class Make>
std::string refusal(Make make) {
  const test::ScratchFolder folder;
  const std::string path = (folder / "f.h5").string();
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  make(file);
  H5Fclose(file);
  const std::vector<std::byte> bytes = read_file(path);
  return test::message_of<FormatError>([&] { Hdf5File(bytes, "f.h5").read("x"); });
}

/// Writes "x" as a dataset of `type` and those extents, as the plan says.
void make_dataset(hid_t file, hid_t type, const std::vector<hsize_t>& extents, hid_t plan = H5P_DEFAULT) {
  const hid_t space = H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr);
  H5Dclose(H5Dcreate2(file, "x", type, space, H5P_DEFAULT, plan, H5P_DEFAULT));
  H5Sclose(space);
}

TEST(Hdf5, NothingOutsideTheFileIsOpened) {
  EXPECT_THAT(refusal([](hid_t file) { H5Lcreate_external("/etc/passwd", "/x", file, "x", H5P_DEFAULT, H5P_DEFAULT); }),
              HasSubstr("f.h5: 'x': expected data in the file itself, got a link to elsewhere"));
  EXPECT_THAT(refusal([](hid_t file) { H5Lcreate_soft("/y", file, "x", H5P_DEFAULT, H5P_DEFAULT); }),
              HasSubstr("got a link to elsewhere"));
  EXPECT_THAT(refusal([](hid_t file) {
                const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
                H5Pset_external(plan, "/etc/passwd", 0, 16);
                make_dataset(file, H5T_IEEE_F32LE, {4}, plan);
                H5Pclose(plan);
              }),
              HasSubstr("got data in other files"));
}

TEST(Hdf5, SizesAreCheckedBeforeMemoryIsTaken) {
  EXPECT_THAT(refusal([](hid_t file) {
                make_dataset(file, H5T_IEEE_F32LE, {1 << 20, 1 << 20});
              }),
              HasSubstr("bytes more from a file of this size, got 4398046511104"));
  EXPECT_THAT(refusal([](hid_t file) {
                make_dataset(file, H5T_IEEE_F32LE, {1 << 24, 1 << 24, 1 << 24});
              }),
              HasSubstr("expected a tensor of at most 8 axes"));
  EXPECT_THAT(refusal([](hid_t file) {
                const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
                const hsize_t chunk = 1 << 28;
                H5Pset_chunk(plan, 1, &chunk);
                const hsize_t extent = 4, most = H5S_UNLIMITED;
                const hid_t space = H5Screate_simple(1, &extent, &most);
                H5Dclose(H5Dcreate2(file, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT, plan, H5P_DEFAULT));
                H5Sclose(space);
                H5Pclose(plan);
              }),
              HasSubstr("got 1073741824"));
  EXPECT_THAT(refusal([](hid_t file) { make_dataset(file, H5T_C_S1, {4}); }),
              HasSubstr("expected numbers, got data of another type"));
  EXPECT_THAT(refusal([](hid_t file) {
                const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
                const hsize_t chunk = 4;
                H5Pset_chunk(plan, 1, &chunk);
                H5Pset_filter(plan, 32000, H5Z_FLAG_OPTIONAL, 0, nullptr);
                make_dataset(file, H5T_IEEE_F32LE, {4}, plan);
                H5Pclose(plan);
              }),
              HasSubstr("got filter 32000"));
}

/// HDF5 1.10 goes round in circles over some damage to the heap that it keeps texts in.
TEST(Hdf5, WhatTheLibraryBreaksOnIsRefusedInTime) {
  Hdf5Writer writer;
  writer.add_text("", "model_config", std::string(3000, 'x'));
  std::vector<std::byte> bytes = writer.finish();
  const std::string_view magic = "GCOL";
  const auto heap = std::ranges::search(bytes, std::as_bytes(std::span(magic))).begin() - bytes.begin();
  bool broken = false;
  for (Index i = heap + 8; i < heap + 48 && !broken; ++i) {
    std::byte& byte = bytes[usize(i)];
    const std::byte good = std::exchange(byte, byte ^ std::byte{0xFF});
    const std::string said = test::message_of<FormatError>([&] { Hdf5File(bytes, "f.h5").texts("", "model_config"); });
    broken = said.find("f.h5: expected an HDF5 file, got one that HDF5's library cannot get through") == 0;
    byte = good;
  }
  EXPECT_TRUE(broken);
}

TEST(Hdf5, TypesOfNumbersBecomeFloats) {
  const test::ScratchFolder folder;
  const std::string path = (folder / "f.h5").string();
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
  const hsize_t chunk = 2;
  H5Pset_chunk(plan, 1, &chunk);
  H5Pset_shuffle(plan);
  H5Pset_deflate(plan, 6);
  make_dataset(file, H5T_IEEE_F64BE, {3}, plan);
  const hid_t set = H5Dopen2(file, "x", H5P_DEFAULT);
  const double values[] = {0.1, -2.0, 3.0};
  H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  H5Dclose(set);
  H5Pclose(plan);
  H5Fclose(file);
  const std::vector<std::byte> bytes = read_file(path);
  EXPECT_THAT(Hdf5File(bytes, "f.h5").read("x").floats(), ElementsAre(0.1F, -2.0F, 3.0F));
}

}  // namespace
}  // namespace saccade::internal
