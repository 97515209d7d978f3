# LIBXSMM, as the target XSMM::xsmm.
find_path(XSMM_INCLUDE_DIR libxsmm.h)
find_library(XSMM_LIBRARY xsmm)
# Stands in for the BLAS to which LIBXSMM would hand products that it does not compile; Saccade never asks for one.
find_library(XSMM_NOBLAS_LIBRARY xsmmnoblas)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(XSMM REQUIRED_VARS XSMM_LIBRARY XSMM_NOBLAS_LIBRARY XSMM_INCLUDE_DIR)
mark_as_advanced(XSMM_INCLUDE_DIR XSMM_LIBRARY XSMM_NOBLAS_LIBRARY)

if(XSMM_FOUND AND NOT TARGET XSMM::xsmm)
  add_library(XSMM::xsmm UNKNOWN IMPORTED)
  set_target_properties(XSMM::xsmm PROPERTIES IMPORTED_LOCATION "${XSMM_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${XSMM_INCLUDE_DIR}" INTERFACE_LINK_LIBRARIES "${XSMM_NOBLAS_LIBRARY};${CMAKE_DL_LIBS}")
endif()
