#include "saccade/train/report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

#include "saccade/base/file.h"
#include "saccade/base/printable.h"
#include "saccade/image/draw.h"
#include "saccade/image/encode.h"
#include "saccade/train/csv.h"

namespace saccade {
namespace {

constexpr Rgb kMistake{.red = 176, .green = 32, .blue = 48};

struct Confusion {
  Index label, predicted, count;
};

std::vector<Confusion> most_frequent(const ConfusionMatrix& matrix, std::size_t count) {
  std::vector<Confusion> all;
  for (Index i = 0; i < matrix.classes(); ++i) {
    for (Index j = 0; j < matrix.classes(); ++j) {
      if (i != j && matrix.at(i, j) > 0) all.push_back({i, j, matrix.at(i, j)});
    }
  }
  std::ranges::stable_sort(all, std::greater{}, &Confusion::count);
  if (all.size() > count) all.resize(count);
  return all;
}

std::string confusion_csv(const ConfusionMatrix& matrix, std::span<const std::string> names) {
  std::string text = "true\\predicted";
  for (const std::string& name : names) text += "," + csv_field(name);
  text += "\n";
  for (Index i = 0; i < matrix.classes(); ++i) {
    text += csv_field(names[usize(i)]);
    for (Index j = 0; j < matrix.classes(); ++j) text += fmt::format(",{}", matrix.at(i, j));
    text += "\n";
  }
  return text;
}

std::string classes_csv(const ConfusionMatrix& matrix, std::span<const std::string> names) {
  std::string text = "class,precision,recall,f1,support\n";
  for (Index i = 0; i < matrix.classes(); ++i) {
    const ConfusionMatrix::ClassScore score = matrix.score(i);
    text += fmt::format("{},{},{},{},{}\n", csv_field(names[usize(i)]), score.precision, score.recall, score.f1,
                        score.support);
  }
  return text;
}

std::string predictions_csv(const Evaluation& evaluation, const data::Dataset& dataset) {
  const std::vector<std::string>& names = dataset.class_names();
  std::string text = "index,image,label,predicted,probability,loss\n";
  for (const Prediction& p : evaluation.predictions) {
    text += fmt::format("{},{},{},{},{},{}\n", p.index, csv_field(dataset.sample_name(p.index)),
                        csv_field(names[usize(p.label)]), csv_field(names[usize(p.predicted)]), p.probability, p.loss);
  }
  return text;
}

/// An image of a dataset as 8-bit pixels.
Tensor drawable(const Tensor& image) {
  if (image.dtype() == DType::uint8) return image;
  Tensor pixels(image.shape(), DType::uint8);
  const std::span<const float> from = image.floats();
  const std::span<std::uint8_t> to = pixels.uint8s();
  for (std::size_t i = 0; i < from.size(); ++i) {
    to[i] = static_cast<std::uint8_t>(std::lround(std::clamp(from[i], 0.0F, 255.0F)));
  }
  return pixels;
}

bool is_weighted(const Evaluation& evaluation) {
  return std::ranges::any_of(evaluation.predictions, [](const Prediction& p) { return p.weight != 1.0F; });
}

Tensor worst_sheet(const Evaluation& evaluation, const data::Dataset& dataset, Index count) {
  const std::vector<std::string>& names = dataset.class_names();
  std::vector<SheetCell> cells;
  for (const Prediction& p : evaluation.worst(count)) {
    cells.push_back({.image = drawable(dataset.get(p.index).image),
                     .captions = {fmt::format("{} -> {}", names[usize(p.label)], names[usize(p.predicted)]),
                                  fmt::format("{:.0f} %  #{}", 100.0 * static_cast<double>(p.probability), p.index)},
                     .color = kMistake});
  }
  if (cells.empty()) {  // no mistakes: the sheet says so
    Tensor sheet = blank_canvas(40, 480, {.red = 255, .green = 255, .blue = 255});
    draw_text(sheet, fmt::format("no mistakes on {}", dataset.name()), 12, 12);
    return sheet;
  }
  return contact_sheet(
      cells, {.title = fmt::format("{}: the {} worst mistakes, true -> predicted", dataset.name(), cells.size())});
}

}  // namespace

std::string report_text(const Evaluation& evaluation, std::span<const std::string> class_names,
                        const ReportOptions& options) {
  std::vector<std::string> names;  // as a terminal may show them
  for (const std::string& name : class_names) names.push_back(printable(name));
  const ConfusionMatrix matrix = evaluation.confusion();
  std::string text = fmt::format("images    {}\naccuracy  {:.4f}", evaluation.predictions.size(), evaluation.accuracy);
  text += is_weighted(evaluation) ? fmt::format(" ({:.4f} weighted)\n", evaluation.weighted_accuracy()) : "\n";
  if (options.top_k < evaluation.classes) {
    text += fmt::format("top-{}     {:.4f}\n", options.top_k, evaluation.top_k_accuracy(options.top_k));
  }
  text += fmt::format("loss      {:.4f}\n\n", evaluation.loss);
  std::size_t width = 5;
  for (const std::string& name : names) width = std::max(width, name.size());
  text += fmt::format("{:<{}}  {:>9}  {:>9}  {:>9}  {:>7}\n", "class", width, "precision", "recall", "F1", "images");
  for (Index i = 0; i < matrix.classes(); ++i) {
    const ConfusionMatrix::ClassScore score = matrix.score(i);
    text += fmt::format("{:<{}}  {:>9.4f}  {:>9.4f}  {:>9.4f}  {:>7}\n", names[usize(i)], width, score.precision,
                        score.recall, score.f1, score.support);
  }
  const std::vector<Confusion> confusions = most_frequent(matrix, 5);
  if (!confusions.empty()) text += "\nmost frequent mistakes\n";
  for (const Confusion& c : confusions) {
    text += fmt::format("  {:>5} x  {} taken for {}\n", c.count, names[usize(c.label)], names[usize(c.predicted)]);
  }
  return text;
}

std::string report_json(const Evaluation& evaluation, std::span<const std::string> class_names,
                        const ReportOptions& options) {
  const ConfusionMatrix matrix = evaluation.confusion();
  nlohmann::ordered_json report{
      {"images", evaluation.predictions.size()},
      {"loss", evaluation.loss},
      {"accuracy", evaluation.accuracy},
      {"top_k", {{"k", options.top_k}, {"accuracy", evaluation.top_k_accuracy(options.top_k)}}},
      {"classes", nlohmann::ordered_json::array()},
      {"confusion", nlohmann::ordered_json::array()}};
  if (is_weighted(evaluation)) report["weighted_accuracy"] = evaluation.weighted_accuracy();
  for (Index i = 0; i < matrix.classes(); ++i) {
    const ConfusionMatrix::ClassScore score = matrix.score(i);
    report["classes"].push_back({{"name", class_names[usize(i)]},
                                 {"precision", score.precision},
                                 {"recall", score.recall},
                                 {"f1", score.f1},
                                 {"support", score.support}});
    std::vector<Index> row;
    for (Index j = 0; j < matrix.classes(); ++j) row.push_back(matrix.at(i, j));
    report["confusion"].push_back(row);
  }
  return report.dump(2, ' ', false, decltype(report)::error_handler_t::replace) + "\n";  // names may be any bytes
}

void write_report(const std::filesystem::path& folder, const Evaluation& evaluation, const data::Dataset& dataset,
                  const ReportOptions& options) {
  const ConfusionMatrix matrix = evaluation.confusion();
  write_file(folder / "report.txt", report_text(evaluation, dataset.class_names(), options));
  write_file(folder / "report.json", report_json(evaluation, dataset.class_names(), options));
  write_file(folder / "confusion.csv", confusion_csv(matrix, dataset.class_names()));
  write_file(folder / "classes.csv", classes_csv(matrix, dataset.class_names()));
  write_file(folder / "predictions.csv", predictions_csv(evaluation, dataset));
  write_png(folder / "worst.png", worst_sheet(evaluation, dataset, options.worst));
}

}  // namespace saccade
