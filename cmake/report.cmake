# dyadic::report: dyadic with nlohmann_json, for <dyadic/interop/report.hpp>; only where nlohmann_json is installed.
include(${CMAKE_CURRENT_LIST_DIR}/dyadicReport.cmake)

function(dyadic_provide_report)
  dyadic_find_json(problem)
  if(problem)
    message(STATUS "dyadic: no component 'report': nlohmann_json ${problem}")
    return()
  endif()
  add_library(dyadic_report INTERFACE)
  add_library(dyadic::report ALIAS dyadic_report)
  target_link_libraries(dyadic_report INTERFACE dyadic::dyadic nlohmann_json::nlohmann_json)
endfunction()
