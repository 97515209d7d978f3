# check_layering: the house stands as its saccade_folder(...) lines in CMakeLists.txt say.
#
# - a folder includes only itself and the folders of its USES; nothing includes them in a circle
# - a third-party header appears in a folder whose EXTERNAL (or the rule below) names its library, and in no public header
# - only cli/ prints, only cli/ and data/ (for $SACCADE_DATA) read the environment, only base/ starts OpenMP threads
# - a source includes the header of its own name first, and a public header is guarded by #pragma once: so the build
#   itself proves that such a header compiles alone (SaccadeHeaders.cmake compiles the others)
# Headers are public unless their name ends in _internal.h; those stay inside their folder and out of public headers.
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/faults.cmake")

# Third-party headers: pattern, then the target that a folder must name, or `any` folder, or only `tests`.
set(third_party
  "^fmt/|any"
  "^oneapi/|DNNL::dnnl"  "^dnnl|DNNL::dnnl"
  "^hwy/|hwy::hwy"
  "^libxsmm|XSMM::xsmm"
  "^png\\.h|PNG::PNG"
  "^j(peglib|error|config|morecfg)\\.h|JPEG::JPEG"
  "^stb/|STB::image"  "^stb_|STB::image"
  "^onnx/|ONNX::proto"
  "^zlib\\.h|ZLIB::ZLIB"
  "^ft2build\\.h|Freetype::Freetype"
  "^curl/|CURL::libcurl"
  "^openssl/|OpenSSL::Crypto"
  "^nlohmann/|nlohmann_json::nlohmann_json"
  "^zip\\.h|LibZip::zip"
  "^hdf5\\.h|HDF5::c"
  "^CLI/|CLI11::CLI11"
  "^gtest/|tests"  "^gmock/|tests")
# Calls that few folders may make: pattern, those folders, what it is.
set(reserved
  "std::(cout|cerr|clog)|cli|prints"
  "[^a-z_]v?f?(printf|puts) *\\(|cli|prints"
  "fmt::v?print *\\(|cli|prints"
  "[^a-z_](secure_)?getenv *\\(|cli data|reads the environment"
  "# *pragma omp parallel|base|starts OpenMP threads: use parallel_for")

# The edges, from the lines that build the targets.
file(READ "${ROOT}/CMakeLists.txt" text)
string(REGEX REPLACE "#[^\n]*" "" text "${text}")
string(REGEX MATCHALL "saccade_folder\\([^)]*\\)" calls "${text}")
set(folders "")
foreach(call IN LISTS calls)
  string(REGEX REPLACE "^saccade_folder\\(|\\)$" "" arguments "${call}")
  separate_arguments(arguments UNIX_COMMAND "${arguments}")
  list(POP_FRONT arguments folder)
  cmake_parse_arguments(ARG "COMMAND_ONLY;LIGHT" "" "USES;EXTERNAL;WITHOUT;APART" ${arguments})
  list(APPEND folders ${folder})
  set(uses_${folder} ${ARG_USES})
  set(external_${folder} ${ARG_EXTERNAL})
  set(reaches_${folder} ${ARG_USES})
endforeach()
foreach(folder IN LISTS folders)
  foreach(used IN LISTS uses_${folder})
    if(NOT used IN_LIST folders)
      fault("CMakeLists.txt: ${folder} USES ${used}, which no saccade_folder line declares")
    endif()
  endforeach()
endforeach()

function(check_own_include file folder line path)
  if(NOT path MATCHES "^saccade/([a-z_]+)/(.+)$")
    fault("${file}: ${line}: expected the path from the root, \"saccade/<folder>/<file>\"")
    return()
  endif()
  set(other ${CMAKE_MATCH_1})
  set(is_test OFF)
  if(file MATCHES "_test\\.cpp$")
    set(is_test ON)
  endif()
  if(path MATCHES "_internal\\.h$" AND NOT other STREQUAL folder)
    fault("${file}: ${line}: an _internal.h belongs to its own folder; include a public header of ${other}")
  elseif(path MATCHES "_internal\\.h$" AND file MATCHES "\\.h$" AND NOT file MATCHES "_internal\\.h$")
    fault("${file}: ${line}: a public header may not include an _internal.h, which is not installed")
  endif()
  if(other STREQUAL folder)
    return()
  endif()
  if(NOT is_test)
    set(reached ${reaches_${folder}} ${other})
    list(REMOVE_DUPLICATES reached)
    set(reaches_${folder} ${reached} PARENT_SCOPE)
  endif()
  if(NOT other IN_LIST uses_${folder})
    string(JOIN " " allowed ${uses_${folder}})
    fault("${file}: ${line}: ${folder} USES only ${allowed} (CMakeLists.txt); move the code, or change the design")
  endif()
endfunction()

