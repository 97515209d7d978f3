// saccade_latency_bench NETWORK [--threads N] [--seconds S]: how long one image takes, from preprocessed pixels to outputs, in
// a network file. Prints the median and the least of the times as one line of JSON, in milliseconds.
// compare_onnxruntime.sh runs it in turns with ONNX Runtime.
#include <saccade/saccade.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// The times of single forward passes, in seconds, sorted.
std::vector<double> measure(saccade::Model& net, double seconds) {
  saccade::Plan plan(net, 1, saccade::PlanMode::constant);
  std::vector<float> image(static_cast<std::size_t>(net.input_shape().elements()));
  saccade::Stream stream(1, 0, 0, 0);
  for (float& value : image) value = stream.uniform();
  constexpr int kWarmUp = 10;
  for (int i = 0; i < kWarmUp; ++i) plan.forward(image);
  std::vector<double> times;
  for (const double start = now(); now() - start < seconds;) {
    const double begin = now();
    plan.forward(image);
    times.push_back(now() - begin);
  }
  std::ranges::sort(times);
  return times;
}

}  // namespace

int main(int argc, char** argv) try {
  double seconds = 0.5;
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    if (option == "--threads") saccade::set_thread_count(std::atoi(argv[i + 1]));
    if (option == "--seconds") seconds = std::atof(argv[i + 1]);
  }
  if (argc < 2)
    throw saccade::ValueError({.where = "saccade_latency_bench", .expected = "a network", .got = "none", .fix = ""});
  saccade::Model net = saccade::load_network(argv[1]);
  const std::vector<double> times = measure(net, seconds);
  std::printf("{\"median\": %.4f, \"least\": %.4f}\n", 1e3 * times[times.size() / 2], 1e3 * times.front());
  return 0;
} catch (const saccade::Error& error) {
  std::cerr << error.what() << '\n';
  return 2;
}
