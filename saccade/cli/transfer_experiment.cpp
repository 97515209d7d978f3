#include "saccade/cli/transfer_experiment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "saccade/base/random.h"
#include "saccade/data/image_folder.h"
#include "saccade/data/letters.h"
#include "saccade/image/draw.h"
#include "saccade/nn/batch_norm.h"
#include "saccade/nn/conv2d.h"
#include "saccade/nn/dense.h"
#include "saccade/nn/elementwise.h"
#include "saccade/nn/pool2d.h"
#include "saccade/nn/view.h"
#include "saccade/train/evaluate.h"
#include "saccade/train/fit.h"
#include "saccade/train/interrupted.h"
#include "saccade/zoo/surgery.h"

namespace saccade::cli {
namespace {

constexpr Index kSize = 32, kBatch = 32, kTestPerClass = 20;

/// How one network is trained; each with the step size that suits it.
struct Way {
  const char* name;
  Index layers;  ///< That learn; 0 is all.
  bool from_latin;
  double learning_rate;
};
constexpr Way kWays[] = {{"from scratch", 0, false, 3e-3},
                         {"last layer", 1, true, 1e-2},
                         {"last two layers", 2, true, 3e-3},
                         {"all layers", 0, true, 1e-3}};

Model letter_network(Index classes) {
  std::vector<AnyLayer> layers{Input{{kSize, kSize, 3}}};
  for (const Index filters : {16, 32, 64, 128}) {
    layers.emplace_back(Conv2D{{.filters = filters, .kernel = 3, .padding = same, .use_bias = false}});
    layers.emplace_back(BatchNorm{{.momentum = 0.9F}});
    layers.emplace_back(ActivationLayer{{.activation = relu}});
    layers.emplace_back(MaxPool2D{});
  }
  layers.emplace_back(Flatten{});
  layers.emplace_back(Dense{{.units = classes}});
  return Sequential("letters", layers);
}

/// Images to train and to test on. pool(seed) holds at least as many of each class as will be asked for.
struct Task {
  std::string name;
  std::function<data::DatasetPtr(std::uint64_t seed)> pool;
  data::DatasetPtr test;
};

/// So many images of each class, drawn by seed.
data::DatasetPtr some_of_each(const data::DatasetPtr& images, Index per_class, std::uint64_t seed) {
  std::vector<Index> order(usize(images->size())), chosen;
  std::iota(order.begin(), order.end(), Index{0});
  Stream stream(seed, 0, 0, slot_of("transfer experiment"));
  for (std::size_t last = order.size() - 1; last > 0; --last) {
    std::swap(order[last], order[stream.below(static_cast<std::uint32_t>(last + 1))]);
  }
  std::vector<Index> taken(images->class_names().size());
  for (const Index i : order) {
    if (taken[usize(images->label(i))]++ < per_class) chosen.push_back(i);
  }
  return std::make_shared<data::Subset>(images, std::move(chosen), images->name());
}

void train(Model& net, const data::DatasetPtr& images, double learning_rate, const std::string& title,
           const TransferExperiment& experiment, std::uint64_t seed) {
  const Index steps_per_epoch = ceil_divide(images->size(), kBatch);
  const History history = fit(net, images,
                              {.epochs = std::clamp<Index>(ceil_divide(experiment.steps, steps_per_epoch), 2, 100),
                               .batch_size = kBatch,
                               .optimizer = Adam{{.learning_rate = learning_rate}},
                               .schedule = OneCycle{},
                               .seed = seed,
                               .callbacks = experiment.begin ? experiment.begin(title) : std::vector<CallbackPtr>{},
                               .stop = experiment.stop});
  if (history.interrupted) throw InterruptedError();
}

double accuracy_of(const Way& way, const Model& latin, const Task& task, Index per_class, std::uint64_t seed,
                   const TransferExperiment& experiment) {
  const data::DatasetPtr images = some_of_each(task.pool(seed), per_class, seed);
  const Index classes = isize(images->class_names().size());
  Model net = way.from_latin ? zoo::with_new_head(latin, classes, seed) : letter_network(classes);
  if (!way.from_latin) net.initialize(seed);
  if (way.layers > 0) net.train_last(way.layers);
  train(net, images, way.learning_rate,
        fmt::format("{}, {} a class: {}, seed {}", task.name, per_class, way.name, seed), experiment, seed);
  return evaluate(net, task.test, {.stop = experiment.stop}).accuracy;
}

Task cyrillic_task(const data::FontSplit& fonts, const TransferExperiment& experiment) {
  const Index most = std::ranges::max(experiment.per_class);
  return {.name = "Cyrillic letters",
          .pool =
              [fonts, most](std::uint64_t seed) {
                return data::letters(
                    fonts.train,
                    {.alphabet = data::Alphabet::cyrillic, .per_class = most, .seed = 100 + seed, .name = "cyrillic"});
              },
          .test = data::letters(
              fonts.test,
              {.alphabet = data::Alphabet::cyrillic, .per_class = kTestPerClass, .seed = 1, .name = "cyrillic/test"})};
}

Task flower_task(const TransferExperiment& experiment) {
  const data::DatasetPtr all =
      data::image_folder(experiment.flowers, {.reading = {.target_size = {kSize, kSize}}}).images;
  const Index most = std::ranges::max(experiment.per_class), classes = isize(all->class_names().size());
  // Twice as many to draw from; the others test, up to a thousand.
  const double share = std::min(0.5, static_cast<double>(2 * most * classes) / static_cast<double>(all->size()));
  const data::Split parts = data::split(all, share, 0);
  const data::DatasetPtr test = some_of_each(parts.train, 1000 / classes, 0);
  // Read once: they are small.
  const auto read = [](const data::DatasetPtr& images) -> data::DatasetPtr {
    Tensor pixels(images->image_shape().with_batch(images->size()), DType::uint8);
    std::vector<std::int32_t> labels;
    const std::size_t each = usize(images->image_shape().elements());
    for (Index i = 0; i < images->size(); ++i) {
      const data::Sample sample = images->get(i);
      std::ranges::copy(sample.image.uint8s(), pixels.uint8s().subspan(usize(i) * each).begin());
      labels.push_back(static_cast<std::int32_t>(sample.label));
    }
    return std::make_shared<data::InMemory>("flowers", std::move(pixels), std::move(labels), images->class_names());
  };
  const data::DatasetPtr pool = read(parts.validation);
  return {.name = "photographs of flowers", .pool = [pool](std::uint64_t) { return pool; }, .test = read(test)};
}

std::string describe(const data::FontSplit& fonts) {
  const auto families = [](const std::vector<data::Font>& of) {
    std::set<std::string> names;
    for (const data::Font& font : of) names.insert(font.family);
    return names.size();
  };
  return fmt::format("{} fonts of {} families to train on, {} of {} others to test on", fonts.train.size(),
                     families(fonts.train), fonts.test.size(), families(fonts.test));
}

Tensor sheet_of(const data::DatasetPtr& latin, const data::DatasetPtr& cyrillic) {
  std::vector<SheetCell> cells;
  for (const auto& [letters, count] : {std::pair(latin, 26), std::pair(cyrillic, 33)}) {
    for (Index i = 0; i < count; ++i) cells.push_back({.image = letters->get(i).image});
  }
  return contact_sheet(cells, {.title = "latin to learn from, cyrillic to test on", .columns = 10, .min_side = 64});
}

/// Rows of a task in the order of kWays, then of per_class.
std::vector<std::string> tasks_of(const TransferResult& result) {
  std::vector<std::string> names;
  for (const TransferRow& row : result.rows) {
    if (std::ranges::find(names, row.task) == names.end()) names.push_back(row.task);
  }
  return names;
}

std::vector<TransferRow> rows_of(const TransferResult& result, std::string_view task, std::string_view training) {
  std::vector<TransferRow> rows;
  for (const TransferRow& row : result.rows) {
    if (row.task == task && row.training == training) rows.push_back(row);
  }
  return rows;
}

/// Colours that differ for colour-blind eyes and in grey (Okabe and Ito).
constexpr std::string_view kWayColors[] = {"#d55e00", "#0072b2", "#e69f00", "#009e73"};

std::string svg_curves(const TransferResult& result, const std::string& task) {
  constexpr double kLeft = 60, kTop = 20, kWidth = 560, kHeight = 300;
  const std::vector<TransferRow> first = rows_of(result, task, kWays[0].name);
  const auto x_of = [&](std::size_t i) {
    return kLeft + kWidth * static_cast<double>(i) / static_cast<double>(std::max<std::size_t>(first.size(), 2) - 1);
  };
  const auto y_of = [&](double accuracy) { return kTop + kHeight * (1.0 - accuracy); };
  std::string svg =
      fmt::format("<svg viewBox=\"0 0 840 380\" role=\"img\" aria-label=\"accuracy over images, {}\">\n", task);
  for (int percent = 0; percent <= 100; percent += 20) {
    const double y = y_of(percent / 100.0);
    svg += fmt::format("<line x1=\"{0}\" y1=\"{1:.1f}\" x2=\"{2}\" y2=\"{1:.1f}\" class=\"grid\"/>", kLeft, y,
                       kLeft + kWidth);
    svg += fmt::format("<text x=\"{}\" y=\"{:.1f}\" class=\"y\">{} %</text>\n", kLeft - 8, y + 4, percent);
  }
  for (std::size_t i = 0; i < first.size(); ++i) {
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" class=\"x\">{}</text>\n", x_of(i), kTop + kHeight + 20,
                       first[i].per_class);
  }
  svg += fmt::format("<text x=\"{}\" y=\"{}\" class=\"x\">images of each class to train on</text>\n",
                     kLeft + kWidth / 2, kTop + kHeight + 42);
  double legend = kTop + 20;
  for (std::size_t way = 0; way < std::size(kWays); ++way) {
    std::string points;
    const std::vector<TransferRow> rows = rows_of(result, task, kWays[way].name);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      points += fmt::format("{:.1f},{:.1f} ", x_of(i), y_of(rows[i].mean_accuracy()));
    }
    const std::string dash = way == 0 ? " stroke-dasharray=\"7 5\"" : "";
    svg += fmt::format("<polyline points=\"{}\" stroke=\"{}\" class=\"curve\"{}/>\n", points, kWayColors[way], dash);
    svg += fmt::format("<line x1=\"650\" y1=\"{0}\" x2=\"680\" y2=\"{0}\" stroke=\"{1}\" class=\"curve\"{2}/>", legend,
                       kWayColors[way], dash);
    svg += fmt::format("<text x=\"688\" y=\"{}\">{}</text>\n", legend + 4, kWays[way].name);
    legend += 26;
  }
  return svg + "</svg>\n";
}

}  // namespace

