# Build settings that hold for the whole tree.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, RelWithDebInfo or MinSizeRel" FORCE)
endif()

# Continuous integration sets CI; there a warning is an error.
set(in_ci OFF)
if("$ENV{CI}")
  set(in_ci ON)
endif()
option(SACCADE_DEVELOPER "Build tests, benchmarks, examples and checks, with strict warnings" ${PROJECT_IS_TOP_LEVEL})
option(SACCADE_WERROR "Treat warnings as errors" ${in_ci})
set(SACCADE_SANITIZER "" CACHE STRING "address, undefined, thread or address,undefined; empty for none")
set_property(CACHE SACCADE_SANITIZER PROPERTY STRINGS "" address undefined thread "address,undefined")
# For whole builds. Without it a change to one source is compiled sooner, and each source is proven to include what it needs.
option(SACCADE_UNITE "Compile several sources as one, and common headers once" OFF)

find_program(CCACHE_PROGRAM ccache)
mark_as_advanced(CCACHE_PROGRAM)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # It is to know a file again in another clone (continuous integration makes a new one each time), precompiled headers or not.
  set(CMAKE_CXX_COMPILER_LAUNCHER env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1
    "CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime" "${CCACHE_PROGRAM}")
endif()

add_library(saccade_warnings INTERFACE)
if(SACCADE_DEVELOPER)
  target_compile_options(saccade_warnings INTERFACE -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow
    -Wno-missing-field-initializers  # designated initialisers that leave members at their defaults are the house's idiom
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>  # GCC 12 sees overlaps in std::string that are not there (its bug 105329)
    $<$<BOOL:${SACCADE_WERROR}>:-Werror>)
endif()

# Results must not depend on the optimiser's mood: no contraction of a*b+c into a fused multiply-add.
add_compile_options(-ffp-contract=off)
if(SACCADE_SANITIZER)
  add_compile_options(-fsanitize=${SACCADE_SANITIZER} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SACCADE_SANITIZER})
  # Vector code is built for two instruction sets instead of three, SSE4 and AVX-512: the sources are the same. Which threads
  # meet depends on none of them.
  set(vectors_left_out "HWY_AVX2|HWY_SVE|HWY_SVE2|HWY_SVE_256|HWY_SVE2_128")
  if(SACCADE_SANITIZER STREQUAL "thread")
    string(APPEND vectors_left_out "|HWY_AVX3")
  endif()
  add_compile_definitions("HWY_DISABLED_TARGETS=(${vectors_left_out})")
  if(SACCADE_SANITIZER MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=all)
  endif()
  if(SACCADE_SANITIZER STREQUAL "address,undefined")
    # These four double the time to compile, and AddressSanitizer stops at most of what they find.
    add_compile_options(-fno-sanitize=null,alignment,vptr,object-size)
  endif()
endif()
if(SACCADE_SANITIZER OR in_ci)
  # It comes with the usual linker, and takes half the time for so large programs.
  include(CheckLinkerFlag)
  check_linker_flag(CXX -fuse-ld=gold SACCADE_GOLD)
  if(SACCADE_GOLD)
    add_link_options(-fuse-ld=gold)
  endif()
endif()
