#include <saccade/saccade.h>

#include <cstdio>
#include <iostream>

using namespace saccade;

int main() {
  auto [train, test] = data::mnist();  // 60,000 and 10,000 digits, fetched when they are missing
  Model net = Sequential("lenet5", {
                                       Input{{28, 28, 1}},
                                       Conv2D{{.filters = 6, .kernel = 5, .padding = same, .activation = relu}},
                                       MaxPool2D{{.pool = 2}},
                                       Conv2D{{.filters = 16, .kernel = 5, .padding = valid, .activation = relu}},
                                       MaxPool2D{{.pool = 2}},
                                       Flatten{},
                                       Dense{{.units = 120, .activation = relu}},
                                       Dense{{.units = 84, .activation = relu}},
                                       Dense{{.units = 10}},
                                   });
  std::cout << net.summary();  // 61,706 parameters
  net.class_names = train->class_names();

  fit(net, train,
      {.epochs = 2,
       .batch_size = 128,
       .optimizer = Adam{{.learning_rate = 3e-3}},
       .validation = test,
       .callbacks = {std::make_shared<Progress>(std::cout, ProgressOptions{.live = false})}});

  const Evaluation result = evaluate(net, test);
  std::printf("test accuracy %.2f %%\n", 100 * result.accuracy);
  net.save("lenet5.safetensors");
  return result.accuracy > 0.97 ? 0 : 1;
}
