#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <string_view>
#include <utility>

#include "saccade/base/error.h"
#include "saccade/io/hdf5_internal.h"
#include "saccade/io/hdf5_reader_internal.h"
#include "saccade/io/quote_internal.h"

namespace saccade::internal {
namespace {

constexpr const char* kDamaged = "the file is damaged; save it again";
[[noreturn]] void fail(std::string where, std::string expected, std::string got, std::string fix = kDamaged) {
  throw FormatError({std::move(where), std::move(expected), std::move(got), std::move(fix)});
}

std::mutex& library_mutex() {
  static std::mutex the_mutex;
  return the_mutex;
}

/// The library may be built without locks of its own, and prints what goes wrong unless told not to.
class Quiet {
 public:
  Quiet() {
    H5Eget_auto2(H5E_DEFAULT, &print_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;
  ~Quiet() { H5Eset_auto2(H5E_DEFAULT, print_, data_); }

 private:
  Hdf5Lock lock_;
  H5E_auto2_t print_ = nullptr;
  void* data_ = nullptr;
};

/// One of the library's handles, which closes itself.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle() = default;
  Handle(hid_t id, Close close) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  hid_t get() const noexcept { return id_; }
  bool good() const noexcept { return id_ >= 0; }

 private:
  hid_t id_ = -1;
  Close close_ = nullptr;
};

/// A file whose bytes are in memory alone.
Handle memory_only() {
  constexpr std::size_t kStep = std::size_t{1} << 20U;
  Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fapl_core(access.get(), kStep, /*backing_store=*/0);
  return access;
}

/// The library takes files of one name for one file, even those in memory.
std::string unused_name() {
  static std::atomic<std::uint64_t> count = 0;
  return fmt::format("saccade memory {}", ++count);
}

Index elements_of(const std::vector<hsize_t>& extents) {
  std::optional<Index> elements = 1;
  for (const hsize_t extent : extents) {
    elements = elements && std::in_range<Index>(extent) ? checked_multiply(*elements, static_cast<Index>(extent))
                                                        : std::nullopt;
  }
  return elements.value_or(-1);
}

std::vector<hsize_t> extents_of(hid_t space) {
  const int rank = H5Sget_simple_extent_ndims(space);
  std::vector<hsize_t> extents(rank > 0 ? static_cast<std::size_t>(rank) : 0);
  if (rank > 0) H5Sget_simple_extent_dims(space, extents.data(), nullptr);
  return extents;
}

}  // namespace

Hdf5Lock::Hdf5Lock() { library_mutex().lock(); }
Hdf5Lock::~Hdf5Lock() { library_mutex().unlock(); }

struct Hdf5Reader::Handles {
  Handle file;
  std::string name;
  Index file_bytes = 0;
  Index allowance = 0;  ///< Bytes of numbers that may still be read.

  std::string where(const std::string& path) const {
    return path.empty() ? name : fmt::format("{}: {}", name, quote(path));
  }

  /// The object of that path, reached by plain links alone; nothing where there is none.
  std::optional<Handle> find(const std::string& path) const {
    Handle object(H5Oopen(file.get(), "/", H5P_DEFAULT), H5Oclose);
    if (!object.good()) fail(name, "a root group", "none");
    std::string_view rest = path;
    while (!rest.empty()) {
      const std::string link(rest.substr(0, rest.find('/')));
      rest.remove_prefix(std::min(link.size() + 1, rest.size()));
      if (link.empty() || link == ".") continue;
      if (H5Iget_type(object.get()) != H5I_GROUP || H5Lexists(object.get(), link.c_str(), H5P_DEFAULT) <= 0) return {};
      H5L_info_t info;
      if (H5Lget_info(object.get(), link.c_str(), &info, H5P_DEFAULT) < 0) fail(where(path), "a link", "a damaged one");
      if (info.type != H5L_TYPE_HARD) {
        fail(where(path), "data in the file itself", "a link to elsewhere", "save the network again, without links");
      }
      Handle next(H5Oopen(object.get(), link.c_str(), H5P_DEFAULT), H5Oclose);
      if (!next.good()) fail(where(path), "an object that can be read", "a damaged one");
      object = std::move(next);
    }
    return object;
  }

