# Everything about building dyadic itself: warnings, tests, benches, examples, and the targets `check`, `demo`, `audit`.

if(NOT DYADIC_WITH_EIGEN)
  message(FATAL_ERROR "dyadic: its tests, benches and examples compare with Eigen: with DYADIC_WITH_EIGEN=OFF also set "
    "DYADIC_BUILD_TESTS, DYADIC_BUILD_BENCH and DYADIC_BUILD_EXAMPLES to OFF")
endif()

# How the compiler is asked to look at our own code. Nothing of this reaches a user of dyadic::dyadic.
add_library(dyadic_development INTERFACE)
target_link_libraries(dyadic_development INTERFACE dyadic::dyadic)
if(TARGET dyadic::report)
  target_link_libraries(dyadic_development INTERFACE dyadic::report)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  target_compile_options(dyadic_development INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow $<$<BOOL:${DYADIC_WERROR}>:-Werror>)
endif()

# Eigen at its best on this machine, for training and as the rival of the benches; dyadic itself needs no such flag.
# g++ 12 reports its own AVX-512 intrinsics, inlined into Eigen, as uninitialised.
set(dyadic_native_options "")
if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang" AND NOT CMAKE_CROSSCOMPILING)
  set(dyadic_native_options -O3 -march=native)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    list(APPEND dyadic_native_options -Wno-maybe-uninitialized)
  endif()
endif()

# What `check` builds before it runs CTest: each test or example registers itself here.
set_property(GLOBAL PROPERTY dyadic_checked "")
function(dyadic_check_builds)
  set_property(GLOBAL APPEND PROPERTY dyadic_checked ${ARGV})
endfunction()

if(DYADIC_BUILD_TESTS)
  enable_testing()
  add_subdirectory(tests)
endif()
if(DYADIC_BUILD_EXAMPLES)
  add_subdirectory(examples)
endif()
if(DYADIC_BUILD_BENCH)
  add_subdirectory(bench)
endif()

if(PROJECT_IS_TOP_LEVEL AND DYADIC_BUILD_TESTS)
  include(ProcessorCount)
  ProcessorCount(dyadic_processors)
  if(dyadic_processors EQUAL 0)
    set(dyadic_processors 1)
  endif()
  get_property(dyadic_checked GLOBAL PROPERTY dyadic_checked)
  add_custom_target(check
    COMMAND ${CMAKE_CTEST_COMMAND} -C $<CONFIG> -j ${dyadic_processors} --progress --no-tests=error
            --output-on-failure --no-label-summary --output-junit ${PROJECT_BINARY_DIR}/check.xml
    WORKING_DIRECTORY ${PROJECT_BINARY_DIR}
    DEPENDS ${dyadic_checked}
    USES_TERMINAL
    COMMENT "Running the tests")
endif()
