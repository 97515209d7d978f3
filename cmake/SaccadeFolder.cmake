include(GNUInstallDirs)
include(GoogleTest)
set_property(GLOBAL PROPERTY SACCADE_LIBRARY "")
if(SACCADE_DEVELOPER)
  add_custom_target(unit_tests)  # builds everything that carries the ctest label `unit`
endif()

# saccade_folder(name [COMMAND_ONLY] [LIGHT] USES folders... EXTERNAL targets... WITHOUT patterns... APART patterns...)
#
# Turns saccade/<name>/ into the target saccade::<name>, linked to just the folders after USES and the third-party targets
# after EXTERNAL (fmt and OpenMP come with every folder). Unit tests (*_test.cpp) stand beside the sources and become
# saccade_<name>_test. A COMMAND_ONLY folder serves the command, and is no part of the library that users link.
# Sources that match a pattern after WITHOUT are left out: of an optional part, the one or the other.
# With SACCADE_UNITE several sources are compiled as one, in which all unnamed namespaces are the same: what two of them
# define needs another name, or the source a pattern after APART.
# A LIGHT one computes nothing for long: it is optimised a little, and not at all under sanitizers.
function(saccade_folder name)
  cmake_parse_arguments(ARG "COMMAND_ONLY;LIGHT" "" "USES;EXTERNAL;WITHOUT;APART" ${ARGN})
  set(dir "${PROJECT_SOURCE_DIR}/saccade/${name}")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${dir}/*.cpp")
  foreach(pattern IN LISTS ARG_WITHOUT)
    list(FILTER sources EXCLUDE REGEX "${pattern}")
  endforeach()
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(TRANSFORM ARG_USES PREPEND saccade_ OUTPUT_VARIABLE uses)
  saccade_link_only_what_links(external ${ARG_EXTERNAL} fmt::fmt)

  if(sources)
    add_library(saccade_${name} STATIC ${sources})
    set(scope PUBLIC)
    if(ARG_LIGHT)
      target_compile_options(saccade_${name} PRIVATE $<$<CONFIG:Release>:-O1>)
    endif()
    if(SACCADE_SANITIZER AND ARG_LIGHT)
      target_compile_options(saccade_${name} PRIVATE -O0)
    endif()
    if(SACCADE_UNITE)
      # Reading the standard library is half of a source's time.
      set(group library)
      if(ARG_LIGHT)
        set(group light_library)
      endif()
      saccade_precompile(saccade_${name} ${group} <algorithm> <array> <atomic> <chrono> <cmath> <filesystem> <functional> <map>
        <memory> <mutex> <optional> <span> <string> <thread> <unordered_map> <variant> <vector> <fmt/format.h>)
      saccade_unite(saccade_${name} SOURCES ${sources} APART ${ARG_APART})
    endif()
    target_link_libraries(saccade_${name} PUBLIC ${uses} PRIVATE $<BUILD_INTERFACE:saccade_warnings> ${external}
      OpenMP::OpenMP_CXX Threads::Threads)
  else()
    add_library(saccade_${name} INTERFACE)
    set(scope INTERFACE)
    target_link_libraries(saccade_${name} INTERFACE ${uses})
  endif()
  add_library(saccade::${name} ALIAS saccade_${name})
  set_target_properties(saccade_${name} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(saccade_${name} ${scope} cxx_std_20)
  target_include_directories(saccade_${name} ${scope} $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  if(ARG_COMMAND_ONLY)
    set_property(GLOBAL APPEND PROPERTY SACCADE_COMMAND ${name})
  else()
    set_property(GLOBAL APPEND PROPERTY SACCADE_LIBRARY ${name})
  endif()

  if(SACCADE_DEVELOPER AND tests)
    add_executable(saccade_${name}_test ${tests})
    target_link_libraries(saccade_${name}_test PRIVATE saccade_${name} ${ARG_EXTERNAL})
    if(SACCADE_UNITE)
      saccade_unite(saccade_${name}_test SOURCES ${tests} APART ${ARG_APART})
    endif()
    saccade_test(saccade_${name}_test PREFIX ${name} LABELS unit ${name})
  endif()
endfunction()

# saccade_test(target PREFIX name LABELS labels... [WORKING_DIRECTORY dir])
#
# Makes an executable's GoogleTest cases ctest tests named PREFIX.Suite.Case. Under a sanitizer the whole executable is
# one test: starting an instrumented program costs more than most cases.
function(saccade_test target)
  cmake_parse_arguments(ARG "" "PREFIX;WORKING_DIRECTORY" "LABELS" ${ARGN})
  if(NOT ARG_WORKING_DIRECTORY)
    set(ARG_WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
  endif()
  target_link_libraries(${target} PRIVATE saccade_warnings fmt::fmt GTest::gmock GTest::gtest_main)
  if("unit" IN_LIST ARG_LABELS)
    add_dependencies(unit_tests ${target})
  endif()
  saccade_precompile(${target} tests <gmock/gmock.h>)  # it takes longer to read than most tests
  # What is measured is the library; its tests need not take twice as long to compile.
  if(SACCADE_SANITIZER OR CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(${target} PRIVATE -O0)
  endif()
  if(SACCADE_SANITIZER)
    add_test(NAME ${ARG_PREFIX} COMMAND ${target} --gtest_brief=1 WORKING_DIRECTORY "${ARG_WORKING_DIRECTORY}")
    set_tests_properties(${ARG_PREFIX} PROPERTIES LABELS "${ARG_LABELS}")
  else()
    gtest_discover_tests(${target} TEST_PREFIX "${ARG_PREFIX}." WORKING_DIRECTORY "${ARG_WORKING_DIRECTORY}"
      NO_PRETTY_VALUES DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 PROPERTIES LABELS "${ARG_LABELS}")
  endif()
endfunction()

# saccade_unite(target SOURCES sources... APART patterns...)
#
# Compiles several of the target's sources as one, so that headers are read and templates instantiated once for all. Those
# whose names match a pattern stay by themselves, and so do those that Highway compiles once an instruction set.
function(saccade_unite target)
  cmake_parse_arguments(ARG "" "" "SOURCES;APART" ${ARGN})
  list(JOIN ARG_APART "|" apart)
  foreach(source IN LISTS ARG_SOURCES)
    file(STRINGS "${source}" several_times REGEX "HWY_TARGET_INCLUDE" LIMIT_COUNT 1)
    if(several_times OR (apart AND source MATCHES "/(${apart})[.]cpp$"))
      set_source_files_properties("${source}" PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    endif()
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 16)
endfunction()

# saccade_precompile(target group headers...)
#
# The target's sources read these headers from their precompiled form, which the first target of the group builds for all.
function(saccade_precompile target group)
  target_compile_options(${target} PRIVATE -fpch-preprocess)  # lets ccache see what a precompiled header holds
  get_property(owner GLOBAL PROPERTY SACCADE_PRECOMPILED_${group})
  if(owner)
    target_precompile_headers(${target} REUSE_FROM ${owner})
  else()
    target_precompile_headers(${target} PRIVATE ${ARGN})
    set_property(GLOBAL PROPERTY SACCADE_PRECOMPILED_${group} ${target})
  endif()
endfunction()

# Third-party targets as an installed static library should name them: a header-only one is needed to build Saccade, never
# to link it, so it is left out of the exported interface.
function(saccade_link_only_what_links result)
  set(targets "")
  foreach(target IN LISTS ARGN)
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "INTERFACE_LIBRARY")
      list(APPEND targets $<BUILD_INTERFACE:${target}>)
    else()
      list(APPEND targets ${target})
    endif()
  endforeach()
  set(${result} "${targets}" PARENT_SCOPE)
endfunction()

# saccade::saccade: every folder that is not the command's own.
function(saccade_library)
  get_property(folders GLOBAL PROPERTY SACCADE_LIBRARY)
  add_library(saccade INTERFACE)
  add_library(saccade::saccade ALIAS saccade)
  list(TRANSFORM folders PREPEND saccade_)
  target_link_libraries(saccade INTERFACE ${folders})
endfunction()
