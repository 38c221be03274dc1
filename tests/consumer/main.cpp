// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The program on plain memory, with the try_* functions only: it also builds without exceptions, RTTI and Eigen.
#include "program.hpp"

int main() { return program::run(); }
