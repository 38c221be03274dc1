// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What every header needs: the ABI namespace, the index type, and whether exceptions exist.
//
// All names live in `dyadic::inline DYADIC_ABI`. The tag spells the version and everything a compiler flag can change
// in the code of an inline function: the baseline instruction set of the translation unit and the presence of
// exceptions. Two files compiled with different -march therefore never share an inline function, and a mixed link
// cannot run AVX code on a processor without it.
#pragma once

#include <cstddef>
#include <cstdint>

#include <dyadic/core/version.hpp>

#if defined(__FAST_MATH__)
#error \
    "dyadic promises the same bits everywhere, which -ffast-math breaks: compile the files that include it without it"
#endif

/// 1 when the throwing face of the library exists. Without exceptions only the try_* functions are declared.
#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
#define DYADIC_EXCEPTIONS 1
#define DYADIC_ABI_EXCEPTIONS
#else
#define DYADIC_EXCEPTIONS 0
#define DYADIC_ABI_EXCEPTIONS _noexc
#endif

#if defined(__AVX512F__)
#define DYADIC_ABI_VECTOR _avx512
#elif defined(__AVX2__)
#define DYADIC_ABI_VECTOR _avx2
#elif defined(__AVX__)
#define DYADIC_ABI_VECTOR _avx
#elif defined(__SSE4_1__)
#define DYADIC_ABI_VECTOR _sse4
#elif defined(__ARM_FEATURE_DOTPROD)
#define DYADIC_ABI_VECTOR _dotprod
#else
#define DYADIC_ABI_VECTOR _base
#endif

#if defined(__FMA__)
#define DYADIC_ABI_FMA _fma
#else
#define DYADIC_ABI_FMA
#endif

#if defined(__AVX512VNNI__) || defined(__AVXVNNI__) || defined(__ARM_FEATURE_MATMUL_INT8)
#define DYADIC_ABI_DOT _dot
#else
#define DYADIC_ABI_DOT
#endif

#if defined(__BMI2__)
#define DYADIC_ABI_BMI _bmi2
#else
#define DYADIC_ABI_BMI
#endif

#define DYADIC_ABI_PASTE_(major, minor, patch, vector, fma, dot, bmi, exceptions) \
  v##major##_##minor##_##patch##vector##fma##dot##bmi##exceptions
#define DYADIC_ABI_PASTE(...) DYADIC_ABI_PASTE_(__VA_ARGS__)
#define DYADIC_ABI                                                                                             \
  DYADIC_ABI_PASTE(DYADIC_VERSION_MAJOR, DYADIC_VERSION_MINOR, DYADIC_VERSION_PATCH, DYADIC_ABI_VECTOR,       \
                   DYADIC_ABI_FMA, DYADIC_ABI_DOT, DYADIC_ABI_BMI, DYADIC_ABI_EXCEPTIONS)

namespace dyadic::inline DYADIC_ABI {

/// Sizes, positions and strides, in elements. Signed, so that a difference of two is meaningful.
using index_t = std::ptrdiff_t;

}  // namespace dyadic::inline DYADIC_ABI
