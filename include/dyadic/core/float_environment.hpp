// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// default_float_environment: round to nearest even, no flushing of subnormals, for the length of a scope.
//
// A host program, or any library built with -ffast-math, may have changed the rounding mode or set flush-to-zero. Every
// dispatched operation sets the default on entry and restores what it found, so its bits do not depend on the host.
#pragma once

#include <dyadic/core/config.hpp>

namespace dyadic::inline DYADIC_ABI {

class default_float_environment {
 public:
  default_float_environment() noexcept : saved_(read()) {
    if (saved_ != standard) write(standard);
  }
  default_float_environment(const default_float_environment&) = delete;
  default_float_environment& operator=(const default_float_environment&) = delete;
  ~default_float_environment() {
    if (saved_ != standard) write(saved_);
  }

 private:
#if defined(__x86_64__)
  using word = std::uint32_t;
  static constexpr word status_flags = 0x3F;
  static constexpr word standard = 0x1F80;  // all exceptions masked, nearest even, FTZ and DAZ off
  static word read() noexcept {
    word w;
    __asm__ volatile("stmxcsr %0" : "=m"(w));
    return w & ~status_flags;
  }
  static void write(word w) noexcept { __asm__ volatile("ldmxcsr %0" : : "m"(w) : "memory"); }
#elif defined(__aarch64__)
  using word = std::uint64_t;
  static constexpr word standard = 0;
  static word read() noexcept {
    word w;
    __asm__ volatile("mrs %0, fpcr" : "=r"(w));
    return w;
  }
  static void write(word w) noexcept { __asm__ volatile("msr fpcr, %0" : : "r"(w) : "memory"); }
#else
  using word = int;
  static constexpr word standard = 0;
  static word read() noexcept { return standard; }
  static void write(word) noexcept {}
#endif

  word saved_;
};

}  // namespace dyadic::inline DYADIC_ABI
