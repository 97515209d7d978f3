#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "saccade/base/printable.h"
#include "saccade/cli/roofline.h"

namespace saccade::cli {
namespace {

constexpr double kWidth = 800.0, kHeight = 576.0;
constexpr double kLeft = 70.0, kRight = 20.0, kTop = 44.0, kBottom = 166.0;
constexpr std::size_t kLabels = 6;  // of the points that take longest
constexpr const char *kForward = "#2166ac", *kBackward = "#d6604d";

std::string escape(const std::string& text) {
  std::string escaped;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

/// Three digits, or all before the point.
std::string milliseconds(double seconds) {
  return seconds >= 0.1 ? fmt::format("{:.0f}", 1e3 * seconds) : fmt::format("{:.3g}", 1e3 * seconds);
}

/// A logarithmic axis over whole decades.
struct Axis {
  double low = 1.0, high = 10.0;
  double begin = 0.0, end = 1.0;  // in the picture

  void take(double value) {
    low = std::min(low, std::pow(10.0, std::floor(std::log10(value))));
    high = std::max(high, std::pow(10.0, std::ceil(std::log10(value))));
  }
  double at(double value) const {
    const double share = std::log10(value / low) / std::log10(high / low);
    return begin + std::clamp(share, 0.0, 1.0) * (end - begin);
  }
};

class Picture {
 public:
  explicit Picture(const RooflineReport& report) : report_(report), step_seconds_(report.seconds()) {
    y_.take(report.fma_peak);
    x_.take(report.fma_peak / report.bandwidth);
    for (const RooflinePoint& point : report.points) {
      if (point.flops <= 0.0) {
        without_flops_ += point.seconds;
        continue;
      }
      points_.push_back(&point);
      x_.take(point.intensity());
      y_.take(point.gflops());
    }
    std::ranges::stable_sort(points_, std::ranges::greater(), &RooflinePoint::seconds);
  }

  std::string draw() {
    text_ = fmt::format(
        R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0:.0f} {1:.0f}" font-family="sans-serif" font-size="13">)"
        "\n"
        R"(<rect width="{0:.0f}" height="{1:.0f}" fill="white"/>)"
        "\n",
        kWidth, kHeight);
    write(kLeft, 26, "start",
          fmt::format("{}: a training step of {} images, {} {}, {} ms forward and backward", report_.network,
                      report_.batch_size, report_.threads, report_.threads == 1 ? "thread" : "threads",
                      milliseconds(step_seconds_)));
    draw_axes();
    draw_roof();
    for (const RooflinePoint* point : points_) draw_point(*point);
    for (const RooflinePoint* point : points_) draw_label(*point);
    draw_legend();
    return text_ + "</svg>\n";
  }

 private:
  void write(double x, double y, const char* anchor, const std::string& text, const std::string& more = "") {
    text_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y, anchor, more,
                         escape(text));
  }
  void line(double x1, double y1, double x2, double y2, const char* style) {
    text_ += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1, y1, x2, y2, style);
  }

  void draw_axes() {
    constexpr const char* kGrid = R"(stroke="#ddd")";
    for (double value = x_.low; value < 1.01 * x_.high; value *= 10.0) {
      line(x_.at(value), y_.begin, x_.at(value), y_.end, kGrid);
      write(x_.at(value), y_.begin + 18.0, "middle", fmt::format("{:g}", value));
    }
    for (double value = y_.low; value < 1.01 * y_.high; value *= 10.0) {
      line(x_.begin, y_.at(value), x_.end, y_.at(value), kGrid);
      write(x_.begin - 8.0, y_.at(value) + 4.0, "end", fmt::format("{:g}", value));
    }
    write((x_.begin + x_.end) / 2.0, y_.begin + 38.0, "middle", "FLOP a byte of inputs, outputs and weights");
    const double middle = (y_.begin + y_.end) / 2.0;
    write(20.0, middle, "middle", "GFLOP/s", fmt::format(" transform=\"rotate(-90 20 {:.1f})\"", middle));
  }

