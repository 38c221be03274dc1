# Finds Eigen >= 3.4, or fetches it when none is installed, and gives it to a target as a SYSTEM include.
include(${CMAKE_CURRENT_LIST_DIR}/dyadicEigen.cmake)

# The URL and the hash are Eigen's own release; nothing of Eigen's build is run, only its headers are unpacked.
function(dyadic_fetch_eigen out_directory)
  message(STATUS "dyadic: Eigen is not installed, fetching 3.4.0 (sh cmake/setup.sh installs it)")
  include(FetchContent)
  FetchContent_Declare(dyadic_eigen
    URL https://gitlab.com/libeigen/eigen/-/archive/3.4.0/eigen-3.4.0.tar.gz
    URL_HASH SHA256=8586084f71f9bde545ee7fa6d00288b264a2b7ac3607b974e54d13e7162c1c72
    TIMEOUT 300
    INACTIVITY_TIMEOUT 30
    DOWNLOAD_EXTRACT_TIMESTAMP ON
    SOURCE_SUBDIR headers_only_so_no_CMakeLists_here)
  FetchContent_MakeAvailable(dyadic_eigen)
  set(${out_directory} ${dyadic_eigen_SOURCE_DIR} PARENT_SCOPE)
endfunction()

# The BUILD_INTERFACE wrapping keeps Eigen out of the export: an installed dyadic finds it again (dyadicConfig.cmake).
function(dyadic_provide_eigen target)
  dyadic_find_eigen(problem)
  if(problem STREQUAL "not installed")
    dyadic_fetch_eigen(directory)
    target_include_directories(${target} SYSTEM INTERFACE $<BUILD_INTERFACE:${directory}>)
  elseif(problem)
    message(FATAL_ERROR "dyadic: ${problem}; point Eigen3_DIR to a newer one or set DYADIC_WITH_EIGEN=OFF")
  else()
    target_link_libraries(${target} INTERFACE $<BUILD_INTERFACE:Eigen3::Eigen>)
  endif()
endfunction()
