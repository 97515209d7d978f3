# saccade_embed(folder NAMES constants... FILES files...)
#
# Makes text files of saccade/<folder>/ part of the folder's target: each becomes the constant of its place in NAMES, a
# std::string_view in namespace saccade::<folder> that a header of the folder declares. Files are as long as a C++ literal may
# be, 64 KiB, and hold no ")saccade\"".
function(saccade_embed folder)
  cmake_parse_arguments(ARG "" "" "NAMES;FILES" ${ARGN})
  set(source "${PROJECT_BINARY_DIR}/saccade/${folder}/embedded.cpp")
  set(text "#include <string_view>\n\nnamespace saccade::${folder} {\n")
  foreach(name file IN ZIP_LISTS ARG_NAMES ARG_FILES)
    set(path "${PROJECT_SOURCE_DIR}/saccade/${folder}/${file}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${path}")
    file(READ "${path}" content)
    string(APPEND text "\nextern const std::string_view ${name};\n"
      "const std::string_view ${name} = R\"saccade(${content})saccade\";\n")
  endforeach()
  string(APPEND text "\n}  // namespace saccade::${folder}\n")
  file(CONFIGURE OUTPUT "${source}" CONTENT "@text@" @ONLY)
  target_sources(saccade_${folder} PRIVATE "${source}")
endfunction()
