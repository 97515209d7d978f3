// Counts the allocations of this test program, to hold the promise that a step makes none. A file of its own, because
// the compiler must not see these through the calls.
#include <dlfcn.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string_view>

#include "saccade/nn/testing_internal.h"

namespace {

std::atomic<long> g_allocations{0};

/// oneDNN makes small tables of arguments inside dnnl_primitive_execute; they are its own affair, and beyond our reach.
bool is_onednn(const void* caller) {
  Dl_info info{};
  return dladdr(caller, &info) != 0 && std::string_view(info.dli_fname).find("libdnnl") != std::string_view::npos;
}

}  // namespace

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  if (!is_onednn(__builtin_return_address(0))) ++g_allocations;
  return std::malloc(size);
}
void* operator new(std::size_t size) {
  if (!is_onednn(__builtin_return_address(0))) ++g_allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace saccade {
long allocation_count() { return g_allocations; }
}  // namespace saccade
