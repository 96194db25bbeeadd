# Turns the record schemas into one C source, so that the library needs no file at run time. Included
# by core/cases/CMakeLists.txt, and run as a script by the build rule that it makes there:
# byte arrays in plain C work with every compiler.
set(veld_embed_script "${CMAKE_CURRENT_LIST_FILE}")
set(veld_record_dir "${CMAKE_CURRENT_LIST_DIR}/records")
# Sorted by name; veld_schema_embedded promises that.
set(veld_record_types
  address advice-contact assessment aware-allocation case child-conversation compartment confirmation
  conflict-work consultation danger-notice decision dossier emergency-access handover help-action home-ban home-ban-decision
  incident legal-note monitoring-moment note person plan-version raad-request relation report reporter
  reporter-consent retention rihg risk-note safety-agreement safety-condition safety-plan signature
  subjects-informed visit)

# veld_embed_records(OUT): the rule for a C source with all schemas; its path is put in OUT.
function(veld_embed_records out)
  set(source "${CMAKE_CURRENT_BINARY_DIR}/schema_embedded.c")
  list(TRANSFORM veld_record_types REPLACE "(.+)" "${veld_record_dir}/\\1.schema.json"
    OUTPUT_VARIABLE files)
  add_custom_command(OUTPUT "${source}"
    COMMAND "${CMAKE_COMMAND}" "-DOUTPUT=${source}" -P "${veld_embed_script}"
    DEPENDS ${files} "${veld_embed_script}"
    COMMENT "Embedding the record schemas" VERBATIM)
  set(${out} "${source}" PARENT_SCOPE)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  set(arrays "")
  set(table "")
  set(index 0)
  foreach(type IN LISTS veld_record_types)
    file(READ "${veld_record_dir}/${type}.schema.json" bytes HEX)
    string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(APPEND arrays "static const uint8_t file_${index}[] = {\n${bytes}};\n")
    string(APPEND table "    {\"${type}\", {file_${index}, sizeof file_${index}}},\n")
    math(EXPR index "${index} + 1")
  endforeach()
  file(WRITE "${OUTPUT}" "/* Made from proto/records by proto/EmbedRecords.cmake. */
#include \"veldkit/schema.h\"

${arrays}
static const veld_schema_source files[] = {
${table}};

const veld_schema_source *veld_schema_embedded(size_t *count)
{
    *count = sizeof files / sizeof files[0];
    return files;
}
")
endif()
