# `cmake --install build/release --prefix DIR`: the command, the libraries, the headers, and the package files that make
# find_package(saccade) work. tests/consumer proves it.
include(CMakePackageConfigHelpers)

get_property(folders GLOBAL PROPERTY SACCADE_LIBRARY)
list(TRANSFORM folders PREPEND saccade_ OUTPUT_VARIABLE libraries)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/saccade")

install(TARGETS saccade ${libraries} EXPORT saccadeTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(EXPORT saccadeTargets NAMESPACE saccade:: DESTINATION "${package_dir}")
if(TARGET saccade_command)
  install(TARGETS saccade_command RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
foreach(folder IN LISTS folders)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/saccade/${folder}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/saccade"
    FILES_MATCHING PATTERN "*.h" PATTERN "*_internal.h" EXCLUDE)
endforeach()
if(EXISTS "${PROJECT_SOURCE_DIR}/saccade/saccade.h")
  install(FILES "${PROJECT_SOURCE_DIR}/saccade/saccade.h" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/saccade")
endif()

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/saccadeConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/saccadeConfig.cmake" INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/saccadeConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/saccadeConfig.cmake" "${PROJECT_BINARY_DIR}/saccadeConfigVersion.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/FindDNNL.cmake" "${PROJECT_SOURCE_DIR}/cmake/FindHDF5C.cmake" "${PROJECT_SOURCE_DIR}/cmake/FindLibZip.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/FindONNX.cmake" "${PROJECT_SOURCE_DIR}/cmake/FindWebP.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/FindXSMM.cmake"
  DESTINATION "${package_dir}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
