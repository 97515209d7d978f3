#include <saccade/saccade.h>

#include <iostream>

int main(int argc, char** argv) try {
  const saccade::Classifier classifier(argc > 1 ? argv[1] : "lenet5.safetensors");
  for (int i = 2; i < argc; ++i) {
    const saccade::Guess guess = classifier.classify(argv[i]);
    std::cout << argv[i] << ": " << guess.label << " (" << 100 * guess.probability << " %)\n";
  }
  return 0;
} catch (const saccade::Error& error) {
  std::cerr << error.what() << '\n';
  return 2;
}
