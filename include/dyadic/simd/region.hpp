// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The only place with pragmas: code between DYADIC_REGION_BEGIN and DYADIC_REGION_END is compiled for one instruction
// set.
//
// Nothing may be included inside a region, no lambda written there (it would not inherit the target), and no macro of
// an instruction set tested. Float code there never adds a product except through an explicit fma, so that no compiler
// can contract it differently from the scalar definition; the pragma below is the belt to those braces. Its no-tree-pre
// keeps g++ 12 from spilling sums in the microkernels: its partial redundancy elimination copies them around the loops.
// no-schedule-insns does the same on aarch64, where g++ otherwise moves all loads of a step before its first product.
#pragma once

#define DYADIC_PRAGMA(text) _Pragma(#text)

#if defined(__clang__)
#define DYADIC_REGION_BEGIN(features) \
  DYADIC_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define DYADIC_REGION_END DYADIC_PRAGMA(clang attribute pop)
#define DYADIC_UNROLL DYADIC_PRAGMA(unroll)
#else
#define DYADIC_REGION_BEGIN(features) \
  DYADIC_PRAGMA(GCC push_options)   \
  DYADIC_PRAGMA(GCC target(features)) DYADIC_PRAGMA(GCC optimize("fp-contract=off,no-tree-pre,no-schedule-insns"))
#define DYADIC_REGION_END DYADIC_PRAGMA(GCC pop_options)
#define DYADIC_UNROLL DYADIC_PRAGMA(GCC unroll 64)
#endif

/// What the instruction sets of simd/ ask of the processor: the argument of DYADIC_REGION_BEGIN.
#define DYADIC_AVX2 "avx2,fma,f16c"
#define DYADIC_AVX_VNNI "avxvnni,avx2,fma,f16c"
#define DYADIC_AVX512_VNNI "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"
#define DYADIC_NEON_DOT "arch=armv8.2-a+dotprod"
#define DYADIC_NEON_I8MM "arch=armv8.2-a+i8mm"

/// For the vocabulary of an instruction set: one-instruction functions that must never become calls in optimised code.
#define DYADIC_INLINE inline __attribute__((always_inline))
/// For what must stay a function of its own: an epilogue inlined into a microkernel costs it registers.
#define DYADIC_NOINLINE inline __attribute__((noinline))