void TransferExperiment::make_quick() {
  per_class = {2, 5};
  seeds = 1;
  latin_per_class = 60;
  steps = 100;
}

double TransferRow::mean_accuracy() const {
  return std::accumulate(accuracy.begin(), accuracy.end(), 0.0) / static_cast<double>(accuracy.size());
}

TransferResult run_transfer_experiment(const TransferExperiment& experiment) {
  const data::FontSplit fonts = data::split_fonts(data::find_fonts(experiment.fonts));
  const data::DatasetPtr latin = data::letters(fonts.train, {.per_class = experiment.latin_per_class, .name = "latin"});
  const data::DatasetPtr latin_test =
      data::letters(fonts.test, {.per_class = kTestPerClass, .seed = 1, .name = "latin/test"});
  std::vector<Task> tasks{cyrillic_task(fonts, experiment)};
  if (!experiment.flowers.empty()) tasks.push_back(flower_task(experiment));

  Model start = letter_network(26);
  start.initialize(0);
  TransferExperiment longer = experiment;
  longer.steps = 4 * experiment.steps;
  train(start, latin, 3e-3, fmt::format("Latin letters, {} of each: {}", experiment.latin_per_class, describe(fonts)),
        longer, 0);
  TransferResult result{.latin_accuracy = evaluate(start, latin_test).accuracy,
                        .fonts = describe(fonts),
                        .rows = {},
                        .letters = sheet_of(latin, tasks.front().test)};
  for (const Task& task : tasks) {
    for (const Way& way : kWays) {
      for (const Index per_class : experiment.per_class) {
        TransferRow row{.task = task.name, .training = way.name, .per_class = per_class};
        for (Index seed = 0; seed < experiment.seeds; ++seed) {
          row.accuracy.push_back(
              accuracy_of(way, start, task, per_class, static_cast<std::uint64_t>(seed), experiment));
        }
        result.rows.push_back(std::move(row));
      }
    }
  }
  return result;
}

