// A program outside the project: it sees nothing but what was installed.
#include <iostream>

#include "saccade/base/error.h"
#include "saccade/base/random.h"
#include "saccade/tensor/tensor.h"

int main() {
  saccade::Tensor image({28, 28, 1});
  saccade::Stream stream(1, 0, 0, 0);
  for (float& pixel : image.floats()) pixel = stream.uniform();
  std::cout << "consumer: " << image.shape().to_string() << '\n';
  try {
    (void)image.reshaped({3});
  } catch (const saccade::ShapeError& error) {
    std::cout << error.what() << '\n';
    return 0;
  }
  return 1;
}
