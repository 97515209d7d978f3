# saccade_header_objects(target root)
#
# An object library that compiles every public header under root/saccade by itself, and twice over: a header that leans on
# what others include, lacks its guard or defines a function that is not inline does not pass. A header with a source of
# its own name is left out: that source includes it before all others (check_layering sees to it), which proves as much where
# each source is compiled by itself. Where several are compiled as one, headers that users never see are left out.
function(saccade_header_objects target root)
  file(GLOB_RECURSE headers RELATIVE "${root}" CONFIGURE_DEPENDS "${root}/saccade/*.h")
  list(FILTER headers EXCLUDE REGEX "_internal\\.h$")
  get_property(command_only GLOBAL PROPERTY SACCADE_COMMAND)
  set(sources "")
  foreach(header IN LISTS headers)
    string(REGEX REPLACE "\\.h$" ".cpp" source "${header}")
    string(REGEX REPLACE "^saccade/([a-z]+)/.*" "\\1" folder "${header}")
    if(EXISTS "${root}/${source}" AND (NOT SACCADE_UNITE OR folder IN_LIST command_only))
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
