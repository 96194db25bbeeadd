# How parts of Veldkit are declared. Every target of ours goes through one of these.

# veld_module(NAME SOURCES ... [HEADERS ...] [LINKS module ...] [USES third-party-target ...])
# One static library per room of core, `veldkit::NAME`. HEADERS are its public headers in
# core/include/veldkit; the header that is named after a source of the room (NAME.c, NAME.h) and the
# one that is named after the room need not be listed. LINKS are the rooms it may see, USES the
# libraries whose headers this room alone includes.
function(veld_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;HEADERS;LINKS;USES")
  set(include_dir "${PROJECT_SOURCE_DIR}/core/include")
  set(headers ${arg_HEADERS} ${name}.h)
  foreach(source IN LISTS arg_SOURCES)
    cmake_path(GET source STEM stem)
    list(APPEND headers ${stem}.h)
  endforeach()
  list(REMOVE_DUPLICATES headers)
  set(paths "")
  foreach(header IN LISTS headers)
    if(EXISTS "${include_dir}/veldkit/${header}")
      list(APPEND paths "${include_dir}/veldkit/${header}")
      set_property(GLOBAL APPEND PROPERTY VELD_ROOMS "${header} ${name}")
    elseif(header IN_LIST arg_HEADERS)
      message(FATAL_ERROR "veld_module(${name}): core/include/veldkit/${header} does not exist")
    endif()
  endforeach()

  add_library(veld_${name} STATIC ${arg_SOURCES})
  add_library(veldkit::${name} ALIAS veld_${name})
  set_target_properties(veld_${name} PROPERTIES
    EXPORT_NAME ${name} OUTPUT_NAME veldkit-${name})
  target_sources(veld_${name} PUBLIC FILE_SET HEADERS BASE_DIRS "${include_dir}" FILES ${paths})
  target_include_directories(veld_${name} PUBLIC
    "$<BUILD_INTERFACE:${include_dir}>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  # How we compile is no concern of who uses the installed library.
  target_link_libraries(veld_${name} PRIVATE $<BUILD_INTERFACE:veld_compiler>)
  foreach(link IN LISTS arg_LINKS)
    target_link_libraries(veld_${name} PUBLIC veldkit::${link})
  endforeach()
  target_link_libraries(veld_${name} PRIVATE ${arg_USES})
  set_property(GLOBAL APPEND PROPERTY VELD_MODULES ${name})
endfunction()

# veld_program(NAME SOURCES ... [LINKS ...]): an installed program in build/bin.
function(veld_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINKS")
  add_executable(${name} ${arg_SOURCES})
  target_compile_definitions(${name} PRIVATE VELD_VERSION="${PROJECT_VERSION}")
  target_link_libraries(${name} PRIVATE veld_compiler ${arg_LINKS})
  if(VELD_INSTALL)
    install(TARGETS ${name} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT program)
  endif()
endfunction()

# veld_man(NAME SECTION): the man page of a program, made from what its --help says and from
# NAME.SECTION.in beside it, which says the rest; installed with the program.
function(veld_man name section)
  set(page "${PROJECT_BINARY_DIR}/man/${name}.${section}")
  set(extra "${CMAKE_CURRENT_SOURCE_DIR}/${name}.${section}.in")
  set(script "${PROJECT_SOURCE_DIR}/core/cmake/man.sh")
  file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/man")
  add_custom_command(OUTPUT "${page}"
    COMMAND bash "${script}" "$<TARGET_FILE:${name}>" ${section} "${extra}" > "${page}"
    DEPENDS ${name} "${extra}" "${script}" VERBATIM)
  add_custom_target(man_${name} ALL DEPENDS "${page}")
  if(VELD_INSTALL)
    install(FILES "${page}" DESTINATION "${CMAKE_INSTALL_MANDIR}/man${section}" COMPONENT program)
  endif()
endfunction()

# A limit is for what hangs. It is never reached by what is slow, so that a busy machine fails nothing.
set(VELD_TEST_TIMEOUT 900)

# What a sanitizer runs, so that its build makes nothing else: the targets `tests_asan` (tests of the
# kinds unit, property and fuzz, and those with the label `few`) and `tests_tsan` (label `tsan`).
add_custom_target(tests_asan)
add_custom_target(tests_tsan)

# veld_test(KIND MODULE NOUN [SOURCES ...] [LINKS ...] [LABELS ...])
# NOUN_test.c becomes the CTest test KIND.MODULE.NOUN with the labels KIND and MODULE. The label
# `tsan` asks for a run under the thread sanitizer too, `node` for the npm packages of tests/node.
function(veld_test kind module noun)
  cmake_parse_arguments(PARSE_ARGV 3 arg "" "" "SOURCES;LINKS;LABELS")
  set(target test_${kind}_${module}_${noun})
  add_executable(${target} ${noun}_test.c ${arg_SOURCES})
  set_target_properties(${target} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
  target_link_libraries(${target} PRIVATE veld_compiler veldkit::${module} ${arg_LINKS}
    veld_test_support veld::cmocka)
  add_test(NAME ${kind}.${module}.${noun} COMMAND ${target})
  set_tests_properties(${kind}.${module}.${noun} PROPERTIES
    LABELS "${kind};${module};${arg_LABELS}" TIMEOUT ${VELD_TEST_TIMEOUT})
  veld_test_environment(${kind}.${module}.${noun})
  if(kind MATCHES "^(unit|property)$")
    add_dependencies(tests_asan ${target})
  endif()
  if("tsan" IN_LIST arg_LABELS)
    add_dependencies(tests_tsan ${target})
  endif()
endfunction()

# veld_test_environment(TEST): where a test finds what is not in the tree.
function(veld_test_environment test)
  set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT
    "VELD_SOURCE_DIR=${PROJECT_SOURCE_DIR}" "VELD_BINARY_DIR=${PROJECT_BINARY_DIR}"
    "VELD_NODE_MODULES=${VELD_NODE_MODULES}")
endfunction()

# veld_script_test(KIND MODULE NAME SCRIPT [ARGS ...] [LABELS ...])
# A shell or Node.js script as the CTest test KIND.MODULE.NAME; exit code 77 means skipped.
function(veld_script_test kind module name script)
  cmake_parse_arguments(PARSE_ARGV 4 arg "" "" "ARGS;LABELS")
  if(script MATCHES "\\.m?js$")
    set(runner node)
  else()
    set(runner bash)
  endif()
  set(test ${kind}.${module}.${name})
  add_test(NAME ${test} COMMAND ${runner} "${CMAKE_CURRENT_SOURCE_DIR}/${script}" ${arg_ARGS})
  set_tests_properties(${test} PROPERTIES
    LABELS "${kind};${module};${arg_LABELS}" TIMEOUT ${VELD_TEST_TIMEOUT} SKIP_RETURN_CODE 77)
  veld_test_environment(${test})
endfunction()

# veld_fuzz(MODULE NAME [LINKS ...])
# tests/fuzz/NAME_fuzz.c defines LLVMFuzzerTestOneInput. With VELD_FUZZ it is a libFuzzer program;
# otherwise a plain one. Either way CTest's fuzz.MODULE.NAME replays tests/fuzz/corpus/NAME.
function(veld_fuzz module name)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "LINKS")
  set(target fuzz_${name})
  set(fuzz_dir "${PROJECT_SOURCE_DIR}/tests/fuzz")
  add_executable(${target} "${fuzz_dir}/${name}_fuzz.c")
  set_target_properties(${target} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/fuzz")
  # libFuzzer's entry point has no header that declares it.
  target_compile_options(${target} PRIVATE -Wno-missing-prototypes)
  target_link_libraries(${target} PRIVATE veld_compiler veldkit::${module} ${arg_LINKS})
  if(VELD_FUZZ)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    set(arguments -runs=0)
  else()
    target_sources(${target} PRIVATE "${fuzz_dir}/replay_main.c")
    set(arguments "")
  endif()
  add_test(NAME fuzz.${module}.${name} COMMAND ${target} ${arguments} "${fuzz_dir}/corpus/${name}")
  set_tests_properties(fuzz.${module}.${name} PROPERTIES
    LABELS "fuzz;${module}" TIMEOUT ${VELD_TEST_TIMEOUT})
  add_dependencies(tests_asan ${target})
endfunction()

# veld_bench(NAME [LINKS ...]): tests/bench/NAME_bench.c, built always so that it does not rot, run
# by `./run bench` from the release build. It prints ratios measured within its own run.
function(veld_bench name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINKS")
  set(target bench_${name})
  add_executable(${target} "${PROJECT_SOURCE_DIR}/tests/bench/${name}_bench.c")
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bench")
  target_link_libraries(${target} PRIVATE veld_compiler ${arg_LINKS})
  if(NOT TARGET bench)
    add_custom_target(bench)
  endif()
  add_dependencies(bench ${target})
endfunction()
