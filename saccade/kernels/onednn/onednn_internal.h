#pragma once
#include <oneapi/dnnl/dnnl.hpp>

#include <csignal>
#include <span>
#include <vector>

#include "saccade/base/integer.h"
#include "saccade/base/parallel.h"
#include "saccade/kernels/scratch.h"

/// What the oneDNN implementations share.
///
/// A batch is cut into shards by its size alone; each shard is one execution of a single-threaded primitive inside
/// parallel_for. That gives the same bits for any number of threads, and is as fast as oneDNN's own threading.
/// Primitives are created under SingleThreadScope, take their scratchpad from the caller's scratch memory (the
/// library's own is allocated in every run), and their memory objects are made once: a run only moves pointers.
namespace saccade::kernels::onednn {

/// The one CPU engine of the process.
const dnnl::engine& engine();

/// What each call into oneDNN's kernels needs as long as it lasts.
///
/// - One thread: a batch of one shard runs outside every parallel loop, where oneDNN would start a team that the primitive
///   has no room for.
/// - No signals: oneDNN's matrix products use the stack pointer as an ordinary pointer into their work space (found in
///   2.6), and a signal handler that ran there would write its frame over whatever the heap holds. Signals wait for the
///   microseconds that the kernel takes; those that report a fault are let through.
class CallScope {
 public:
  CallScope() noexcept;
  ~CallScope();
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;

 private:
  SingleThreadScope single_;
  sigset_t previous_signals_;
};

/// The images of a batch in pieces of `images`; the last piece may be smaller.
struct Shards {
  Index n = 0;
  Index images = 0;  ///< 1 <= images <= n

  /// At most `most` pieces of at least `least_work` multiply-adds, as far as the batch allows, of nearly equal size.
  static Shards cut(Index n, Index work_per_image, Index least_work, Index most);

  Index count() const { return ceil_divide(n, images); }
  Index first(Index shard) const { return shard * images; }
  Index last() const { return size(count() - 1); }
  Index size(Index shard) const { return n - first(shard) < images ? n - first(shard) : images; }
};

/// One execution of a primitive with its arguments. Create it under SingleThreadScope.
class Call {
 public:
  /// Takes the descriptions of the arguments (DNNL_ARG_...) from the primitive's own description; the scratchpad is
  /// added.
  Call(const dnnl::primitive& primitive, const dnnl::primitive_desc_base& description, std::span<const int> arguments);
  /// The same with explicit descriptions, for reorders.
  Call(const dnnl::primitive& primitive, const dnnl::memory::desc& from, const dnnl::memory::desc& to,
       const dnnl::memory::desc& scratchpad);

  /// Points the argument number `position` (in the order of the constructor's list) at `data`.
  void set(std::size_t position, const void* data);
  void set_scratchpad(void* data);
  Index scratchpad_bytes() const;
  void execute();

 private:
  void add(int argument, const dnnl::memory::desc& description);

  dnnl::primitive primitive_;
  std::vector<dnnl::memory> memories_;  // The last one is the scratchpad.
  std::vector<dnnl_exec_arg_t> arguments_;
};

/// The reorder from one layout to another, single-threaded.
Call make_reorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to);

/// Attributes every primitive here is created with: the scratchpad comes from the user. Activations are no
/// post-operations: oneDNN's ReLU turns NaN into 0, and a network that has diverged would look sound.
dnnl::primitive_attr attributes();

/// True for a primitive that is oneDNN's plain loop, which is no faster than ours.
bool is_plain_loop(const dnnl::primitive_desc_base& description);

}  // namespace saccade::kernels::onednn
