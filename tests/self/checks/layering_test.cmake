cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/planted.cmake")

set(house [[
saccade_folder(base)
saccade_folder(tensor USES base)
saccade_folder(kernels USES base EXTERNAL DNNL::dnnl)  # saccade_folder(comment USES nothing)
saccade_folder(cli USES base tensor EXTERNAL CLI11::CLI11)
]])

begin("a healthy tree")
put(CMakeLists.txt "${house}")
put(saccade/saccade.h "#pragma once\n#include \"saccade/base/error.h\"\n#include \"saccade/tensor/tensor.h\"\n")
put(saccade/base/error.h "#pragma once\n#include <string>\n")
put(saccade/base/error.cpp "#include \"saccade/base/error.h\"\n#include <fmt/format.h>\n")
put(saccade/base/error_test.cpp "#include \"saccade/base/error.h\"\n#include <gmock/gmock.h>\n")
put(saccade/tensor/testing_internal.h "#include <gtest/gtest.h>\n")
put(saccade/tensor/tensor.h "#pragma once\n#include \"saccade/base/error.h\"  // the why\n")
put(saccade/kernels/conv2d/onednn_internal.h "#include <oneapi/dnnl/dnnl.hpp>\n")
put(saccade/kernels/conv2d/onednn.cpp "#include \"saccade/kernels/conv2d/onednn_internal.h\"\n// no std::cout here\n")
put(saccade/cli/main.cpp "#include <CLI/CLI.hpp>\nint f() { return std::printf(\"%s\", std::getenv(\"HOME\")); }\n")
expect_pass(layering)

begin("an edge that no USES line names")
put(CMakeLists.txt "${house}")
put(saccade/tensor/tensor.cpp "#include \"saccade/kernels/gemm.h\"\n")
expect_fault(layering "saccade/tensor/tensor.cpp: #include \"saccade/kernels/gemm.h\": tensor USES only base" "1 found")

begin("an edge that no USES line names, in a test")
put(CMakeLists.txt "${house}")
put(saccade/tensor/tensor_test.cpp "#include \"saccade/kernels/gemm.h\"\n")
expect_fault(layering "saccade/tensor/tensor_test.cpp: #include \"saccade/kernels/gemm.h\"")

begin("a circle of includes")
put(CMakeLists.txt "${house}")
put(saccade/base/error.h "#pragma once\n#include \"saccade/tensor/tensor.h\"\n")
expect_fault(layering "cycle: base -> tensor -> base" "base USES only")

begin("a circle of USES lines")
put(CMakeLists.txt "saccade_folder(base)\nsaccade_folder(nn USES base optim)\nsaccade_folder(optim\n  USES nn)\n")
expect_fault(layering "cycle: nn -> optim -> nn" "1 found")

begin("USES of a folder that is not there")
put(CMakeLists.txt "saccade_folder(base USES bsae)\n")
expect_fault(layering "base USES bsae, which no saccade_folder line declares")

begin("a folder that no line declares")
put(CMakeLists.txt "${house}")
put(saccade/serve/http.cpp "\n")
expect_fault(layering "folder serve has no saccade_folder line")

begin("a third-party include in a public header")
put(CMakeLists.txt "${house}")
put(saccade/kernels/conv2d.h "#pragma once\n#include <oneapi/dnnl/dnnl.hpp>\n")
expect_fault(layering "saccade/kernels/conv2d.h: #include <oneapi/dnnl/dnnl.hpp>: a public header includes" "1 found")

begin("a library that the folder does not name")
put(CMakeLists.txt "${house}")
put(saccade/tensor/tensor.cpp "#include <oneapi/dnnl/dnnl.hpp>\n#include <CLI/CLI.hpp>\n")
expect_fault(layering "tensor has no DNNL::dnnl after EXTERNAL" "tensor has no CLI11::CLI11 after EXTERNAL" "2 found")

begin("the test library in a source")
put(CMakeLists.txt "${house}")
put(saccade/tensor/tensor.cpp "#include <gtest/gtest.h>\n")
expect_fault(layering "only a *_test.cpp or a testing_internal.h may include it")

begin("another folder's internals")
put(CMakeLists.txt "${house}")
put(saccade/tensor/tensor.cpp "#include \"saccade/base/pool_internal.h\"\n")
expect_fault(layering "an _internal.h belongs to its own folder")

begin("internals in a public header")
put(CMakeLists.txt "${house}")
put(saccade/base/pool.h "#pragma once\n#include \"saccade/base/pool_internal.h\"\n")
expect_fault(layering "a public header may not include an _internal.h")

begin("paths that do not start at the root")
put(CMakeLists.txt "${house}")
put(saccade/base/a.cpp "#include \"error.h\"\n#include <saccade/base/error.h>\n")
expect_fault(layering "expected the path from the root" "write the project's own headers in quotes")

begin("printing and reading the environment outside cli")
put(CMakeLists.txt "${house}")
put(saccade/base/a.cpp "void f() { std::cout << 1; fmt::print(\"x\"); std::getenv(\"HOME\"); std::printf(\"\"); }\n")
expect_fault(layering "'std::cout': only cli prints" "only cli data reads the environment" "4 found")

begin("a source that does not start with its own header")
put(CMakeLists.txt "${house}")
put(saccade/base/a.h "#pragma once\n")
put(saccade/base/a.cpp "#include <string>\n\n#include \"saccade/base/a.h\"\n")
put(saccade/base/b.h "#pragma once\n")
put(saccade/base/b.cpp "int f() { return 1; }\n")
expect_fault(layering "saccade/base/a.cpp: expected #include \"saccade/base/a.h\" before all others, got '#include <string>'"
  "saccade/base/b.cpp: expected #include" "2 found")

begin("a public header without a guard")
put(CMakeLists.txt "${house}")
put(saccade/base/a.h "struct A {};\n")
put(saccade/base/a_internal.h "struct B {};\n")
expect_fault(layering "saccade/base/a.h: expected '#pragma once'" "1 found")

begin("OpenMP threads outside base")
put(CMakeLists.txt "${house}")
put(saccade/kernels/a.cpp "#pragma omp parallel for\n")
expect_fault(layering "use parallel_for")

file(REMOVE_RECURSE "${TREE}")
