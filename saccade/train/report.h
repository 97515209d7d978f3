#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "saccade/data/dataset.h"
#include "saccade/train/metrics.h"

namespace saccade {

struct ReportOptions {
  Index top_k =
      5;  ///< Also reported: how often the label is among the k largest outputs (when there are more than k classes).
  Index worst = 40;  ///< Pictures on the sheet of mistakes, at most.
};

/// What a reader wants to know of an evaluation, as text: accuracy, top-k accuracy, loss; precision, recall and F1 of
/// each class; the most frequent confusions.
std::string report_text(const Evaluation& evaluation, std::span<const std::string> class_names,
                        const ReportOptions& options = {});

/// The same as JSON: {"images", "loss", "accuracy", "top_k": {"k", "accuracy"}, "classes": [{"name", "precision",
/// "recall", "f1",
/// "support"}], "confusion": [[...]]}, and of weighted images "weighted_accuracy"; confusion[i][j] counts images of class i taken for class j.
std::string report_json(const Evaluation& evaluation, std::span<const std::string> class_names,
                        const ReportOptions& options = {});

/// Writes report.txt, report.json, confusion.csv (rows: true class), classes.csv, predictions.csv (one line an image)
/// and worst.png (the mistakes with the largest loss) into `folder`, which must exist. Each file appears whole or not
/// at all. `dataset` is what was evaluated. Throws SystemError.
void write_report(const std::filesystem::path& folder, const Evaluation& evaluation, const data::Dataset& dataset,
                  const ReportOptions& options = {});

}  // namespace saccade
