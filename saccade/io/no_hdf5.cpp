#include <utility>

#include "saccade/base/error.h"
#include "saccade/io/hdf5_internal.h"

namespace saccade::internal {
namespace {

[[noreturn]] void fail(std::string where) {
  throw SystemError({.where = std::move(where),
                     .expected = "a build of Saccade with HDF5, which Keras keeps its weights in",
                     .got = "one without",
                     .fix = "install libhdf5-dev, configure with -DSACCADE_HDF5=ON and build again"});
}

}  // namespace

class Hdf5File::Process {};
struct Hdf5Writer::Handles {};

bool is_hdf5(std::span<const std::byte> /*bytes*/) { return false; }

Hdf5File::Hdf5File(std::span<const std::byte> /*bytes*/, std::string file) { fail(std::move(file)); }
Hdf5File::~Hdf5File() = default;
bool Hdf5File::has(const std::string& /*path*/) const { return false; }
std::vector<std::string> Hdf5File::names(const std::string& path) const { fail(path); }
std::optional<std::vector<std::string>> Hdf5File::texts(const std::string& path,
                                                        const std::string& /*attribute*/) const {
  fail(path);
}
Shape Hdf5File::shape(const std::string& path) const { fail(path); }
Tensor Hdf5File::read(const std::string& path) { fail(path); }

Hdf5Writer::Hdf5Writer() { fail("Keras file"); }
Hdf5Writer::~Hdf5Writer() = default;
void Hdf5Writer::add_group(const std::string& path) { fail(path); }
void Hdf5Writer::add_text(const std::string& path, const std::string& /*attribute*/, const std::string& /*text*/) {
  fail(path);
}
void Hdf5Writer::add_texts(const std::string& path, const std::string& /*attribute*/,
                           const std::vector<std::string>& /*texts*/) {
  fail(path);
}
void Hdf5Writer::add_dataset(const std::string& path, const Shape& /*shape*/, std::span<const float> /*values*/) {
  fail(path);
}
std::vector<std::byte> Hdf5Writer::finish() { fail("Keras file"); }

}  // namespace saccade::internal
