# veld_module(NAME SOURCES ... [LINKS module ...] [USES third-party-target ...])
# One static library per room of core, `veldkit::NAME`. LINKS are the rooms it may see, USES the
# libraries whose headers this room alone includes.
function(veld_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINKS;USES")
  add_library(veld_${name} STATIC ${arg_SOURCES})
  add_library(veldkit::${name} ALIAS veld_${name})
  target_include_directories(veld_${name} PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/core/include>"
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  target_link_libraries(veld_${name} PRIVATE veld_compiler)
  foreach(link IN LISTS arg_LINKS)
    target_link_libraries(veld_${name} PUBLIC veldkit::${link})
  endforeach()
  target_link_libraries(veld_${name} PRIVATE ${arg_USES})
  set_property(GLOBAL APPEND PROPERTY VELD_MODULES veld_${name})
endfunction()

# veld_test(KIND MODULE NOUN [SOURCES ...] [LINKS ...] [TIMEOUT seconds])
# NOUN_test.c becomes the CTest test KIND.MODULE.NOUN with the labels KIND and MODULE.
function(veld_test kind module noun)
  cmake_parse_arguments(PARSE_ARGV 3 arg "" "TIMEOUT" "SOURCES;LINKS")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  set(target test_${kind}_${module}_${noun})
  add_executable(${target} ${noun}_test.c ${arg_SOURCES})
  set_target_properties(${target} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
  target_link_libraries(${target} PRIVATE veld_compiler veldkit::${module} ${arg_LINKS}
    veld_test_support veld::cmocka)
  add_test(NAME ${kind}.${module}.${noun} COMMAND ${target})
  set_tests_properties(${kind}.${module}.${noun} PROPERTIES
    LABELS "${kind};${module}" TIMEOUT ${arg_TIMEOUT})
endfunction()
