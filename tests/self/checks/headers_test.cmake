cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/planted.cmake")

# Builds the header check over the tree as a project of its own.
function(expect_headers)
  put(CMakeLists.txt "cmake_minimum_required(VERSION 3.25)\nproject(planted LANGUAGES CXX)\ninclude(SaccadeHeaders)\n\
saccade_header_objects(planted_headers \"\${CMAKE_CURRENT_SOURCE_DIR}\")\n")
  set(configure "${CMAKE_COMMAND}" -S "${TREE}" -B "${TREE}/build" -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
    "-DCMAKE_MODULE_PATH=${CHECKS}/..")
  expect("${configure}" "")
  expect("${CMAKE_COMMAND};--build;${TREE}/build;--target;planted_headers" "${ARGN}")
endfunction()

begin("a header that stands alone")
put(saccade/base/a.h "#pragma once\n#include <string>\nstd::string f();\n")
put(saccade/base/b_internal.h "std::string needs_its_includer();\n")
expect_headers()

begin("a header that its own source includes first")
put(saccade/base/a.h "#pragma once\nstd::string f();\n")
put(saccade/base/a.cpp "#include \"saccade/base/a.h\"\n")
put(saccade/base/b.h "#pragma once\n")
expect_headers()

begin("a header that leans on others")
put(saccade/base/a.h "#pragma once\nstd::string f();\n")
expect_headers("saccade/base/a.h:2")

begin("a header without a guard")
put(saccade/base/a.h "struct A {};\n")
expect_headers("redefinition of")

begin("a header with a warning")
put(saccade/base/a.h "#pragma once\ninline int f(long x) { return x; }\n")
expect_headers("-Werror=conversion")

file(REMOVE_RECURSE "${TREE}")
