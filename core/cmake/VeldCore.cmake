# What follows from all rooms together; included after core/CMakeLists.txt has declared them.

# veldkit::core: all rooms at once, what a user of the library links.
get_property(rooms GLOBAL PROPERTY VELD_MODULES)
add_library(veld_core INTERFACE)
add_library(veldkit::core ALIAS veld_core)
set_target_properties(veld_core PROPERTIES EXPORT_NAME core)
foreach(room IN LISTS rooms)
  target_link_libraries(veld_core INTERFACE veldkit::${room})
endforeach()

# Which room each public header belongs to, for tests/arch/check.sh.
get_property(headers GLOBAL PROPERTY VELD_ROOMS)
list(JOIN headers "\n" headers)
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/rooms.txt" CONTENT "${headers}\n" @ONLY)
