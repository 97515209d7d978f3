#include "saccade/cli/predict_command.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>
#include <ostream>

#include "saccade/base/error.h"
#include "saccade/base/printable.h"
#include "saccade/cli/inputs.h"
#include "saccade/data/image_folder.h"
#include "saccade/data/image_table.h"
#include "saccade/kernels/conv2d/conv2d.h"
#include "saccade/train/classifier.h"

namespace saccade::cli {
namespace {

namespace fs = std::filesystem;

struct PredictRequest {
  std::string network;
  std::vector<std::string> images;
  Index top = 3;
  bool invert = false;
  ImageInputOptions reading;
  bool exact = false;
  bool json = false;
};

/// The images that the arguments name: files as they are, those of folders and .csv files, "-" for stdin.
std::vector<std::string> expand(const PredictRequest& request) {
  const bool has_table = std::ranges::any_of(
      request.images, [](const std::string& image) { return image.ends_with(".csv") && !fs::is_directory(image); });
  if (!has_table) require_no_table_options(request.reading, "predict");
  std::vector<std::string> files;
  for (const std::string& argument : request.images) {
    if (fs::is_directory(argument)) {
      const std::vector<std::string> inside = data::list_images(argument);
      if (inside.empty()) {
        throw ValueError({.where = argument,
                          .expected = "a folder with images",
                          .got = "none",
                          .fix = "png, jpg, bmp, gif, pnm, tiff and webp files are read"});
      }
      for (const std::string& name : inside) files.push_back((fs::path(argument) / name).string());
    } else if (argument.ends_with(".csv")) {
      for (const fs::path& path :
           data::list_table(argument, {.x_col = request.reading.x_col, .directory = request.reading.image_folder})) {
        files.push_back(path.string());
      }
    } else {
      files.push_back(argument);
    }
  }
  return files;
}

Tensor read_input(const std::string& file, const data::ImageReading& reading) {
  if (file != "-") return data::read_image(file, reading);
  const std::string bytes{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  return data::read_image(std::as_bytes(std::span(bytes)), "standard input", reading);
}

Tensor inverted(Tensor image) {
  for (std::uint8_t& pixel : image.uint8s()) pixel = static_cast<std::uint8_t>(255 - pixel);
  return image;
}

void print(const std::string& file, const std::vector<Guess>& guesses, bool as_json, Console& console) {
  if (as_json) {  // one object a line, so that results stream
    nlohmann::ordered_json line{{"image", file}, {"predictions", nlohmann::ordered_json::array()}};
    for (const Guess& g : guesses) line["predictions"].push_back({{"class", g.label}, {"probability", g.probability}});
    console.out << line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << '\n';
    return;
  }
  std::string line = printable(file);
  for (const Guess& g : guesses)
    line += fmt::format("  {} {:.1f} %", printable(g.label), 100.0 * static_cast<double>(g.probability));
  console.out << line << '\n';
}

void predict_images(const PredictRequest& request, Console& console) {
  kernels::set_exact_convolutions(request.exact);
  Model net = load_network(request.network);
  const data::ImageReading reading = reading_of(request.reading, {.shape = net.input_shape()});
  const Classifier classifier(std::move(net), {.reading = reading});
  Index bad = 0;
  for (const std::string& file : expand(request)) {
    try {
      Tensor image = read_input(file, reading);
      if (request.invert) image = inverted(std::move(image));
      print(file, classifier.top(image, request.top), request.json, console);
    } catch (const Error& error) {  // one bad file must not cost the others
      console.err << error.what() << std::endl;
      ++bad;
    }
  }
  if (bad > 0) throw Exit{2};
}

}  // namespace

void add_predict_command(const Command& program, Console& console) {
  const auto request = std::make_shared<PredictRequest>();
  const Command command = program.add_command("predict", "Say what is on images");
  command.add("NETWORK", request->network, "a .safetensors, .onnx, .keras or .h5 file, or a run folder").required();
  command.add("IMAGE", request->images, "image files, folders of them, .csv files, or - for standard input").required();
  command.add("--top", request->top, "how many classes to name", 1);
  command.add("--invert", request->invert, "swap dark and light: for digits written dark on white");
  command.add("--x-col", request->reading.x_col, "column of a .csv file with the images' files");
  command.add("--image-folder", request->reading.image_folder, "where the files of a .csv file are [beside it]");
  command.add("--max-pixels", request->reading.max_pixels, "largest image to decode, height times width");
  command.add("--exact", request->exact, kExactHelp);
  command.add("--json", request->json, "one JSON object a line and image");
  command.footer(
      "Images are turned into the network's size (bilinear) and channels. A file that cannot be read is reported, the\n"
      "others are done, and the exit code is 2.\n"
      "Examples:\n"
      "  saccade predict runs/lenet5-mnist digit.png --invert\n"
      "  saccade predict runs/lenet5-mnist digits/ --json\n"
      "  cat digit.png | saccade predict runs/lenet5-mnist -");
  command.action([request, &console] { predict_images(*request, console); });
}

}  // namespace saccade::cli
