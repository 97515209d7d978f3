// Any bytes at all: the CIFAR-10 reader gives images and labels that encode to as many records, or throws FormatError.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "saccade/base/error.h"
#include "saccade/data/cifar.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  constexpr saccade::Index kMostRecords = 100;
  try {
    const auto [images, labels] = saccade::data::read_cifar_batch(bytes, "fuzz.bin", kMostRecords);
    const std::size_t encoded = saccade::data::encode_cifar_batch(images, labels).size();
    if (encoded != labels.size() * saccade::usize(saccade::data::kCifarRecordBytes)) std::abort();
  } catch (const saccade::FormatError&) {
    // What a malformed file must lead to.
  }
  return 0;
}
