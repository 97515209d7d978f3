#include "saccade/io/pickle_internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <functional>
#include <map>
#include <unordered_map>

#include "saccade/base/error.h"
#include "saccade/io/quote_internal.h"

namespace saccade::internal {
namespace {

using Kind = PickleValue::Kind;
using Ref = std::uint32_t;

constexpr std::size_t kMostValues = std::size_t{1} << 20U;
constexpr const char* kDamagedPickle = "the file is damaged, or no checkpoint of PyTorch's; get it again";

/// The instructions of Python's pickletools, as far as protocols 2 to 5 write them for data.
enum Opcode : std::uint8_t {
  kMark = '(',
  kStop = '.',
  kPop = '0',
  kPopMark = '1',
  kDup = '2',
  kNone = 'N',
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kLong1 = 0x8A,
  kBinFloat = 'G',
  kBinString = 'T',
  kShortBinString = 'U',
  kBinUnicode = 'X',
  kShortBinUnicode = 0x8C,
  kBinUnicode8 = 0x8D,
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kBinBytes8 = 0x8E,
  kEmptyList = ']',
  kAppend = 'a',
  kAppends = 'e',
  kEmptyTuple = ')',
  kTuple = 't',
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kEmptyDict = '}',
  kSetItem = 's',
  kSetItems = 'u',
  kGlobal = 'c',
  kStackGlobal = 0x93,
  kReduce = 'R',
  kBuild = 'b',
  kBinPersId = 'Q',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kMemoize = 0x94,
  kProto = 0x80,
  kFrame = 0x95,
};

/// What PyTorch calls a storage's type, and what safetensors does.
constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kStorages = {{{"torch.FloatStorage", "F32"},
                                                                                      {"torch.HalfStorage", "F16"},
                                                                                      {"torch.BFloat16Storage", "BF16"},
                                                                                      {"torch.DoubleStorage", "F64"},
                                                                                      {"torch.CharStorage", "I8"},
                                                                                      {"torch.ShortStorage", "I16"},
                                                                                      {"torch.IntStorage", "I32"},
                                                                                      {"torch.LongStorage", "I64"},
                                                                                      {"torch.ByteStorage", "U8"},
                                                                                      {"torch.BoolStorage", "BOOL"}}};
constexpr std::array<std::string_view, 5> kCalls = {"collections.OrderedDict", "torch.Size",
                                                    "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2",
                                                    "torch._utils._rebuild_parameter"};

bool is_known_global(std::string_view name) {
  return std::ranges::find(kCalls, name) != kCalls.end() ||
         std::ranges::find(kStorages, name, &std::pair<std::string_view, std::string_view>::first) != kStorages.end();
}

/// The machine that a pickle is a program for, without the instructions that could do anything.
class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::string& file, std::size_t begin)
      : bytes_(bytes), file_(file), begin_(begin) {}

  PickleValues read() {
    while (true) {
      at_ = position_;
      const std::uint8_t opcode = byte();
      if (opcode == kStop) break;
      if (!read_scalar(opcode) && !read_container(opcode) && !read_call(opcode) && !read_memo(opcode)) {
        fail("an instruction of pickle protocols 2 to 5 that builds data",
             opcode > ' ' && opcode < 0x7F ? fmt::format("'{}'", static_cast<char>(opcode))
                                           : fmt::format("0x{:02x}", opcode));
      }
    }
    out_.root = pop();
    return std::move(out_);
  }
  std::size_t position() const noexcept { return position_; }

