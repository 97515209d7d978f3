# saccade_header_objects(target root)
#
# An object library that compiles every public header under root/saccade by itself, and twice over: a header that leans on
# what others include, lacks its guard or defines a function that is not inline does not pass. A header with a source of
# its own name is left out: that source includes it before all others (check_layering sees to it), which proves as much where
# each source is compiled by itself.
function(saccade_header_objects target root)
  file(GLOB_RECURSE headers RELATIVE "${root}" CONFIGURE_DEPENDS "${root}/saccade/*.h")
  list(FILTER headers EXCLUDE REGEX "_internal\\.h$")
  set(sources "")
  foreach(header IN LISTS headers)
    string(REGEX REPLACE "\\.h$" ".cpp" source "${header}")
    if(EXISTS "${root}/${source}" AND NOT SACCADE_UNITE)
      continue()
    endif()
    set(source "${CMAKE_CURRENT_BINARY_DIR}/headers/${source}")
    file(CONFIGURE OUTPUT "${source}" CONTENT "#include \"@header@\"\n#include \"@header@\"\n" @ONLY)
    list(APPEND sources "${source}")
  endforeach()
  add_library(${target} OBJECT EXCLUDE_FROM_ALL ${sources})
  target_compile_features(${target} PRIVATE cxx_std_20)
  target_include_directories(${target} PRIVATE "${root}")
  target_compile_options(${target} PRIVATE -O0 -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow
    -Wno-missing-field-initializers -Werror)
endfunction()
