# check_registry: every layer named in the registry has all that a layer needs. The registry holds one line a layer,
#     RegisteredLayer{"Conv2D", ...
# and the table below says what else must exist for it.
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/faults.cmake")

set(registry "saccade/nn/registry.cpp")
# what | files that may hold it | a pattern that one of them must match, or nothing when the file itself is enough.
# @Name@ is the layer's name (Conv2D), @name@ the same in snake case (conv2d). The ONNX row is asked for once networks
# are exported.
set(table
  "a docs page|docs/layers/@name@.md|"
  "a gradient case|saccade/nn/*_test.cpp|\"gradient of @Name@[\" ]"
  "a golden case|saccade/nn/*_test.cpp|\"golden case of @Name@[\" ]"
  "a benchmark row|bench/*.cpp|\"@Name@\""
  "an ONNX mapping|saccade/io/onnx/export.cpp|\"@Name@\"")

if(NOT EXISTS "${ROOT}/${registry}")
  report_faults("check_registry" "no registry yet")
  return()
endif()

function(snake_case name result)
  string(REPLACE "ReLU" "Relu" name "${name}")
  string(REGEX REPLACE "(.)([A-Z][a-z]+)" "\\1_\\2" name "${name}")
  string(REGEX REPLACE "([a-z])([A-Z])" "\\1_\\2" name "${name}")
  string(TOLOWER "${name}" name)
  set(${result} "${name}" PARENT_SCOPE)
endfunction()

file(STRINGS "${ROOT}/${registry}" lines REGEX "^ +RegisteredLayer\\{\"[A-Z][A-Za-z0-9]*\"")
list(TRANSFORM lines REPLACE "^ +RegisteredLayer\\{\"([A-Za-z0-9]+)\".*$" "\\1" OUTPUT_VARIABLE names)
if(NOT names)
  fault("${registry}: expected lines like '    RegisteredLayer{\"Conv2D\", ...', got none")
endif()

foreach(row IN LISTS table)
  string(REGEX MATCH "^([^|]*)\\|([^|]*)\\|(.*)$" ignored "${row}")
  set(what "${CMAKE_MATCH_1}")
  set(where "${CMAKE_MATCH_2}")
  set(pattern_of_all "${CMAKE_MATCH_3}")
  if(what STREQUAL "an ONNX mapping" AND NOT EXISTS "${ROOT}/${where}")
    continue()
  endif()
  set(content "")
  if(NOT pattern_of_all STREQUAL "")
    file(GLOB_RECURSE files "${ROOT}/${where}")
    foreach(file IN LISTS files)
      file(READ "${file}" text)
      string(APPEND content "${text}\n")
    endforeach()
  endif()
  foreach(Name IN LISTS names)
    snake_case("${Name}" name)
    string(CONFIGURE "${where}" place @ONLY)
    string(CONFIGURE "${pattern_of_all}" pattern @ONLY)
    if(pattern STREQUAL "")
      if(NOT EXISTS "${ROOT}/${place}")
        fault("${Name}: lacks ${what}; write ${place}")
      endif()
    elseif(NOT content MATCHES "${pattern}")
      fault("${Name}: lacks ${what}; ${place} should hold a line that matches '${pattern}'")
    endif()
  endforeach()
endforeach()

list(LENGTH names count)
report_faults("check_registry" "${count} layers have all they need")