 private:
  // Bytes.
  std::span<const std::byte> take(std::uint64_t count) {
    if (count > bytes_.size() - position_) {
      fail(fmt::format("{} more bytes", count), fmt::format("{}", bytes_.size() - position_));
    }
    const std::span<const std::byte> taken = bytes_.subspan(position_, static_cast<std::size_t>(count));
    position_ += static_cast<std::size_t>(count);
    return taken;
  }
  /// An unsigned little-endian number.
  std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    std::memcpy(&value, take(size).data(), size);
    return value;
  }
  std::uint8_t byte() { return static_cast<std::uint8_t>(number(1)); }
  std::string text(std::uint64_t size) {
    const std::span<const std::byte> taken = take(size);
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }
  std::string line() {
    const auto rest = bytes_.subspan(position_);
    const auto end = std::ranges::find(rest, std::byte{'\n'});
    if (end == rest.end()) fail("the end of a line", "the end of the file");
    std::string read = text(static_cast<std::uint64_t>(end - rest.begin()));
    ++position_;
    return read;
  }

  // The stack, and the places on it where runs of values began.
  Ref add(PickleValue value) {
    if (out_.values.size() == kMostValues) fail(fmt::format("at most {} values", kMostValues), "more");
    out_.values.push_back(std::move(value));
    return static_cast<Ref>(out_.values.size() - 1);
  }
  void push(PickleValue value) { stack_.push_back(add(std::move(value))); }
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  Ref pop() {
    const Ref top = this->top();
    stack_.pop_back();
    return top;
  }
  Ref top() const {
    if (stack_.size() <= floor()) fail("a value on the stack", "none");
    return stack_.back();
  }
  std::vector<Ref> pop_last(std::size_t count) {
    if (stack_.size() - floor() < count) {
      fail(fmt::format("{} values on the stack", count), fmt::format("{}", stack_.size() - floor()));
    }
    std::vector<Ref> taken(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return taken;
  }
  std::vector<Ref> pop_to_mark() {
    if (marks_.empty()) fail("a mark on the stack", "none");
    std::vector<Ref> taken = pop_last(stack_.size() - marks_.back());
    marks_.pop_back();
    return taken;
  }
  PickleValue& of_kind(Ref ref, Kind kind) {
    PickleValue& value = out_.values[ref];
    if (value.kind != kind) fail(std::string(name_of(kind)), std::string(name_of(value.kind)));
    return value;
  }
  void append(Ref list, const std::vector<Ref>& items) {
    PickleValue& value = of_kind(list, Kind::list);
    value.items.insert(value.items.end(), items.begin(), items.end());
  }
  void set_items(Ref dict, const std::vector<Ref>& items) {
    PickleValue& value = of_kind(dict, Kind::dict);
    if (items.size() % 2 != 0) fail("a value for every key", "a key without one");
    value.items.insert(value.items.end(), items.begin(), items.end());
  }

  void push_integer(Index value) { push({.kind = Kind::integer, .integer = value}); }
  void push_text(std::uint64_t size, Kind kind = Kind::text) { push({.kind = kind, .text = text(size)}); }
  void push_tuple(std::vector<Ref> items) { push({.kind = Kind::tuple, .items = std::move(items)}); }

  bool read_scalar(std::uint8_t opcode) {
    switch (opcode) {
      case kNone:
        push({});
        return true;
      case kNewTrue:
        push({.kind = Kind::boolean, .integer = 1});
        return true;
      case kNewFalse:
        push({.kind = Kind::boolean});
        return true;
      case kBinInt:
        push_integer(static_cast<std::int32_t>(static_cast<std::uint32_t>(number(4))));
        return true;
      case kBinInt1:
        push_integer(byte());
        return true;
      case kBinInt2:
        push_integer(static_cast<Index>(number(2)));
        return true;
      case kLong1:
        read_long(byte());
        return true;
      case kBinFloat:
        read_double();
        return true;
      case kBinString:
      case kBinUnicode:
        push_text(number(4));
        return true;
      case kShortBinString:
      case kShortBinUnicode:
        push_text(byte());
        return true;
      case kBinUnicode8:
        push_text(number(8));
        return true;
      case kBinBytes:
        push_text(number(4), Kind::bytes);
        return true;
      case kShortBinBytes:
        push_text(byte(), Kind::bytes);
        return true;
      case kBinBytes8:
        push_text(number(8), Kind::bytes);
        return true;
      case kProto:
        read_protocol();
        return true;
      case kFrame:
        number(8);
        return true;
      default:
        return false;
    }
  }

  void read_protocol() {
    const std::uint8_t version = byte();
    if (version < 2 || version > 5) fail("a pickle of protocol 2 to 5", fmt::format("protocol {}", version));
  }

  /// Two's complement, little-endian. PyTorch's magic number has ten bytes; of such, the lower eight are kept.
  void read_long(std::size_t size) {
    const std::span<const std::byte> digits = take(size);
    const bool negative = size > 0 && (digits.back() & std::byte{0x80}) != std::byte{};
    std::array<std::byte, sizeof(Index)> low{};
    low.fill(negative ? std::byte{0xFF} : std::byte{});
    std::copy_n(digits.begin(), std::min(size, low.size()), low.begin());
    push_integer(std::bit_cast<Index>(low));
  }

  void read_double() {
    std::array<std::byte, sizeof(double)> digits{};
    std::ranges::reverse_copy(take(digits.size()), digits.begin());
    push({.kind = Kind::number, .number = std::bit_cast<double>(digits)});
  }

  bool read_container(std::uint8_t opcode) {
    switch (opcode) {
      case kMark:
        marks_.push_back(stack_.size());
        return true;
      case kPop:
        if (!marks_.empty() && stack_.size() == floor()) {
          marks_.pop_back();
        } else {
          pop();
        }
        return true;
      case kPopMark:
        pop_to_mark();
        return true;
      case kDup:
        stack_.push_back(top());
        return true;
      case kEmptyList:
        push({.kind = Kind::list});
        return true;
      case kEmptyTuple:
        push({.kind = Kind::tuple});
        return true;
      case kEmptyDict:
        push({.kind = Kind::dict});
        return true;
      case kTuple:
        push_tuple(pop_to_mark());
        return true;
      case kTuple1:
        push_tuple(pop_last(1));
        return true;
      case kTuple2:
        push_tuple(pop_last(2));
        return true;
      case kTuple3:
        push_tuple(pop_last(3));
        return true;
      case kAppend: {
        const std::vector<Ref> item = pop_last(1);
        append(top(), item);
        return true;
      }
      case kAppends: {
        const std::vector<Ref> items = pop_to_mark();
        append(top(), items);
        return true;
      }
      case kSetItem: {
        const std::vector<Ref> item = pop_last(2);
        set_items(top(), item);
        return true;
      }
      case kSetItems: {
        const std::vector<Ref> items = pop_to_mark();
        set_items(top(), items);
        return true;
      }
      default:
        return false;
    }
  }

  bool read_memo(std::uint8_t opcode) {
    switch (opcode) {
      case kBinPut:
        memo_[byte()] = top();
        return true;
      case kLongBinPut:
        memo_[number(4)] = top();
        return true;
      case kMemoize: {
        const std::uint64_t place = memo_.size();
        memo_[place] = top();
        return true;
      }
      case kBinGet:
        push_remembered(byte());
        return true;
      case kLongBinGet:
        push_remembered(number(4));
        return true;
      default:
        return false;
    }
  }

  void push_remembered(std::uint64_t place) {
    const auto found = memo_.find(place);
    if (found == memo_.end()) fail("a value that was remembered", fmt::format("none at {}", place));
    stack_.push_back(found->second);
  }

  bool read_call(std::uint8_t opcode) {
    switch (opcode) {
      case kGlobal: {
        std::string module = line();
        push_global(std::move(module), line());
        return true;
      }
      case kStackGlobal: {
        const Ref name = pop();
        const Ref module = pop();
        push_global(of_kind(module, Kind::text).text, of_kind(name, Kind::text).text);
        return true;
      }
      case kReduce: {
        const Ref arguments = pop();
        const Ref called = pop();
        stack_.push_back(call(of_kind(called, Kind::global).text, of_kind(arguments, Kind::tuple).items));
        return true;
      }
      case kBuild: {
        // PyTorch hangs version numbers on its state dicts; nothing else has such attributes.
        of_kind(pop(), Kind::dict);
        of_kind(top(), Kind::dict);
        return true;
      }
      case kBinPersId:
        push_storage(of_kind(pop(), Kind::tuple).items);
        return true;
      default:
        return false;
    }
  }

  void push_global(std::string module, const std::string& name) {
    std::string full = std::move(module) + "." + name;
    if (!is_known_global(full)) {
      throw FormatError({.where = here(),
                         .expected = "a pickle that builds tensors and nothing else",
                         .got = fmt::format("one that calls {}, which a file of weights has no reason to", quote(full)),
                         .fix = kSaveTheWeights});
    }
    push({.kind = Kind::global, .text = std::move(full)});
  }

  Ref call(const std::string& name, const std::vector<Ref>& arguments) {
    const auto need = [&](std::size_t count) {
      if (arguments.size() >= count) return;
      fail(fmt::format("{} arguments of {}", count, name), fmt::format("{}", arguments.size()));
    };
    if (name == "collections.OrderedDict") {
      PickleValue dict{.kind = Kind::dict};
      if (!arguments.empty()) {
        for (const Ref pair : of_kind(arguments[0], Kind::list).items) {
          const PickleValue& items = out_.values[pair];
          if ((items.kind != Kind::list && items.kind != Kind::tuple) || items.items.size() != 2) {
            fail("pairs of key and value", std::string(name_of(items.kind)));
          }
          dict.items.insert(dict.items.end(), items.items.begin(), items.items.end());
        }
      }
      return add(std::move(dict));
    }
    if (name == "torch.Size") {
      need(1);
      of_kind(arguments[0], Kind::tuple);
      return arguments[0];
    }
    if (name == "torch._utils._rebuild_parameter") {
      need(1);
      of_kind(arguments[0], Kind::tensor);
      return arguments[0];
    }
    if (name.starts_with("torch._utils._rebuild_tensor")) {
      need(4);
      out_.tensors.push_back({.storage = usize(of_kind(arguments[0], Kind::storage).integer),
                              .offset = of_kind(arguments[1], Kind::integer).integer,
                              .extents = integers(arguments[2]),
                              .strides = integers(arguments[3])});
      return add({.kind = Kind::tensor, .integer = isize(out_.tensors.size() - 1)});
    }
    fail("a call that builds a tensor", fmt::format("one of {}", quote(name)));
  }

  std::vector<Index> integers(Ref tuple) {
    std::vector<Index> numbers;
    for (const Ref item : of_kind(tuple, Kind::tuple).items) numbers.push_back(of_kind(item, Kind::integer).integer);
    return numbers;
  }

  /// ('storage', type, key, device, elements), and in older files a sixth, which says of which other storage it is a part.
  void push_storage(const std::vector<Ref>& parts) {
    if (parts.size() < 5 || of_kind(parts[0], Kind::text).text != "storage") {
      fail("('storage', type, key, device, elements)", fmt::format("a tuple of {}", parts.size()));
    }
    if (parts.size() > 5 && out_.values[parts[5]].kind != Kind::none) {
      fail("storages of their own", "a part of another one");
    }
    const std::string& type = of_kind(parts[1], Kind::global).text;
    const auto known = std::ranges::find(kStorages, type, &std::pair<std::string_view, std::string_view>::first);
    if (known == kStorages.end()) fail("a type of storage", quote(type));
    std::string key = of_kind(parts[2], Kind::text).text;
    const Index elements = of_kind(parts[4], Kind::integer).integer;
    // A hundred tensors may be views of one storage, and name it each time.
    const auto [found, is_new] = known_.try_emplace(key, out_.storages.size());
    if (is_new) {
      out_.storages.push_back({.key = std::move(key), .type = std::string(known->second), .elements = elements});
    } else if (out_.storages[found->second].type != known->second ||
               out_.storages[found->second].elements != elements) {
      fail(fmt::format("one type and size of storage {}", quote(key)), "two");
    }
    push({.kind = Kind::storage, .integer = isize(found->second)});
  }

  std::string here() const { return fmt::format("{}: byte {}", file_, begin_ + at_); }
  [[noreturn]] void fail(std::string expected, std::string got) const {
    throw FormatError({here(), std::move(expected), std::move(got), kDamagedPickle});
  }

  std::span<const std::byte> bytes_;
  const std::string& file_;
  std::size_t begin_;
  std::size_t position_ = 0, at_ = 0;  ///< The next byte; the instruction being read.
  PickleValues out_;
  std::vector<Ref> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, Ref> memo_;
  std::map<std::string, std::size_t> known_;
};

}  // namespace

const PickleValue* PickleValues::find(const PickleValue& dict, std::string_view key) const {
  const PickleValue* found = nullptr;
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const PickleValue& name = at(dict.items[i]);
    if (name.kind == Kind::text && name.text == key) found = &at(dict.items[i + 1]);
  }
  return found;
}

std::string_view name_of(PickleValue::Kind kind) noexcept {
  constexpr std::array<std::string_view, 12> kNames = {"None",   "a boolean",  "an integer", "a number",
                                                       "text",   "bytes",      "a tuple",    "a list",
                                                       "a dict", "a function", "a storage",  "a tensor"};
  return kNames[static_cast<std::size_t>(kind)];
}

PickleValues read_pickle(std::span<const std::byte> bytes, const std::string& file, std::size_t begin,
                         std::size_t* end) {
  Reader reader(bytes, file, begin);
  PickleValues values = reader.read();
  if (end != nullptr) *end = reader.position();
  return values;
}

}  // namespace saccade::internal
