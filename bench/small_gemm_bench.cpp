// Products of small matrices on one thread: LIBXSMM's machine code, which the kernels use, beside code that Xbyak writes for the
// extents, a tile in inline assembly, and oneDNN's product for matrices of any size; each held against the plain loop first.
// LIBXSMM and oneDNN take what the processor has, or what LIBXSMM_TARGET=hsw and DNNL_MAX_CPU_ISA=AVX2 leave them.
#include <benchmark/benchmark.h>
#include <oneapi/dnnl/dnnl.h>
#include <xbyak/xbyak.h>
#include <xbyak/xbyak_util.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "saccade/base/parallel.h"
#include "saccade/kernels/gemm/small_gemm_internal.h"
#include "saccade/tensor/tensor.h"

namespace saccade {
namespace {

constexpr Index kFloatBytes = sizeof(float);

/// c [rows, columns] = a [rows, inner] * b [inner, columns], row-major without gaps.
struct Extents {
  Index rows, columns, inner;
};
using Product = std::function<void(const float* a, const float* b, float* c)>;

/// What one pass over `inner` sums in registers: rows of c, each of some vectors of 16 floats (AVX-512) or 8 (AVX2).
struct Tile {
  int rows, vectors, lanes;
};

/// Rows cut into blocks that are as even as can be: so many of `rows` rows, then others of one less.
struct RowBlocks {
  RowBlocks(Index all, Index most)
      : count(ceil_divide(all, most)), rows(ceil_divide(all, count)), full(all - count * (rows - 1)) {}
  Index count, rows, full;
};

/// Machine code for a panel of c as wide as a tile. The width divides `columns`, and kUnrolled divides `inner`.
class PanelCode : public Xbyak::CodeGenerator {
 public:
  PanelCode(const Extents& e, const Tile& tile)
      : CodeGenerator(Xbyak::DEFAULT_MAX_CODE_SIZE, Xbyak::AutoGrow), e_(e), tile_(tile) {
    const RowBlocks blocks(e.rows, tile.rows);
    write_blocks(blocks.full, static_cast<int>(blocks.rows));
    if (blocks.count > blocks.full) write_blocks(blocks.count - blocks.full, static_cast<int>(blocks.rows) - 1);
    vzeroupper();
    ret();
    ready();
  }

  void operator()(const float* a, const float* b, float* c) const {
    const auto call = getCode<void (*)(const float*, const float*, float*)>();
    for (Index column = 0; column < e_.columns; column += tile_.vectors * tile_.lanes) call(a, b + column, c + column);
  }

 private:
  static constexpr int kUnrolled = 8;

  Xbyak::Xmm vector(int number) const {
    if (tile_.lanes == 16) return Xbyak::Zmm(number);
    return Xbyak::Ymm(number);
  }
  static std::uint32_t bytes(Index floats) { return static_cast<std::uint32_t>(floats * kFloatBytes); }

  void write_blocks(Index count, int rows) {
    const int sums = rows * tile_.vectors;
    Xbyak::Label next_block, next_k;
    mov(r8, usize(count));
    L(next_block);
    for (int i = 0; i < sums; ++i) {
      tile_.lanes == 16 ? vpxord(vector(i), vector(i), vector(i)) : vxorps(vector(i), vector(i), vector(i));
    }
    mov(r9, usize(e_.inner / kUnrolled));
    mov(a_, rdi);
    mov(b_, rsi);
    L(next_k);
    for (int k = 0; k < kUnrolled; ++k) multiply_add(rows, k);
    add(a_, bytes(kUnrolled));
    add(b_, bytes(kUnrolled * e_.columns));
    dec(r9);
    jnz(next_k, T_NEAR);
    for (int i = 0; i < sums; ++i) {
      vmovups(ptr[rdx + bytes(i / tile_.vectors * e_.columns + i % tile_.vectors * tile_.lanes)], vector(i));
    }
    add(rdi, bytes(rows * e_.inner));
    add(rdx, bytes(rows * e_.columns));
    dec(r8);
    jnz(next_block, T_NEAR);
  }

  void multiply_add(int rows, int k) {
    const int sums = rows * tile_.vectors;
    for (int j = 0; j < tile_.vectors; ++j) {
      vmovups(vector(sums + j), ptr[b_ + bytes(k * e_.columns + j * tile_.lanes)]);
    }
    const Xbyak::Xmm spread = vector(sums + tile_.vectors);
    const bool once = tile_.vectors == 1 && tile_.lanes == 16;  // then it needs no register
    for (int i = 0; i < rows; ++i) {
      const std::size_t at = bytes(i * e_.inner + k);
      if (!once) vbroadcastss(spread, ptr[a_ + at]);
      for (int j = 0; j < tile_.vectors; ++j) {
        const Xbyak::Xmm sum = vector(i * tile_.vectors + j), b = vector(sums + j);
        once ? vfmadd231ps(sum, b, ptr_b[a_ + at]) : vfmadd231ps(sum, b, spread);
      }
    }
  }

