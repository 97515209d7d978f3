#pragma once
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "saccade/nn/model.h"

namespace saccade::cli {

/// Another library that runs the same network.
enum class PeerKind : std::uint8_t { pytorch, onnxruntime };

/// "pytorch", "onnxruntime". Throws ValueError for another name.
PeerKind parse_peer(std::string_view name);

struct PeerOptions {
  PeerKind kind = PeerKind::pytorch;
  std::string program = {};             ///< The python3 or node that runs it; empty: the one on the PATH.
  std::vector<std::string_view> steps;  ///< What will be timed: "training", "inference".
  int threads = 1;
};

/// A peer in a process of its own, which is given a network and makes steps of it when told to. It ends with this object.
///
/// The process is python3 or node with the program of saccade/cli/peers/, a line of JSON on its input for each request and
/// one on its output for each answer.
class Peer {
 public:
  /// Starts the peer with the network, in the peer's own format with the same weights, and with one batch of images, NHWC.
  /// Throws ValueError that says how to install what is missing, and for a network that the peer cannot run.
  Peer(const PeerOptions& options, const Model& net, std::span<const float> images, Index batch);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  const std::string& name() const noexcept { return name_; }        ///< "PyTorch"
  const std::string& version() const noexcept { return version_; }  ///< "1.13.0"
  const std::map<std::string, std::string>& layouts() const noexcept {
    return layouts_;
  }  ///< Of images, by step; or none.
  /// What it computed of the images.
  const std::vector<float>& outputs() const noexcept { return outputs_; }

  /// Repeats the step for so long, after a short warm-up; the seconds of one. Throws SystemError when the process is gone.
  double time(std::string_view step, double seconds);

 private:
  class Process;
  struct Program;
  bool start(const Program& program, const std::string& executable, const std::string& request);

  std::string where_;
  std::unique_ptr<Process> process_;
  std::string name_, version_, missing_, file_;
  std::map<std::string, std::string> layouts_;
  std::vector<float> outputs_;
};

}  // namespace saccade::cli
