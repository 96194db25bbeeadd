# Everything the compiler is told, in one interface target that all our targets link.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

set(VELD_SANITIZE "" CACHE STRING "sanitizers to build with, for example address,undefined")
option(VELD_HARDEN "hardening flags for a release" OFF)
option(VELD_FUZZ "build the fuzz targets with libFuzzer (clang)" OFF)

add_library(veld_compiler INTERFACE)
target_compile_definitions(veld_compiler INTERFACE _POSIX_C_SOURCE=200809L)
target_compile_options(veld_compiler INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings
  -Wformat=2 -Wundef -Wvla -Wcast-qual -Wpointer-arith -Wimplicit-fallthrough
  -Wconversion -Wsign-conversion -Wswitch)
if(VELD_HARDEN)
  target_compile_options(veld_compiler INTERFACE -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
    -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
    -ftrivial-auto-var-init=zero)
  target_link_options(veld_compiler INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
if(VELD_SANITIZE)
  target_compile_options(veld_compiler INTERFACE
    -fsanitize=${VELD_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(veld_compiler INTERFACE -fsanitize=${VELD_SANITIZE})
endif()