function(check_foreign_include file folder line path)
  if(file MATCHES "\\.h$" AND NOT file MATCHES "_internal\\.h$" AND NOT path MATCHES "^[a-z_0-9]+$")
    fault("${file}: ${line}: a public header includes the C++ standard library only; move it to the .cpp or to an _internal.h")
  endif()
  foreach(rule IN LISTS third_party)
    string(REGEX MATCH "^(.*)\\|([^|]*)$" ignored "${rule}")
    set(pattern "${CMAKE_MATCH_1}")
    set(owner "${CMAKE_MATCH_2}")
    if(NOT path MATCHES "${pattern}" OR owner STREQUAL "any")
      continue()
    endif()
    if(owner STREQUAL "tests" AND NOT file MATCHES "(_test\\.cpp|testing_internal\\.h)$")
      fault("${file}: ${line}: only a *_test.cpp or a testing_internal.h may include it")
    elseif(NOT owner STREQUAL "tests" AND NOT owner IN_LIST external_${folder})
      fault("${file}: ${line}: ${folder} has no ${owner} after EXTERNAL (CMakeLists.txt)")
    endif()
  endforeach()
endfunction()

function(check_reserved_calls file folder)
  file(READ "${ROOT}/${file}" code)
  string(REGEX REPLACE "//[^\n]*" "" code "${code}")
  foreach(rule IN LISTS reserved)
    string(REGEX MATCH "^(.*)\\|([^|]*)\\|([^|]*)$" ignored "${rule}")
    set(pattern "${CMAKE_MATCH_1}")
    set(owner "${CMAKE_MATCH_2}")
    set(what "${CMAKE_MATCH_3}")
    separate_arguments(owners UNIX_COMMAND "${owner}")
    if(NOT folder IN_LIST owners AND code MATCHES "${pattern}")
      string(STRIP "${CMAKE_MATCH_0}" found)
      fault("${file}: '${found}': only ${owner} ${what}")
    endif()
  endforeach()
endfunction()

function(check_own_header file includes)
  if(file MATCHES "\\.h$" AND NOT file MATCHES "_internal\\.h$")
    file(STRINGS "${ROOT}/${file}" guard REGEX "^#pragma once$" LIMIT_COUNT 1)
    if(NOT guard)
      fault("${file}: expected '#pragma once' before its first line of code")
    endif()
  endif()
  string(REGEX REPLACE "\\.cpp$" ".h" header "${file}")
  if(header STREQUAL file OR NOT EXISTS "${ROOT}/${header}")
    return()
  endif()
  set(first "")
  if(includes)
    list(GET includes 0 first)
  endif()
  if(NOT first STREQUAL "#include \"${header}\"")
    fault("${file}: expected #include \"${header}\" before all others, got '${first}'")
  endif()
endfunction()

file(GLOB_RECURSE files RELATIVE "${ROOT}" "${ROOT}/saccade/*.h" "${ROOT}/saccade/*.cpp")
foreach(file IN LISTS files)
  if(NOT file MATCHES "^saccade/([^/]+)/")
    continue()  # saccade/saccade.h, which is every folder's
  endif()
  set(folder ${CMAKE_MATCH_1})
  if(NOT folder IN_LIST folders)
    fault("${file}: folder ${folder} has no saccade_folder line in CMakeLists.txt")
    continue()
  endif()
  file(STRINGS "${ROOT}/${file}" lines REGEX "^[ \t]*#[ \t]*include")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "[ \t]*//.*$" "" line "${line}")
    if(line MATCHES "include[ \t]*\"(tests/[^\"]+)\"" AND file MATCHES "_test\\.cpp$")
      continue()  # the shared test helpers
    elseif(line MATCHES "include[ \t]*\"([^\"]+)\"")
      check_own_include("${file}" ${folder} "${line}" "${CMAKE_MATCH_1}")
    elseif(line MATCHES "include[ \t]*<(saccade/[^>]+)>")
      fault("${file}: ${line}: write the project's own headers in quotes")
    elseif(line MATCHES "include[ \t]*<([^>]+)>")
      check_foreign_include("${file}" ${folder} "${line}" "${CMAKE_MATCH_1}")
    endif()
  endforeach()
  check_own_header("${file}" "${lines}")
  if(NOT file MATCHES "_test\\.cpp$")
    check_reserved_calls("${file}" ${folder})
  endif()
endforeach()

# Take away folders that reach none of those left, until none can go; what is left holds a circle.
set(left ${folders})
set(shrinking ON)
while(shrinking)
  set(shrinking OFF)
  foreach(folder IN LISTS left)
    set(next_${folder} "")
    foreach(other IN LISTS reaches_${folder})
      if(other IN_LIST left)
        set(next_${folder} ${other})
      endif()
    endforeach()
    if(next_${folder} STREQUAL "")
      list(REMOVE_ITEM left ${folder})
      set(shrinking ON)
    endif()
  endforeach()
endwhile()
if(left)
  list(GET left 0 folder)
  set(path "")
  while(NOT folder IN_LIST path)
    list(APPEND path ${folder})
    set(folder ${next_${folder}})
  endwhile()
  list(FIND path ${folder} start)
  list(SUBLIST path ${start} -1 path)
  list(APPEND path ${folder})
  string(JOIN " -> " circle ${path})
  fault("cycle: ${circle}; one of these edges must go")
endif()

list(LENGTH files count)
report_faults("check_layering" "${count} files keep to the house")
