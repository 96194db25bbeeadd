# Everything the compiler is told, in one interface target that all our targets link.
include(CheckPIESupported)

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_VERIFY_INTERFACE_HEADER_SETS ON) # target all_verify_interface_header_sets
check_pie_supported(LANGUAGES C)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

set(VELD_SANITIZE "" CACHE STRING "sanitizers to build with, for example address,undefined")
option(VELD_HARDEN "hardening flags for a release" OFF)
option(VELD_FUZZ "build the fuzz targets with libFuzzer (clang)" OFF)
option(VELD_ANALYZE "let gcc -fanalyzer look at every source" OFF)

add_library(veld_compiler INTERFACE)
target_compile_definitions(veld_compiler INTERFACE _POSIX_C_SOURCE=200809L)
target_compile_options(veld_compiler INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings
  -Wformat=2 -Wundef -Wvla -Wcast-qual -Wpointer-arith -Wimplicit-fallthrough
  -Wconversion -Wsign-conversion -Wswitch
  # Banned functions are errors in every source of ours, without anybody having to include it.
  "SHELL:-include \"${PROJECT_SOURCE_DIR}/core/base/banned.h\"")
if(VELD_HARDEN)
  # The list of the OpenSSF guide, less what gcc 12 refuses.
  target_compile_options(veld_compiler INTERFACE -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
    -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_compile_options(veld_compiler INTERFACE -fcf-protection=full)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64")
    target_compile_options(veld_compiler INTERFACE -mbranch-protection=standard)
  endif()
  target_link_options(veld_compiler INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed)
endif()
if(VELD_SANITIZE)
  target_compile_options(veld_compiler INTERFACE
    -fsanitize=${VELD_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(veld_compiler INTERFACE -fsanitize=${VELD_SANITIZE})
endif()
if(VELD_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "VELD_FUZZ needs clang: cmake --preset fuzz, or ./run fuzz NAME")
  endif()
  target_compile_options(veld_compiler INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(VELD_ANALYZE)
  if(NOT CMAKE_C_COMPILER_ID STREQUAL "GNU")
    message(FATAL_ERROR "VELD_ANALYZE needs gcc: cmake --preset analyze, or ./run lint")
  endif()
  target_compile_options(veld_compiler INTERFACE -fanalyzer)
endif()
