#include "saccade/cli/explain_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <memory>
#include <ostream>

#include "saccade/base/error.h"
#include "saccade/base/file.h"
#include "saccade/base/printable.h"
#include "saccade/cli/image_inputs.h"
#include "saccade/cli/inputs.h"
#include "saccade/data/image_files.h"
#include "saccade/image/draw.h"
#include "saccade/image/encode.h"
#include "saccade/train/classifier.h"
#include "saccade/train/explain.h"

namespace saccade::cli {
namespace {

namespace fs = std::filesystem;

struct ExplainRequest {
  std::string network;
  std::string image;
  std::string out = "explained";
  std::string layer;
  std::string output;
  Index maps = 36;
  Index patch = 0;
  Index stride = 0;
  ImageInputOptions reading;
};

/// A picture of the result, and what a reader should know about it.
struct Panel {
  std::string file;
  std::string title;
  std::string text;
  Tensor picture;
};

/// The output that --class names, by its name or its number.
Index output_named(const std::string& name, const Model& net) {
  const auto found = std::ranges::find(net.class_names, name);
  if (found != net.class_names.end()) return found - net.class_names.begin();
  Index number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  const Index outputs = net.output_shape().elements();
  if (error == std::errc() && end == name.data() + name.size() && number >= 0 && number < outputs) return number;
  throw ValueError({.where = "explain --class",
                    .expected = fmt::format("the name of a class, or a number from 0 to {}", outputs - 1),
                    .got = fmt::format("'{}'", name),
                    .fix = "saccade predict shows the names"});
}

Tensor sheet(const std::vector<Tensor>& pictures, Index least_side) {
  std::vector<SheetCell> cells;
  for (const Tensor& picture : pictures) cells.push_back({.image = picture});
  return contact_sheet(cells, {.min_side = least_side, .gap = 6});
}

/// An image large enough to look at: a digit of 28 pixels is magnified.
Tensor magnified(const Tensor& picture) {
  const Index longer = std::max(picture.shape()[0], picture.shape()[1]);
  const Index times = std::max<Index>(1, 256 / longer);
  return resize(picture, {.height = times * picture.shape()[0], .width = times * picture.shape()[1]});
}

std::string base64(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8U | (k < count ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += k <= count ? kDigits[group >> (18 - 6 * k) & 63U] : '=';
  }
  return text;
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else if (c == '"') {
      result += "&quot;";
    } else {
      result += c;
    }
  }
  return result;
}

std::string page(const std::string& title, const std::vector<Guess>& guesses, const std::vector<Panel>& panels) {
  std::string html = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title>\n"
      "<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#212529}}"
      "img{{max-width:100%;image-rendering:pixelated}}figure{{margin:2rem 0}}td{{padding:.1rem 1rem .1rem 0}}"
      "</style></head><body>\n<h1>{0}</h1>\n<table>\n",
      escaped(title));
  for (const Guess& guess : guesses) {
    html += fmt::format("<tr><td>{}</td><td>{:.1f} %</td></tr>\n", escaped(guess.label),
                        100.0 * static_cast<double>(guess.probability));
  }
  html += "</table>\n";
  for (const Panel& panel : panels) {
    const std::vector<std::byte> png = encode_png(panel.picture);
    html += fmt::format("<figure><h2>{0}</h2><p>{1}</p><img alt=\"{0}\" src=\"data:image/png;base64,{2}\"></figure>\n",
                        escaped(panel.title), escaped(panel.text), base64(png));
  }
  return html + "</body></html>\n";
}

/// Hot is what the answer would miss most.
Tensor relative(Tensor drops) {
  const float largest = *std::ranges::max_element(drops.floats());
  for (float& value : drops.floats()) value = largest > 0.0F ? value / largest : 0.0F;
  return drops;
}

