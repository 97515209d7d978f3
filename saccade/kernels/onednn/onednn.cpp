#include <algorithm>
#include <string_view>

#include "saccade/kernels/onednn/onednn_internal.h"

namespace saccade::kernels::onednn {
namespace {

/// A stream belongs to one thread; on the CPU an execution has ended when execute() returns.
dnnl_stream_t thread_stream() {
  thread_local const dnnl::stream stream(engine());
  return stream.get();
}

}  // namespace

const dnnl::engine& engine() {
  static const dnnl::engine instance(dnnl::engine::kind::cpu, 0);
  return instance;
}

CallScope::CallScope() noexcept {
  sigset_t blocked;
  sigfillset(&blocked);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) sigdelset(&blocked, fault);
  pthread_sigmask(SIG_BLOCK, &blocked, &previous_signals_);
}

CallScope::~CallScope() { pthread_sigmask(SIG_SETMASK, &previous_signals_, nullptr); }

Shards Shards::cut(Index n, Index work_per_image, Index least_work, Index most) {
  const Index by_count = ceil_divide(n, most);
  const Index by_work = ceil_divide(least_work, std::max<Index>(work_per_image, 1));
  const Index images = std::clamp<Index>(std::max(by_count, by_work), 1, n);
  return {.n = n, .images = ceil_divide(n, ceil_divide(n, images))};
}

Call::Call(const dnnl::primitive& primitive, const dnnl::primitive_desc_base& description,
           std::span<const int> arguments)
    : primitive_(primitive) {
  memories_.reserve(arguments.size() + 1);
  for (const int argument : arguments) add(argument, description.query_md(dnnl::query::exec_arg_md, argument));
  add(DNNL_ARG_SCRATCHPAD, description.scratchpad_desc());
}

Call::Call(const dnnl::primitive& primitive, const dnnl::memory::desc& from, const dnnl::memory::desc& to,
           const dnnl::memory::desc& scratchpad)
    : primitive_(primitive) {
  add(DNNL_ARG_FROM, from);
  add(DNNL_ARG_TO, to);
  add(DNNL_ARG_SCRATCHPAD, scratchpad);
}

void Call::add(int argument, const dnnl::memory::desc& description) {
  memories_.emplace_back(description, engine(), static_cast<void*>(DNNL_MEMORY_NONE));
  arguments_.push_back({argument, memories_.back().get()});
}

void Call::set(std::size_t position, const void* data) {
  // oneDNN takes one pointer type for what it reads and what it writes.
  void* const pointer = const_cast<void*>(data);
  if (memories_[position].get_data_handle() != pointer) memories_[position].set_data_handle(pointer);
}

void Call::set_scratchpad(void* data) { set(memories_.size() - 1, data); }

Index Call::scratchpad_bytes() const { return isize(memories_.back().get_desc().get_size()); }

void Call::execute() {
  const CallScope scope;
  dnnl::error::wrap_c_api(
      dnnl_primitive_execute(primitive_.get(), thread_stream(), static_cast<int>(arguments_.size()), arguments_.data()),
      "oneDNN could not execute a primitive");
}

Call make_reorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to) {
  const SingleThreadScope single;  // else every run would start oneDNN's own team, which then spins on our cores
  const dnnl::reorder::primitive_desc description(engine(), from, engine(), to, attributes());
  return {dnnl::reorder(description), from, to, description.scratchpad_desc()};
}

dnnl::primitive_attr attributes() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

bool is_plain_loop(const dnnl::primitive_desc_base& description) {
  return std::string_view(description.impl_info_str()).starts_with("ref");
}

}  // namespace saccade::kernels::onednn
