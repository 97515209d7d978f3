#include "saccade/data/fetch/sha256.h"

#include <gmock/gmock.h>

#include <string_view>

namespace saccade::data {
namespace {

std::string hash(std::string_view text) {
  Sha256 sha;
  sha.update(std::as_bytes(std::span(text)));
  return sha.finish();
}

// The examples of FIPS 180-4.
TEST(Sha256, AgreesWithTheStandard) {
  EXPECT_EQ(hash(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, PiecesGiveTheSameAsTheWhole) {
  Sha256 sha;
  for (const char letter : std::string_view("abc")) sha.update(std::as_bytes(std::span(&letter, 1)));
  EXPECT_EQ(sha.finish(), hash("abc"));
}

}  // namespace
}  // namespace saccade::data
