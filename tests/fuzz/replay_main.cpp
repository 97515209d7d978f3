// Runs a fuzz target without a fuzzer: over its seeds, and over mutations of them that are the same every time.
//
//   fuzz_x_replay FOLDER           every file of the folder and mutations of it, for about two seconds
//   fuzz_x_replay FILE             one input, e.g. a crash that a fuzzer stored
//   fuzz_x_replay FILE MUTATION    one mutation, as a failing run names it
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/base/integer.h"
#include "saccade/base/random.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// Sanitizers that are linked in call it before they end the program.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

using saccade::Index;
using saccade::isize;
using saccade::Stream;
using saccade::usize;

constexpr Index kMutationsOfASeed = 4000;
constexpr std::chrono::milliseconds kTime(2000);
constexpr unsigned kHangSeconds = 30;

struct Seed {
  std::string path;
  std::string bytes;
};

/// What is running now, ready to be printed from a signal handler.
std::array<char, 4096> running{};

void name_running(const Seed& seed, Index mutation) {
  if (mutation < 0) {
    std::snprintf(running.data(), running.size(), "while reading: %s\n", seed.path.c_str());
  } else {
    std::snprintf(running.data(), running.size(), "while reading: %s %lld\n", seed.path.c_str(),
                  static_cast<long long>(mutation));
  }
}

void print_running() {
  const ssize_t ignored = ::write(STDERR_FILENO, running.data(), std::strlen(running.data()));
  static_cast<void>(ignored);
}

void on_signal(int signal) {
  print_running();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void run(const std::string& bytes) {
  ::alarm(kHangSeconds);
  // A copy of exactly this size, so that a sanitizer sees a read beyond its end.
  const std::vector<std::uint8_t> input(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(input.data(), input.size());
  ::alarm(0);
}

std::uint64_t interesting_number(Stream& stream, std::size_t size) {
  const std::array<std::uint64_t, 14> numbers = {0,      1,          0x7F,       0x80,       0xFF,
                                                 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF,
                                                 ~0ULL,  size,       size + 1,   size - 8};
  return numbers[stream.below(numbers.size())];
}

/// Where a change happens: anywhere, or, as often, in the first bytes, where headers have their lengths.
std::size_t place(Stream& stream, std::size_t size) {
  const std::size_t limit = stream.below(2) == 0 ? std::min<std::size_t>(size, 32) : size;
  return stream.below(static_cast<std::uint32_t>(limit));
}

void flip_bit(std::string& bytes, Stream& stream) {
  char& byte = bytes[place(stream, bytes.size())];
  byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << stream.below(8)));
}

void set_byte(std::string& bytes, Stream& stream) {
  constexpr std::string_view kBytes("\0\x01\x7F\x80\xFF\"\\{}[]:,-09 \n", 18);
  bytes[place(stream, bytes.size())] = kBytes[stream.below(kBytes.size())];
}

void truncate(std::string& bytes, Stream& stream) { bytes.resize(place(stream, bytes.size())); }

void set_number(std::string& bytes, Stream& stream) {
  const std::size_t width = std::size_t{1} << stream.below(4);
  const std::size_t begin = place(stream, bytes.size());
  const bool big_endian = stream.below(2) == 0;
  const std::uint64_t number = interesting_number(stream, bytes.size());
  for (std::size_t i = 0; i < width && begin + i < bytes.size(); ++i) {
    bytes[begin + i] = static_cast<char>(number >> (8 * (big_endian ? width - 1 - i : i)));
  }
}

void set_decimal(std::string& bytes, Stream& stream) {
  constexpr std::array<std::string_view, 12> kNumbers = {"0",
                                                         "-1",
                                                         "1.5",
                                                         "1e999",
                                                         "4294967296",
                                                         "9223372036854775807",
                                                         "9223372036854775808",
                                                         "99999999999999999999",
                                                         "2147483648",
                                                         "null",
                                                         "[]",
                                                         "\"\""};
  constexpr std::string_view kDigits = "0123456789";
  const std::size_t begin = bytes.find_first_of(kDigits, place(stream, bytes.size()));
  if (begin == std::string::npos) return;
  const std::size_t end = std::min(bytes.find_first_not_of(kDigits, begin), bytes.size());
  bytes.replace(begin, end - begin, kNumbers[stream.below(kNumbers.size())]);
}

void erase_chunk(std::string& bytes, Stream& stream) { bytes.erase(place(stream, bytes.size()), 1 + stream.below(16)); }

void repeat_chunk(std::string& bytes, Stream& stream) {
  const std::string chunk = bytes.substr(place(stream, bytes.size()), 1 + stream.below(64));
  const std::size_t begin = place(stream, bytes.size());
  for (std::uint32_t times = 1 + stream.below(4); times > 0; --times) bytes.insert(begin, chunk);
}

void append_bytes(std::string& bytes, Stream& stream) {
  for (std::uint32_t count = 1 + stream.below(16); count > 0; --count) bytes += static_cast<char>(stream.below(256));
}

/// Mutation `number` of a seed: one to four changes, chosen by the seed's file name and the number alone.
std::string mutated(const Seed& seed, Index number) {
  constexpr std::array kChanges = {flip_bit,    set_byte,    truncate,     set_number,
                                   set_decimal, erase_chunk, repeat_chunk, append_bytes};
  const std::string name = std::filesystem::path(seed.path).filename().string();
  Stream stream(1, 0, static_cast<std::uint64_t>(number), saccade::slot_of(name.c_str()));
  std::string bytes = seed.bytes;
  for (std::uint32_t count = 1 + stream.below(4); count > 0; --count) {
    if (bytes.empty()) bytes = std::string(1, '\0');
    kChanges[stream.below(kChanges.size())](bytes, stream);
  }
  return bytes;
}

Seed read_seed(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
    std::exit(2);
  }
  return {path.string(), std::string(std::istreambuf_iterator<char>(file), {})};
}

int run_folder(const std::filesystem::path& folder) {
  std::vector<Seed> seeds;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) seeds.push_back(read_seed(entry.path()));
  std::ranges::sort(seeds, {}, &Seed::path);
  if (seeds.empty()) {
    std::fprintf(stderr, "%s: expected seeds, got an empty folder\n", folder.c_str());
    return 2;
  }
  for (const Seed& seed : seeds) {
    name_running(seed, -1);
    run(seed.bytes);
  }
  const auto end = std::chrono::steady_clock::now() + kTime;
  Index mutations = 0;
  for (Index number = 0; number < kMutationsOfASeed && std::chrono::steady_clock::now() < end; ++number) {
    for (const Seed& seed : seeds) {
      name_running(seed, number);
      run(mutated(seed, number));
      ++mutations;
    }
  }
  std::printf("%zu seeds, %lld mutations: every one read or refused\n", seeds.size(),
              static_cast<long long>(mutations));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: %s FOLDER | FILE [MUTATION]\n", argv[0]);
    return 2;
  }
  for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGILL, SIGALRM}) std::signal(signal, on_signal);
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(print_running);
  if (std::filesystem::is_directory(argv[1])) return run_folder(argv[1]);
  const Seed seed = read_seed(argv[1]);
  const Index mutation = argc == 3 ? std::atoll(argv[2]) : -1;
  name_running(seed, mutation);
  run(mutation < 0 ? seed.bytes : mutated(seed, mutation));
  return 0;
}
