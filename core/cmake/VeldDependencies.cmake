# Imported targets, all named veld::<library>. What comes from Debian is found by pkg-config;
# Mbed TLS and libgit2 come from our own static build (core/cmake/deps.sh).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(veld_pkg target module)
  pkg_check_modules(${module} REQUIRED IMPORTED_TARGET "${ARGN}")
  add_library(${target} ALIAS PkgConfig::${module})
endfunction()

veld_pkg(veld::cjson VELD_CJSON libcjson)
if(VELD_BUILD_TESTS OR PROJECT_IS_TOP_LEVEL)
  veld_pkg(veld::cmocka VELD_CMOCKA cmocka)
endif()
