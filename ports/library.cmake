# libtacho as programs link it: one static and one shared library of all target-side folders.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
set(TACHO_OBJECTS $<TARGET_OBJECTS:tacho_core> $<TARGET_OBJECTS:tacho_shm> $<TARGET_OBJECTS:tacho_linux>)
foreach(kind static shared)
  string(TOUPPER ${kind} KIND)
  add_library(libtacho_${kind} ${KIND} ${TACHO_OBJECTS})
  add_library(tacho::${kind} ALIAS libtacho_${kind})
  set_target_properties(libtacho_${kind} PROPERTIES OUTPUT_NAME tacho EXPORT_NAME ${kind}
    LINKER_LANGUAGE C)
  target_include_directories(libtacho_${kind} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
  target_link_libraries(libtacho_${kind} PUBLIC Threads::Threads m)
endforeach()
set_target_properties(libtacho_shared PROPERTIES VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR})
add_library(tacho::tacho ALIAS libtacho_static)

# The compiler's hooks: link it beside libtacho and build with -finstrument-functions.
add_library(libtacho_functions STATIC $<TARGET_OBJECTS:tacho_functions>)
add_library(tacho::functions ALIAS libtacho_functions)
set_target_properties(libtacho_functions PROPERTIES OUTPUT_NAME tacho-functions
  EXPORT_NAME functions LINKER_LANGUAGE C)
target_link_libraries(libtacho_functions PUBLIC libtacho_static)

# `cmake --install BUILD --component library` puts what other projects need below the prefix; they find
# it by find_package(tacho) or by pkg-config, or take this folder by add_subdirectory.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(TACHO_PACKAGE_FOLDER ${CMAKE_INSTALL_LIBDIR}/cmake/tacho)
install(TARGETS libtacho_static libtacho_shared libtacho_functions EXPORT tacho-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library NAMELINK_COMPONENT library)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/tacho DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT library FILES_MATCHING PATTERN "*.h" PATTERN "*.def")
install(EXPORT tacho-targets NAMESPACE tacho:: DESTINATION ${TACHO_PACKAGE_FOLDER}
  COMPONENT library)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/tacho-config.cmake.in
  ${PROJECT_BINARY_DIR}/tacho-config.cmake INSTALL_DESTINATION ${TACHO_PACKAGE_FOLDER})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tacho-config-version.cmake
  COMPATIBILITY SameMajorVersion)
configure_file(${PROJECT_SOURCE_DIR}/cmake/tacho.pc.in ${PROJECT_BINARY_DIR}/tacho.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/tacho-config.cmake ${PROJECT_BINARY_DIR}/tacho-config-version.cmake
  DESTINATION ${TACHO_PACKAGE_FOLDER} COMPONENT library)
install(FILES ${PROJECT_BINARY_DIR}/tacho.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
  COMPONENT library)
