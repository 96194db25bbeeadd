# What `cmake --install` leaves: the library with headers, a package config, veldkit.pc and the two
# third-party archives it links that no Debian package could give.
include(CMakePackageConfigHelpers)

get_property(rooms GLOBAL PROPERTY VELD_MODULES)
set(targets "")
foreach(room IN LISTS rooms)
  list(APPEND targets veld_${room})
endforeach()
set(config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/veldkit")
set(deps_dir "${CMAKE_INSTALL_LIBDIR}/veldkit")

install(TARGETS ${targets} veld_core EXPORT veldkit
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT library
  FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT library)
install(EXPORT veldkit FILE veldkit-targets.cmake NAMESPACE veldkit:: DESTINATION "${config_dir}" COMPONENT library)
configure_package_config_file("${PROJECT_SOURCE_DIR}/core/cmake/veldkit-config.cmake.in"
  "${PROJECT_BINARY_DIR}/veldkit-config.cmake"
  INSTALL_DESTINATION "${config_dir}" PATH_VARS deps_dir)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/veldkit-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/veldkit-config.cmake"
  "${PROJECT_BINARY_DIR}/veldkit-config-version.cmake"
  "${PROJECT_SOURCE_DIR}/core/cmake/VeldDependencies.cmake"
  DESTINATION "${config_dir}" COMPONENT library)

# `complete` says which versions the archives are.
set(archives libgit2.a libmbedtls.a libmbedx509.a libmbedcrypto.a)
list(TRANSFORM archives PREPEND "${VELD_DEPS_DIR}/lib/" OUTPUT_VARIABLE archive_paths)
install(FILES ${archive_paths} DESTINATION "${deps_dir}/lib" COMPONENT library)
install(FILES "${VELD_DEPS_DIR}/complete" DESTINATION "${deps_dir}" COMPONENT library)

# Static archives are linked in order: users before what they use.
list(REVERSE rooms)
list(TRANSFORM rooms REPLACE "(.+)" "-lveldkit-\\1" OUTPUT_VARIABLE VELD_PC_LIBS)
list(JOIN VELD_PC_LIBS " " VELD_PC_LIBS)
configure_file("${PROJECT_SOURCE_DIR}/veldkit.pc.in" "${PROJECT_BINARY_DIR}/veldkit.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/veldkit.pc"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT library)
