#include "saccade/data/fetch/sha256.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "saccade/base/error.h"

namespace saccade::data {
namespace {

void check(int result) {
  if (result != 1)
    throw SystemError({.where = "SHA-256",
                       .expected = "OpenSSL to compute it",
                       .got = "a refusal",
                       .fix = "check its configuration"});
}

}  // namespace

struct Sha256::Context {
  EVP_MD_CTX* handle = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(handle); }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  check(EVP_DigestInit_ex(context_->handle, EVP_sha256(), nullptr));
}

Sha256::~Sha256() = default;

void Sha256::update(std::span<const std::byte> bytes) {
  check(EVP_DigestUpdate(context_->handle, bytes.data(), bytes.size()));
}

std::string Sha256::finish() {
  std::array<unsigned char, 32> digest{};
  check(EVP_DigestFinal_ex(context_->handle, digest.data(), nullptr));
  std::string text;
  for (const unsigned char byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace saccade::data