  /// A dataset of numbers, its data in the file.
  Handle dataset(const std::string& path) const {
    std::optional<Handle> object = find(path);
    if (!object || H5Iget_type(object->get()) != H5I_DATASET)
      fail(where(path), "a dataset", object ? "a group" : "none");
    const Handle type(H5Dget_type(object->get()), H5Tclose);
    const H5T_class_t kind = H5Tget_class(type.get());
    if (kind != H5T_FLOAT && kind != H5T_INTEGER) fail(where(path), "numbers", "data of another type");
    const Handle plan(H5Dget_create_plist(object->get()), H5Pclose);
    const H5D_layout_t layout = H5Pget_layout(plan.get());
    if (layout == H5D_VIRTUAL || H5Pget_external_count(plan.get()) != 0) {
      fail(where(path), "data in the file itself", "data in other files", "save the network again, in one file");
    }
    check_filters(plan.get(), path);
    if (layout == H5D_CHUNKED) check_chunk(plan.get(), H5Tget_size(type.get()), path);
    return std::move(*object);
  }

  void check_filters(hid_t plan, const std::string& path) const {
    const int count = H5Pget_nfilters(plan);
    for (int i = 0; i < count; ++i) {
      unsigned flags = 0, config = 0;
      std::size_t values = 0;
      const H5Z_filter_t filter =
          H5Pget_filter2(plan, static_cast<unsigned>(i), &flags, &values, nullptr, 0, nullptr, &config);
      if (filter == H5Z_FILTER_DEFLATE || filter == H5Z_FILTER_SHUFFLE || filter == H5Z_FILTER_FLETCHER32) continue;
      fail(where(path), "data as it is, or packed with gzip", fmt::format("filter {}", static_cast<int>(filter)),
           "save the network again, without compression");
    }
  }

  /// A piece of the dataset is unpacked as a whole.
  void check_chunk(hid_t plan, std::size_t element_bytes, const std::string& path) const {
    std::vector<hsize_t> chunk(H5S_MAX_RANK);
    const int rank = H5Pget_chunk(plan, H5S_MAX_RANK, chunk.data());
    chunk.resize(rank > 0 ? static_cast<std::size_t>(rank) : 0);
    check_bytes(elements_of(chunk), isize(element_bytes), path);
  }

  Index check_bytes(Index elements, Index element_bytes, const std::string& path) const {
    const std::optional<Index> bytes = elements < 0 ? std::nullopt : checked_multiply(elements, element_bytes);
    if (!bytes || *bytes > allowance) {
      fail(where(path), fmt::format("at most {} bytes more from a file of this size", allowance),
           bytes ? fmt::format("{}", *bytes) : "more than can be counted");
    }
    return *bytes;
  }

