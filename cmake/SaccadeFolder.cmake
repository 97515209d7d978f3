# saccade_folder(name USES folders... EXTERNAL targets...)
#
# Turns saccade/<name>/ into the target saccade::<name>, linked to just the folders named after USES. Beside the sources
# stand the unit tests (*_test.cpp, gathered into saccade_<name>_test). A file no_<part>.cpp or <part>_<choice>.cpp that
# CMake picks is listed in SACCADE_<NAME>_EXCLUDE.
include(GNUInstallDirs)
include(GoogleTest)
set_property(GLOBAL PROPERTY SACCADE_FOLDERS "")

function(saccade_folder name)
  cmake_parse_arguments(ARG "" "" "USES;EXTERNAL" ${ARGN})
  set(dir "${PROJECT_SOURCE_DIR}/saccade/${name}")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${dir}/*.cpp")
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  if(name STREQUAL "base")
    list(FILTER sources EXCLUDE REGEX "/parallel_[a-z]+\\.cpp$")
    list(APPEND sources "${dir}/parallel_${SACCADE_PARALLEL}.cpp")
  endif()
  list(TRANSFORM ARG_USES PREPEND saccade_ OUTPUT_VARIABLE uses)

  if(sources)
    add_library(saccade_${name} STATIC ${sources})
    set(scope PUBLIC)
    target_link_libraries(saccade_${name} PUBLIC ${uses} PRIVATE $<BUILD_INTERFACE:saccade_warnings> ${ARG_EXTERNAL}
      OpenMP::OpenMP_CXX Threads::Threads)
    target_compile_features(saccade_${name} PUBLIC cxx_std_20)
  else()
    add_library(saccade_${name} INTERFACE)
    set(scope INTERFACE)
    target_link_libraries(saccade_${name} INTERFACE ${uses})
  endif()
  add_library(saccade::${name} ALIAS saccade_${name})
  set_target_properties(saccade_${name} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(saccade_${name} ${scope} $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  set_property(GLOBAL APPEND PROPERTY SACCADE_FOLDERS ${name})

  if(SACCADE_DEVELOPER AND tests)
    add_executable(saccade_${name}_test ${tests})
    target_link_libraries(saccade_${name}_test PRIVATE saccade_${name} saccade_warnings ${ARG_EXTERNAL} fmt::fmt
      GTest::gmock GTest::gtest_main)
    gtest_discover_tests(saccade_${name}_test TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60 PROPERTIES LABELS "unit;${name}")
  endif()
endfunction()

# saccade::saccade: every folder but the command's own.
function(saccade_library)
  get_property(folders GLOBAL PROPERTY SACCADE_FOLDERS)
  list(REMOVE_ITEM folders cli)
  add_library(saccade INTERFACE)
  add_library(saccade::saccade ALIAS saccade)
  list(TRANSFORM folders PREPEND saccade_)
  target_link_libraries(saccade INTERFACE ${folders})
endfunction()
