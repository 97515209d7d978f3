#include "saccade/proof/derivative.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "saccade/proof/operations.h"

namespace saccade::proof {
namespace {

/// A dense layer, whose gradients are known to be right, and what is said about them when one is made wrong.
class ComplexStepOfDense : public testing::Test {
 protected:
  ComplexStepOfDense()
      : case_(find_operation("dense").parse("m4k30u20")),
        inputs_(Inputs::reals(*case_, 1)),
        reference_(run_reference<double>(*case_, inputs_)),
        magnitude_(run_magnitude(*case_, inputs_)) {}

  std::string compare(double budget, double tolerance = 1e-12) const {
    return ComplexStep(*case_, inputs_, budget, 1).compare(reference_.gradients, magnitude_.gradients, tolerance);
  }

  static constexpr double kEveryElement = 1e9;
  static constexpr double kSample = 1.0;

  std::unique_ptr<Case> case_;
  Inputs inputs_;
  Arrays<double> reference_, magnitude_;
};

TEST_F(ComplexStepOfDense, AgreesWithTheReferenceToTheLastDigits) {
  EXPECT_EQ(compare(kEveryElement), "");
  EXPECT_EQ(compare(kSample), "");
}

TEST_F(ComplexStepOfDense, FindsAnyElementThatIsWrong) {
  for (std::size_t operand = 0; operand < reference_.gradients.size(); ++operand) {
    double& value = reference_.gradients[operand].back();
    const double right = value;
    value += 1e-9;
    EXPECT_NE(compare(kEveryElement), "");
    value = right;
  }
}

TEST_F(ComplexStepOfDense, FindsByItsDirectionsWhatASampleMisses) {
  // 1 of 600 weights, a sample of 4: whichever it is, two directions lead through all of them.
  for (const std::size_t element : {0U, 123U, 599U}) {
    double& value = reference_.gradients[1][element];
    const double right = value;
    value += 0.1;
    EXPECT_THAT(compare(kSample), testing::HasSubstr("grad_weight"));
    value = right;
  }
}

TEST_F(ComplexStepOfDense, SaysWhereAndByHowMuch) {
  reference_.gradients[2][5] += 1.0;
  EXPECT_THAT(compare(kEveryElement),
              testing::MatchesRegex("grad_bias\\[5\\]: expected [-.0-9]+, got [-.0-9]+, allowed difference [-.e0-9]+"));
}

TEST_F(ComplexStepOfDense, NeverPassesNaN) {
  reference_.gradients[0][0] = NAN;
  EXPECT_NE(compare(kEveryElement), "");
}

}  // namespace
}  // namespace saccade::proof
