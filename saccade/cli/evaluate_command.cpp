#include "saccade/cli/evaluate_command.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <memory>
#include <ostream>

#include "saccade/cli/declare_internal.h"
#include "saccade/cli/inputs.h"
#include "saccade/cli/interrupt.h"
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
  bool json = false;
  SetLocation location;
  ImageInputOptions images;
};

void evaluate_network(const EvaluateRequest& request, Console& console) {
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
                           .stop = &InterruptScope::requested,
                           .progress = [&](Index done, Index) { bar.update(done); }});
  } catch (const InterruptedError&) {
    throw CLI::RuntimeError(kInterruptedExit);
  }
  const ReportOptions options{.top_k = request.top_k};
  if (!request.report.empty()) write_report(request.report, evaluation, *dataset, options);
  console.out << (request.json ? report_json(evaluation, dataset->class_names(), options)
                               : report_text(evaluation, dataset->class_names(), options));
}

}  // namespace

void add_evaluate_command(CLI::App& app, Console& console) {
  const auto request = std::make_shared<EvaluateRequest>();
  CLI::App* command = app.add_subcommand("evaluate", "Test a trained network on a data set, or on your own images");
  command->add_option("NETWORK", request->network, "a .safetensors file, or a run folder")->required()->type_name("");
  command
      ->add_option(
          "DATASET", request->dataset,
          "mnist/test, mnist/train, ... (mnist is its test part), a folder with a sub-folder a class, or a .csv "
          "file")
      ->required()
      ->type_name("");
  command->add_option("--report", request->report, "also write the report's files into this folder")->type_name("DIR");
  add_number(*command, "--top-k", request->top_k, "count a label among the N largest outputs", 1);
  add_number(*command, "--batch-size", request->batch_size, "images at a time", 1);
  command->add_flag("--json", request->json, "print the report as JSON");
  command->add_option("--data", request->location.cache, "cache of data sets [$SACCADE_DATA, or ~/.cache/saccade]")
      ->type_name("DIR");
  command->add_option("--data-from", request->location.from, "folder to take the data set's files from")
      ->type_name("DIR");
  command->add_flag("--offline", request->location.offline, "never ask the network for data");
  request->images.visit_files(
      [command](const char* flag, auto& value, const char* help) { declare(*command, flag, value, help); });
  command->footer(
      "Examples:\n"
      "  saccade evaluate runs/lenet5-mnist mnist/test\n"
      "  saccade evaluate runs/vgg_small-photos new-photos/ --report new\n"
      "  saccade evaluate best.safetensors mnist/test --json | jq .accuracy");
  command->callback([request, &console] { evaluate_network(*request, console); });
}

}  // namespace saccade::cli