  Extents e_;
  Tile tile_;
  Xbyak::Reg64 a_ = r10, b_ = r11;
};

// The tile of 6 x 4 vectors of AVX-512 in inline assembly. USE(the four sums of a row, its a, its c).
#define ROWS_4(USE)                                             \
  USE(0, 1, 2, 3, "(%[a])", "(%[c])")                           \
  USE(4, 5, 6, 7, "(%[a],%[a_step])", "(%[c],%[c_step])")       \
  USE(8, 9, 10, 11, "(%[a],%[a_step],2)", "(%[c],%[c_step],2)") \
  USE(12, 13, 14, 15, "(%[a3])", "(%[c3])")
#define ROWS_5(USE) ROWS_4(USE) USE(16, 17, 18, 19, "(%[a3],%[a_step])", "(%[c3],%[c_step])")
#define ROWS_6(USE) ROWS_5(USE) USE(20, 21, 22, 23, "(%[a3],%[a_step],2)", "(%[c3],%[c_step],2)")
#define CLEAR_ONE(z) "vpxord %%zmm" #z ",%%zmm" #z ",%%zmm" #z "\n"
#define CLEAR(z0, z1, z2, z3, a, c) CLEAR_ONE(z0) CLEAR_ONE(z1) CLEAR_ONE(z2) CLEAR_ONE(z3)
#define LOAD_B \
  "vmovups (%[b]),%%zmm24\n vmovups 64(%[b]),%%zmm25\n vmovups 128(%[b]),%%zmm26\n vmovups 192(%[b]),%%zmm27\n"
#define ADD_ONE(b, z) "vfmadd231ps %%zmm28,%%zmm" #b ",%%zmm" #z "\n"
#define MULTIPLY_ADD(z0, z1, z2, z3, a, c) \
  "vbroadcastss " a ",%%zmm28\n" ADD_ONE(24, z0) ADD_ONE(25, z1) ADD_ONE(26, z2) ADD_ONE(27, z3)
#define NEXT_K \
  "add $4,%[a]\n add $4,%[a3]\n add %[c_step],%[b]\n dec %[inner]\n jnz 1b\n"  // b's rows are as long as c's
#define STORE_ONE(z, c) "vmovups %%zmm" #z "," c "\n"
#define STORE(z0, z1, z2, z3, a, c) STORE_ONE(z0, c) STORE_ONE(z1, "64" c) STORE_ONE(z2, "128" c) STORE_ONE(z3, "192" c)
#define TILE(ROWS)                                                                                                  \
  asm volatile(ROWS(CLEAR) "1:\n" LOAD_B ROWS(MULTIPLY_ADD) NEXT_K ROWS(STORE) "vzeroupper\n"                       \
               : [a] "+r"(a), [a3] "+r"(a3), [b] "+r"(b), [inner] "+r"(inner)                                       \
               : [c] "r"(c), [c3] "r"(c3), [a_step] "r"(a_step), [c_step] "r"(c_step)                               \
               : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",    \
                 "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", \
                 "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28")

__attribute__((target("avx512f")))  // for the names of the upper registers
void assembled_tile(const Extents& e, Index rows, const float* a, const float* b, float* c) {
  const float* a3 = a + 3 * e.inner;
  float* const c3 = c + 3 * e.columns;
  const Index a_step = e.inner * kFloatBytes, c_step = e.columns * kFloatBytes;
  Index inner = e.inner;
  if (rows == 4) TILE(ROWS_4);
  if (rows == 5) TILE(ROWS_5);
  if (rows == 6) TILE(ROWS_6);
}

/// For 12 rows and more, which can be cut into blocks of 4 to 6, and multiples of 64 columns.
Product assembled(const Extents& e) {
  return [e, blocks = RowBlocks(e.rows, 6)](const float* a, const float* b, float* c) {
    for (Index j = 0; j < e.columns; j += 64) {
      for (Index i = 0, block = 0; block < blocks.count; ++block) {
        const Index rows = block < blocks.full ? blocks.rows : blocks.rows - 1;
        assembled_tile(e, rows, a + i * e.inner, b + j, c + i * e.columns + j);
        i += rows;
      }
    }
  };
}

Product written(const Extents& e, const Tile& tile) {
  return [code = std::make_shared<PanelCode>(e, tile)](const float* a, const float* b, float* c) { (*code)(a, b, c); };
}

/// In pieces of so many rows and columns, which divide those of c.
Product libxsmm(const Extents& e, Index rows, Index columns) {
  const kernels::SmallGemm piece({.rows = rows,
                                  .columns = columns,
                                  .inner = e.inner,
                                  .a_stride = e.inner,
                                  .b_stride = e.columns,
                                  .c_stride = e.columns});
  return [=](const float* a, const float* b, float* c) {
    for (Index j = 0; j < e.columns; j += columns) {
      for (Index i = 0; i < e.rows; i += rows) piece(a + i * e.inner, b + j, c + i * e.columns + j);
    }
  };
}

Product onednn(const Extents& e) {
  return [e](const float* a, const float* b, float* c) {
    dnnl_sgemm('N', 'N', e.rows, e.columns, e.inner, 1.0F, a, e.inner, b, e.columns, 0.0F, c, e.columns);
  };
}

/// Small whole numbers, of which every sum of products is exact.
Tensor matrix(Index rows, Index columns, Index step) {
  Tensor made(Shape{rows, columns});
  for (Index i = 0; i < made.elements(); ++i) made.floats()[usize(i)] = static_cast<float>(i * step % 13 - 6);
  return made;
}

bool is_product(const Extents& e, std::span<const float> a, std::span<const float> b, std::span<const float> c) {
  for (Index i = 0; i < e.rows * e.columns; ++i) {
    float sum = 0;
    const Index row = i / e.columns, column = i % e.columns;
    for (Index k = 0; k < e.inner; ++k) sum += a[usize(row * e.inner + k)] * b[usize(k * e.columns + column)];
    if (c[usize(i)] != sum) return false;
  }
  return true;
}

void run(benchmark::State& state, const Extents& e, const Product& product) {
  Tensor a = matrix(e.rows, e.inner, 7), b = matrix(e.inner, e.columns, 5), c = matrix(e.rows, e.columns, 3);
  const float *const from_a = a.floats().data(), *const from_b = b.floats().data();
  float* const to = c.floats().data();
  product(from_a, from_b, to);
  if (!is_product(e, a.floats(), b.floats(), c.floats())) return state.SkipWithError("not what the plain loop gives");
  for (auto _ : state) {
    product(from_a, from_b, to);
    benchmark::ClobberMemory();
  }
  const auto operations = 2.0 * static_cast<double>(e.rows * e.columns * e.inner);
  state.counters["FLOP/s"] = benchmark::Counter(operations, benchmark::Counter::kIsIterationInvariantRate);
}

void row(const Extents& e, const std::string& name, const Product& product) {
  const std::string shape = std::to_string(e.rows) + "x" + std::to_string(e.columns) + "x" + std::to_string(e.inner);
  benchmark::RegisterBenchmark((shape + "/" + name).c_str(), run, e, product);
}

void register_rows() {
  const Xbyak::util::Cpu cpu;
  const bool avx2 = cpu.has(cpu.tAVX2 | cpu.tFMA), avx512 = cpu.has(cpu.tAVX512F);
  const std::vector<Tile> tiles = {{6, 4, 16}, {12, 2, 16}, {8, 1, 16}, {6, 2, 8}};
  const std::vector<Extents> shapes = {{32, 64, 64},   {14, 64, 64}, {24, 64, 64},  {128, 64, 120},
                                       {28, 128, 128}, {56, 16, 16}, {49, 96, 576}, {49, 512, 512}};
  for (const Extents& e : shapes) {
    if (kernels::SmallGemm::decline().empty()) {
      row(e, "libxsmm", libxsmm(e, e.rows, e.columns));
      row(e, "libxsmm_pieces", e.columns == 16 ? libxsmm(e, 8, 16) : libxsmm(e, e.rows, 32));
    }
    row(e, "onednn", onednn(e));
    if (avx512 && e.columns % 64 == 0) row(e, "assembly_6x4", assembled(e));
    for (const Tile& tile : tiles) {
      if (e.columns % (tile.vectors * tile.lanes) != 0 || !(tile.lanes == 16 ? avx512 : avx2)) continue;
      const std::string name = std::to_string(tile.rows) + "x" + std::to_string(tile.vectors);
      row(e, (tile.lanes == 16 ? "xbyak_" : "xbyak_avx2_") + name, written(e, tile));
    }
  }
}

}  // namespace
}  // namespace saccade

int main(int argc, char** argv) {
  const saccade::SingleThreadScope alone;  // oneDNN too
  saccade::register_rows();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
