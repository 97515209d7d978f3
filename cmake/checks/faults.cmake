# What every check script shares: it prints each fault as it finds it, and fails once at the end.
# Run as: cmake -DROOT=<tree to check> -P <check>.cmake
if(NOT IS_DIRECTORY "${ROOT}")
  message(FATAL_ERROR "expected -DROOT=<folder of the tree to check>, got '${ROOT}'")
endif()
get_filename_component(ROOT "${ROOT}" ABSOLUTE)
set_property(GLOBAL PROPERTY FAULTS 0)

function(fault text)
  message("${text}")
  get_property(count GLOBAL PROPERTY FAULTS)
  math(EXPR count "${count} + 1")
  set_property(GLOBAL PROPERTY FAULTS ${count})
endfunction()

function(report_faults check clean)
  get_property(count GLOBAL PROPERTY FAULTS)
  if(count GREATER 0)
    message(FATAL_ERROR "${check}: ${count} found")
  endif()
  message(STATUS "${check}: ${clean}")
endfunction()
