# Checks of the tree itself, each a target and a ctest test, and the ci_* targets: one for every job of continuous
# integration, so that a job runs the same at a desk: cmake --build build/release -t ci_format

# saccade_check(name): the target and the test check_<name>, both of which run cmake/checks/<name>.cmake over the tree.
function(saccade_check name)
  set(command "${CMAKE_COMMAND}" "-DROOT=${PROJECT_SOURCE_DIR}" -P "${PROJECT_SOURCE_DIR}/cmake/checks/${name}.cmake")
  add_custom_target(check_${name} COMMAND ${command} VERBATIM)
  add_custom_target(ci_${name} DEPENDS check_${name})
  if(NOT SACCADE_SANITIZER)
    add_test(NAME check.${name} COMMAND ${command})
    set_tests_properties(check.${name} PROPERTIES LABELS check)
  endif()
endfunction()

saccade_check(format)
saccade_check(layering)
saccade_check(registry)
add_custom_target(format COMMENT "Rewriting every C++ file with clang-format-14" VERBATIM
  COMMAND "${CMAKE_COMMAND}" "-DROOT=${PROJECT_SOURCE_DIR}" -DFIX=ON -P "${PROJECT_SOURCE_DIR}/cmake/checks/format.cmake")

# Every public header compiles alone under the strict warnings.
include(SaccadeHeaders)
saccade_header_objects(saccade_headers "${PROJECT_SOURCE_DIR}")
add_custom_target(check_headers DEPENDS saccade_headers)
add_custom_target(ci_headers DEPENDS check_headers)
if(NOT SACCADE_SANITIZER)
  add_test(NAME check.headers COMMAND "${CMAKE_COMMAND}" --build "${PROJECT_BINARY_DIR}" --target check_headers)
  set_tests_properties(check.headers PROPERTIES LABELS check RUN_SERIAL ON)
endif()

# Advice rather than a gate: clang-tidy over the sources, with the short list of .clang-tidy.
add_custom_target(tidy COMMENT "clang-tidy" VERBATIM WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
  COMMAND run-clang-tidy-14 -quiet -p "${PROJECT_BINARY_DIR}" "${PROJECT_SOURCE_DIR}/(saccade|apps)/")

cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
add_custom_target(ci_unit COMMAND "${CMAKE_CTEST_COMMAND}" --output-on-failure --no-tests=error -L "^unit$" -j ${cores}
  DEPENDS unit_tests USES_TERMINAL VERBATIM)
add_custom_target(ci_test COMMAND "${CMAKE_COMMAND}" --build "${PROJECT_BINARY_DIR}" --parallel ${cores}
  COMMAND "${CMAKE_CTEST_COMMAND}" --output-on-failure --no-tests=error -j ${cores} USES_TERMINAL VERBATIM)
foreach(sanitizer IN ITEMS asan ubsan asan-ubsan tsan)
  add_custom_target(ci_${sanitizer} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" USES_TERMINAL VERBATIM
    COMMAND "${CMAKE_COMMAND}" --preset ${sanitizer} -G "${CMAKE_GENERATOR}" -DSACCADE_WERROR=${SACCADE_WERROR}
    COMMAND "${CMAKE_COMMAND}" --build --preset ${sanitizer} --parallel ${cores}
    COMMAND "${CMAKE_CTEST_COMMAND}" --preset ${sanitizer} -j ${cores})
endforeach()
