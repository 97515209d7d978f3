#include "saccade/cli/translation_experiment.h"

#include <fmt/format.h>

#include <vector>

#include "saccade/image/shift.h"
#include "saccade/train/evaluate.h"
#include "saccade/train/fit.h"
#include "saccade/train/interrupted.h"
#include "saccade/zoo/zoo.h"

namespace saccade::cli {
namespace {

constexpr double kLearningRate = 1e-3;

/// Moves an image in place.
void shift(const Shape& shape, std::span<float> image, Index down, Index right) {
  const std::vector<float> original(image.begin(), image.end());
  translate(original, shape, down, right, image);
}

/// Exactly `distance` pixels in one of four directions, the same for an image in every run.
data::Transform shift_by(Index distance) {
  return [distance](const data::SampleAddress& address, const Shape& shape, std::span<float> image) {
    Stream stream = address.stream(slot_of("shift direction"));
    const std::uint32_t direction = stream.below(4);
    const Index signed_distance = direction % 2 == 0 ? distance : -distance;
    const bool vertical = direction < 2;
    shift(shape, image, vertical ? signed_distance : 0, vertical ? 0 : signed_distance);
  };
}

/// Up to `most` pixels in both directions, anew each epoch.
data::Transform shift_randomly(Index most) {
  return [most](const data::SampleAddress& address, const Shape& shape, std::span<float> image) {
    Stream stream = address.stream(slot_of("shift"));
    const auto choices = static_cast<std::uint32_t>(2 * most + 1);
    const Index down = static_cast<Index>(stream.below(choices)) - most;
    const Index right = static_cast<Index>(stream.below(choices)) - most;
    shift(shape, image, down, right);
  };
}

TranslationRow run_row(const data::TrainTest& set, const TranslationOptions& options, const std::string& network,
                       bool shifted) {
  Model net = zoo::build(network, set.train->image_shape(), isize(set.train->class_names().size()));
  net.initialize(options.seed);
  const std::string title = fmt::format("{}, trained on {} digits", network, shifted ? "shifted" : "centred");
  const History history = fit(net, set.train,
                              {.epochs = options.epochs,
                               .batch_size = 128,
                               .optimizer = Adam{{.learning_rate = kLearningRate}},
                               .seed = options.seed,
                               .transform = shifted ? shift_randomly(options.max_shift) : data::Transform{},
                               .callbacks = options.begin ? options.begin(title) : std::vector<CallbackPtr>{},
                               .stop = options.stop});
  if (history.interrupted) throw InterruptedError();
  TranslationRow row{
      .network = network, .parameters = net.parameter_count(), .trained_on_shifted = shifted, .accuracy = {}};
  for (Index distance = 0; distance <= options.max_shift; ++distance) {
    row.accuracy.push_back(evaluate(net, set.test, {.transform = shift_by(distance), .stop = options.stop}).accuracy);
  }
  return row;
}

std::string trained_on(const TranslationRow& row) { return row.trained_on_shifted ? "shifted" : "centred"; }

/// Colours that differ for colour-blind eyes and in grey (Okabe and Ito).
constexpr std::string_view kCurveColors[] = {"#d55e00", "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9"};

std::string svg_curves(const std::vector<TranslationRow>& rows) {
  constexpr double kLeft = 60, kTop = 20, kWidth = 620, kHeight = 340;
  const double last = rows.empty() ? 1.0 : static_cast<double>(std::max<std::size_t>(rows[0].accuracy.size(), 2) - 1);
  const auto x_of = [&](std::size_t shift) { return kLeft + kWidth * static_cast<double>(shift) / last; };
  const auto y_of = [&](double accuracy) { return kTop + kHeight * (1.0 - accuracy); };
  std::string svg = "<svg viewBox=\"0 0 900 420\" role=\"img\" aria-label=\"accuracy over shift\">\n";
  for (int percent = 0; percent <= 100; percent += 20) {
    const double y = y_of(percent / 100.0);
    svg += fmt::format("<line x1=\"{}\" y1=\"{:.1f}\" x2=\"{}\" y2=\"{:.1f}\" class=\"grid\"/>", kLeft, y,
                       kLeft + kWidth, y);
    svg += fmt::format("<text x=\"{}\" y=\"{:.1f}\" class=\"y\">{} %</text>\n", kLeft - 8, y + 4, percent);
  }
  for (std::size_t shift = 0; !rows.empty() && shift < rows[0].accuracy.size(); ++shift) {
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" class=\"x\">{}</text>\n", x_of(shift), kTop + kHeight + 20, shift);
  }
  svg += fmt::format("<text x=\"{}\" y=\"{}\" class=\"x\">shift in pixels</text>\n", kLeft + kWidth / 2,
                     kTop + kHeight + 44);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string_view color = kCurveColors[i % std::size(kCurveColors)];
    std::string points;
    for (std::size_t shift = 0; shift < rows[i].accuracy.size(); ++shift) {
      points += fmt::format("{:.1f},{:.1f} ", x_of(shift), y_of(rows[i].accuracy[shift]));
    }
    svg += fmt::format("<polyline points=\"{}\" stroke=\"{}\" class=\"curve\"{}/>\n", points, color,
                       rows[i].trained_on_shifted ? " stroke-dasharray=\"7 5\"" : "");
    const double y = kTop + 20 + 26 * static_cast<double>(i);
    svg += fmt::format("<line x1=\"700\" y1=\"{0}\" x2=\"730\" y2=\"{0}\" stroke=\"{1}\" class=\"curve\"{2}/>", y,
                       color, rows[i].trained_on_shifted ? " stroke-dasharray=\"7 5\"" : "");
    svg += fmt::format("<text x=\"738\" y=\"{}\">{}, {}</text>\n", y + 4, rows[i].network, trained_on(rows[i]));
  }
  return svg + "</svg>\n";
}

}  // namespace

