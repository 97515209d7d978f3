#include "saccade/train/metrics.h"

#include <gmock/gmock.h>

#include "saccade/train/report.h"

namespace saccade {
namespace {

using testing::HasSubstr;

/// Two classes: 3 of class 0 (two right), 2 of class 1 (one right).
Evaluation example() {
  const auto p = [](Index index, Index label, Index predicted, float loss) {
    return Prediction{.index = index,
                      .label = label,
                      .predicted = predicted,
                      .probability = 0.9F,
                      .loss = loss,
                      .rank = label == predicted ? 0 : 1};
  };
  return {.loss = 0.5,
          .accuracy = 0.6,
          .classes = 2,
          .predictions = {p(0, 0, 0, 0.1F), p(1, 0, 1, 2.0F), p(2, 0, 0, 0.1F), p(3, 1, 1, 0.1F), p(4, 1, 0, 3.0F)}};
}

TEST(Metrics, ConfusionAndScores) {
  const ConfusionMatrix matrix = example().confusion();
  EXPECT_EQ(matrix.at(0, 0), 2);
  EXPECT_EQ(matrix.at(0, 1), 1);
  EXPECT_EQ(matrix.at(1, 0), 1);
  EXPECT_EQ(matrix.at(1, 1), 1);
  EXPECT_DOUBLE_EQ(matrix.score(0).precision, 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(matrix.score(0).recall, 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(matrix.score(1).precision, 0.5);
  EXPECT_DOUBLE_EQ(matrix.score(1).f1, 0.5);
  EXPECT_EQ(matrix.score(1).support, 2);
}

TEST(Metrics, AClassNobodyNamedScoresZero) {
  const ConfusionMatrix matrix(3, std::vector<Prediction>{{.label = 0, .predicted = 0}});
  EXPECT_EQ(matrix.score(2).precision, 0.0);
  EXPECT_EQ(matrix.score(2).f1, 0.0);
}

TEST(Metrics, WorstFirst) {
  const std::vector<Prediction> worst = example().worst(10);
  ASSERT_EQ(worst.size(), 2U);
  EXPECT_EQ(worst[0].index, 4);
  EXPECT_EQ(worst[1].index, 1);
  EXPECT_EQ(example().worst(1).size(), 1U);
}

TEST(Metrics, TopK) {
  EXPECT_DOUBLE_EQ(example().top_k_accuracy(1), 0.6);
  EXPECT_DOUBLE_EQ(example().top_k_accuracy(2), 1.0);
  const std::vector<float> scores{1, 3, 3, 2};
  EXPECT_EQ(argmax(scores), 1);
  EXPECT_EQ(rank_of(scores, 1), 0);
  EXPECT_EQ(rank_of(scores, 2), 1);
  EXPECT_EQ(rank_of(scores, 0), 3);
}

TEST(Report, SaysWhatPeopleAsk) {
  const std::vector<std::string> names{"cat", "dog"};
  const std::string text = report_text(example(), names);
  EXPECT_THAT(text, HasSubstr("accuracy  0.6000"));
  EXPECT_THAT(text, HasSubstr("cat       0.6667     0.6667     0.6667        3"));
  EXPECT_THAT(text, HasSubstr("1 x  cat taken for dog"));
  EXPECT_THAT(report_json(example(), names), HasSubstr("\"confusion\""));
}

TEST(Report, SaysTheWeightedAccuracyAndNamesNoTerminalObeys) {
  Evaluation weighted = example();
  EXPECT_THAT(report_text(weighted, std::vector<std::string>{"cat", "dog"}), testing::Not(HasSubstr("weighted")));
  weighted.predictions[0].weight = 6.0F;
  const std::vector<std::string> names{"cat\x1b[2J", "dog\nx"};
  const std::string text = report_text(weighted, names);
  EXPECT_THAT(text, HasSubstr("accuracy  0.6000 (0.8000 weighted)"));
  EXPECT_THAT(text, HasSubstr("cat\\x1b[2J taken for dog\\x0ax"));
  EXPECT_THAT(report_json(weighted, names), HasSubstr("\"weighted_accuracy\""));
}

}  // namespace
}  // namespace saccade