  Shape shape(hid_t dataset, const std::string& path) const {
    const Handle space(H5Dget_space(dataset), H5Sclose);
    const std::vector<hsize_t> extents = extents_of(space.get());
    if (H5Sget_simple_extent_type(space.get()) == H5S_NULL || isize(extents.size()) > Shape::kMaxRank ||
        elements_of(extents) < 0) {
      fail(where(path), fmt::format("a tensor of at most {} axes and 2^63 numbers", Shape::kMaxRank),
           fmt::format("{} axes", extents.size()));
    }
    std::vector<Index> axes;
    for (const hsize_t extent : extents) axes.push_back(static_cast<Index>(extent));
    return Shape(axes);
  }
};

Hdf5Reader::Hdf5Reader(std::span<const std::byte> bytes, std::string file) : handles_(std::make_unique<Handles>()) {
  const Quiet quiet;
  handles_->name = std::move(file);
  handles_->file_bytes = isize(bytes.size());
  handles_->allowance = hdf5_allowance(isize(bytes.size()));
  const Handle access = memory_only();
  // The library takes memory that it may write to, and copies it.
  H5Pset_file_image(access.get(), const_cast<std::byte*>(bytes.data()), bytes.size());
  handles_->file = Handle(H5Fopen(unused_name().c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose);
  if (!handles_->file.good()) fail(handles_->name, "an HDF5 file", "something else, or a damaged one");
}

Hdf5Reader::~Hdf5Reader() {
  const Quiet quiet;
  handles_.reset();
}

bool Hdf5Reader::has(const std::string& path) const {
  const Quiet quiet;
  return handles_->find(path).has_value();
}

std::vector<std::string> Hdf5Reader::names(const std::string& path) const {
  const Quiet quiet;
  const std::optional<Handle> group = handles_->find(path);
  if (!group || H5Iget_type(group->get()) != H5I_GROUP) fail(handles_->where(path), "a group", group ? "data" : "none");
  std::vector<std::string> names;
  const auto add = [](hid_t /*group*/, const char* name, const H5L_info_t* /*info*/, void* to) -> herr_t {
    static_cast<std::vector<std::string>*>(to)->emplace_back(name);
    return 0;
  };
  if (H5Literate(group->get(), H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, add, &names) < 0) {
    fail(handles_->where(path), "a group that can be read", "a damaged one");
  }
  std::ranges::sort(names);
  return names;
}

std::optional<std::vector<std::string>> Hdf5Reader::texts(const std::string& path, const std::string& attribute) const {
  const Quiet quiet;
  const std::optional<Handle> object = handles_->find(path);
  if (!object || H5Aexists(object->get(), attribute.c_str()) <= 0) return std::nullopt;
  const std::string where = fmt::format("{}, attribute {}", handles_->where(path), quote(attribute));
  const Handle found(H5Aopen(object->get(), attribute.c_str(), H5P_DEFAULT), H5Aclose);
  const Handle type(H5Aget_type(found.get()), H5Tclose);
  const Handle space(H5Aget_space(found.get()), H5Sclose);
  if (!found.good() || !type.good() || !space.good()) fail(where, "an attribute that can be read", "a damaged one");
  const Index count = H5Sget_simple_extent_type(space.get()) == H5S_NULL ? 0 : elements_of(extents_of(space.get()));
  if (count == 0) return std::vector<std::string>();
  if (H5Tget_class(type.get()) != H5T_STRING) fail(where, "text", "data of another type");
  const std::size_t size = H5Tget_size(type.get());
  const bool varying = H5Tis_variable_str(type.get()) > 0;
  const std::optional<Index> bytes = count < 0 ? std::nullopt : checked_multiply(count, isize(size));
  if (!bytes || size == 0 || *bytes > handles_->file_bytes) {
    fail(where, "an attribute within the file", fmt::format("{} texts of {} bytes", count, size));
  }
  std::vector<std::string> texts;
  const Handle memory(H5Tcopy(type.get()), H5Tclose);
  if (varying) {
    std::vector<char*> pointers(usize(count), nullptr);
    if (H5Aread(found.get(), memory.get(), pointers.data()) < 0) fail(where, "texts", "damaged ones");
    for (const char* pointer : pointers) texts.emplace_back(pointer == nullptr ? "" : pointer);
    H5Dvlen_reclaim(memory.get(), space.get(), H5P_DEFAULT, pointers.data());
  } else {
    std::vector<char> characters(usize(*bytes));
    if (H5Aread(found.get(), memory.get(), characters.data()) < 0) fail(where, "texts", "damaged ones");
    for (std::size_t i = 0; i < usize(count); ++i) {
      const char* const text = characters.data() + i * size;
      texts.emplace_back(text, std::find(text, text + size, '\0'));
    }
  }
  return texts;
}

Shape Hdf5Reader::shape(const std::string& path) const {
  const Quiet quiet;
  return handles_->shape(handles_->dataset(path).get(), path);
}

Tensor Hdf5Reader::read(const std::string& path) {
  const Quiet quiet;
  const Handle dataset = handles_->dataset(path);
  const Shape shape = handles_->shape(dataset.get(), path);
  handles_->allowance -= handles_->check_bytes(shape.elements(), size_bytes(DType::float32), path);
  Tensor tensor(shape);
  if (shape.elements() > 0 &&
      H5Dread(dataset.get(), H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor.floats().data()) < 0) {
    fail(handles_->where(path), "data that can be read", "damaged data");
  }
  return tensor;
}

namespace {

/// Of a call that fails only when memory is short.
hid_t require(hid_t result) {
  if (result >= 0) return result;
  throw SystemError(
      {.where = "HDF5", .expected = "to write a file", .got = "an error of its library", .fix = "free some memory"});
}

}  // namespace

struct Hdf5Writer::Handles {
  Handle file, links, dataset;

  Handle text_type() const {
    Handle type(require(H5Tcopy(H5T_C_S1)), H5Tclose);
    require(H5Tset_size(type.get(), H5T_VARIABLE));
    require(H5Tset_cset(type.get(), H5T_CSET_UTF8));
    return type;
  }
  void add_attribute(const std::string& path, const std::string& attribute, const Handle& space,
                     const std::vector<const char*>& texts) const {
    const Handle object(require(H5Oopen(file.get(), path.empty() ? "/" : path.c_str(), H5P_DEFAULT)), H5Oclose);
    const Handle type = text_type();
    const Handle made(
        require(H5Acreate2(object.get(), attribute.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT)),
        H5Aclose);
    if (!texts.empty()) require(H5Awrite(made.get(), type.get(), texts.data()));
  }
};

Hdf5Writer::Hdf5Writer() : handles_(std::make_unique<Handles>()) {
  const Quiet quiet;
  const Handle access = memory_only();
  handles_->file =
      Handle(require(H5Fcreate(unused_name().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get())), H5Fclose);
  handles_->links = Handle(require(H5Pcreate(H5P_LINK_CREATE)), H5Pclose);
  require(H5Pset_create_intermediate_group(handles_->links.get(), 1));
  handles_->dataset = Handle(require(H5Pcreate(H5P_DATASET_CREATE)), H5Pclose);
  require(H5Pset_obj_track_times(handles_->dataset.get(), false));  // the same bytes tomorrow
}

Hdf5Writer::~Hdf5Writer() {
  const Quiet quiet;
  handles_.reset();
}

void Hdf5Writer::add_group(const std::string& path) {
  const Quiet quiet;
  // A name with '/' in it may have made the group already, on the way to a deeper one.
  const Handle found(H5Gopen2(handles_->file.get(), path.c_str(), H5P_DEFAULT), H5Gclose);
  if (found.good()) return;
  const Handle made(
      require(H5Gcreate2(handles_->file.get(), path.c_str(), handles_->links.get(), H5P_DEFAULT, H5P_DEFAULT)),
      H5Gclose);
}

void Hdf5Writer::add_text(const std::string& path, const std::string& attribute, const std::string& text) {
  const Quiet quiet;
  handles_->add_attribute(path, attribute, Handle(require(H5Screate(H5S_SCALAR)), H5Sclose), {text.c_str()});
}

void Hdf5Writer::add_texts(const std::string& path, const std::string& attribute,
                           const std::vector<std::string>& texts) {
  const Quiet quiet;
  const hsize_t count = texts.size();
  std::vector<const char*> pointers;
  for (const std::string& text : texts) pointers.push_back(text.c_str());
  handles_->add_attribute(path, attribute, Handle(require(H5Screate_simple(1, &count, nullptr)), H5Sclose), pointers);
}

void Hdf5Writer::add_dataset(const std::string& path, const Shape& shape, std::span<const float> values) {
  const Quiet quiet;
  std::vector<hsize_t> extents;
  for (const Index extent : shape.extents()) extents.push_back(static_cast<hsize_t>(extent));
  const Handle space(
      require(extents.empty() ? H5Screate(H5S_SCALAR) : H5Screate_simple(shape.rank(), extents.data(), nullptr)),
      H5Sclose);
  const Handle made(require(H5Dcreate2(handles_->file.get(), path.c_str(), H5T_IEEE_F32LE, space.get(),
                                       handles_->links.get(), handles_->dataset.get(), H5P_DEFAULT)),
                    H5Dclose);
  if (!values.empty()) {
    require(H5Dwrite(made.get(), H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()));
  }
}

std::vector<std::byte> Hdf5Writer::finish() {
  const Quiet quiet;
  require(H5Fflush(handles_->file.get(), H5F_SCOPE_GLOBAL));
  const ssize_t size = H5Fget_file_image(handles_->file.get(), nullptr, 0);
  require(size);
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  require(H5Fget_file_image(handles_->file.get(), bytes.data(), bytes.size()));
  return bytes;
}

}  // namespace saccade::internal
