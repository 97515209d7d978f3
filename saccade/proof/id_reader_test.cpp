#include "saccade/proof/id_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "saccade/base/error.h"
#include "saccade/proof/operations.h"

namespace saccade::proof {
namespace {

using testing::ElementsAre;

/// What parsing the id throws.
std::string error_of(std::string_view operation, std::string_view id) {
  try {
    find_operation(operation).parse(id);
  } catch (const ValueError& error) {
    return error.what();
  }
  return "no error";
}

TEST(IdReader, ReadsNumbersAndWordsInAnyOrder) {
  IdReader reader("conv2d", "ih5n2_leaky_relu_nobias");
  Index n = 1, ih = 1, iw = 7;
  reader.number("n", n);
  reader.number("ih", ih);
  reader.number("iw", iw);
  EXPECT_EQ(n, 2);
  EXPECT_EQ(ih, 5);
  EXPECT_EQ(iw, 7);
  EXPECT_TRUE(reader.word("leaky_relu"));
  EXPECT_FALSE(reader.word("relu"));
  EXPECT_TRUE(reader.word("nobias"));
  EXPECT_FALSE(reader.word("nobias"));
  reader.finish();
}

TEST(IdReader, ReadsRepeatedAndRealNumbers) {
  IdReader reader("concat", "r3c2c5p0.25");
  double p = 0.0;
  reader.real("p", p);
  EXPECT_EQ(p, 0.25);
  EXPECT_THAT(reader.numbers("c"), ElementsAre(2, 5));
}

TEST(IdReader, SaysWhatIsWrongWithACase) {
  EXPECT_EQ(error_of("dense", "m3k"),
            "dense case 'm3k': expected names with numbers, such as n2ih5, got 'm3k'; copy a case from the benchmark's "
            "own output");
  EXPECT_THAT(error_of("dense", "7"), testing::HasSubstr("expected names with numbers"));
  EXPECT_THAT(error_of("dense", "m-3"), testing::HasSubstr("expected names with numbers"));
  EXPECT_THAT(error_of("dense", "m3x2"), testing::HasSubstr("expected names that the operation has, got 'x'"));
  EXPECT_THAT(error_of("dense", "m3m2"), testing::HasSubstr("expected m once, got 2 times"));
  EXPECT_THAT(error_of("dense", "m3_bias"), testing::HasSubstr("expected words that the operation has, got 'bias'"));
  EXPECT_THAT(error_of("dense", "m0"), testing::HasSubstr("expected m to be a whole number of at least 1, got 0"));
  EXPECT_THAT(error_of("dense", "m1.5"), testing::HasSubstr("expected m to be a whole number of at least 1, got 1.5"));
  EXPECT_THAT(error_of("dense", "m99999999999999999999"), testing::HasSubstr("whole number"));
  EXPECT_THAT(error_of("dropout", "r1n1p1.2.3"), testing::HasSubstr("expected p to be a number, got 1.2.3"));
}

TEST(IdReader, RefusesWhatDoesNotFitTogether) {
  EXPECT_THAT(error_of("conv2d", "ic3oc4g2"), testing::HasSubstr("expected ic and oc to be multiples of g"));
  EXPECT_THAT(error_of("conv2d", "kh3"), testing::HasSubstr("expected a filter that fits into the padded image"));
  EXPECT_THAT(error_of("conv2d", "n99999999ih9999999iw9999999"),
              testing::HasSubstr("expected arrays of at most 268435456 elements, got more"));
  EXPECT_THAT(error_of("conv2d", "n9999999999ih9999999999iw9999999999"), testing::HasSubstr("elements, got more"));
  EXPECT_THAT(error_of("conv2d", "kh2dh9223372036854775807"), testing::HasSubstr("elements, got more"));
  EXPECT_THAT(error_of("pool2d", "pt9223372036854775807pb1_max"), testing::HasSubstr("elements, got more"));
  EXPECT_THAT(error_of("pool2d", "ih5iw5"), testing::HasSubstr("expected _max or _average, got neither"));
  EXPECT_THAT(error_of("pool2d", "ih2iw2kh3_max"), testing::HasSubstr("expected a window that fits"));
}

TEST(Operations, AreFoundByName) {
  EXPECT_EQ(find_operation("conv2d").name, "conv2d");
  try {
    find_operation("conv3d");
    ADD_FAILURE();
  } catch (const ValueError& error) {
    EXPECT_THAT(
        error.what(),
        testing::StartsWith("bench: expected one of conv2d, conv2d_backward, conv_depthwise2d, conv_pool2d, dense"));
    EXPECT_THAT(error.what(), testing::HasSubstr("got 'conv3d'"));
  }
}

TEST(Operations, HaveShapesThatParse) {
  for (const Operation& operation : operations()) {
    EXPECT_FALSE(operation.shapes.empty()) << operation.name;
    for (const NamedCase& shape : operation.shapes) {
      const std::unique_ptr<Case> c = operation.parse(shape.id);
      EXPECT_EQ(c->operation(), operation.name);
      EXPECT_EQ(operation.parse(c->id())->id(), c->id()) << shape.name;
    }
  }
}

}  // namespace
}  // namespace saccade::proof
