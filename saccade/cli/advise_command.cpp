#include "saccade/cli/advise_command.h"

#include <fmt/format.h>

#include <memory>
#include <ostream>

#include "saccade/base/printable.h"
#include "saccade/cli/inputs.h"
#include "saccade/cli/interrupt.h"
#include "saccade/train/interrupted.h"
#include "saccade/train/transfer_advice.h"

namespace saccade::cli {
namespace {

struct AdviseRequest {
  std::string dataset;
  std::string from;
  Index most_images = 500;
  std::uint64_t seed = 0;
  bool json = false;
  SetLocation location;
  ImageInputOptions images;
};

data::DatasetPtr images_of(const AdviseRequest& request, const Model& net, Console& console) {
  if (is_standard_set(request.dataset)) return load_set(request.dataset, request.location, console).train;
  const FolderParts parts = parts_of(request.dataset);
  const WantedImages wanted{.shape = net.input_shape(), .cache = request.location.cache};
  return find_images(parts.train.empty() ? request.dataset : parts.train, request.images, wanted, {}, console).images;
}

/// The command that follows from the advice.
std::string command_of(const TransferAdvice& advice, const AdviseRequest& request) {
  if (advice.training == Training::scratch) return fmt::format("saccade train {}", request.dataset);
  return fmt::format("saccade train {} --from {} {}", request.dataset, request.from, advice.options);
}

std::string text_of(const TransferAdvice& advice, const AdviseRequest& request) {
  std::string text =
      fmt::format("{:<32} {:>6}  {:>10}  accuracy of a linear classifier\n", "features of", "layers", "dimensions");
  for (const Probe& probe : advice.probes) {
    text += fmt::format("{:<32} {:>6}  {:>10}  {:.1f} %\n",
                        probe.layers == 0 ? "the images themselves" : printable(probe.layer), probe.layers,
                        probe.dimensions, 100.0 * probe.accuracy);
  }
  text += fmt::format(
      "from {} images, each told by all the others; give or take {:.1f} %; {:.1f} % is the largest class\n\n",
      advice.looked_at, 200.0 * advice.standard_error, 100.0 * advice.majority);
  text += fmt::format("train: {}\n", name_of(advice.training));
  for (const std::string& reason : advice.reasons) text += fmt::format("  - {}\n", printable(reason));
  return text + fmt::format("try:   {}\n", printable(command_of(advice, request)));
}

void advise(const AdviseRequest& request, Console& console) {
  require_useful(request.images, request.dataset, "advise");
  Model net = load_network(request.from);
  const data::DatasetPtr images = images_of(request, net, console);
  const InterruptScope interrupt;
  TransferAdvice advice;
  try {
    ProgressBar bar(console, {.label = "look", .total = std::min(request.most_images, images->size())});
    advice = transfer_advice(net, images,
                             {.most_images = request.most_images,
                              .seed = request.seed,
                              .stop = &InterruptScope::requested,
                              .progress = [&](Index done, Index) { bar.update(done); }});
  } catch (const InterruptedError&) {
    throw Exit{kInterruptedExit};
  }
  console.out << (request.json ? to_json(advice) : text_of(advice, request));
}

}  // namespace

void add_advise_command(const Command& program, Console& console) {
  const auto request = std::make_shared<AdviseRequest>();
  const Command command = program.add_command("advise", "How much of a trained network to train on your images");
  command.add("DATASET", request->dataset, "a folder with a sub-folder a class, a .csv file, or mnist, cifar10, ...")
      .required();
  command.add("--from", request->from, "the trained network: a file of any format, or a run folder").required();
  command.add("--most-images", request->most_images, "images to look at", 20);
  command.add("--seed", request->seed, "of which images");
  command.add("--json", request->json, "print everything as JSON");
  command.add("--data", request->location.cache, "cache of data sets [$SACCADE_DATA, or ~/.cache/saccade]").type("DIR");
  command.add("--data-from", request->location.from, "folder to take the data set's files from").type("DIR");
  command.add("--offline", request->location.offline, "never ask the network for data");
  request->images.visit_files([&](const char* flag, auto& value, const char* help) { command.add(flag, value, help); });
  command.footer(
      "Counts the images of each class, and fits a linear classifier to what the network makes of some of them at "
      "several\n"
      "depths: where that is good, layers up to there can stay as they are. Takes seconds.\n"
      "Examples:\n"
      "  saccade advise photos/ --from squeezenet.onnx\n"
      "  saccade advise photos/ --from runs/lenet5-mnist --json");
  command.action([request, &console] { advise(*request, console); });
}

}  // namespace saccade::cli
