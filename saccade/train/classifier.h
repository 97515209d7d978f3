#pragma once
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "saccade/data/image_files.h"
#include "saccade/nn/model.h"

namespace saccade {

/// What a classifier takes an image for.
struct Guess {
  Index index = 0;    ///< Number of the output.
  std::string label;  ///< Its name, or "class 7" where the network has no names.
  float probability = 0.0F;
};

struct ClassifierOptions {
  /// How files and pictures of another size become the network's input. Size and colours are the network's.
  data::ImageReading reading = {};
  /// Images that are computed together when many are given; what is left over is computed one by one.
  Index batch_size = 16;
};

/// A trained network, ready to be asked:
///   const Classifier classifier("flowers.safetensors");
///   const Guess guess = classifier.classify("rose.jpg");     // guess.label, guess.probability
///
/// The network is compiled when it is first asked: batch normalisation and activations are folded in, filters brought into
/// their fastest layout, and later questions allocate little. Any number of threads may ask at the same time; each that
/// does has working memory and filters of its own, which are kept for the next. One question uses all cores (see
/// set_thread_count()) unless another has them.
class Classifier {
 public:
  /// Throws ShapeError unless the network takes images [height, width, 1, 3 or 4] and ends in one number a class.
  explicit Classifier(Model net, const ClassifierOptions& options = {});
  /// A network from a file of any format that load_network() reads. Throws as it does, too.
  explicit Classifier(const std::filesystem::path& network, const ClassifierOptions& options = {});
  Classifier(Classifier&&) noexcept;
  Classifier& operator=(Classifier&&) noexcept;
  ~Classifier();

  /// The most probable class of an image file. Throws as data::read_image().
  Guess classify(const std::filesystem::path& image) const;
  /// The same of pixels: uint8 [height, width, 1, 3 or 4], resized where they have another size.
  Guess classify(const Tensor& image) const;
  /// The same of several, in their order.
  std::vector<Guess> classify(std::span<const Tensor> images) const;

  /// The `count` most probable classes, the most probable first; of equal ones the one with the smaller index.
  std::vector<Guess> top(const std::filesystem::path& image, Index count) const;
  std::vector<Guess> top(const Tensor& image, Index count) const;

  /// Probabilities [n, classes] of images uint8 [n, height, width, channels] of the network's own size. Throws ShapeError
  /// for others. A row does not depend on the others but for rounding: several images are cut into pieces in another way
  /// than one is.
  Tensor probabilities(const Tensor& images) const;

  const Model& model() const noexcept;
  const data::ImageReading& reading() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace saccade
