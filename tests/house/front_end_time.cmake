# Prints what #include <dyadic/dyadic.hpp> costs the compiler's front end beyond an empty file: the least of five runs,
# which is the one that other work disturbed least. Nothing is asserted: the figure belongs to the machine.
file(STRINGS ${INCLUDES} directories)
list(TRANSFORM directories PREPEND "-I")

function(milliseconds out text)
  file(WRITE ${WORK}/front_end_time.cpp "${text}")
  set(least 1000000)
  foreach(run RANGE 1 5)
    string(TIMESTAMP start "%s%f" UTC)
    execute_process(COMMAND ${COMPILER} -std=c++20 -fsyntax-only ${directories} ${WORK}/front_end_time.cpp
      COMMAND_ERROR_IS_FATAL ANY)
    string(TIMESTAMP stop "%s%f" UTC)
    math(EXPR time "(${stop} - ${start}) / 1000")
    if(time LESS least)
      set(least ${time})
    endif()
  endforeach()
  set(${out} ${least} PARENT_SCOPE)
endfunction()

milliseconds(empty "")
milliseconds(umbrella "#include <dyadic/dyadic.hpp>\n")
math(EXPR cost "${umbrella} - ${empty}")
message("front end: an empty file ${empty} ms, #include <dyadic/dyadic.hpp> ${cost} ms more")