  void draw_roof() {
    constexpr const char* kRoof = R"(stroke="black" stroke-width="2")";
    const double ridge = report_.fma_peak / report_.bandwidth;
    const double foot = std::max(x_.low, y_.low / report_.bandwidth);
    line(x_.at(foot), y_.at(foot * report_.bandwidth), x_.at(ridge), y_.at(report_.fma_peak), kRoof);
    line(x_.at(ridge), y_.at(report_.fma_peak), x_.end, y_.at(report_.fma_peak), kRoof);
    write(x_.at(ridge) + 6.0, y_.at(report_.fma_peak) - 7.0, "start",
          fmt::format("fused multiply-adds: {:.0f} GFLOP/s", report_.fma_peak));
    const double x = x_.at(std::sqrt(foot * ridge)), y = y_.at(std::sqrt(foot * ridge) * report_.bandwidth);
    const double angle = std::atan2(y_.at(report_.fma_peak) - y, x_.at(ridge) - x) * 180.0 / M_PI;
    write(x, y - 8.0, "middle", fmt::format("memory: {:.1f} GB/s", report_.bandwidth),
          fmt::format(" transform=\"rotate({:.1f} {:.1f} {:.1f})\"", angle, x, y));
  }

  void draw_point(const RooflinePoint& point) {
    constexpr double kLeast = 3.0, kMost = 26.0;
    const bool winograd = point.implementation.find("winograd") != std::string::npos;
    const double share = point.seconds / step_seconds_;
    text_ += fmt::format(
        "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\" fill=\"{}\" "
        "fill-opacity=\"0.55\"{}><title>{}</title></circle>\n",
        x_.at(point.intensity()), y_.at(point.gflops()), kLeast + kMost * std::sqrt(share),
        point.backward ? kBackward : kForward, winograd ? R"( stroke="black" stroke-width="1.5")" : "",
        escape(fmt::format("{} {}, {}: {} ms, {:.1f} % of the step, {:.0f} GFLOP/s, {:.2g} FLOP a byte", point.layer,
                           point.backward ? "backward" : "forward", point.implementation, milliseconds(point.seconds),
                           100.0 * share, point.gflops(), point.intensity())));
  }

  /// Names a point unless there are names enough, or one stands there already.
  void draw_label(const RooflinePoint& point) {
    constexpr double kNear = 13.0, kWide = 120.0;
    const double x = x_.at(point.intensity()), y = y_.at(point.gflops());
    const bool taken = std::ranges::any_of(labels_, [&](const auto& label) {
      return std::abs(label.first - x) < kWide && std::abs(label.second - y) < kNear;
    });
    if (taken || labels_.size() == kLabels) return;
    labels_.emplace_back(x, y);
    const bool right = x > (x_.begin + x_.end) / 2.0;
    write(x + (right ? -14.0 : 14.0), y + 4.0, right ? "end" : "start", point.layer, R"( font-size="11" fill="#333")");
  }

  void draw_legend() {
    const double y = y_.begin + 62.0;
    const auto mark = [&](double x, const char* style, const char* text) {
      text_ += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"6\" {}/>\n", x, y - 4.0, style);
      write(x + 11.0, y, "start", text);
    };
    mark(kLeft + 6.0, fmt::format(R"(fill="{}" fill-opacity="0.55")", kForward).c_str(), "forward");
    mark(kLeft + 96.0, fmt::format(R"(fill="{}" fill-opacity="0.55")", kBackward).c_str(), "backward");
    mark(kLeft + 196.0, R"(fill="none" stroke="black" stroke-width="1.5")", "by Winograd's filtering");
    write(kLeft + 390.0, y, "start", "area: share of the step's time");
    const std::string more = R"( font-size="12" fill="#333")";
    double at = y;
    const auto note = [&](const std::string& text) {
      write(kLeft, at += 17.0, "start", text, R"( font-size="12" fill="#333")");
    };
    note(
        "GFLOP/s count the definition's multiply-adds. Winograd's filtering does with fewer, and where pooling is "
        "joined to");
    note(
        "a convolution, gradients that are zero are left out: their points may lie above the roof. So may those of "
        "operations");
    note("whose data the caches hold, above its slope.");
    note(
        fmt::format("Not shown, for they have no multiply-adds: normalisation, pooling, addition, activations, {:.0f} "
                    "% of the time.",
                    100.0 * without_flops_ / step_seconds_));
  }

  const RooflineReport& report_;
  double step_seconds_;
  double without_flops_ = 0.0;
  std::vector<const RooflinePoint*> points_;  // with FLOPs, those that take longest first
  Axis x_{.low = 1.0, .high = 100.0, .begin = kLeft, .end = kWidth - kRight};
  Axis y_{.low = 10.0, .high = 100.0, .begin = kHeight - kBottom, .end = kTop};
  std::vector<std::pair<double, double>> labels_;  // where they stand
  std::string text_;
};

}  // namespace

std::string draw_roofline(const RooflineReport& report) { return Picture(report).draw(); }

}  // namespace saccade::cli
