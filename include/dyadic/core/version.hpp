// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The version of the library, read by CMake from these three lines.
#pragma once

#define DYADIC_VERSION_MAJOR 0
#define DYADIC_VERSION_MINOR 1
#define DYADIC_VERSION_PATCH 0
