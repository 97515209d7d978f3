// A program outside the project: it sees nothing but what was installed, and trains a network with it.
#include <saccade/saccade.h>

#include <cstdint>
#include <iostream>
#include <memory>
#include <utility>
#include <vector>

using namespace saccade;

int main() {
  // Four classes of 4x4 images: one bright quarter each.
  Tensor images({64, 4, 4, 1}, DType::uint8);
  std::vector<std::int32_t> labels;
  for (int n = 0; n < 64; ++n) {
    const int quarter = n % 4;
    labels.push_back(quarter);
    for (int i = 0; i < 4; ++i) {
      const int row = quarter / 2 * 2 + i / 2;
      const int column = quarter % 2 * 2 + i % 2;
      images.uint8s()[usize(n * 16 + row * 4 + column)] = 255;
    }
  }
  const auto quarters = std::make_shared<data::InMemory>("quarters", std::move(images), std::move(labels),
                                                         std::vector<std::string>{"nw", "ne", "sw", "se"});

  Model net = Sequential("quarters", {
                                         Input{{4, 4, 1}},
                                         Conv2D{{.filters = 4, .kernel = 2, .activation = relu}},
                                         Flatten{},
                                         Dense{{.units = 4}},
                                     });
  std::cout << net.summary();
  fit(net, quarters, {.epochs = 20, .batch_size = 16, .optimizer = Adam{{.learning_rate = 1e-2}}});
  const Evaluation result = evaluate(net, quarters);
  std::cout << "accuracy " << result.accuracy << '\n';
  return result.accuracy == 1.0 ? 0 : 1;
}
