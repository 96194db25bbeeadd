# Imported targets for all that is not ours, named veld::<library>. What comes from Debian is found
# by pkg-config; Mbed TLS and libgit2 are our own static builds (deps.sh). Nothing is downloaded or
# built from here: that is `./run build`, so a configure step never needs a network. The installed
# package config includes this file too.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# ---- from Debian ----
function(veld_pkg name module package)
  pkg_check_modules(${module} QUIET IMPORTED_TARGET GLOBAL "${ARGN}")
  if(NOT ${module}_FOUND)
    message(FATAL_ERROR
      "${ARGN} was not found. `./run build` installs all that is needed; by hand it is the Debian "
      "package ${package}.")
  endif()
  add_library(veld::${name} ALIAS PkgConfig::${module})
endfunction()

veld_pkg(sqlite3 VELD_SQLITE3 libsqlite3-dev sqlite3>=3.40)
veld_pkg(cjson VELD_CJSON libcjson-dev libcjson)
veld_pkg(cbor VELD_CBOR libcbor-dev libcbor)
veld_pkg(zstd VELD_ZSTD libzstd-dev libzstd)
veld_pkg(argon2 VELD_ARGON2 libargon2-dev libargon2)
veld_pkg(zlib VELD_ZLIB zlib1g-dev zlib)
veld_pkg(tss2 VELD_TSS2 libtss2-dev tss2-esys>=3.2 tss2-mu tss2-tcti-device tss2-tcti-swtpm)
veld_pkg(nghttp2 VELD_NGHTTP2 libnghttp2-dev libnghttp2>=1.52)
# The library itself has no event loop and closes no process; the server does.
if(PROJECT_NAME STREQUAL "veldkit")
  veld_pkg(event VELD_EVENT libevent-dev libevent_core)
  veld_pkg(seccomp VELD_SECCOMP libseccomp-dev libseccomp>=2.5)
endif()
if(VELD_BUILD_TESTS)
  veld_pkg(cmocka VELD_CMOCKA libcmocka-dev cmocka)
endif()

# ---- our own builds ----
# VELD_DEPS_PREFIX names where they are; empty means the cache that deps.sh keeps.
set(veld_deps_prefix "${VELD_DEPS_PREFIX}")
if(NOT veld_deps_prefix)
  execute_process(COMMAND "${CMAKE_CURRENT_LIST_DIR}/deps.sh" --prefix
    OUTPUT_VARIABLE veld_deps_prefix OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
  # The place follows from these three, so a change of one must configure again.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
    "${CMAKE_CURRENT_LIST_DIR}/deps.sh" "${CMAKE_CURRENT_LIST_DIR}/deps.lock"
    "${CMAKE_CURRENT_LIST_DIR}/mbedtls_config.h")
endif()
if(NOT EXISTS "${veld_deps_prefix}/complete")
  message(FATAL_ERROR
    "Mbed TLS and libgit2 are not built yet (looked in ${veld_deps_prefix}). `./run build` does "
    "all that is needed; by hand it is core/cmake/deps.sh.")
endif()
set(VELD_DEPS_DIR "${veld_deps_prefix}")

# SYSTEM headers: their warnings are not ours.
function(veld_static name file)
  add_library(veld::${name} STATIC IMPORTED GLOBAL)
  set_target_properties(veld::${name} PROPERTIES
    IMPORTED_LOCATION "${VELD_DEPS_DIR}/lib/${file}"
    INTERFACE_LINK_LIBRARIES "${ARGN}")
  # Absent where Veldkit is installed: its own public headers include none of these.
  if(EXISTS "${VELD_DEPS_DIR}/include")
    target_include_directories(veld::${name} INTERFACE "${VELD_DEPS_DIR}/include")
  endif()
endfunction()

# Our configuration lies where Mbed TLS looks by default, so users need no definition.
veld_static(mbedcrypto libmbedcrypto.a Threads::Threads)
veld_static(mbedx509 libmbedx509.a veld::mbedcrypto)
veld_static(mbedtls libmbedtls.a veld::mbedx509)
# libgit2 names http-parser in code that is never reached (HTTPS and SSH are left out); the static
# archive keeps it out of what a machine needs at run time.
find_library(VELD_HTTP_PARSER NAMES libhttp_parser.a http_parser)
if(NOT VELD_HTTP_PARSER)
  message(FATAL_ERROR "libhttp_parser was not found. `./run build` installs all that is needed; by "
    "hand it is the Debian package libhttp-parser-dev.")
endif()
veld_static(git2 libgit2.a "${VELD_HTTP_PARSER}" veld::zlib Threads::Threads)
