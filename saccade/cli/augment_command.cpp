#include "saccade/cli/augment_command.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <ostream>
#include <utility>
#include <vector>

#include "saccade/augment/image_data_generator.h"
#include "saccade/base/error.h"
#include "saccade/base/random.h"
#include "saccade/cli/augment_options.h"
#include "saccade/cli/inputs.h"
#include "saccade/cli/parse_numbers.h"
#include "saccade/image/color.h"
#include "saccade/image/decode.h"
#include "saccade/image/draw.h"
#include "saccade/image/encode.h"
#include "saccade/image/resize.h"

namespace saccade::cli {
namespace {

namespace fs = std::filesystem;

constexpr double kMostSheetValues = 1e9;  // of all pictures together, in bytes of memory

struct AugmentRequest {
  std::string image;
  AugmentOptions options;
  std::string grid = "4x4";
  std::string output;
  std::string save_to_dir;
  std::string save_prefix = "aug";
  Index max_side = 1024;
  Index max_pixels = DecodeLimits{}.max_pixels;
  Index seed = 0;
};

struct Grid {
  Index rows, columns;
};

Grid grid_of(const std::string& text) {
  const auto grid = parse_pair(text, 'x', false);
  if (!grid || std::min(grid->first, grid->second) < 1 || std::max(grid->first, grid->second) > 100) {
    throw ValueError({.where = "augment: --grid",
                      .expected = "ROWSxCOLUMNS, each 1 to 100",
                      .got = fmt::format("'{}'", text),
                      .fix = "try 4x4"});
  }
  return {grid->first, grid->second};
}

/// The picture, no larger than max_side: a sheet is for the eye.
Tensor read_picture(const AugmentRequest& request) {
  Tensor image = read_image(
      request.image,
      {.limits = {.max_pixels = request.max_pixels}, .min_height = request.max_side, .min_width = request.max_side});
  const ImageSize size = image_size(image, "augment");
  const Index longer = std::max(size.height, size.width);
  if (longer <= request.max_side) return image;
  const auto scaled = [&](Index side) { return std::max<Index>(1, side * request.max_side / longer); };
  return resize(image,
                {.height = scaled(size.height), .width = scaled(size.width), .interpolation = Interpolation::bilinear});
}

void augment(const AugmentRequest& request, Console& console) {
  const ImageDataGenerator generator(generator_options(request.options, "augment"));
  if (!generator.augments()) {
    throw ValueError({.where = "augment",
                      .expected = "an option that changes pictures",
                      .got = "none",
                      .fix = "try --rotation-range 30; see saccade augment --help"});
  }
  if (request.output.empty() && request.save_to_dir.empty()) {
    throw ValueError({.where = "augment",
                      .expected = "-o FILE for a sheet, or --save-to-dir DIR for the pictures",
                      .got = "neither",
                      .fix = "try -o sheet.png"});
  }
  if (!request.output.empty()) require_image_ending(request.output);
  const Grid grid = grid_of(request.grid);
  const Tensor original = read_picture(request);
  const std::vector<float> source(original.uint8s().begin(), original.uint8s().end());
  const double values = static_cast<double>(grid.rows * grid.columns) * static_cast<double>(original.elements());
  if (!request.output.empty() && values > kMostSheetValues) {
    throw ValueError({.where = "augment: --grid",
                      .expected = fmt::format("a sheet of at most {:g} values", kMostSheetValues),
                      .got = fmt::format("{:g}", values),
                      .fix = "use a smaller --grid or --max-side, or --save-to-dir alone"});
  }
  if (!request.save_to_dir.empty()) make_folder(request.save_to_dir, "--save-to-dir");

  std::string report;
  std::vector<SheetCell> cells;
  for (Index i = 0; i < grid.rows * grid.columns; ++i) {
    std::vector<float> image = source;
    Stream stream(static_cast<std::uint64_t>(request.seed), 0, static_cast<std::uint64_t>(i), slot_of("augment"));
    const ImageTransform transform = generator.random_transform(original.shape(), image, stream);
    Tensor picture = round_to_image(original.shape(), image);
    std::string line = to_json(transform);
    if (!request.save_to_dir.empty()) {
      const fs::path file = fs::path(request.save_to_dir) / fmt::format("{}_{}.png", request.save_prefix, i);
      write_image(file, picture);
      line = fmt::format("{{\"file\":{},{}",
                         nlohmann::json(file.string()).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
                         line.substr(1));
    }
    report += line + '\n';
    if (!request.output.empty()) cells.push_back({.image = std::move(picture)});
  }
  if (!request.output.empty()) write_image(request.output, contact_sheet(cells, {.columns = grid.columns, .gap = 6}));
  console.out << report;
}

}  // namespace

void add_augment_command(const Command& program, Console& console) {
  const auto request = std::make_shared<AugmentRequest>();
  const Command command = program.add_command("augment", "Show what augmentation makes of an image");
  command.add("IMAGE", request->image, "an image file").required();
  command.add_all(request->options);
  command.add("--grid", request->grid, "ROWSxCOLUMNS of pictures");
  command.add("-o,--output", request->output, "write them as one sheet: .png, .jpg, .webp or .ppm").type("FILE");
  command.add("--save-to-dir", request->save_to_dir, "write each as a PNG file here").type("DIR");
  command.add("--save-prefix", request->save_prefix, "what their names begin with");
  command.add("--max-pixels", request->max_pixels, "largest image to decode, height times width", 1);
  command.add("--max-side", request->max_side, "shrink larger images to so many pixels first", 1, 16384);
  command.add("--seed", request->seed, "one seed, one sheet", 0);
  command.footer(
      "Prints what happened to each picture as a line of JSON. The options are those of `saccade train`.\n"
      "Examples:\n"
      "  saccade augment photo.jpg --rotation-range 30 --fill-mode reflect --grid 4x4 -o sheet.png\n"
      "  saccade augment photo.jpg --zoom-range 0.3 --horizontal-flip --save-to-dir pictures/\n"
      "  saccade augment photo.jpg --brightness-range 0.5,1.5 -o sheet.jpg | head -1");
  command.action([request, &console] { augment(*request, console); });
}

}  // namespace saccade::cli
