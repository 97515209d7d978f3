#pragma once

namespace saccade::proof {

/// The bytes that this machine's memory reads and writes in a second, in GB/s, on thread_count() threads: a[i] = b[i] + s*c[i]
/// on arrays that no cache holds, written past the caches; the best of several rounds. Source: McCalpin's STREAM, triad.
/// Takes 200 MB for a moment.
double measure_memory_bandwidth();

}  // namespace saccade::proof