std::string transfer_table(const TransferResult& result) {
  std::string text = fmt::format("start: {:.1f} % of Latin letters; {}\n", 100.0 * result.latin_accuracy, result.fonts);
  for (const std::string& task : tasks_of(result)) {
    text += fmt::format("\n{:<24}", task);
    for (const TransferRow& row : rows_of(result, task, kWays[0].name)) {
      text += fmt::format("{:>12}", fmt::format("{} a class", row.per_class));
    }
    for (const Way& way : kWays) {
      text += fmt::format("\n{:<24}", way.name);
      for (const TransferRow& row : rows_of(result, task, way.name)) {
        text += fmt::format("{:>10.1f} %", 100.0 * row.mean_accuracy());
      }
    }
    text += "\n";
  }
  return text;
}

std::string transfer_csv(const TransferResult& result) {
  std::string text = "task,training,per_class,seed,accuracy\n";
  for (const TransferRow& row : result.rows) {
    for (std::size_t seed = 0; seed < row.accuracy.size(); ++seed) {
      text += fmt::format("{},{},{},{},{:.4f}\n", row.task, row.training, row.per_class, seed, row.accuracy[seed]);
    }
  }
  return text;
}

std::string transfer_html(const TransferResult& result) {
  std::string body;
  for (const std::string& task : tasks_of(result)) {
    body += fmt::format("<h2>{}</h2>\n{}<table><tr><th>training</th>", task, svg_curves(result, task));
    for (const TransferRow& row : rows_of(result, task, kWays[0].name)) {
      body += fmt::format("<th>{} a class</th>", row.per_class);
    }
    for (const Way& way : kWays) {
      body += fmt::format("</tr>\n<tr><td>{}</td>", way.name);
      for (const TransferRow& row : rows_of(result, task, way.name)) {
        body += fmt::format("<td>{:.1f} %</td>", 100.0 * row.mean_accuracy());
      }
    }
    body += "</tr></table>\n";
  }
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>From Latin letters to others</title>\n"
      "<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#212529}}"
      "svg{{width:100%}}.grid{{stroke:#dee2e6}}.curve{{fill:none;stroke-width:3}}text{{font-size:14px;fill:#495057}}"
      ".x{{text-anchor:middle}}.y{{text-anchor:end}}table{{border-collapse:collapse;font-size:14px}}"
      "td,th{{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #dee2e6}}</style></head><body>\n"
      "<h1>From Latin letters to others</h1>\n"
      "<p>A network that was trained on typed Latin letters (it knows {:.1f} % of them in fonts that it has not seen; "
      "{}) "
      "goes on to\nother images: its last layer learns them, its last two, or all. Dashed: the same network begun "
      "anew. "
      "Test letters come\nin fonts that no training has seen.</p>\n{}</body></html>\n",
      100.0 * result.latin_accuracy, result.fonts, body);
}

}  // namespace saccade::cli