std::vector<TranslationRow> run_translation_experiment(const data::TrainTest& set, const TranslationOptions& options) {
  std::vector<TranslationRow> rows;
  for (const bool shifted : {false, true}) {
    for (const std::string& network : options.networks) rows.push_back(run_row(set, options, network, shifted));
  }
  return rows;
}

std::string translation_table(const std::vector<TranslationRow>& rows) {
  std::string text = fmt::format("{:<8}  {:>10}  {:<10}", "network", "parameters", "trained on");
  for (std::size_t shift = 0; !rows.empty() && shift < rows[0].accuracy.size(); ++shift) {
    text += fmt::format("  {:>4}px", shift);
  }
  text += "\n";
  for (const TranslationRow& row : rows) {
    text += fmt::format("{:<8}  {:>10}  {:<10}", row.network, row.parameters, trained_on(row));
    for (const double accuracy : row.accuracy) text += fmt::format("  {:>5.1f}%", 100.0 * accuracy);
    text += "\n";
  }
  return text;
}

std::string translation_csv(const std::vector<TranslationRow>& rows) {
  std::string text = "network,parameters,trained_on,shift,accuracy\n";
  for (const TranslationRow& row : rows) {
    for (std::size_t shift = 0; shift < row.accuracy.size(); ++shift) {
      text += fmt::format("{},{},{},{},{}\n", row.network, row.parameters, trained_on(row), shift, row.accuracy[shift]);
    }
  }
  return text;
}

std::string translation_html(const std::vector<TranslationRow>& rows) {
  std::string table = "<table><tr><th>network</th><th>parameters</th><th>trained on</th>";
  for (std::size_t shift = 0; !rows.empty() && shift < rows[0].accuracy.size(); ++shift) {
    table += fmt::format("<th>{} px</th>", shift);
  }
  table += "</tr>\n";
  for (const TranslationRow& row : rows) {
    table += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td>", row.network, row.parameters, trained_on(row));
    for (const double accuracy : row.accuracy) table += fmt::format("<td>{:.1f} %</td>", 100.0 * accuracy);
    table += "</tr>\n";
  }
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Digits under translation</title>\n"
      "<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#212529}}"
      "svg{{width:100%}}.grid{{stroke:#dee2e6}}.curve{{fill:none;stroke-width:3}}text{{font-size:14px;fill:#495057}}"
      ".x{{text-anchor:middle}}.y{{text-anchor:end}}table{{border-collapse:collapse;font-size:14px}}"
      "td,th{{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #dee2e6}}</style></head><body>\n"
      "<h1>Digits under translation</h1>\n"
      "<p>Each network was trained on digits in the middle of their frame (solid) or moved at random (dashed), and "
      "tested on\n"
      "digits moved by so many pixels. A dense network has to learn each position anew; shared kernels and pooling "
      "carry a\n"
      "convolutional network further; training on moved digits repairs both.</p>\n{}{}</table>\n</body></html>\n",
      svg_curves(rows), table);
}

}  // namespace saccade::cli
