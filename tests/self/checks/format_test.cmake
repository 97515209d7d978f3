cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/planted.cmake")
configure_file("${CHECKS}/../../.clang-format" "${TREE}.style" COPYONLY)
file(READ "${TREE}.style" style)

begin("a tidy tree")
put(.clang-format "${style}")
put(saccade/base/a.cpp "int f() { return 1; }\n")
put(apps/saccade/main.cpp "int main() {}\n")
expect_pass(format)

begin("files out of format")
put(.clang-format "${style}")
put(saccade/base/a.cpp "int f() { return 1; }\n")
put(saccade/base/b.h "int  g( );\n")
put(bench/c.cpp "int main(){\n}\n")
expect_fault(format "saccade/base/b.h: not formatted" "bench/c.cpp: not formatted" "2 found")

file(REMOVE_RECURSE "${TREE}" "${TREE}.style")
