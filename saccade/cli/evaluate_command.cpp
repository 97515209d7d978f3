#include "saccade/cli/evaluate_command.h"

#include <fmt/format.h>

#include <memory>
#include <ostream>

#include "saccade/cli/inputs.h"
#include "saccade/cli/interrupt.h"
#include "saccade/kernels/conv2d/conv2d.h"
#include "saccade/train/evaluate.h"
#include "saccade/train/interrupted.h"
#include "saccade/train/report.h"

namespace saccade::cli {
namespace {

struct EvaluateRequest {
  std::string network;
  std::string dataset;
  std::string report;
  Index top_k = 5;
  Index batch_size = 256;
  std::string test_time_augmentation = "none";
  bool exact = false;
  bool json = false;
  SetLocation location;
  ImageInputOptions images;
};

void evaluate_network(const EvaluateRequest& request, Console& console) {
  kernels::set_exact_convolutions(request.exact);
  Model net = load_network(request.network);
  const data::DatasetPtr dataset = load_part(request.dataset, request.location, request.images, net, console);
  check_fit(net, *dataset);
  if (!request.report.empty()) make_folder(request.report, "--report");
  const InterruptScope interrupt;
  Evaluation evaluation;
  try {
    ProgressBar bar(console, {.label = "evaluate", .total = dataset->size()});
    evaluation = evaluate(net, dataset,
                          {.batch_size = request.batch_size,
                           .loss = net.ends_in_softmax() ? Loss(CrossEntropy{}) : Loss(SoftmaxCrossEntropy{}),
                           .test_time_augmentation = test_time_augmentation_named(request.test_time_augmentation),
                           .stop = &InterruptScope::requested,
                           .progress = [&](Index done, Index) { bar.update(done); }});
  } catch (const InterruptedError&) {
    throw Exit{kInterruptedExit};
  }
  const ReportOptions options{.top_k = request.top_k};
  if (!request.report.empty()) write_report(request.report, evaluation, *dataset, options);
  console.out << (request.json ? report_json(evaluation, dataset->class_names(), options)
                               : report_text(evaluation, dataset->class_names(), options));
}

}  // namespace

void add_evaluate_command(const Command& program, Console& console) {
  const auto request = std::make_shared<EvaluateRequest>();
  const Command command =
      program.add_command("evaluate", "Test a trained network on a data set, or on your own images");
  command.add("NETWORK", request->network, "a .safetensors, .onnx, .keras or .h5 file, or a run folder").required();
  command
      .add("DATASET", request->dataset,
           "mnist/test, mnist/train, ... (mnist is its test part), a folder with a sub-folder a class, or a .csv "
           "file")
      .required();
  command.add("--report", request->report, "also write the report's files into this folder").type("DIR");
  command.add("--top-k", request->top_k, "count a label among the N largest outputs", 1);
  command.add("--batch-size", request->batch_size, "images at a time", 1);
  command.add("--test-time-augmentation", request->test_time_augmentation,
              "take the mean over views of each image: none, flip or flip-and-shift");
  command.add("--json", request->json, "print the report as JSON");
  command.add("--exact", request->exact, kExactHelp);
  command.add("--data", request->location.cache, "cache of data sets [$SACCADE_DATA, or ~/.cache/saccade]").type("DIR");
  command.add("--data-from", request->location.from, "folder to take the data set's files from").type("DIR");
  command.add("--offline", request->location.offline, "never ask the network for data");
  request->images.visit_files(
      [command](const char* name, auto& value, const char* help) { command.add(name, value, help); });
  command.footer(
      "Examples:\n"
      "  saccade evaluate runs/lenet5-mnist mnist/test\n"
      "  saccade evaluate runs/vgg_small-photos new-photos/ --report new\n"
      "  saccade evaluate best.safetensors mnist/test --json | jq .accuracy");
  command.action([request, &console] { evaluate_network(*request, console); });
}

}  // namespace saccade::cli
