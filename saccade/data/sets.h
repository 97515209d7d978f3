#pragma once
#include <filesystem>

#include "saccade/data/dataset.h"

namespace saccade::data {

/// The standard sets, read from a folder into memory. File names may end in .gz or not. All throw SystemError when a file
/// is missing, and FormatError naming file and byte when one is not what it should be: image size, label range 0..9, as
/// many labels as images. The numbers of images are not checked: a shortened set will do.
///
/// MNIST: [28, 28, 1], classes "0" to "9"; train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte,
/// t10k-labels-idx1-ubyte.
TrainTest mnist(const std::filesystem::path& folder);

/// Fashion-MNIST: the same files; classes "T-shirt/top" to "Ankle boot".
TrainTest fashion_mnist(const std::filesystem::path& folder);

/// CIFAR-10: [32, 32, 3], classes "airplane" to "truck"; data_batch_1.bin to data_batch_5.bin and test_batch.bin, in the
/// folder or in its cifar-10-batches-bin/.
TrainTest cifar10(const std::filesystem::path& folder);

}  // namespace saccade::data
