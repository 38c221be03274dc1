# Install rules: headers, dyadicConfig.cmake, dyadic.pc; all under include/ and share/, for every architecture alike.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(dyadic_package_dir ${CMAKE_INSTALL_DATADIR}/cmake/dyadic)
set(dyadic_pkgconfig_dir ${CMAKE_INSTALL_DATADIR}/pkgconfig)

install(TARGETS dyadic EXPORT dyadicTargets FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT dyadicTargets NAMESPACE dyadic:: DESTINATION ${dyadic_package_dir})

configure_package_config_file(cmake/dyadicConfig.cmake.in dyadicConfig.cmake INSTALL_DESTINATION ${dyadic_package_dir}
  NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(dyadicConfigVersion.cmake COMPATIBILITY SameMajorVersion ARCH_INDEPENDENT)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/dyadicConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/dyadicConfigVersion.cmake
  cmake/dyadicEigen.cmake cmake/dyadicReport.cmake DESTINATION ${dyadic_package_dir})

# The .pc file finds its prefix from its own place, so that the install tree can be moved.
file(RELATIVE_PATH dyadic_pc_prefix ${CMAKE_INSTALL_FULL_DATADIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" dyadic_pc_prefix ${dyadic_pc_prefix})
set(dyadic_pc_requires "")
if(DYADIC_WITH_EIGEN)
  set(dyadic_pc_requires "eigen3 >= 3.4")
endif()
configure_file(cmake/dyadic.pc.in dyadic.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/dyadic.pc DESTINATION ${dyadic_pkgconfig_dir})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/dyadic)
