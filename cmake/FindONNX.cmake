# The ONNX schema as protobuf classes, as the target ONNX::proto, and its checker, as ONNX::checker.
#
# Its own package file is not used: Debian's names protobuf's target without finding it.
find_package(Protobuf REQUIRED)
find_path(ONNX_INCLUDE_DIR onnx/onnx_pb.h)
find_library(ONNX_PROTO_LIBRARY onnx_proto)
find_library(ONNX_LIBRARY onnx)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(ONNX REQUIRED_VARS ONNX_PROTO_LIBRARY ONNX_LIBRARY ONNX_INCLUDE_DIR)
mark_as_advanced(ONNX_INCLUDE_DIR ONNX_PROTO_LIBRARY ONNX_LIBRARY)

if(ONNX_FOUND AND NOT TARGET ONNX::proto)
  add_library(ONNX::proto UNKNOWN IMPORTED)
  set_target_properties(ONNX::proto PROPERTIES IMPORTED_LOCATION "${ONNX_PROTO_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${ONNX_INCLUDE_DIR}"
    INTERFACE_COMPILE_DEFINITIONS "ONNX_NAMESPACE=onnx;ONNX_ML=1"
    INTERFACE_LINK_LIBRARIES protobuf::libprotobuf)
  add_library(ONNX::checker UNKNOWN IMPORTED)
  set_target_properties(ONNX::checker PROPERTIES IMPORTED_LOCATION "${ONNX_LIBRARY}" INTERFACE_LINK_LIBRARIES ONNX::proto)
endif()
