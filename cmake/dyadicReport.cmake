# Finds an installed nlohmann_json >= 3.9; used by dyadic's own build and by its installed package.

# Sets <out_problem> to "", "is not installed" or a phrase with both versions.
macro(dyadic_find_json out_problem)
  set(${out_problem} "")
  if(NOT TARGET nlohmann_json::nlohmann_json)
    find_package(nlohmann_json CONFIG QUIET)
    if(NOT nlohmann_json_FOUND)
      set(${out_problem} "is not installed")
    elseif(nlohmann_json_VERSION VERSION_LESS 3.9)
      set(${out_problem} "is ${nlohmann_json_VERSION} in ${nlohmann_json_DIR}, expected 3.9 or newer")
    endif()
  endif()
endmacro()
