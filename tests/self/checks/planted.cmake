# Helpers for the tests of the checks: build a little tree under TREE, run a check over it, look at what it says.

# Starts a case with an empty tree.
function(begin title)
  set_property(GLOBAL PROPERTY CASE "${title}")
  file(REMOVE_RECURSE "${TREE}")
  file(MAKE_DIRECTORY "${TREE}")
endfunction()

function(put path content)
  file(WRITE "${TREE}/${path}" "${content}")
endfunction()

# Runs a command line and requires it to fail with a message that contains every one of the texts, or to pass when none
# is given.
function(expect command texts)
  get_property(title GLOBAL PROPERTY CASE)
  execute_process(COMMAND ${command} RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(texts STREQUAL "" AND NOT code EQUAL 0)
    message(FATAL_ERROR "${title}: expected the check to pass, got:\n${output}")
  elseif(NOT texts STREQUAL "" AND code EQUAL 0)
    message(FATAL_ERROR "${title}: expected the check to fail, got:\n${output}")
  endif()
  foreach(text IN LISTS texts)
    string(FIND "${output}" "${text}" position)
    if(position EQUAL -1)
      message(FATAL_ERROR "${title}: expected a message with '${text}', got:\n${output}")
    endif()
  endforeach()
endfunction()

# expect_pass(check) and expect_fault(check texts...) run cmake/checks/<check>.cmake over the tree.
function(expect_pass check)
  expect("${CMAKE_COMMAND};-DROOT=${TREE};-P;${CHECKS}/${check}.cmake" "")
endfunction()
function(expect_fault check)
  expect("${CMAKE_COMMAND};-DROOT=${TREE};-P;${CHECKS}/${check}.cmake" "${ARGN}")
endfunction()
