# Finds an installed Eigen >= 3.4; used by dyadic's own build and by its installed package.

# Sets <out_problem> to "", "not installed" or a sentence with both versions. The version is compared here and not in
# find_package because Debian's Eigen 3.4.0 rejects version ranges and Eigen 5 rejects the request "3.4".
macro(dyadic_find_eigen out_problem)
  set(${out_problem} "")
  if(NOT TARGET Eigen3::Eigen)
    find_package(Eigen3 CONFIG QUIET)
    if(NOT Eigen3_FOUND)
      set(${out_problem} "not installed")
    elseif(Eigen3_VERSION VERSION_LESS 3.4)
      set(${out_problem} "found Eigen ${Eigen3_VERSION} in ${Eigen3_DIR}, expected 3.4 or newer")
    endif()
  endif()
endmacro()
