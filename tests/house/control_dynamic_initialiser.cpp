// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Has the fault that house.no_dynamic_initialiser looks for: code that runs before main.
#include <cstdlib>

extern const int home_length;
const int home_length = std::getenv("HOME") != nullptr ? 1 : 0;