std::vector<Panel> look_inside(const ExplainRequest& request, Model& net, const Tensor& image, const Guess& guess,
                               Console& console) {
  std::vector<Panel> panels;
  panels.push_back({.file = "image.png",
                    .title = "What the network sees",
                    .text = fmt::format("{} pixels, {} channels.", net.input_shape().to_string(), image.shape()[2]),
                    .picture = magnified(image)});
  const std::string percent = fmt::format("{:.1f} %", 100.0 * static_cast<double>(guess.probability));
  panels.push_back({.file = "grad_cam.png",
                    .title = fmt::format("Where it looks: Grad-CAM for {}", guess.label),
                    .text = fmt::format("Hot is where {} speaks for {}, which it gives {}.",
                                        request.layer.empty() ? "the last layer that knows places" : request.layer,
                                        guess.label, percent),
                    .picture = heat_overlay(magnified(image), grad_cam(net, image, guess.index, request.layer))});
  {
    ProgressBar bar(console, {.label = "occlusion", .total = std::nullopt});
    const Tensor drops =
        occlusion_map(net, image, guess.index,
                      {.patch = request.patch, .stride = request.stride, .progress = [&](Index done, Index all) {
                         bar.set_total(all);
                         bar.update(done);
                       }});
    const float largest = *std::ranges::max_element(drops.floats());
    panels.push_back(
        {.file = "occlusion.png",
         .title = "What it would miss: occlusion",
         .text = fmt::format("A grey patch hides a part at a time. Hot is where the probability of {} falls "
                             "most, by {:.1f} points at the hottest place.",
                             guess.label, 100.0 * static_cast<double>(std::max(0.0F, largest))),
         .picture = heat_overlay(magnified(image), relative(drops))});
  }
  const std::vector<std::string> layers = image_layers(net);
  const std::string layer = request.layer.empty() ? layers.front() : request.layer;
  const Tensor maps = maps_in_front(feature_maps(net, image, layer));
  panels.push_back(
      {.file = "features.png",
       .title = fmt::format("Feature maps of {}", layer),
       .text = fmt::format("{} of {} channels, each from its smallest value (black) to its largest (white).",
                           std::min(request.maps, maps.shape()[0]), maps.shape()[0]),
       .picture = sheet(pictures_of(maps, request.maps), 84)});
  const Tensor filters = first_filters(net);
  panels.push_back({.file = "filters.png",
                    .title = "Filters of the first convolution",
                    .text = fmt::format("{} of {} filters of {} x {} pixels: the kernels that the network has learnt.",
                                        std::min(request.maps, filters.shape()[0]), filters.shape()[0],
                                        filters.shape()[1], filters.shape()[2]),
                    .picture = sheet(pictures_of(filters, request.maps), 56)});
  return panels;
}

void explain(const ExplainRequest& request, Console& console) {
  Model net = load_network(request.network);
  const data::ImageReading reading = reading_of(request.reading, {.shape = net.input_shape()});
  const Tensor image = data::read_image(request.image, reading);
  const Classifier classifier(net, {.reading = reading});
  const std::vector<Guess> all = classifier.top(image, net.output_shape().elements());
  const Index output = request.output.empty() ? all.front().index : output_named(request.output, net);
  const Guess guess = *std::ranges::find(all, output, &Guess::index);
  make_folder(request.out, "--out");
  const std::vector<Panel> panels = look_inside(request, net, image, guess, console);
  const fs::path out = request.out;
  for (const Panel& panel : panels) write_png(out / panel.file, panel.picture);
  const std::vector<Guess> first(all.begin(), all.begin() + std::min<std::ptrdiff_t>(5, std::ssize(all)));
  write_file(out / "index.html", page(fs::path(request.image).filename().string(), first, panels));
  console.out << fmt::format("{}  {} {:.1f} %; why, in {}\n", printable(request.image), printable(guess.label),
                             100.0 * static_cast<double>(guess.probability), printable((out / "index.html").string()));
}

}  // namespace

void add_explain_command(const Command& program, Console& console) {
  const auto request = std::make_shared<ExplainRequest>();
  const Command command = program.add_command("explain", "Show what a network looks at in an image, and what is in it");
  command.add("NETWORK", request->network, "a file of a network, or a run folder").required();
  command.add("IMAGE", request->image, "an image file").required();
  command.add("-o,--out", request->out, "folder for the pictures and the page").type("DIR");
  command.add("--class", request->output, "explain this class, by name or number [the most probable]").type("NAME");
  command
      .add("--layer", request->layer,
           "look at this layer (saccade summary names them) [Grad-CAM: the last image; feature maps: the first]")
      .type("NAME");
  command.add("--maps", request->maps, "feature maps and filters to show, at most", 1, 1024);
  command.add("--patch", request->patch, "side of the patch that hides, in pixels [a seventh of the image]", 0);
  command.add("--stride", request->stride, "pixels that the patch moves at a time [half of it]", 0);
  command.add("--max-pixels", request->reading.max_pixels, "largest image to decode, height times width");
  command.footer(
      "Writes index.html, which holds everything, and its pictures one by one: grad_cam.png, occlusion.png, "
      "features.png,\n"
      "filters.png and image.png.\n"
      "Examples:\n"
      "  saccade explain runs/lenet5-mnist digit.png\n"
      "  saccade explain squeezenet.onnx cat.jpg --class 281 --out cat\n"
      "  saccade explain runs/flowers rose.jpg --layer conv2d_3 --maps 64");
  command.action([request, &console] { explain(*request, console); });
}

}  // namespace saccade::cli
